/** Ends authorizations early: a whole grant, or one session that began with a token. */
import { firstOf, grantIdOf, isDerived, sessionOf } from '../credentials/split-token'
import type { Credential, RevocationTarget } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { endSession } from './derived-session'

/** Revokes every code and token of the target before it returns. */
export async function revoke(server: AuthorizationServer, target: RevocationTarget): Promise<void> {
  await server.storage.grants.revoke(target, server.now())
  server.emit({ type: 'grant.revoked', ...target })
}

/**
 * Ends the grant of a code or token. If it began with another client's access token, only its session and the one it
 * came from end: otherwise a client could sign a user out of everything by sending its own code twice. Other sessions
 * from there cannot be refreshed.
 */
export async function endSessionOf(server: AuthorizationServer, row: Credential): Promise<void> {
  const grantId = grantIdOf(row.id)
  if (!isDerived(row.id)) return revoke(server, { grantId })
  const session = sessionOf(row.id)
  for (const one of new Set([firstOf(session), session])) {
    // refreshes were faster each time: end the whole grant
    if (!(await endSession(server, grantId, one))) return revoke(server, { grantId })
  }
}
