/** Opens a SQLite file with the driver that is there: that of Node, or better-sqlite3. Without Jest, for other processes, too. */
import type Database from 'better-sqlite3'
import type { SqliteDatabase } from 'express-authorization-server/sqlite'

export interface OpenSqlite extends SqliteDatabase {
  close(): unknown
}

/** `DatabaseSync` of `node:sqlite`, where Node has it without a flag. */
export function builtinSqlite(): (new (file: string) => OpenSqlite) | undefined {
  const builtin = process.getBuiltinModule?.('node:sqlite') as
    | { DatabaseSync: new (file: string) => OpenSqlite }
    | undefined
  return builtin?.DatabaseSync
}

/** Jest looks in test/peers (`modulePaths`), a process of its own where NODE_PATH says. */
export function requireBetterSqlite3(): typeof Database {
  return require('better-sqlite3')
}

export function openSqlite(file: string): OpenSqlite {
  const Driver = builtinSqlite() ?? requireBetterSqlite3()
  return new Driver(file)
}
