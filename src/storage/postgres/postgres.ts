/**
 * Storage in PostgreSQL 12 or newer, on the host's own `pg` pool: any number of processes on one database. Each call of
 * the contract is one statement: one round trip and one transaction. Reads and writes go to the primary.
 */

import { requireFlags, requireKnown } from '../../options/known'
import { misuse } from '../../options/misuse'
import type { ClientStorage, Credential, Grant, GrantStorage, OAuthStorage } from '../../storage'
import { endOfPrefix } from '../client-names'
import type { Migration } from '../schema-version'
import type { ConnectionLender } from '../sql/lender'
import {
  clientRecord,
  grantRow,
  hasRepeatedId,
  nameAsWritten,
  rowsById,
  toClient,
  toCredential,
  toGrant,
} from '../sql/rows'
import { markOf, sweeper, verifyingFirst } from '../sql/tables'
import {
  codeOf,
  type PostgresPool,
  type PostgresQuery,
  type Run,
  requirePool,
  runner,
  sqlState,
  surviveLostConnections,
} from './connection'
import { migrate, type PostgresSchemaOptions, postgresSchema, postgresTables, requireVersion } from './schema'
import { postgresStatements } from './statements'

export {
  type ConnectionLender,
  type Migration,
  type PostgresPool,
  type PostgresQuery,
  type PostgresSchemaOptions,
  postgresSchema,
}

/** Options of `postgresStorage`. */
export interface PostgresStorageOptions extends PostgresSchemaOptions {
  /**
   * Whether to prepare statements by name. Set false behind a pooler that shares connections, unless it keeps prepared
   * statements, as PgBouncer 1.21 does with `max_prepared_statements`. A statement that fails for this reason is
   * repeated without a name, as are all later ones, with a warning (`process.emitWarning`).
   * @default true
   */
  prepare?: boolean
}

/** Storage in PostgreSQL, and the migration of its tables. */
export interface PostgresStorage extends OAuthStorage {
  /**
   * Creates missing tables and indexes, and upgrades those of an older release. Call it at each start: otherwise it
   * does nothing, and may run in any number of processes at once. Throws if the server is too old, a table belongs to
   * another program, or a newer release has upgraded the tables.
   */
  migrate(): Promise<Migration>
}

/**
 * Storage on `pool`, which the host owns and closes. It is a `Pool` of `pg`, the `client` of Knex or the
 * `connectionManager` of Sequelize. Call `migrate()` before the first request. Throws if `pool` is not a pool, or an
 * option is wrong.
 *
 * @example
 * const storage = postgresStorage(new Pool({ connectionString: process.env.DATABASE_URL }))
 * await storage.migrate()
 * const server = createAuthorizationServer({ issuer, scopes, storage })
 */
export function postgresStorage(
  pool: PostgresPool | ConnectionLender,
  options: PostgresStorageOptions = {},
): PostgresStorage {
  requireKnown('postgresStorage option', options, ['prepare', 'schema', 'prefix'])
  requireFlags('postgresStorage', { prepare: options.prepare })
  const given = requirePool(pool)
  const tables = postgresTables(options)
  const statements = postgresStatements(tables)
  const direct = runner(given, options.prepare ?? true)
  const run = verifyingFirst(direct, () => requireVersion(direct, tables))
  surviveLostConnections(given)
  return {
    clients: clientStorage(statements, run),
    grants: grantStorage(statements, run),
    migrate: () => migrate(direct, given, options, statements),
  }
}

type Statements = ReturnType<typeof postgresStatements>

function clientStorage(statements: Statements, run: Run): ClientStorage {
  const isDone = async (text: string, values: readonly unknown[]) => (await run(text, values)).length > 0
  return {
    async find(clientId) {
      const [row] = await run(statements.findClient, [clientId])
      return row && toClient(row)
    },
    async list({ username, after = '', limit }) {
      const [filters, values] = filtersOf({ username })
      return (await run(statements.listClients(filters, whole(limit)), [after, ...values], once)).map(toClient)
    },
    async listByName({ prefix, after, limit }) {
      const begin = nameAsWritten(prefix)
      const from = after ? [nameAsWritten(after.name), after.clientId] : [begin, '']
      return (await run(statements.listClientsByName(whole(limit)), [...from, endOfPrefix(begin)], once)).map(toClient)
    },
    insert: (client) =>
      isDone(statements.insertClient, [client.clientId, client.version, client.username ?? null, clientRecord(client)]),
    update: (client, expectedVersion) =>
      isDone(statements.updateClient, [
        client.clientId,
        client.version,
        client.username ?? null,
        clientRecord(client),
        expectedVersion,
      ]),
    delete: (clientId) => isDone(statements.deleteClient, [clientId]),
  }
}

function grantStorage(statements: Statements, run: Run): GrantStorage {
  const sweepOf = sweeper()
  return {
    async insert(credentials, grant) {
      if (hasRepeatedId(credentials)) return false
      const sweep = sweepOf(credentials)
      const given = asJson(credentials, grant)
      const inserting =
        sweep === undefined ? run(statements.insert, given) : run(statements.insertAndSweep, [...given, sweep])
      return inserting.then(
        (rows) => rows.length > 0,
        (error) => {
          if (codeOf(error) === sqlState.uniqueViolation) return false
          throw error
        },
      )
    },
    async find(id) {
      const [row] = await run(statements.find, [id])
      return row && toCredential(row)
    },
    async transition(id, from, next, additions, grant) {
      if (next.id !== id)
        throw misuse(
          'broken_storage_contract',
          'transition must not change the id of its credential: the old row would stay',
        )
      const rows = await run(statements.transition, [id, from, ...asJson([next, ...additions], grant)])
      return rows.length > 0
    },
    async list({ userId, clientId, after = '', limit }) {
      const [filters, values] = filtersOf({ user_id: userId, client_id: clientId })
      return (await run(statements.listGrants(filters, whole(limit)), [after, ...values], once)).map(toGrant)
    },
    async revoke(target, now) {
      if ('grantId' in target) await run(statements.revokeGrant, [target.grantId, now])
      else {
        const [owner, ownerId] = markOf(target)
        await run(statements.mark, [owner, now, ownerId])
      }
    },
    async deleteExpired(now, limit) {
      const [row] = await run(statements.deleteExpired(whole(limit)), [now], once)
      return Number(row?.removed)
    },
  }
}

function asJson(credentials: readonly Credential[], grant: Grant | undefined): [string, string] {
  return [JSON.stringify(rowsById(credentials)), JSON.stringify(grant ? [grantRow(grant)] : [])]
}

/** A number for the text of a statement, which the connection then does not keep. */
function whole(limit: number): number {
  if (Number.isSafeInteger(limit) && limit >= 0) return limit
  throw misuse('wrong_number', 'limit must be a whole number')
}
const once = { once: true } as const

/** The columns of the filters, and their values. */
function filtersOf(query: Readonly<Record<string, string | undefined>>): [columns: string[], values: string[]] {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return [given.map(([column]) => column), given.map(([, value]) => value)]
}
