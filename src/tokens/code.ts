/** Makes authorization codes and their rows, and stores what was approved at the authorization endpoint. */

import { boundDigest } from '../credentials/bound'
import { lookupId, lookupSuffix, newSession } from '../credentials/split-token'
import { newGrantId, newSecret } from '../crypto'
import { OAuthError } from '../errors'
import { audienceData } from '../rules/resource'
import type { Credential, Grant } from '../storage'
import type { ApprovedAuthorization, AuthorizationServer } from '../types/authorization-server'
import { credentialOf, store } from './issue'

/**
 * An authorization code and its row. The row names no grant, because there is none until the code is exchanged; where an
 * access token was in front there is one, and a revocation of it ends the code, too.
 */
export function prepareCode(
  server: AuthorizationServer,
  approved: ApprovedAuthorization,
  ttl: number,
): { code: string; credential: Credential } {
  const { userId, scope, startedAt, source } = approved
  const suffix = lookupSuffix.authorization_code
  const id = source ? lookupId(source.grantId, suffix, newSession(source.session)) : lookupId(newGrantId(), suffix)
  const secret = newSecret()
  const data = {
    ...(approved.codeChallenge !== undefined && { codeChallenge: approved.codeChallenge }),
    ...(approved.sentRedirectUri !== undefined && { redirectUri: approved.sentRedirectUri }),
    ...(source && { source: [source.session, source.expiresAt] }),
    ...audienceData(approved.audience),
  }
  const bound = { clientId: approved.client.clientId, userId, grantId: source?.grantId, scope, startedAt, data }
  const issuedAt = server.now()
  const kept = { id, kind: 'authorization_code', state: 'issued', digest: boundDigest(secret, bound) }
  return { code: `${id}.${secret}`, credential: credentialOf(kept, bound, { issuedAt, expiresAt: issuedAt + ttl }) }
}

/** Stores what was approved, unless that began before a revocation, as with an older token: it would be answered dead. */
export async function storeApproved(
  server: AuthorizationServer,
  approved: ApprovedAuthorization,
  credentials: readonly Credential[],
  grant?: Grant,
): Promise<void> {
  await store(server, credentials, grant)
  if (!approved.source && approved.startedAt >= server.now()) return
  // where tokens are stateless, a code that nobody gets is dead when they should be
  const row = credentials[0] ?? prepareCode(server, approved, 1).credential
  if (credentials.length === 0) await store(server, [row])
  if (await server.storage.grants.find(row.id)) return
  throw new OAuthError('access_denied', 'What the user had signed in for has been revoked: sign in again.')
}
