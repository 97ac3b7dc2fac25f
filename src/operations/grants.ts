/** What hosts do with authorizations from their own code: list them, revoke them, clean up. */

import { isExpired } from '../credentials/bound'
import { requireNoMore } from '../options/known'
import type { Grant, RevocationTarget } from '../storage'
import { allPages, deleteInBatches, requireFilter } from '../storage/paging'
import { revoke } from '../tokens/revocation'
import type { AuthorizationServer } from '../types/authorization-server'

/**
 * Returns the live authorizations, for a "connected apps" page: all, or those of a user, a client, or both.
 *
 * @throws TypeError for a member that is not a string, so that an unknown user never lists the grants of all users.
 */
export async function listGrants(
  server: AuthorizationServer,
  query: { userId?: string; clientId?: string } = {},
): Promise<Grant[]> {
  requireNoMore('listGrants', arguments, 2)
  requireFilter('listGrants', query, ['userId', 'clientId'])
  const grants = await allPages(
    (page) => server.storage.grants.list({ ...query, ...page }),
    (grant) => grant.id,
  )
  return grants.filter((grant) => !isExpired(server, grant))
}

/**
 * Ends one authorization, or all of a user ("sign out everywhere", after a password reset) or of a client. Every code
 * and token of it is dead when this returns, including those being issued at that moment. It covers everything that
 * began until now, and everything stored, even where the clock of another process was ahead. It does not cover what
 * begins in the next second, or after the latest stored start where that is later. A session that began with an access
 * token, of any client, began when that token's user signed in.
 */
export async function revokeGrants(server: AuthorizationServer, target: RevocationTarget): Promise<void> {
  requireNoMore('revokeGrants', arguments, 2)
  const { grantId, userId, clientId } = target as { grantId?: string; userId?: string; clientId?: string }
  const named = Object.entries({ grantId, userId, clientId }).filter(([, id]) => id !== undefined)
  const [, id] = named[0] ?? []
  if (named.length !== 1 || typeof id !== 'string' || id === '') {
    throw new TypeError(
      'revokeGrants needs exactly one of { grantId }, { userId } and { clientId }, a non-empty string',
    )
  }
  // without the members that are undefined: a storage asks which one there is
  const only = Object.fromEntries(named) as RevocationTarget
  await revoke(server, only)
}

/** Deletes expired rows, in batches with pauses for other work. Returns the number of deleted codes and tokens. */
export function deleteExpired(server: AuthorizationServer): Promise<number> {
  requireNoMore('deleteExpired', arguments, 1)
  return deleteInBatches(server.storage.grants, server.now)
}
