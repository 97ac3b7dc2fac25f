/** Creates authorization codes and their rows, and stores approved authorizations. */
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
 * Creates an authorization code and its row. The row names no grant, because the grant begins at the exchange. After an
 * access token in front the row names that token's grant, and revoking the grant ends the code.
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
 * Throws if newly stored rows are already dead: an authorization older than this request may have been revoked. `row`
 * is one of the rows. Without one (stateless tokens) it checks a code that no one receives.
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
 * Uses up a pushed request and stores the response's rows in the same step (RFC 9126 §4): of two concurrent responses
 * one succeeds.
 */
export async function useRequest(
  server: AuthorizationServer,
  uses: Credential,
  answer: readonly Credential[] = [],
): Promise<void> {
  if (await server.storage.grants.transition(uses.id, 'opened', { ...uses, state: 'used' }, answer)) return
  throw new OAuthError('invalid_request_uri', 'The request of this request_uri was answered already.')
}
