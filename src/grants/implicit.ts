/** The implicit grant: RFC 6749 §4.2. By name only: RFC 9700 §2.1.2 and OAuth 2.1 forbid it. */

import { newSession } from '../credentials/split-token'
import { requireKnown, requireNoMore } from '../options/known'
import { requireSeconds } from '../options/seconds'
import { storeApproved } from '../tokens/code'
import { prepareTokens, shapeResponse } from '../tokens/issue'
import type { GrantType } from '../types/authorization-server'

/** Options of `implicit`. */
export interface ImplicitOptions {
  /** Lifetime in seconds of the access tokens of this grant; at most that of all others. @default that of all others */
  ttl?: number
}

/**
 * The grant for old browser apps that take the access token from the redirect's fragment, where it ends up in histories
 * and scripts. Use it only for an API that is documented so. There is no refresh token (RFC 6749 §4.2.2).
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
      const { client, userId, scope, audience, startedAt, parameters, source } = approved
      const issue = { clientId: client.clientId, userId, scope, audience, startedAt, refreshToken: false, ttl }
      // of the grant of the access token in front, and not longer than that
      const below = source && {
        grantId: source.grantId,
        derived: { session: newSession(source.session), until: source.expiresAt },
      }
      const { body, credentials, grant } = await prepareTokens(server, { ...issue, ...below })
      const response = await shapeResponse(server, body, { client, grantType: 'implicit', userId, scope, parameters })
      await storeApproved(server, approved, credentials, grant)
      server.emit({
        type: 'token.issued',
        grantType: 'implicit',
        clientId: client.clientId,
        userId,
        grantId: source?.grantId ?? grant?.id,
        scope,
      })
      return response
    },
  } satisfies GrantType)
}
