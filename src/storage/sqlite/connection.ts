/** The SQLite adapter's access to its database: connection settings, transactions, and clear errors. */
import type { Awaitable } from '../../awaitable'
import { messageOf } from '../../errors'
import { misuse } from '../../options/misuse'
import type { Row } from '../sql/rows'
import { waitingLine } from './waiting-line'

/** The part of a `Database` of better-sqlite3, or a `DatabaseSync` of `node:sqlite`, that the adapter uses. */
export interface SqliteDatabase {
  /** Compiles one statement. */
  prepare(sql: string): SqliteStatement
  /** Runs any number of statements. */
  exec(sql: string): unknown
  /** Whether a transaction is open, in better-sqlite3. */
  readonly inTransaction?: boolean
  /** The same in `node:sqlite`, since Node 22.16. */
  readonly isTransaction?: boolean
}

/** The values of `@name` parameters. */
export type NamedValues = Readonly<Record<string, string | number | null>>

/** The part of a `Statement` of better-sqlite3, or a `StatementSync` of `node:sqlite`, that the adapter uses. */
export interface SqliteStatement {
  /** Runs the statement. Returns the number of changed rows. */
  run(values: NamedValues): { changes: number | bigint }
  /** The first row, or undefined. */
  get(values: NamedValues): unknown
  /** All rows. */
  all(values: NamedValues): unknown[]
}

const OLDEST_VERSION = [3, 38] as const
/** Milliseconds that a call waits for other connections if the host's Database has no `busy_timeout`. */
const PATIENCE = 5000
/** The part of it that SQLite itself waits, which blocks the whole process. */
const BUSY_TIMEOUT = 1

/** Throws unless `database` is open for writing. The message names the fix. */
export function requireDatabase(database: unknown): asserts database is SqliteDatabase {
  const given = database as
    | Partial<Record<'prepare' | 'exec' | 'open' | 'isOpen' | 'readonly', unknown>>
    | null
    | undefined
  const wanted =
    "sqliteStorage needs a Database of better-sqlite3 or a DatabaseSync of node:sqlite, as in new Database('oauth.db')"
  if (typeof given?.prepare !== 'function' || typeof given.exec !== 'function') {
    throw misuse('wrong_storage', `${wanted}: this is ${given === null ? 'null' : typeof given}`)
  }
  if (given.open === false || given.isOpen === false) throw misuse('wrong_storage', `${wanted}: this one is closed`)
  if (given.readonly === true) throw misuse('wrong_storage', `${wanted}: this one is read-only`)
  const version = value(given as SqliteDatabase, 'SELECT sqlite_version()')
  if (typeof version !== 'string') throw misuse('wrong_storage', `${wanted}: this one is asynchronous`)
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])) {
    throw new Error(`sqliteStorage needs SQLite ${OLDEST_VERSION.join('.')} or newer; this is ${version}`)
  }
}

/** The first column of the first row. */
export function value(database: SqliteDatabase, sql: string, values: NamedValues = {}): unknown {
  const row = database.prepare(sql).get(values) as Row | undefined
  const first = Object.values(row ?? {})[0]
  return typeof first === 'bigint' ? Number(first) : first
}

const patienceOf = new WeakMap<SqliteDatabase, number>()

/**
 * Settings of the connection, not of the file. With `synchronous = FULL` a committed revocation survives a power cut;
 * with a write-ahead log SQLite's default is lower. Calls wait for other processes as long as the host's `busy_timeout`
 * says, but not inside SQLite, which would block the whole process.
 */
export function prepareConnection(database: SqliteDatabase, synchronous: 'full' | 'normal'): void {
  if (isInTransaction(database)) {
    throw new Error('sqliteStorage: the database is in a transaction. Commit it or roll it back first')
  }
  database.exec(`PRAGMA synchronous = ${synchronous === 'normal' ? 'NORMAL' : 'FULL'}`)
  // a second storage on it must not read the changed setting
  if (!patienceOf.has(database)) patienceOf.set(database, Number(value(database, 'PRAGMA busy_timeout')) || PATIENCE)
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`)
}

/** Undefined if the driver does not tell. */
function isInTransaction({ inTransaction, isTransaction }: SqliteDatabase): boolean | undefined {
  return inTransaction ?? isTransaction
}

export interface Statement {
  /** Prepares it now. Otherwise at its first use: the tables may be created after the storage. */
  prepare(): void
  /** Returns the number of changed rows. */
  run(values?: NamedValues): number
  get(values?: NamedValues): Row | undefined
  all(values?: NamedValues): Row[]
}

/** A statement that is prepared once. `first` is called before that. */
export function statement(database: SqliteDatabase, sql: string, first?: () => void): Statement {
  let prepared: SqliteStatement | undefined
  const using = <T>(act: (prepared: SqliteStatement) => T): T => {
    try {
      if (!prepared) {
        first?.()
        prepared = database.prepare(sql)
      }
      return act(prepared)
    } catch (error) {
      throw explained(error)
    }
  }
  return {
    prepare: () => using(() => {}),
    run: (values = {}) => using((prepared) => Number(prepared.run(values).changes)),
    get: (values = {}) => using((prepared) => prepared.get(values) as Row | undefined),
    all: (values = {}) => using((prepared) => prepared.all(values) as Row[]),
  }
}

/** Runs any number of statements. */
export function execute(database: SqliteDatabase, sql: string): void {
  try {
    database.exec(sql)
  } catch (error) {
    throw explained(error)
  }
}

/** Runs `act` in one transaction; later, if another connection has the lock. */
type Write = <T>(act: () => T) => Awaitable<T>

export interface Access {
  write: Write
  /** The same for reads. */
  read: Write
  /**
   * Copies what is committed from the write-ahead log to the file, so that a later COMMIT has less to copy: SQLite does
   * so at a thousand pages, in one go. Nothing is less durable. Does nothing if the host has turned that off
   * (`wal_autocheckpoint = 0`), as programs that replicate the log want it.
   */
  checkpoint: () => void
  /** Waits synchronously, which blocks the process. For start-up. */
  atStart: <T>(act: (write: <R>(act: () => R) => R) => T) => T
}

export function accessTo(database: SqliteDatabase): Access {
  const patience = patienceOf.get(database) ?? PATIENCE
  const transaction = transactionOn(database)
  const line = waitingLine(patience)
  const copyLog = statement(database, 'PRAGMA main.wal_checkpoint')
  return {
    write: (act) => line.run(() => transaction(act), true),
    read: (act) => line.run(act, false),
    checkpoint() {
      if (value(database, 'PRAGMA wal_autocheckpoint') === 0) return
      try {
        copyLog.get()
      } catch {
        // what is committed stays in the log, and the next one copies it. An error of SQLite's own in COMMIT is lost, too
      }
    },
    atStart(act) {
      database.exec(`PRAGMA busy_timeout = ${patience}`)
      try {
        return act(transaction)
      } finally {
        database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`)
      }
    },
  }
}

/**
 * Begins a write transaction at once, so that no other connection writes between its reads and writes. An error in
 * `act` rolls it back. Never inside a transaction of the host, whose rollback would undo what a client was told.
 */
function transactionOn(database: SqliteDatabase): <T>(act: () => T) => T {
  const begin = statement(database, 'BEGIN IMMEDIATE')
  const commit = statement(database, 'COMMIT')
  const rollback = statement(database, 'ROLLBACK')
  return (act) => {
    if (isInTransaction(database)) throw new Error(`sqliteStorage: ${ofTheHost}`)
    begin.run()
    try {
      const result = act()
      commit.run()
      return result
    } catch (error) {
      // some errors, such as a full disk, have already ended the transaction
      if (isInTransaction(database) ?? !isRolledBack(error)) rollback.run()
      throw error
    }
  }
}

const ofTheHost = 'its database is in a transaction of the host. Give the storage a Database of its own'

/** Errors that end a transaction in SQLite (lang_transaction). */
function isRolledBack(error: unknown): boolean {
  return /disk is full|disk I\/O error|out of memory|interrupted/.test(messageOf(error))
}

/** SQLite's error, or one with the fix if known. */
function explained(error: unknown): unknown {
  const said = messageOf(error)
  const explanation = said.startsWith('no such table')
    ? 'the tables are missing. Call `storage.migrate()` at start-up, or run the SQL of sqliteSchema()'
    : /no such column|has no column/.test(said)
      ? 'a table of this name has other columns. Choose another prefix'
      : said.startsWith('cannot start a transaction within')
        ? ofTheHost
        : undefined
  return explanation === undefined ? error : new Error(`sqliteStorage: ${explanation} (${said})`, { cause: error })
}
