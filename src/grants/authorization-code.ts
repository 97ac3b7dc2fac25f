/** The authorization code grant: RFC 6749 §4.1 with PKCE (RFC 7636). */

import { isPromise } from '../awaitable'
import { getsRefreshToken, isPublic, pkceRequired } from '../clients/client'
import { authorizationOf, boundOf, findCredential, hasSecret, isExpired } from '../credentials/bound'
import { grantIdOf, isDerived, parseSplitToken } from '../credentials/split-token'
import { OAuthError } from '../errors'
import { requireKnown, requireNoMore } from '../options/known'
import { requireSeconds } from '../options/seconds'
import { typesOf } from '../rules/authorization-details'
import { requireParameter } from '../rules/params'
import { requireCodeVerifier, verifyCodeVerifier } from '../rules/pkce'
import { matchesRedirectUri } from '../rules/redirect-uri'
import { audienceMember, heldAudience, narrowAudience, resolveAudience } from '../rules/resource'
import { remainingScope } from '../rules/scope'
import { requireKey } from '../sender-constraints/confirmation'
import type { Client, Credential } from '../storage'
import { accessDetails as accessDetailsOf } from '../tokens/authorization-details'
import { prepareCode, requireStanding, useRequest } from '../tokens/code'
import { derivedSession } from '../tokens/derived-session'
import { issue, prepareTokens, store } from '../tokens/issue'
import type { PreparedTokens } from '../tokens/prepared'
import { endSessionOf } from '../tokens/revocation'
import type { AuthorizationServer, GrantType } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { requireUser } from '../users'

/** Options of `authorizationCode`. */
export interface AuthorizationCodeOptions {
  /** Lifetime of a code in seconds. RFC 6749 §4.1.2 recommends at most 600. @default 60 */
  ttl?: number
}

/** Seconds in which a public client's page may send the exchange twice, as with React's strict mode. */
const SENT_TWICE_WITHIN = 10

/**
 * The authorization code grant (RFC 6749 §4.1), for clients that act for a user.
 *
 * @throws TypeError when `ttl` is not between 1 and 600.
 */
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
      if (approved.uses) await useRequest(server, approved.uses, [credential])
      else await store(server, [credential])
      await requireStanding(server, approved, credential)
      const { clientId, userId, scope } = credential
      const { authorizationDetails: details } = approved.authorization
      server.emit({
        ...{ type: 'code.issued', clientId, userId: userId as string, scope },
        ...(details && { authorizationDetailsTypes: typesOf(details) }),
      })
      return { code }
    },
  } satisfies GrantType)
}

async function exchangeCode(server: AuthorizationServer, request: TokenRequest): Promise<TokenResponse> {
  const { client, parameters } = request
  const presented = parseSplitToken(requireParameter(parameters, 'code'))
  verifyForClient(server, request)
  const sought = presented && findCredential(server, presented.id, 'authorization_code')
  const code = isPromise(sought) ? await sought : sought
  if (!presented || !code || !hasSecret(code, presented.secret)) throw invalidCode()
  // RFC 6749 §4.1.3: the code is bound to the client; otherwise anyone could redeem a stolen one
  if (code.clientId !== client.clientId) throw invalidCode()
  verifyRedirectUri(client, code, parameters.get('redirect_uri'))
  verifyPkce(server, request, code)
  const { audience: granted, authorizationDetails: details, dpopJkt } = boundOf(code)
  if (dpopJkt !== undefined) requireKey(server, client.clientId, dpopJkt, request.confirmation)
  // what the client lost since the user agreed is removed, as at a refresh
  const scope = remainingScope(server.scopes, client, code.scope)
  const audience = heldAudience(server, granted)
  const accessAudience = narrowAudience(server, client, audience, parameters.get('resource'))
  const isDetailed = details !== undefined || server.authorizationDetails !== undefined
  const accessDetails = isDetailed
    ? accessDetailsOf(server, request, details, accessAudience.length > 0 ? accessAudience : audience)
    : undefined
  // not earlier: a client without the right proof ends nothing, and does not learn whether the code is used or expired
  if (code.state !== 'issued') return refuseReplay(server, client, code)
  if (isExpired(server, code)) throw invalidCode()
  await requireUser(server, code.userId, true)

  const derived = isDerived(code.id) ? await derivedSession(server, code) : undefined
  // the session of the access token has ended since
  if (derived && derived.until <= server.now()) throw invalidCode()
  const refreshToken = getsRefreshToken(server, client) && (derived?.refreshable ?? true)
  const authorization = { ...authorizationOf(code), grantId: grantIdOf(code.id), scope, ...audienceMember(audience) }
  const options = { request, refreshToken, accessAudience, accessDetails, derived }
  const tokens = await prepareTokens(server, authorization, options)
  const next = usedCode(server, code, tokens)
  const response = await issue(server, request, tokens, { id: code.id, from: 'issued', next })
  // another request was faster, or a revocation came: a double submit must not end the winner's tokens
  if (!response) throw invalidCode()
  return response
}

/** The used code. It stays as long as its access token, so that a later theft is noticed. */
function usedCode({ now }: AuthorizationServer, code: Credential, { grant, body }: PreparedTokens): Credential {
  return {
    ...code,
    state: 'used',
    ...(grant && { grantId: grant.id }),
    data: { ...code.data, usedAt: now() },
    expiresAt: Math.max(code.expiresAt, now() + body.expires_in),
  }
}

function invalidCode(): OAuthError {
  return new OAuthError('invalid_grant', 'The authorization code is unknown, expired or already used.')
}

// RFC 6749 §4.1.2: a code that arrives twice was stolen; its tokens are revoked
async function refuseReplay(server: AuthorizationServer, client: Client, code: Credential): Promise<never> {
  const { clientId, userId, grantId } = code
  if (isSentTwice(server, client, code)) throw invalidCode()
  // undefined: stateless tokens, which cannot be revoked
  if (grantId !== undefined) await endSessionOf(server, code)
  server.emit({ type: 'code.replayed', clientId, userId, grantId })
  throw invalidCode()
}

/** Deviates from §4.1.2: a page that proves the verifier again, so soon, is the one that has the tokens. */
function isSentTwice(server: AuthorizationServer, client: Client, code: Credential): boolean {
  const { usedAt } = code.data
  if (!isPublic(client) || boundOf(code).codeChallenge === undefined || typeof usedAt !== 'number') return false
  // times are whole seconds
  return Math.max(0, server.now() - usedAt) <= SENT_TWICE_WITHIN
}

/**
 * Checks what applies to every code of the client before this code is looked up, so that the error reveals nothing of
 * it.
 */
function verifyForClient(server: AuthorizationServer, { client, parameters }: TokenRequest): void {
  const redirectUri = parameters.get('redirect_uri')
  // the URI may have been removed from the client since
  if (redirectUri !== undefined && !matchesRedirectUri(client, redirectUri)) throw wrongRedirectUri()
  requireCodeVerifier(parameters.get('code_verifier'))
  resolveAudience(server, client, parameters.get('resource'))
}

// RFC 6749 §4.1.3: must be the same as in the authorization request
function verifyRedirectUri(client: Client, code: Credential, sent: string | undefined): void {
  const { redirectUri, codeChallenge } = boundOf(code)
  if (redirectUri === undefined || sent === redirectUri) return
  // OAuth 2.1 §4.1.3 has no such parameter: with PKCE, another client cannot use an injected code (RFC 9700
  // §4.5.3). The URI must still be one of the client's
  if (sent === undefined && codeChallenge !== undefined && matchesRedirectUri(client, redirectUri)) return
  throw wrongRedirectUri()
}

function wrongRedirectUri(): OAuthError {
  return new OAuthError('invalid_grant', 'redirect_uri differs from the authorization request.')
}

function verifyPkce(server: AuthorizationServer, { client, parameters }: TokenRequest, code: Credential): void {
  const { codeChallenge: challenge } = boundOf(code)
  if (challenge === undefined && pkceRequired(server.pkce, client)) {
    throw new OAuthError('invalid_grant', 'The authorization code has no code_challenge (PKCE is required).')
  }
  verifyCodeVerifier(challenge, parameters.get('code_verifier'))
}
