/** The PostgreSQL adapter's access to its pool: prepared statements, conflicts, lost connections, and clear errors. */

import { sha256 } from '../../crypto'
import { messageOf } from '../../errors'
import { misuse } from '../../options/misuse'
import { type Lender, lenderOf, onLoan } from '../sql/lender'
import type { Row } from '../sql/rows'

/** The part of a `Pool` of pg that the adapter uses. */
export interface PostgresPool {
  /** Runs one statement on any connection. */
  query(statement: PostgresQuery): Promise<{ rows: unknown[] }>
}

/** One statement, as pg accepts it. */
export interface PostgresQuery {
  /** SQL with `$1`, `$2`, … */
  text: string
  /** The name of the prepared statement. */
  name?: string
  /** The values of `$1`, `$2`, … */
  values?: unknown[]
}

/** Runs one statement and returns its rows with all values as text. `once`: does not prepare it. */
export type Run = (text: string, values: readonly unknown[], how?: { once: true }) => Promise<readonly Row[]>

/** The SQLSTATE codes of PostgreSQL. */
export const sqlState = {
  uniqueViolation: '23505',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  undefinedTable: '42P01',
  undefinedColumn: '42703',
  syntaxError: '42601',
  unknownStatement: '26000',
  repeatedStatement: '42P05',
} as const

export const OLDEST_VERSION = 12

/** Returns a pool for `given`. Throws a TypeError that says what it is instead. */
export function requirePool(given: unknown): PostgresPool {
  // first, because Knex's client has a different `query`
  const lender = lenderOf(given)
  if (lender) return lentPool(lender)
  const named = given as Partial<Record<'query' | 'Pool', unknown>> | null | undefined
  if (typeof named?.query === 'function' && !isConnection(given)) return given as PostgresPool
  const mistake = isConnection(given)
    ? 'a Client is one connection, which does not reconnect'
    : typeof named?.Pool === 'function'
      ? 'this is the module pg itself'
      : `this is ${given === null ? 'null' : typeof given}`
  throw misuse('wrong_storage', `postgresStorage needs a Pool of pg, as in new Pool({ connectionString }): ${mistake}`)
}

/** Whether it is a Client of pg. */
function isConnection(given: unknown): given is PostgresPool {
  return typeof given === 'object' && given !== null && 'processID' in given
}

/** Runs each statement on a connection of the lender. */
function lentPool(lender: Lender): PostgresPool {
  return {
    query: (statement) =>
      onLoan(lender, async (connection) => {
        if (isConnection(connection)) return connection.query(statement)
        throw misuse(
          'wrong_storage',
          'postgresStorage needs connections of pg, and this pool has those of another driver',
        )
      }),
  }
}

const listening = new WeakSet<object>()

/**
 * A pool emits `error` when an idle connection is lost, for example when the database restarts. Without a listener that
 * ends the process. The pool itself has already dropped the connection and creates another.
 */
export function surviveLostConnections(pool: PostgresPool): void {
  const { on } = pool as { on?: unknown }
  if (typeof on !== 'function' || listening.has(pool)) return
  listening.add(pool)
  on.call(pool, 'error', () => {})
}

/** The host's parsers are global: without them every value is the text that PostgreSQL sent. */
const types = { getTypeParser: () => (value: string) => value }

/** The most tries of a statement that loses against others with the same rows. More is a defect. */
const MAX_TRIES = 100

/**
 * A pooler that shares connections may send a prepared statement to a connection that does not know it, or prepare it
 * twice. Then nothing ran: it is repeated without a name, and all later statements have none. This depends on chance
 * and cannot be detected at start-up.
 */
export function runner(pool: PostgresPool, prepare: boolean): Run {
  let isPrepared = prepare
  /** The same text has the same name on every connection, and different texts have different names. */
  const names = new Map<string, string>()
  const nameOf = (text: string) => {
    const name = names.get(text) ?? `oauth_${sha256(text)}`
    names.set(text, name)
    return name
  }

  return async (text, values, how) => {
    for (let tries = 1; ; tries++) {
      const isNamed = isPrepared && !how?.once
      try {
        const query = { ...(isNamed && { name: nameOf(text) }), text, values: [...values], types }
        const { rows } = await pool.query(query)
        if (!Array.isArray(rows))
          throw misuse('wrong_storage', 'postgresStorage: this pool returned no rows. Give it a Pool of pg')
        return rows as Row[]
      } catch (error) {
        const isUnprepared = isNamed && saysUnprepared(error)
        if ((!isUnprepared && !isConflict(error)) || tries === MAX_TRIES) throw explained(error)
        if (isUnprepared && isPrepared) warnOfPooler()
        if (isUnprepared) isPrepared = false
      }
    }
  }
}

export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null | undefined)?.code
}

/** If the host's default is REPEATABLE READ or SERIALIZABLE, concurrent statements are refused instead of waiting. */
function isConflict(error: unknown): boolean {
  const code = codeOf(error)
  return code === sqlState.serializationFailure || code === sqlState.deadlockDetected
}

function saysUnprepared(error: unknown): boolean {
  const code = codeOf(error)
  return code === sqlState.unknownStatement || code === sqlState.repeatedStatement
}

const shared =
  'a pooler shares connections, and with them prepared statements. Set postgresStorage(pool, { prepare: false })'

function warnOfPooler(): void {
  const newer = 'or max_prepared_statements of a PgBouncer 1.21 or newer'
  process.emitWarning(`postgresStorage goes on without prepared statements: ${shared}, ${newer}`, {
    code: 'EAS_POSTGRES_POOLER',
  })
}

const explanations: Readonly<Record<string, string>> = {
  [sqlState.undefinedTable]:
    'the tables are missing. Call `await storage.migrate()` at start-up, or run the SQL of postgresSchema()',
  [sqlState.undefinedColumn]: 'a table of this name has other columns. Choose another prefix or schema',
  [sqlState.syntaxError]: `the server does not know this SQL. It must be PostgreSQL ${OLDEST_VERSION} or newer`,
  [sqlState.unknownStatement]: shared,
  [sqlState.repeatedStatement]: shared,
}

/** PostgreSQL's error, or one with the fix if known. */
export function explained(error: unknown): unknown {
  const said = messageOf(error)
  const explanation = explanations[String(codeOf(error))]
  return explanation === undefined ? error : new Error(`postgresStorage: ${explanation} (${said})`, { cause: error })
}
