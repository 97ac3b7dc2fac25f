/** How long stores keep expired rows. The same for every adapter. */

/** Seconds that an expired row stays, so that small clock differences cannot lose a row that is still needed. */
export const GRACE = 3600

/**
 * A kind of row that is not read after its expiry, and of which each request may create two. These rows leave at once.
 * Each expires a minute after its proof, for clock differences.
 */
export const BRIEF_KIND = 'jti'

/** Seconds that a row stays after its expiry. */
export function graceOf(row: object): number {
  return 'kind' in row && row.kind === BRIEF_KIND ? 0 : GRACE
}

/** The minimum time in seconds that a revocation is remembered: no request takes longer. */
export const REVOCATION_MEMORY = 30 * 86_400
