/** The authorization code grant: RFC 6749 §4.1 with PKCE (RFC 7636). */

import { findCredential, hasSecret, isExpired, requireUser } from '../credentials'
import { OAuthError } from '../errors'
import { getsRefreshToken, prepareCode, prepareTokens, shapeResponse, storeApproved } from '../issue'
import { revokeGrants } from '../operations/grants'
import { requireKnown, requireNoMore } from '../options'
import { requireParameter } from '../rules/params'
import { pkceRequired, verifyCodeVerifier } from '../rules/pkce'
import { matchesRedirectUri } from '../rules/redirect-uri'
import { narrowAudience, storedAudience } from '../rules/resource'
import { remainingScope } from '../rules/scope'
import { requireSeconds } from '../rules/seconds'
import { grantIdOf, parseSplitToken } from '../split-token'
import type { Client, Credential } from '../storage'
import type { AuthorizationServer, GrantType, TokenRequest, TokenResponse } from '../types'

/** Options of `authorizationCode`. */
export interface AuthorizationCodeOptions {
  /** Lifetime of a code in seconds. RFC 6749 §4.1.2 recommends at most 600. @default 60 */
  ttl?: number
}

/** The grant for everything that acts for a user. Throws when `ttl` is not between 1 and 600. */
export function authorizationCode(options: AuthorizationCodeOptions = {}): GrantType {
  requireNoMore('authorizationCode', arguments, 1)
  requireKnown('authorizationCode option', options, ['ttl'])
  const { ttl = 60 } = options
  requireSeconds('authorizationCode({ ttl })', ttl, 600)
  return Object.freeze({
    grantType: 'authorization_code',
    handle: exchangeCode,
    responseType: 'code',
    codes: Object.freeze({ ttl }),
    async authorize(server, approved) {
      const { code, credential } = prepareCode(server, approved, ttl)
      await storeApproved(server, approved, [credential])
      const { clientId, userId, scope } = credential
      server.emit({ type: 'code.issued', clientId, userId: userId as string, scope })
      return { code }
    },
  } satisfies GrantType)
}

async function exchangeCode(server: AuthorizationServer, request: TokenRequest): Promise<TokenResponse> {
  const { client, parameters, grantType } = request
  const presented = parseSplitToken(requireParameter(parameters, 'code'))
  const code = presented && (await findCredential(server, presented.id, 'authorization_code'))
  // a code begins its grant when it is exchanged: what was issued names none
  if (!code || !hasSecret({ ...code, grantId: undefined }, presented.secret)) throw invalidCode()
  // RFC 6749 §4.1.3: the code is bound to the client, or a stolen one could be redeemed by anybody
  if (code.clientId !== client.clientId) throw invalidCode()
  if (code.state !== 'issued') return refuseReplay(server, code)
  verifyRedirectUri(code, client, parameters.get('redirect_uri'))
  if (isExpired(server, code)) throw invalidCode()
  verifyPkce(server, request, code)
  await requireUser(server, code.userId)

  const { userId, startedAt } = code
  // what the client has lost since the user agreed is gone, as at a refresh
  const scope = remainingScope(server.scopes, client, code.scope)
  const grantId = grantIdOf(code.id)
  const refreshToken = getsRefreshToken(server, client)
  const audience = storedAudience(server, code.data)
  const accessAudience = narrowAudience(server, audience, parameters.get('resource'))
  const issue = { clientId: client.clientId, userId, scope, audience, accessAudience, startedAt, grantId, refreshToken }
  const { body, credentials, grant } = await prepareTokens(server, issue)
  const response = await shapeResponse(server, body, { client, grantType, userId, scope, parameters })
  // the used code stays as long as the access token that it became, so that its theft is noticed later, too
  const used = {
    ...code,
    state: 'used',
    ...(grant && { grantId }),
    expiresAt: Math.max(code.expiresAt, server.now() + body.expires_in),
  }
  const won = await server.storage.grants.transition(code.id, 'issued', used, credentials, grant)
  // another request was faster, or the user or client was revoked meanwhile: a double submit must not kill the winner
  if (!won) throw invalidCode()
  server.emit({ type: 'token.issued', grantType, clientId: client.clientId, userId, grantId: grant?.id, scope })
  return response
}

function invalidCode(): OAuthError {
  return new OAuthError('invalid_grant', 'The authorization code is unknown, expired or already used.')
}

// RFC 6749 §4.1.2: a code that comes twice was stolen by one of the two; what it became is revoked
async function refuseReplay(server: AuthorizationServer, code: Credential): Promise<never> {
  const { clientId, userId, grantId } = code
  // none: stateless tokens, which nothing can revoke
  if (grantId !== undefined) await revokeGrants(server, { grantId })
  server.emit({ type: 'code.replayed', clientId, userId, grantId })
  throw invalidCode()
}

// RFC 6749 §4.1.3: what the authorization request named must be named again, identically
function verifyRedirectUri(code: Credential, client: Client, sent: string | undefined): void {
  const bound = code.data.redirectUri
  // and it must still be one of the client: it may have been taken out since
  const named = typeof bound === 'string' ? bound : sent
  if (sent === named && (named === undefined || matchesRedirectUri(client, named))) return
  throw new OAuthError('invalid_grant', 'redirect_uri is not the one of the authorization request.')
}

function verifyPkce(server: AuthorizationServer, { client, parameters }: TokenRequest, code: Credential): void {
  const challenge = code.data.codeChallenge
  if (typeof challenge !== 'string' && pkceRequired(server.pkce, client)) {
    throw new OAuthError('invalid_grant', 'The authorization code has no code_challenge (PKCE is required).')
  }
  verifyCodeVerifier(typeof challenge === 'string' ? challenge : undefined, parameters.get('code_verifier'))
}
