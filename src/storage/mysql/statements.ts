/** The statements of the MySQL adapter, one for each call of the contract. Writes to several tables are procedures. */
import { REVOCATION_MEMORY } from '../retention'
import { credentialColumns, grantColumns } from '../sql/rows'
import { isCovered, selectAlive, type Tables } from '../sql/tables'
import type { Procedures } from './procedures'

/** Their parameters are already SQL (`values.ts`). */
export function mysqlStatements(tables: Tables, procedures: Procedures) {
  const { clients, grants, credentials, marks } = tables
  const call = ({ name }: { name: string }, ...values: string[]) => `CALL ${name}(${values.join(', ')})`
  return {
    findClient: (clientId: string) => `SELECT record FROM ${clients} WHERE client_id = ${clientId}`,
    listClients: (filters: Filters, after: string, limit: string) =>
      `SELECT record FROM ${clients} WHERE ${page('client_id', filters, after, limit)}`,
    /** Two ranges of the index: the rest of the clients with this name, and the names after it. */
    listClientsByName: ({ begin, end, name, after }: NameStretch, limit: string) =>
      `SELECT record FROM ${clients} FORCE INDEX (by_name)
WHERE name >= ${begin} AND ((name = ${name} AND client_id > ${after}) OR (name > ${name} AND name < ${end}))
ORDER BY name, client_id LIMIT ${limit}`,
    insertClient: (values: ClientValues) =>
      `INSERT INTO ${clients} (client_id, version, username, record) VALUES (${values.join(', ')})`,
    updateClient: ([clientId, version, username, record]: ClientValues, expectedVersion: string) =>
      `UPDATE ${clients} SET version = ${version}, username = ${username}, record = ${record}
WHERE client_id = ${clientId} AND version = ${expectedVersion}`,
    deleteClient: (clientId: string) => `DELETE FROM ${clients} WHERE client_id = ${clientId}`,

    find: (id: string) => selectAlive(tables, credentialColumns, id),
    listGrants: (filters: Filters, after: string, limit: string) =>
      `SELECT id, client_id, user_id, scope, started_at, expires_at, data FROM ${grants} AS present
WHERE revoked_at IS NULL AND NOT ${isCovered(tables, 'present')} AND ${page('id', filters, after, limit)}`,
    insert: (credentialRows: string, grantRows: string, sweep: string) =>
      call(procedures.insert, credentialRows, grantRows, sweep),
    transition: (id: string, from: string, credentialRows: string, grantRows: string) =>
      call(procedures.transition, id, from, credentialRows, grantRows),
    revokeGrant: (id: string, now: string) =>
      `INSERT INTO ${grants} (id, revoked_at, delete_at) VALUES (${id}, ${now}, ${now} + ${REVOCATION_MEMORY})
ON DUPLICATE KEY UPDATE revoked_at = coalesce(revoked_at, VALUES(revoked_at))`,
    mark: (owner: string, ownerId: string, now: string) => call(procedures.mark, owner, ownerId, now),
    deleteExpired: (now: string, limit: string) => call(procedures.deleteExpired, now, limit),

    /** Fails if a table is missing or has other columns: it may belong to another program. */
    check: `SELECT 1 FROM ${clients} AS client, ${grants} AS present, ${credentials} AS credential, ${marks} AS mark
WHERE false AND coalesce(client.client_id, client.version, username, record, name, ${columnsOf('present', grantColumns)},
  ${columnsOf('credential', credentialColumns)}, owner, owner_id, mark.revoked_at, mark.delete_at, settled) IS NULL`,
  }
}

/** The id, version, username and record of a client. */
export type ClientValues = readonly [clientId: string, version: string, username: string, record: string]

/** The names from `begin` to before `end`, after the client `after` with the name `name`. */
export type NameStretch = Readonly<Record<'begin' | 'end' | 'name' | 'after', string>>

/** Columns and their required values. */
export type Filters = readonly (readonly [column: string, value: string])[]

const columnsOf = (alias: string, columns: readonly string[]) => columns.map((name) => `${alias}.${name}`).join(', ')

function page(id: string, filters: Filters, after: string, limit: string): string {
  const conditions = filters.map(([column, value]) => ` AND ${column} = ${value}`).join('')
  return `${id} > ${after}${conditions} ORDER BY ${id} LIMIT ${limit}`
}
