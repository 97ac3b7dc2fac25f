/**
 * The drivers of SQLite in tests. better-sqlite3 has to be compiled, so it is in the package of test/peers, where Jest finds
 * it; `node:sqlite` is in Node since 22.13. Without the first its tests are skipped, which CI must not do.
 */
import type Database from 'better-sqlite3'
import { builtinSqlite, requireBetterSqlite3 } from './open-sqlite'

export { openSqlite } from './open-sqlite'

type BetterSqlite3 = typeof Database

/** The class; or why it is not there. */
function load(): BetterSqlite3 | string {
  try {
    const found = requireBetterSqlite3()
    new found(':memory:').close()
    return found
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'MODULE_NOT_FOUND') return 'better-sqlite3 is not installed (npm ci --prefix test/peers)'
    // a Node that it was not compiled for, or Deno, which loads no such binary
    if (builtinSqlite()) return 'better-sqlite3 was compiled for another Node'
    throw error
  }
}
const found = load()
const missing = typeof found === 'string' ? `${found}: its tests are skipped` : ''
if (missing.includes('not installed') && process.env.CI === 'true') throw new Error(`${missing}, which CI must not do`)
if (missing) console.warn(missing)

/** better-sqlite3. Undefined where it is not there: only in tests that are skipped. */
export const BetterSqlite3 = (typeof found === 'string' ? undefined : found) as BetterSqlite3

/** `describe` where there is better-sqlite3. Elsewhere not even the tests are made, because that opens databases. */
export const describeBetterSqlite3 = missing ? skipped : describe
/** `it` where there is better-sqlite3. */
export const itBetterSqlite3 = missing ? it.skip : it

/** Whether `openSqlite` has a driver. */
export const hasSqlite = missing === '' || builtinSqlite() !== undefined
/** `describe` where `openSqlite` has a driver. */
export const describeSqlite = hasSqlite ? describe : skipped
/** `it` where `openSqlite` has a driver. */
export const itSqlite = hasSqlite ? it : it.skip

function skipped(name: string, _body: () => void): void {
  describe.skip(name, () => it(missing, () => {}))
}
