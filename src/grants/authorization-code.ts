/** The authorization code grant: RFC 6749 §4.1 with PKCE (RFC 7636). */

import { getsRefreshToken, isPublic, pkceRequired } from '../clients/client'
import { hasSecret, isExpired } from '../credentials/bound'
import { grantIdOf, parseSplitToken } from '../credentials/split-token'
import { OAuthError } from '../errors'
import { requireKnown, requireNoMore } from '../options/known'
import { requireSeconds } from '../options/seconds'
import { requireParameter } from '../rules/params'
import { requireCodeVerifier, verifyCodeVerifier } from '../rules/pkce'
import { matchesRedirectUri } from '../rules/redirect-uri'
import { narrowAudience, resolveAudience, resourcesFor, storedAudience } from '../rules/resource'
import { remainingScope } from '../rules/scope'
import type { Client, Credential } from '../storage'
import { prepareCode, storeApproved } from '../tokens/code'
import { derivedSession, isDerived } from '../tokens/derived-session'
import { findCredential } from '../tokens/find'
import { prepareTokens, shapeResponse } from '../tokens/issue'
import { endSessionOf } from '../tokens/revocation'
import type { AuthorizationServer, GrantType } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { requireUser } from '../users'

/** Options of `authorizationCode`. */
export interface AuthorizationCodeOptions {
  /** Lifetime of a code in seconds. RFC 6749 §4.1.2 recommends at most 600. @default 60 */
  ttl?: number
}

/** Seconds in which the page of a public client may send its exchange twice, as React's strict mode does. */
const SENT_TWICE_WITHIN = 10

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
    fromAccessTokens: true,
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
  verifyForClient(server, request)
  const code = presented && (await findCredential(server, presented.id, 'authorization_code'))
  // a code begins its grant when it is exchanged: what was issued names none, unless an access token was in front
  const issued = code && (isDerived(code) ? code : { ...code, grantId: undefined })
  if (!issued || !hasSecret(issued, presented.secret)) throw invalidCode()
  // RFC 6749 §4.1.3: the code is bound to the client, or a stolen one could be redeemed by anybody
  if (code.clientId !== client.clientId) throw invalidCode()
  verifyRedirectUri(code, parameters.get('redirect_uri'))
  verifyPkce(server, request, code)
  // what the client has lost since the user agreed is gone, as at a refresh
  const scope = remainingScope(server.scopes, client, code.scope)
  const audience = storedAudience(server, code.data)
  const accessAudience = narrowAudience(resourcesFor(server, client), audience, parameters.get('resource'))
  // not before: whoever has proved nothing ends nothing, and does not learn whether the code is used or expired
  if (code.state !== 'issued') return refuseReplay(server, client, code)
  if (isExpired(server, code)) throw invalidCode()
  await requireUser(server, code.userId)

  const { userId, startedAt } = code
  const grantId = grantIdOf(code.id)
  const derived = await derivedSession(server, code)
  // the session of the access token ended since
  if (derived && derived.until <= server.now()) throw invalidCode()
  const refreshToken = getsRefreshToken(server, client) && (derived?.refreshable ?? true)
  const bound = { clientId: client.clientId, userId, scope, audience, accessAudience, startedAt, grantId }
  const { body, credentials, grant } = await prepareTokens(server, { ...bound, refreshToken, derived })
  const response = await shapeResponse(server, body, { client, grantType, userId, scope, parameters })
  // the used code stays as long as the access token that it became, so that its theft is noticed later, too
  const used = {
    ...code,
    state: 'used',
    ...(grant && { grantId }),
    data: { ...code.data, usedAt: server.now() },
    expiresAt: Math.max(code.expiresAt, server.now() + body.expires_in),
  }
  const won = await server.storage.grants.transition(code.id, 'issued', used, credentials, grant)
  // another request was faster, or the user or client was revoked meanwhile: a double submit must not kill the winner
  if (!won) throw invalidCode()
  server.emit({ type: 'token.issued', grantType, clientId: client.clientId, userId, grantId: used.grantId, scope })
  return response
}

function invalidCode(): OAuthError {
  return new OAuthError('invalid_grant', 'The authorization code is unknown, expired or already used.')
}

// RFC 6749 §4.1.2: a code that comes twice was stolen by one of the two; what it became is revoked
async function refuseReplay(server: AuthorizationServer, client: Client, code: Credential): Promise<never> {
  const { clientId, userId, grantId } = code
  if (isSentTwice(server, client, code)) throw invalidCode()
  // none: stateless tokens, which nothing can revoke
  if (grantId !== undefined) await endSessionOf(server, code)
  server.emit({ type: 'code.replayed', clientId, userId, grantId })
  throw invalidCode()
}

/** A deviation from §4.1.2: a page that proves the verifier again, so soon, is the one that has the tokens. */
function isSentTwice(server: AuthorizationServer, client: Client, { data }: Credential): boolean {
  if (!isPublic(client) || typeof data.codeChallenge !== 'string' || typeof data.usedAt !== 'number') return false
  return Math.max(0, server.now() - data.usedAt) < SENT_TWICE_WITHIN
}

/** What is wrong with every code of the client is refused before this one is looked at: the answer tells nothing of it. */
function verifyForClient(server: AuthorizationServer, { client, parameters }: TokenRequest): void {
  const redirectUri = parameters.get('redirect_uri')
  // it must still be one of the client: it may have been taken out since
  if (redirectUri !== undefined && !matchesRedirectUri(client, redirectUri)) throw wrongRedirectUri()
  requireCodeVerifier(parameters.get('code_verifier'))
  resolveAudience(resourcesFor(server, client), parameters.get('resource'))
}

// RFC 6749 §4.1.3: what the authorization request named must be named again, identically
function verifyRedirectUri({ data }: Credential, sent: string | undefined): void {
  if (typeof data.redirectUri === 'string' && sent !== data.redirectUri) throw wrongRedirectUri()
}

function wrongRedirectUri(): OAuthError {
  return new OAuthError('invalid_grant', 'redirect_uri is not the one of the authorization request.')
}

function verifyPkce(server: AuthorizationServer, { client, parameters }: TokenRequest, code: Credential): void {
  const challenge = code.data.codeChallenge
  if (typeof challenge !== 'string' && pkceRequired(server.pkce, client)) {
    throw new OAuthError('invalid_grant', 'The authorization code has no code_challenge (PKCE is required).')
  }
  verifyCodeVerifier(typeof challenge === 'string' ? challenge : undefined, parameters.get('code_verifier'))
}
