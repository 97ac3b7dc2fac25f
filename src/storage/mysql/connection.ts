/** The MySQL adapter's access to its pool: hexadecimal values, conflicts, and clear errors. */
import { messageOf } from '../../errors'
import { misuse } from '../../options/misuse'
import { type Lender, lenderOf, onLoan } from '../sql/lender'
import type { Row } from '../sql/rows'

/** The part of a `Pool` of mysql2/promise that the adapter uses. */
export interface MysqlPool extends MysqlQueryable {
  /** Takes a connection. */
  getConnection(): Promise<MysqlConnection>
}

/** The part of a `PoolConnection` of mysql2/promise that the adapter uses. */
export interface MysqlConnection extends MysqlQueryable {
  /** Returns the connection to the pool. */
  release(): void
}

/** Runs one statement. */
export interface MysqlQueryable {
  /** Returns the result and its columns. */
  query(statement: MysqlQuery): Promise<[unknown, unknown]>
}

/** One statement, as mysql2 accepts it. */
export interface MysqlQuery {
  /** SQL without placeholders. */
  sql: string
  /** Reads a value as bytes. */
  typeCast: (field: { buffer(): Buffer | null }) => unknown
  /** Rows are objects. */
  rowsAsArray: false
  /** Their members are columns. */
  nestTables: false
}

/** Runs one statement. Returns its rows with all values as text, and the number of changed rows. */
export type Run = (sql: string) => Promise<{ rows: readonly Row[]; changed: number }>

/** The error numbers of MySQL and MariaDB. */
export const errno = {
  noDatabase: 1046,
  unknownColumn: 1054,
  duplicateEntry: 1062,
  syntaxError: 1064,
  noSuchTable: 1146,
  noSuchIndex: 1176,
  lockDeadlock: 1213,
  procedureExists: 1304,
  noSuchProcedure: 1305,
  mayNotExecute: 1370,
  recordChanged: 1020,
} as const

/** Returns a pool with promises for `pool`. Throws a TypeError that says what it is instead. */
export function requirePool(pool: unknown): MysqlPool {
  const given = pool as Partial<Record<keyof MysqlPool | 'promise' | 'createPool', unknown>> | null | undefined
  if (typeof given?.query === 'function' && typeof given.getConnection === 'function') {
    // mysql2's own pool uses callbacks
    return typeof given.promise === 'function' ? (given.promise() as MysqlPool) : (pool as MysqlPool)
  }
  const lender = lenderOf(pool)
  if (lender) return lentPool(lender)
  const mistake =
    typeof given?.createPool === 'function'
      ? 'this is the module mysql2 itself'
      : typeof given?.query === 'function'
        ? 'a Connection is one connection, which does not reconnect'
        : `this is ${given === null ? 'null' : typeof given}`
  throw misuse(
    'wrong_storage',
    `mysqlStorage needs a Pool of mysql2, as in createPool(process.env.DATABASE_URL): ${mistake}`,
  )
}

/** Runs each statement on a connection of the lender, which uses callbacks. */
function lentPool(lender: Lender): MysqlPool {
  const promisesOf = (connection: unknown): MysqlQueryable => {
    const { promise } = connection as { promise?: () => MysqlQueryable }
    if (typeof promise === 'function') return promise.call(connection)
    throw misuse('wrong_storage', 'mysqlStorage needs connections of mysql2, and this pool has those of another driver')
  }
  return {
    query: (statement) => onLoan(lender, async (connection) => promisesOf(connection).query(statement)),
    async getConnection() {
      const connection = await lender.take()
      return {
        query: async (statement) => promisesOf(connection).query(statement),
        release: () => void lender.giveBack(connection),
      }
    },
  }
}

/**
 * Options of the host's pool change the form of values, and its charset changes text. Bytes are the same in every case.
 */
const how = {
  typeCast: (field: { buffer(): Buffer | null }) => field.buffer(),
  rowsAsArray: false,
  nestTables: false,
} as const

/** The most tries of a statement that loses against others with the same rows. More is a defect. */
const MAX_TRIES = 100

/** A statement that lost changed nothing: each is one transaction. */
export function runner(on: MysqlQueryable): Run {
  return async (sql) => {
    for (let tries = 1; ; tries++) {
      try {
        const answer = await on.query({ sql, ...how })
        if (!Array.isArray(answer))
          throw misuse('wrong_storage', 'mysqlStorage: this pool returned no rows. Give it a Pool of mysql2')
        return resultOf(answer[0])
      } catch (error) {
        const lost = [errno.lockDeadlock, errno.recordChanged] as unknown[]
        if (!lost.includes(errnoOf(error)) || tries === MAX_TRIES) throw explained(error)
      }
    }
  }
}

/** A procedure returns a list with the results of its statements: rows first. */
function resultOf(result: unknown): { rows: readonly Row[]; changed: number } {
  if (!Array.isArray(result)) return { rows: [], changed: Number((result as { affectedRows: number }).affectedRows) }
  const rows = (Array.isArray(result[0]) ? result[0] : result) as Readonly<Record<string, Buffer | null>>[]
  return { rows: rows.map(asText), changed: 0 }
}

function asText(row: Readonly<Record<string, Buffer | null>>): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value === null ? null : String(value)]))
}

export function errnoOf(error: unknown): unknown {
  return (error as { errno?: unknown } | null | undefined)?.errno
}

const migrate = 'Call `await storage.migrate()` at start-up, or run the SQL of mysqlSchema()'
const explanations: Readonly<Record<number, string>> = {
  [errno.noSuchTable]: `the tables are missing. ${migrate}`,
  [errno.noSuchIndex]: `the table of clients is of an older release, and has no names. ${migrate}`,
  [errno.noSuchProcedure]: `a procedure is missing. ${migrate}`,
  [errno.noDatabase]: 'the pool has no database. Name it in its options, or in its URL after the last slash',
  [errno.unknownColumn]: 'a table of this name has other columns. Choose another prefix',
  [errno.syntaxError]: 'the server does not know this SQL. It must be MySQL 8 or MariaDB 10.6, or newer',
  [errno.mayNotExecute]: 'the user of the pool may not call a procedure. GRANT EXECUTE on the database to it',
}

/** The server's error, or one with the fix if known. */
export function explained(error: unknown): unknown {
  const explanation = explanations[Number(errnoOf(error))]
  return explanation === undefined
    ? error
    : new Error(`mysqlStorage: ${explanation} (${messageOf(error)})`, { cause: error })
}
