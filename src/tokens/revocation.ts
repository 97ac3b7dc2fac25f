/** How sessions end. */

import { firstOf, grantIdOf, sessionOf } from '../credentials/split-token'
import { revokeGrants } from '../operations/grants'
import type { Credential } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { endSession, isDerived } from './derived-session'

/** When a `maxAge` ends the session, also one that came later than the session. */
export function sessionEnd({ refreshTokens }: AuthorizationServer, startedAt: number): number {
  return startedAt + (refreshTokens?.maxAge ?? Number.POSITIVE_INFINITY)
}

/** How often ending a session may find that a refresh was faster. */
export const MOST_LOST = 10

/**
 * Ends what a code or token is of: its grant. Where it began with an access token that is another client's, too, and only
 * its session ends, with the one that it goes back to: a client could otherwise sign a user out of everything by sending its
 * own code twice. What else goes back to that is not refreshed again.
 */
export async function endSessionOf(server: AuthorizationServer, row: Credential): Promise<void> {
  const grantId = grantIdOf(row.id)
  if (!isDerived(row)) return revokeGrants(server, { grantId })
  const session = sessionOf(row.id)
  for (const one of new Set([firstOf(session), session])) {
    // refreshed as fast as it was looked at: nothing of it may stay
    if (!(await endSession(server, grantId, one))) return revokeGrants(server, { grantId })
  }
}
