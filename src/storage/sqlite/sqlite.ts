/**
 * Storage in SQLite, on the host's own Database of better-sqlite3 or DatabaseSync of `node:sqlite`: one file, any
 * number of processes on one machine. It returns plain values, so that the guard continues in the same turn. It returns
 * a promise while another connection has the lock, and for lists and clean-ups of many rows.
 */

import { whenReady } from '../../awaitable'
import { requireKnown } from '../../options/known'
import { misuse } from '../../options/misuse'
import type { Client, ClientStorage, Credential, Grant, GrantStorage, OAuthStorage } from '../../storage'
import { comparedName, endOfPrefix } from '../client-names'
import type { Migration } from '../schema-version'
import { inSlices, SLICE } from '../slices'
import { clientRecord, credentialRow, grantRow, hasRepeatedId, toClient, toCredential, toGrant } from '../sql/rows'
import { markOf, sweeper } from '../sql/tables'
import { sqliteCleanup } from './cleanup'
import {
  type Access,
  accessTo,
  prepareConnection,
  requireDatabase,
  type SqliteDatabase,
  type SqliteStatement,
} from './connection'
import { migrate, type SqliteSchemaOptions, sqliteSchema, sqliteTables } from './schema'
import { type SqliteStatements, sqliteStatements } from './statements'

export { type Migration, type SqliteDatabase, type SqliteSchemaOptions, type SqliteStatement, sqliteSchema }

/** The fewest rows that a list reads at once: revoked ones are among them. */
const LEAST_LOOKED_AT = 100

/** Options of `sqliteStorage`. */
export interface SqliteStorageOptions extends SqliteSchemaOptions {
  /**
   * `PRAGMA synchronous` of this connection. With 'normal' writes are faster, but a power cut may undo the latest ones,
   * including a revocation.
   * @default 'full'
   */
  synchronous?: 'full' | 'normal'
}

/** Storage in SQLite, and the migration of its tables. */
export interface SqliteStorage extends OAuthStorage {
  /**
   * Creates missing tables and indexes, upgrades those of an older release, and turns on the write-ahead log. Call it
   * at each start: otherwise it does nothing, and may run in any number of processes at once. Throws if a table belongs
   * to another program, or a newer release has upgraded the tables.
   */
  migrate(): Migration
}

/**
 * Storage in `database`, which the host owns and closes: a `Database` of better-sqlite3, or a `DatabaseSync` of
 * `node:sqlite` (Node 22.13 or newer). Call `migrate()` before the first request. Use a separate Database object without
 * transactions of the host; the file may be shared. If another process has the lock, calls wait in the event loop, for
 * the time of the Database's `busy_timeout` or 5 seconds. The adapter itself sets `busy_timeout` to 1. Throws if
 * `database` is of another type, closed or read-only, or an option is wrong.
 *
 * @example
 * const storage = sqliteStorage(new Database('oauth.db'))
 * storage.migrate()
 * const server = createAuthorizationServer({ issuer, scopes, storage })
 */
export function sqliteStorage(database: SqliteDatabase, options: SqliteStorageOptions = {}): SqliteStorage {
  requireKnown('sqliteStorage option', options, ['synchronous', 'prefix'])
  const { synchronous = 'full' } = options
  if (synchronous !== 'full' && synchronous !== 'normal') {
    throw misuse('wrong_choice', "sqliteStorage({ synchronous }) must be 'full' or 'normal'")
  }
  requireDatabase(database)
  prepareConnection(database, synchronous)
  const statements = sqliteStatements(database, sqliteTables(options))
  const access = accessTo(database)
  return {
    clients: clientStorage(statements, access),
    grants: grantStorage(statements, access),
    migrate: () =>
      access.atStart((write) => {
        const migration = migrate(database, write, options)
        statements.prepareAll()
        return migration
      }),
  }
}

function clientStorage(statements: SqliteStatements, { read, write }: Access): ClientStorage {
  const columnsOf = (client: Client) => ({
    clientId: client.clientId,
    version: client.version,
    username: client.username ?? null,
    record: clientRecord(client),
  })
  return {
    find: (clientId) =>
      read(() => {
        const row = statements.findClient.get({ clientId })
        return row && toClient(row)
      }),
    list: ({ username, after = '', limit }) =>
      read(() => statements.listClients({ username }, after, limit).map(toClient)),
    listByName: ({ prefix, after, limit }) =>
      read(() => {
        const begin = comparedName(prefix)
        const from = { name: after ? comparedName(after.name) : begin, after: after?.clientId ?? '' }
        const same = statements.listClientsOfName.all({ ...from, limit })
        const left = limit - same.length
        if (left === 0) return same.map(toClient)
        const others = { name: from.name, end: endOfPrefix(begin), limit: left }
        return [...same, ...statements.listClientsByName.all(others)].map(toClient)
      }),
    insert: (client) => write(() => statements.insertClient.run(columnsOf(client)) > 0),
    update: (client, expectedVersion) =>
      write(() => statements.updateClient.run({ ...columnsOf(client), expectedVersion }) > 0),
    delete: (clientId) => write(() => statements.deleteClient.run({ clientId }) > 0),
  }
}

function grantStorage(statements: SqliteStatements, access: Access): GrantStorage {
  const { read, write } = access
  const sweepOf = sweeper()
  const cleanup = sqliteCleanup(statements, access)

  function store(credentials: readonly Credential[], grant: Grant | undefined): true {
    for (const credential of credentials) statements.putCredential.run(credentialRow(credential))
    if (grant) statements.putGrant.run(grantRow(grant))
    return true
  }
  function mayStand(grant: Grant): boolean {
    const { id, client_id, user_id, started_at, revoked_at } = grantRow(grant)
    return revoked_at === null && statements.mayStand.get({ id, client_id, user_id, started_at }) !== undefined
  }

  return {
    insert(credentials, grant) {
      if (hasRepeatedId(credentials)) return false
      return write(() => {
        const ids = JSON.stringify(credentials.map(({ id }) => id))
        if (statements.findTaken.get({ ids, grantId: grant?.id ?? null })) return false
        const sweep = sweepOf(credentials)
        if (sweep !== undefined) {
          cleanup.sweep(sweep)
        }
        return store(credentials, grant)
      })
    },
    find: (id) =>
      read(() => {
        const row = statements.find.get({ id })
        return row && toCredential(row)
      }),
    transition(id, from, next, additions, grant) {
      if (next.id !== id)
        throw misuse(
          'broken_storage_contract',
          'transition must not change the id of its credential: the old row would stay',
        )
      return write(() => {
        const isAllowed = statements.findInState.get({ id, from }) !== undefined && (!grant || mayStand(grant))
        return isAllowed && store([next, ...additions], grant)
      })
    },
    list({ after = '', limit, ...owner }) {
      const found: Grant[] = []
      const size = Math.min(Math.max(limit, LEAST_LOOKED_AT), SLICE)
      let last = after
      const step = () =>
        whenReady(
          read(() => statements.listGrants(owner, { after: last, limit: size })),
          (rows) => {
            for (const row of rows) if (Number(row.stands) === 1 && found.length < limit) found.push(toGrant(row))
            last = String(rows.at(-1)?.id)
            return rows.length < size || found.length >= limit
          },
        )
      return whenReady(inSlices(step), () => found)
    },
    revoke: (target, now) =>
      write(() => {
        if ('grantId' in target) return void statements.revokeGrant.run({ grantId: target.grantId, now })
        const [owner, ownerId] = markOf(target)
        statements.mark.run({ owner, ownerId, now })
      }),
    deleteExpired: cleanup.deleteExpired,
  }
}
