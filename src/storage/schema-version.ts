/** The version of an adapter's data: the one that this code reads and writes, and the errors for others. */

/**
 * - 1: without a version. Digests of its credentials cannot be recomputed, because no secret is stored.
 * - 2: grants have `data`.
 */
export const SCHEMA_VERSION = 2

/** The result of `migrate()`. */
export interface Migration {
  /** The previous version of the tables. 0 if the tables did not exist. */
  readonly from: number
  /** Their version now. */
  readonly to: number
  /** Whether the upgrade ended every session: users must sign in again, and clients must get new tokens. */
  readonly sessionsEnded: boolean
}

/** Throws if a newer release made the data: its rows may have a meaning that this code does not know. */
export function refuseNewer(adapter: string, version: number): void {
  if (version <= SCHEMA_VERSION) return
  throw new Error(
    `${adapter}: this store has version ${version}, and this release of express-authorization-server supports up to ` +
      `${SCHEMA_VERSION}. Install the release that upgraded the store, or a newer one`,
  )
}

/** The error for data of an older release before its upgrade. */
export function needsUpgrade(adapter: string, version: number, fix: string): Error {
  return new Error(
    `${adapter}: this store has version ${version}, and this release of express-authorization-server needs ` +
      `${SCHEMA_VERSION}. ${fix}`,
  )
}

/** Prints to the console that sessions ended, for hosts that ignore the result of `migrate()`. Returns the result. */
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
