/** The version of what an adapter keeps: which one this code reads and writes, what to say to others, and of an upgrade. */

/**
 * - 1: without a version. Its credentials have digests that cannot be computed anew, because no secret is kept.
 * - 2: grants have `data`.
 */
export const SCHEMA_VERSION = 2

/** The result of `migrate()`. */
export interface Migration {
  /** The version of the tables before. 0: the tables did not exist. */
  readonly from: number
  /** Their version now. */
  readonly to: number
  /** Whether it ended every session: users sign in once more, and clients fetch new tokens. */
  readonly sessionsEnded: boolean
}

/** Throws for what a newer release made: its rows may mean what this code does not know. */
export function refuseNewer(adapter: string, version: number): void {
  if (version <= SCHEMA_VERSION) return
  throw new Error(
    `${adapter}: this store has version ${version}, and this release of express-authorization-server supports up to ` +
      `${SCHEMA_VERSION}. Install the release that upgraded the store, or a newer one`,
  )
}

/** The error for what an older release made, before it is upgraded. */
export function needsUpgrade(adapter: string, version: number, fix: string): Error {
  return new Error(
    `${adapter}: this store has version ${version}, and this release of express-authorization-server needs ` +
      `${SCHEMA_VERSION}. ${fix}`,
  )
}

/** Says on the console that sessions have ended, for hosts that ignore what `migrate()` returns. Gives it back. */
export function announced(adapter: string, migration: Migration): Migration {
  const { from, to, sessionsEnded } = migration
  if (sessionsEnded) {
    console.warn(
      `express-authorization-server: sessions_ended: ${adapter} was upgraded from version ${from} to ${to}. ` +
        'Clients and revocations are kept. Every session has ended: users sign in again',
    )
  }
  return migration
}
