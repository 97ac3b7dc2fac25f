/** The implicit grant: RFC 6749 §4.2. Off by default: RFC 9700 §2.1.2 and OAuth 2.1 forbid it. */

import { newSession } from '../credentials/split-token'
import { OAuthError } from '../errors'
import { requireKnown, requireNoMore } from '../options/known'
import { requireSeconds } from '../options/seconds'
import { requireStanding } from '../tokens/code'
import { issue, prepareTokens } from '../tokens/issue'
import type { GrantType } from '../types/authorization-server'
import type { TokenResponse } from '../types/token'

/** Options of `implicit`. */
export interface ImplicitOptions {
  /**
   * Lifetime in seconds of this grant's access tokens, at most that of `accessTokens`.
   * @default that of `accessTokens`
   */
  ttl?: number
}

/**
 * The implicit grant, for old browser apps that read the access token from the fragment of the redirect URI. Browser
 * history and scripts can read it there. Use it only for an API whose documentation requires it. It issues no refresh
 * token (RFC 6749 §4.2.2).
 */
export function implicit(options: ImplicitOptions = {}): GrantType {
  requireNoMore('implicit', arguments, 1)
  requireKnown('implicit option', options, ['ttl'])
  const { ttl } = options
  if (ttl !== undefined) requireSeconds('implicit({ ttl })', ttl)
  return Object.freeze({
    grantType: 'implicit',
    responseType: 'token',
    responseMode: 'fragment',
    fromAccessTokens: true,
    async authorize(server, approved) {
      const { client, authorization, parameters, source, dpopJkt } = approved
      // an authorization request has no proof (RFC 9449 §5): a client with bound tokens gets no token here
      const asks = client.dpopBoundAccessTokens || client.tlsClientCertificateBoundAccessTokens
      if (asks || dpopJkt !== undefined) {
        throw new OAuthError('unauthorized_client', 'The implicit grant cannot bind a token to a key: use the code.')
      }
      // within the grant of the access token in front, and no longer than that token
      const derived = source && { session: newSession(source.session), until: source.expiresAt }
      const request = { client, grantType: 'implicit', parameters }
      const tokens = await prepareTokens(server, authorization, { request, ttl, derived })
      const after = () => requireStanding(server, approved, tokens.credentials[0])
      return (await issue(server, request, tokens, undefined, { after })) as TokenResponse
    },
  } satisfies GrantType)
}
