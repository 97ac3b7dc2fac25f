/** How long stores keep what is over. Every adapter keeps it alike. */

/** Seconds that an expired row stays, so that clocks that differ a little cannot lose one that is still wanted. */
export const GRACE = 3600

/**
 * A kind that nothing reads once it has expired, and of which each request may bring two rows: they go then. Each expires a
 * minute after what it was made for, which is for clocks that differ.
 */
export const BRIEF_KIND = 'jti'

/** Seconds that a row stays once it has expired. */
export function graceOf(row: object): number {
  return 'kind' in row && row.kind === BRIEF_KIND ? 0 : GRACE
}

/** Seconds that a revocation is remembered at least: no request is under way for longer. */
export const REVOCATION_MEMORY = 30 * 86_400
