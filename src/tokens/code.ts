/** Makes authorization codes and their rows, and stores what was approved at the authorization endpoint. */
import { boundBy, credentialOf } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { grantIdOf, lookupId, newSession } from '../credentials/split-token'
import { newGrantId, newSecret } from '../crypto'
import { OAuthError } from '../errors'
import type { Credential } from '../storage'
import type { ApprovedAuthorization, AuthorizationServer } from '../types/authorization-server'
import { store } from './issue'

type Approved = Omit<ApprovedAuthorization, 'client' | 'parameters'>

/**
 * An authorization code and its row. The row names no grant, because there is none until the code is exchanged; where an
 * access token was in front there is one, and a revocation of it ends the code, too.
 */
export function prepareCode(
  server: AuthorizationServer,
  { authorization, codeChallenge, sentRedirectUri, dpopJkt, nonce, source, uses }: Approved,
  ttl: number,
): { code: string; credential: Credential } {
  const suffix = lookupSuffix.authorization_code
  const id = source
    ? lookupId(source.grantId, suffix, newSession(source.session))
    : lookupId(uses ? grantIdOf(uses.id) : newGrantId(), suffix)
  const secret = newSecret()
  const issuedAt = server.now()
  const lifetime = { issuedAt, expiresAt: issuedAt + ttl }
  const credential = credentialOf(
    { id, kind: 'authorization_code', secret, state: 'issued' },
    authorization,
    lifetime,
    boundBy({
      ...authorization,
      ...(codeChallenge !== undefined && { codeChallenge }),
      ...(sentRedirectUri !== undefined && { redirectUri: sentRedirectUri }),
      ...(dpopJkt !== undefined && { dpopJkt }),
      ...(nonce !== undefined && { nonce }),
      ...(source && { source: [source.session, source.expiresAt] }),
    }),
  )
  return { code: `${id}.${secret}`, credential }
}

/**
 * Throws where what was just stored is dead already: an authorization that is older than this request may have been revoked.
 * `row` is one of it; without one (stateless tokens) a code that nobody gets is looked at.
 */
export async function requireStanding(
  server: AuthorizationServer,
  approved: Approved,
  row: Credential | undefined,
): Promise<void> {
  if (!approved.source && approved.authorization.startedAt >= server.now()) return
  const stored = row ?? prepareCode(server, approved, 1).credential
  if (!row) await store(server, [stored])
  if (await server.storage.grants.find(stored.id)) return
  throw new OAuthError('access_denied', 'The session has been revoked. Sign in again.')
}

/**
 * Uses up a pushed request, and stores what its answer is in the same step (RFC 9126 §4): of two answers at once one is
 * the first, and the other one is none.
 */
export async function useRequest(
  server: AuthorizationServer,
  uses: Credential,
  answer: readonly Credential[] = [],
): Promise<void> {
  if (await server.storage.grants.transition(uses.id, 'opened', { ...uses, state: 'used' }, answer)) return
  throw new OAuthError('invalid_request_uri', 'The request of this request_uri was answered already.')
}
