/** How long stores keep what is over. Every adapter keeps it alike. */

/** Seconds that an expired row stays, so that clocks that differ a little cannot lose one that is still wanted. */
export const GRACE = 3600

/** Seconds that a revocation is remembered at least: no request is under way for longer. */
export const REVOCATION_MEMORY = 30 * 86_400
