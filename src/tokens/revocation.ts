/** How authorizations end before their time: a grant with all that is of it, or one session that began with a token. */
import { firstOf, grantIdOf, isDerived, sessionOf } from '../credentials/split-token'
import type { Credential, RevocationTarget } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { endSession } from './derived-session'

/** Every code and token of the target is dead when this returns. */
export async function revoke(server: AuthorizationServer, target: RevocationTarget): Promise<void> {
  await server.storage.grants.revoke(target, server.now())
  server.emit({ type: 'grant.revoked', ...target })
}

/**
 * Ends what a code or token is of: its grant. Where it began with an access token that is another client's, too, and only
 * its session ends, with the one that it goes back to: a client could otherwise sign a user out of everything by sending its
 * own code twice. What else goes back to that is not refreshed again.
 */
export async function endSessionOf(server: AuthorizationServer, row: Credential): Promise<void> {
  const grantId = grantIdOf(row.id)
  if (!isDerived(row.id)) return revoke(server, { grantId })
  const session = sessionOf(row.id)
  for (const one of new Set([firstOf(session), session])) {
    // refreshed as fast as it was looked at: nothing of it may stay
    if (!(await endSession(server, grantId, one))) return revoke(server, { grantId })
  }
}
