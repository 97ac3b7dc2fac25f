/**
 * Storage in MySQL 8 or MariaDB 10.6, or newer, on the host's own `mysql2` pool: any number of processes on one
 * database. Each call of the contract is one round trip and one transaction. Reads and writes go to the primary.
 */
import { requireKnown } from '../../options/known'
import { misuse } from '../../options/misuse'
import type { Client, ClientStorage, GrantStorage, OAuthStorage } from '../../storage'
import { endOfPrefix } from '../client-names'
import type { Migration } from '../schema-version'
import type { ConnectionLender } from '../sql/lender'
import { clientRecord, hasRepeatedId, nameAsWritten, toClient, toCredential, toGrant } from '../sql/rows'
import { markOf, sweeper, verifyingFirst } from '../sql/tables'
import {
  errno,
  errnoOf,
  type MysqlConnection,
  type MysqlPool,
  type MysqlQuery,
  type MysqlQueryable,
  type Run,
  requirePool,
  runner,
} from './connection'
import { type MysqlSchemaOptions, migrate, mysqlSchema, mysqlTables, proceduresOf, requireVersion } from './schema'
import { type ClientValues, type Filters, mysqlStatements } from './statements'
import { credentialsOf, grantsOf, numberOf, textOf } from './values'

export {
  type ConnectionLender,
  type Migration,
  type MysqlConnection,
  type MysqlPool,
  type MysqlQuery,
  type MysqlQueryable,
  type MysqlSchemaOptions,
  mysqlSchema,
}

/** Options of `mysqlStorage`. */
export interface MysqlStorageOptions extends MysqlSchemaOptions {}

/** Storage in MySQL or MariaDB, and the migration of its tables. */
export interface MysqlStorage extends OAuthStorage {
  /**
   * Creates missing tables and procedures, and upgrades tables of an older release. Call it at each start: otherwise it
   * does nothing, and may run in any number of processes at once. Throws if the server is too old, a table belongs to
   * another program, or a newer release has upgraded the tables.
   */
  migrate(): Promise<Migration>
}

/**
 * Storage on `pool`, which the host owns and closes. It is a pool of `mysql2` or of `mysql2/promise`, the `client` of
 * Knex or the `connectionManager` of Sequelize. Call `migrate()` before the first request. Throws if `pool` is not a
 * pool, or an option is wrong.
 *
 * @example
 * const storage = mysqlStorage(createPool(process.env.DATABASE_URL))
 * await storage.migrate()
 * const server = createAuthorizationServer({ issuer, scopes, storage })
 */
export function mysqlStorage(
  pool: MysqlPool | { promise(): MysqlPool } | ConnectionLender,
  options: MysqlStorageOptions = {},
): MysqlStorage {
  requireKnown('mysqlStorage option', options, ['prefix'])
  const promised = requirePool(pool)
  const tables = mysqlTables(options)
  const statements = mysqlStatements(tables, proceduresOf(options))
  const direct = runner(promised)
  const run = verifyingFirst(direct, () => requireVersion(direct, tables))
  return {
    clients: clientStorage(statements, run),
    grants: grantStorage(statements, run),
    migrate: () => migrate(promised, options, statements.check),
  }
}

type Statements = ReturnType<typeof mysqlStatements>

function clientStorage(statements: Statements, run: Run): ClientStorage {
  const idOf = (clientId: string) => textOf('client_id', clientId)
  const valuesOf = (client: Client): ClientValues => [
    idOf(client.clientId),
    numberOf(client.version),
    textOf('username', client.username),
    textOf('record', clientRecord(client)),
  ]
  return {
    async find(clientId) {
      const [row] = (await run(statements.findClient(textOf('wanted', clientId)))).rows
      return row && toClient(row)
    },
    async list({ username, after = '', limit }) {
      const filters = filtersOf({ username })
      const { rows } = await run(statements.listClients(filters, textOf('after', after), whole(limit)))
      return rows.map(toClient)
    },
    async listByName({ prefix, after, limit }) {
      const begin = nameAsWritten(prefix)
      const stretch = {
        begin: textOf('prefix', begin),
        end: textOf('prefix', endOfPrefix(begin)),
        name: textOf('name', after ? nameAsWritten(after.name) : begin),
        after: textOf('after', after?.clientId ?? ''),
      }
      return (await run(statements.listClientsByName(stretch, whole(limit)))).rows.map(toClient)
    },
    insert: (client) =>
      run(statements.insertClient(valuesOf(client))).then(
        () => true,
        (error) => {
          if (errnoOf(error) === errno.duplicateEntry) return false
          throw error
        },
      ),
    async update(client, expectedVersion) {
      return (await run(statements.updateClient(valuesOf(client), numberOf(expectedVersion)))).changed > 0
    },
    async delete(clientId) {
      return (await run(statements.deleteClient(textOf('wanted', clientId)))).changed > 0
    },
  }
}

function grantStorage(statements: Statements, run: Run): GrantStorage {
  const sweepOf = sweeper()
  const isDone = async (statement: string) => (await run(statement)).rows[0]?.done === '1'
  return {
    async insert(credentials, grant) {
      if (hasRepeatedId(credentials)) return false
      const given = [credentialsOf(credentials), grantsOf(grant)] as const
      const sweep = sweepOf(credentials)
      return isDone(statements.insert(...given, sweep === undefined ? 'NULL' : numberOf(sweep)))
    },
    async find(id) {
      const [row] = (await run(statements.find(textOf('wanted', id)))).rows
      return row && toCredential(row)
    },
    async transition(id, from, next, additions, grant) {
      if (next.id !== id)
        throw misuse(
          'broken_storage_contract',
          'transition must not change the id of its credential: the old row would stay',
        )
      const given = [credentialsOf([next, ...additions]), grantsOf(grant)] as const
      return isDone(statements.transition(textOf('id', id), textOf('state', from), ...given))
    },
    async list({ userId, clientId, after = '', limit }) {
      const filters = filtersOf({ user_id: userId, client_id: clientId })
      return (await run(statements.listGrants(filters, textOf('after', after), whole(limit)))).rows.map(toGrant)
    },
    async revoke(target, now) {
      if ('grantId' in target) await run(statements.revokeGrant(textOf('id', target.grantId), numberOf(now)))
      else {
        const [owner, ownerId] = markOf(target)
        await run(statements.mark(textOf('owner', owner), textOf(`${owner}_id`, ownerId), numberOf(now)))
      }
    },
    async deleteExpired(now, limit) {
      return Number((await run(statements.deleteExpired(numberOf(now), whole(limit)))).rows[0]?.removed)
    },
  }
}

/** A number of rows. */
function whole(limit: number): string {
  if (Number.isSafeInteger(limit) && limit >= 0) return String(limit)
  throw misuse('wrong_number', 'limit must be a whole number')
}

/** The filters of a query, by column. */
function filtersOf(query: Readonly<Record<string, string | undefined>>): Filters {
  return Object.entries(query).flatMap(([column, value]) =>
    value === undefined ? [] : [[column, textOf('wanted', value)] as const],
  )
}
