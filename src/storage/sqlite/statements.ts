/** The statements of the SQLite adapter, each prepared once. Those that decide and write run in one transaction. */

import { BRIEF_KIND, REVOCATION_MEMORY } from '../retention'
import { credentialColumns, grantColumns } from '../sql/rows'
import { isCovered, markedUntil, selectAlive, type Tables } from '../sql/tables'
import { type SqliteDatabase, type Statement, statement } from './connection'
import { nameInRecord, requireVersion } from './schema'

export type SqliteStatements = ReturnType<typeof sqliteStatements>

/** Adds a row, or replaces the one with this id, except for `kept` columns. */
function put(table: string, columns: readonly string[], kept: readonly string[]): string {
  const replaced = columns.filter((name) => !kept.includes(name)).map((name) => `${name} = excluded.${name}`)
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})
ON CONFLICT (id) DO UPDATE SET ${replaced.join(', ')}`
}

/** One statement for each set of filter columns. The values have the columns' names. */
function list(prepare: (sql: string) => Statement, select: string, id: string) {
  const prepared = new Map<string, Statement>()
  return (filters: Readonly<Record<string, string | undefined>>, after: string, limit: number) => {
    const given = Object.entries(filters).filter(([, value]) => value !== undefined)
    const conditions = given.map(([column]) => ` AND ${column} = @${column}`).join('')
    const sql = `${select} AND ${id} > @after${conditions} ORDER BY ${id} LIMIT @limit`
    const statement = prepared.get(sql) ?? prepare(sql)
    prepared.set(sql, statement)
    return statement.all({ ...Object.fromEntries(given), after, limit })
  }
}

/**
 * Grants, each with a flag whether the list contains it. Others count towards the limit, too, so that a statement reads
 * no more rows, however many are revoked.
 */
function listOfGrants(prepare: (sql: string) => Statement, tables: Tables) {
  const select = (condition: string, stands = '') =>
    prepare(`SELECT id, client_id, user_id, scope, started_at, expires_at, data,
  revoked_at IS NULL AND NOT ${isCovered(tables, 'present')}${stands} AS stands
FROM ${tables.grants} AS present WHERE ${condition} AND id > @after ORDER BY id LIMIT @limit`)
  const ofAll = select('true')
  const ofUser = select('revoked_at IS NULL AND user_id = @userId')
  const ofClient = select('revoked_at IS NULL AND client_id = @clientId')
  const ofBoth = select('revoked_at IS NULL AND user_id = @userId', ' AND client_id = @clientId')
  return ({ userId, clientId }: { userId?: string; clientId?: string }, page: { after: string; limit: number }) => {
    if (userId === undefined) return clientId === undefined ? ofAll.all(page) : ofClient.all({ ...page, clientId })
    return clientId === undefined ? ofUser.all({ ...page, userId }) : ofBoth.all({ ...page, userId, clientId })
  }
}

export function sqliteStatements(database: SqliteDatabase, tables: Tables) {
  const { clients, grants, credentials, marks } = tables
  const all: Statement[] = []
  let isVerified = false
  const verifyVersion = () => {
    if (!isVerified) isVerified = requireVersion(database, tables)
  }
  const prepare = (sql: string): Statement => {
    const prepared = statement(database, sql, verifyVersion)
    all.push(prepared)
    return prepared
  }
  const alive = selectAlive(tables, credentialColumns, '@id')
  const ofGrant = `id >= due.id || '~' AND id < due.id || char(127) AND grant_id = due.id`
  const lastOf = (column: string, table: string) => `coalesce((SELECT max(${column}) FROM ${table}), 0)`

  return {
    prepareAll() {
      for (const statement of all) statement.prepare()
    },

    findClient: prepare(`SELECT record FROM ${clients} WHERE client_id = @clientId`),
    listClients: list(prepare, `SELECT record FROM ${clients} WHERE true`, 'client_id'),
    // the rest of the clients with one name, and then those with later names: each is a range of the index
    listClientsOfName: prepare(`SELECT record FROM ${clients} WHERE ${nameInRecord} = @name AND client_id > @after
ORDER BY client_id LIMIT @limit`),
    listClientsByName: prepare(`SELECT record FROM ${clients} WHERE ${nameInRecord} > @name AND ${nameInRecord} < @end
ORDER BY ${nameInRecord}, client_id LIMIT @limit`),
    insertClient:
      prepare(`INSERT INTO ${clients} (client_id, version, username, record) VALUES (@clientId, @version, @username, @record)
ON CONFLICT DO NOTHING`),
    updateClient: prepare(`UPDATE ${clients} SET version = @version, username = @username, record = @record
WHERE client_id = @clientId AND version = @expectedVersion`),
    deleteClient: prepare(`DELETE FROM ${clients} WHERE client_id = @clientId`),

    find: prepare(alive),
    findInState: prepare(`${alive} AND credential.state = @from`),
    findTaken: prepare(`SELECT 1 FROM ${credentials} WHERE id IN (SELECT value FROM json_each(@ids))
UNION ALL SELECT 1 FROM ${grants} WHERE id = @grantId`),
    mayStand:
      prepare(`SELECT 1 FROM (SELECT @id AS id, @client_id AS client_id, @user_id AS user_id, @started_at AS started_at) AS given
WHERE NOT ${isCovered(tables, 'given')} AND NOT EXISTS (
  SELECT 1 FROM ${grants} AS present
  WHERE present.id = given.id AND (present.revoked_at IS NOT NULL OR ${isCovered(tables, 'present')})
)`),
    putCredential: prepare(put(credentials, credentialColumns, ['id'])),
    putGrant: prepare(put(grants, grantColumns, ['id', 'revoked_at', 'delete_at'])),
    listGrants: listOfGrants(prepare, tables),
    revokeGrant:
      prepare(`INSERT INTO ${grants} (id, revoked_at, delete_at) VALUES (@grantId, @now, @now + ${REVOCATION_MEMORY})
ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at WHERE revoked_at IS NULL`),
    mark: prepare(`INSERT INTO ${marks} (owner, owner_id, revoked_at, delete_at, settled)
VALUES (@owner, @ownerId, ${markedUntil(tables, 'max', { owner: '@owner', ownerId: '@ownerId', now: '@now' })}, @now + ${REVOCATION_MEMORY}, 0)
ON CONFLICT (owner, owner_id) DO UPDATE SET revoked_at = max(revoked_at, excluded.revoked_at),
  delete_at = max(delete_at, excluded.delete_at), settled = 0`),

    deleteCredentials: prepare(`DELETE FROM ${credentials} WHERE id IN (
  SELECT id FROM ${credentials} WHERE expires_at <= @now ORDER BY expires_at LIMIT @limit
)`),
    deleteBrief: prepare(`DELETE FROM ${credentials} WHERE id IN (
  SELECT id FROM ${credentials} WHERE kind = '${BRIEF_KIND}' AND expires_at <= @now ORDER BY expires_at LIMIT @limit
)`),
    // the ids of a grant's credentials begin with the grant's id and `~`: a range of the primary key
    dueGrants: prepare(`SELECT id, max(coalesce(expires_at, 0), coalesce(
  (SELECT max(expires_at) FROM ${credentials} WHERE ${ofGrant}), 0)
) AS last FROM ${grants} AS due WHERE delete_at <= @now ORDER BY delete_at LIMIT @limit`),
    putOffGrant: prepare(`UPDATE ${grants} SET delete_at = @last WHERE id = @id`),
    deleteGrant: prepare(`DELETE FROM ${grants} WHERE id = @id`),
    dueMarks:
      prepare(`SELECT owner, owner_id, settled, max(${lastOf('expires_at', credentials)}, ${lastOf('delete_at', grants)}) AS last
FROM ${marks} WHERE delete_at <= @now ORDER BY delete_at LIMIT @limit`),
    settleMark: prepare(
      `UPDATE ${marks} SET delete_at = @last, settled = 1 WHERE owner = @owner AND owner_id = @owner_id`,
    ),
    deleteMark: prepare(`DELETE FROM ${marks} WHERE owner = @owner AND owner_id = @owner_id`),
  }
}
