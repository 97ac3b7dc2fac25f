/** Functions for hosts to list, revoke and clean up authorizations. */

import { isExpired } from '../credentials/bound'
import { requireServer } from '../http/endpoint'
import { requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { filterBy, requireId } from '../rules/subject'
import type { Grant, RevocationTarget } from '../storage'
import { allPages, deleteInBatches } from '../storage/paging'
import { revoke } from '../tokens/revocation'
import type { AuthorizationServer } from '../types/authorization-server'

/**
 * Returns the live authorizations, for a "connected apps" page: all, or those of a user, a client, or both. Personal
 * access tokens are not included: `listPersonalTokens` returns these.
 *
 * @throws TypeError for a member that is not an id, so that an unknown user never lists the grants of all users.
 */
export async function listGrants(
  server: AuthorizationServer,
  query: { userId?: string | number; clientId?: string } = {},
): Promise<Grant[]> {
  requireNoMore('listGrants', arguments, 2)
  requireServer(server)
  const filter = filterBy('listGrants', query, ['userId', 'clientId'])
  const grants = await allPages(
    (page) => server.storage.grants.list({ ...filter, ...page }),
    (grant) => grant.id,
  )
  return grants.filter((grant) => grant.data.personalToken === undefined && !isExpired(server, grant))
}

/**
 * Ends one authorization, or all of a user ("sign out everywhere", after a password reset) or of a client. All its
 * codes and tokens are dead when this returns, including those being issued at that moment. It covers everything that
 * began until now, and everything stored, even by a process with a fast clock. It does not cover what begins in the
 * next second, or after the latest stored start if that is later. A session that began with an access token has the
 * start of that token's session.
 */
export async function revokeGrants(
  server: AuthorizationServer,
  target: RevocationTarget | { userId: number },
): Promise<void> {
  requireNoMore('revokeGrants', arguments, 2)
  requireServer(server)
  const names = ['grantId', 'userId', 'clientId']
  requireKnown('revokeGrants member', target ?? null, names, names)
  // without undefined members, because storages look for the member that is there
  const [named, ...more] = Object.entries(target).filter(([, id]) => id !== undefined)
  if (!named || more.length > 0) {
    throw misuse('conflicting_options', 'revokeGrants needs exactly one of { grantId }, { userId } and { clientId }')
  }
  const [name, id] = named
  await revoke(server, { [name]: requireId(`revokeGrants: ${name}`, id) } as RevocationTarget)
}

/** Deletes expired rows, in batches with pauses for other work. Returns the number of deleted codes and tokens. */
export async function deleteExpired(server: AuthorizationServer): Promise<number> {
  requireNoMore('deleteExpired', arguments, 1)
  requireServer(server)
  return deleteInBatches(server.storage.grants, server.now)
}
