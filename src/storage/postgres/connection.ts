/** How the PostgreSQL adapter talks to its pool: prepared statements, conflicts, lost connections, and clear errors. */

import { sha256 } from '../../crypto'
import { messageOf } from '../../errors'
import { misuse } from '../../options/misuse'
import { type Lender, lenderOf, onLoan } from '../sql/lender'
import type { Row } from '../sql/rows'

/** The used part of a `Pool` of pg. */
export interface PostgresPool {
  /** Runs one statement on any of its connections. */
  query(statement: PostgresQuery): Promise<{ rows: unknown[] }>
}

/** One statement, as pg accepts it. */
export interface PostgresQuery {
  /** SQL with `$1`, `$2`, … */
  text: string
  /** The name under which it is prepared once per connection. */
  name?: string
  /** The values of `$1`, `$2`, … */
  values?: unknown[]
}

/** Runs one statement and gives its rows, every value as text. `once`: without preparing it for the next time. */
export type Run = (text: string, values: readonly unknown[], how?: { once: true }) => Promise<readonly Row[]>

/** SQLSTATE: what PostgreSQL says by number. */
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

/** The pool that `given` is or lends from. Throws unless there is one, with a word on what it is instead. */
export function requirePool(given: unknown): PostgresPool {
  // first: the client of Knex has a query of its own, which is another
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

/** A Client of pg. */
function isConnection(given: unknown): given is PostgresPool {
  return typeof given === 'object' && given !== null && 'processID' in given
}

/** Each statement on whatever connection the lender gives. */
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
 * A pool says on `error` that an idle connection was cut, as it is when the database restarts. Where nobody listens that
 * ends the process; the pool itself has already dropped the connection and makes another.
 */
export function surviveLostConnections(pool: PostgresPool): void {
  const { on } = pool as { on?: unknown }
  if (typeof on !== 'function' || listening.has(pool)) return
  listening.add(pool)
  on.call(pool, 'error', () => {})
}

/** Parsers are the host's, and global; without them every value is the text that PostgreSQL sent. */
const types = { getTypeParser: () => (value: string) => value }

/** Statements that lose against others with the same rows are tried again; this many losses are a defect. */
const MAX_TRIES = 100

/**
 * A pooler that shares connections gives a statement to one that has not prepared it, or prepares it on one that has. Nothing
 * of it ran: it goes again without a name, as all do from then on. Which statement meets the wrong connection is chance, so
 * at start nothing can be seen.
 */
export function runner(pool: PostgresPool, prepare: boolean): Run {
  let isPrepared = prepare
  /** The same text has the same name on every connection, and another text another one. */
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

/** Where the host made REPEATABLE READ or SERIALIZABLE its default, statements of a race are refused instead of waiting. */
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

/** The error of PostgreSQL, or one that names the fix where we know it. */
export function explained(error: unknown): unknown {
  const said = messageOf(error)
  const explanation = explanations[String(codeOf(error))]
  return explanation === undefined ? error : new Error(`postgresStorage: ${explanation} (${said})`, { cause: error })
}
