/**
 * The refresh token grant: RFC 6749 §6, with rotation and reuse detection (RFC 9700 §4.14.2), constant space per
 * session, and the same response again for the same token, so that one lost on its way is not a logout.
 */

import { findCredential, isExpired, requireUser } from '../credentials'
import { OAuthError } from '../errors'
import { credentialOf, grantOf, prepareAccessToken, refreshTokenExpiry, responseOf, shapeResponse } from '../issue'
import { revokeGrants } from '../operations/grants'
import { requireKnown } from '../options'
import { requireParameter } from '../rules/params'
import { type Audience, audienceData, formatResource, narrowAudience, storedAudience } from '../rules/resource'
import { formatScope, intersectScope, parseScope, requireScopeWithin, type Scope, scopesOfClient } from '../rules/scope'
import { requireSeconds } from '../rules/seconds'
import { grantIdOf, newSecret } from '../split-token'
import type { Credential } from '../storage'
import type { AuthorizationServer, GrantType, RefreshTokenSettings, TokenRequest, TokenResponse } from '../types'
import { hasStableHalf, type PresentedRefreshToken, parseRefreshToken, standingOf } from './presented-refresh-token'
import { accessTokenAgain, type Refresh, sealedAccessToken, successorOf } from './refresh-successor'

/** Options of `refreshToken`. */
export interface RefreshTokenOptions {
  /** Lifetime in seconds, which starts anew with each refresh. @default 1209600 (14 days) */
  ttl?: number
  /** Seconds after which the user must sign in again, however often it was refreshed. @default no such limit */
  maxAge?: number
  /** Whether each refresh makes a new refresh token. Without it a stolen one is never noticed. @default true */
  rotate?: boolean
  /** Seconds in which the token before the current one still gets the same response. 0 turns it off. @default 60 */
  replayWindow?: number
}

/** The grant that keeps a session alive. Throws when a number is not a whole number of seconds. */
export function refreshToken(options: RefreshTokenOptions = {}): GrantType {
  requireKnown('refreshToken option', options, ['ttl', 'maxAge', 'rotate', 'replayWindow'])
  const { ttl = 14 * 24 * 3600, maxAge, rotate = true, replayWindow = 60 } = options
  requireSeconds('refreshToken({ ttl })', ttl)
  if (maxAge !== undefined) requireSeconds('refreshToken({ maxAge })', maxAge)
  requireSeconds('refreshToken({ replayWindow })', replayWindow, 3600, 0)
  if (typeof rotate !== 'boolean') throw new TypeError('refreshToken({ rotate }) must be true or false')
  if (!rotate && replayWindow === 0) {
    throw new TypeError('refreshToken({ rotate: false }) needs a replayWindow: parallel refreshes share their response')
  }
  const settings = Object.freeze({ ttl, maxAge, rotate, replayWindow })
  return Object.freeze({
    grantType: 'refresh_token',
    refreshTokens: settings,
    handle: (server, request) => refresh(server, settings, request),
  } satisfies GrantType)
}

async function refresh(
  server: AuthorizationServer,
  settings: RefreshTokenSettings,
  request: TokenRequest,
): Promise<TokenResponse> {
  const presented = parseRefreshToken(requireParameter(request.parameters, 'refresh_token'))
  const found = presented && (await findCredential(server, presented.id, 'refresh_token'))
  // a wrong stable half is a guess, not a reuse: it changes nothing, and grant ids are no secret
  if (!found || !hasStableHalf(found, presented)) throw invalidToken()
  // RFC 6749 §6: the refresh token is bound to the client it was issued to
  if (found.clientId !== request.client.clientId || isExpired(server, found)) throw invalidToken()
  const standing = standingOf(server, settings, found, presented)
  if (standing === 'reused') return refuseReuse(server, found)
  await requireUser(server, found.userId)
  if (standing === 'replayable') return replay(server, settings, request, found, presented)

  const scope = scopeOfRefresh(server, request, found)
  const audience = audienceOfRefresh(server, request, found)
  const next = await prepareRefresh(server, settings, found, presented, { scope, audience })
  const response = await shapeResponse(server, next.body, contextOf(request, found, scope))
  const additions = server.accessTokens.stateless ? [] : [next.access]
  const grant = grantOf(grantIdOf(found.id), found, [next.refresh, next.access])
  if (await server.storage.grants.transition(found.id, found.state, next.refresh, additions, grant)) {
    const { clientId, userId, grantId } = found
    server.emit({ type: 'token.issued', grantType: 'refresh_token', clientId, userId, grantId, scope })
    return response
  }
  // another request with the same token was faster: it gets the winner's response, or nothing, but is never a thief
  const current = await findCredential(server, found.id, 'refresh_token')
  if (current && standingOf(server, settings, current, presented) === 'replayable') {
    return replay(server, settings, request, current, presented)
  }
  throw invalidToken()
}

// RFC 6749 §6: what was asked may narrow the grant and never widen it; what the client has lost meanwhile is gone
function scopeOfRefresh(server: AuthorizationServer, { client, parameters }: TokenRequest, found: Credential): Scope {
  const held = intersectScope(found.scope, scopesOfClient(server.scopes, client))
  const asked = parameters.get('scope')
  return asked === undefined ? held : requireScopeWithin(parseScope(asked), held)
}

// RFC 8707 §2.2: the same for resources
function audienceOfRefresh(server: AuthorizationServer, { parameters }: TokenRequest, { data }: Credential): Audience {
  return narrowAudience(server, storedAudience(server, data), parameters.get('resource'))
}

async function prepareRefresh(
  server: AuthorizationServer,
  settings: RefreshTokenSettings,
  found: Credential,
  presented: PresentedRefreshToken,
  { scope, audience }: { scope: Scope; audience: Audience },
): Promise<{ refresh: Credential; access: Credential; body: TokenResponse }> {
  const now = server.now()
  const { id, kind, digest, clientId, userId, startedAt } = found
  const lifetime = { issuedAt: now, expiresAt: now + server.accessTokens.ttl }
  const made: Refresh = {
    // the access tokens of a grant take turns in two rows: the one before survives, and the rows never grow
    slot: found.data.slot === 0 ? 1 : 0,
    scope: formatScope(scope),
    resource: formatResource(audience),
    refreshedAt: now,
    accessExpiresAt: lifetime.expiresAt,
    nonce: newSecret(),
  }
  const { accessId, accessSecret, refreshToken, state } = successorOf(settings, found, presented, made)
  const bound = { clientId, userId, grantId: grantIdOf(id), scope, startedAt, data: audienceData(audience) }
  const { credential: access, body } = await prepareAccessToken(server, accessId, bound, lifetime, accessSecret)
  body.refresh_token = refreshToken
  const data = {
    previous: presented.rotatingDigest,
    ...made,
    ...sealedAccessToken(server.accessTokens, body.access_token, found, presented, made),
    // as it was authorized: the digest covers it
    ...('audience' in found.data && { audience: found.data.audience }),
  }
  const expiresAt = refreshTokenExpiry(settings, startedAt, now)
  const refresh = credentialOf({ id, kind, state, digest }, { ...found, data }, { issuedAt: now, expiresAt })
  return { refresh, access, body }
}

/** The response that the same token got before: for parallel tabs, and for clients whose connection broke. */
async function replay(
  server: AuthorizationServer,
  settings: RefreshTokenSettings,
  request: TokenRequest,
  found: Credential,
  presented: PresentedRefreshToken,
): Promise<TokenResponse> {
  const made = found.data as unknown as Refresh
  const scope = scopeOfRefresh(server, request, found)
  if (formatScope(scope) !== made.scope) {
    throw new OAuthError('invalid_scope', 'This refresh token was just used for another scope.')
  }
  if (formatResource(audienceOfRefresh(server, request, found)) !== made.resource) {
    throw new OAuthError('invalid_target', 'This refresh token was just used for another resource.')
  }
  const successor = successorOf(settings, found, presented, made)
  const accessToken = accessTokenAgain(server.accessTokens, successor, found, presented, made)
  if (accessToken === undefined) throw invalidToken()
  const body = responseOf(
    accessToken,
    Math.max(1, made.accessExpiresAt - Math.max(made.refreshedAt, server.now())),
    scope,
  )
  body.refresh_token = successor.refreshToken
  const { clientId, userId, grantId } = found
  const shaped = await shapeResponse(server, body, contextOf(request, found, scope))
  server.emit({ type: 'refresh.replayed', clientId, userId, grantId })
  return shaped
}

function contextOf({ client, grantType, parameters }: TokenRequest, { userId }: Credential, scope: Scope) {
  return { client, grantType, userId, scope, parameters }
}

// RFC 9700 §4.14.2: an older refresh token means that two parties hold the session; neither can be told from the other
async function refuseReuse(server: AuthorizationServer, found: Credential): Promise<never> {
  const grantId = grantIdOf(found.id)
  await revokeGrants(server, { grantId })
  server.emit({ type: 'refresh.reused', clientId: found.clientId, userId: found.userId, grantId })
  throw invalidToken()
}

function invalidToken(): OAuthError {
  return new OAuthError('invalid_grant', 'The refresh token is unknown, expired, revoked or already used.')
}
