/**
 * The refresh token grant: RFC 6749 §6, with rotation and reuse detection (RFC 9700 §4.14.2), constant space per
 * session, and the same response again for the same token, so that one lost on its way is not a logout.
 */

import { isExpired } from '../credentials/bound'
import { grantIdOf } from '../credentials/split-token'
import { newSecret } from '../crypto'
import { OAuthError } from '../errors'
import { requireKnown, requireNoMore } from '../options/known'
import { requireSeconds } from '../options/seconds'
import { requireParameter } from '../rules/params'
import { audienceData, formatResource } from '../rules/resource'
import { formatScope } from '../rules/scope'
import type { Credential } from '../storage'
import { isDerived, latestEnd } from '../tokens/derived-session'
import { findCredential } from '../tokens/find'
import { credentialOf, grantOf, prepareAccessToken, refreshTokenExpiry, shapeResponse } from '../tokens/issue'
import { type Refresh, replayRow, successorOf } from '../tokens/replay'
import { endSessionOf, sessionEnd } from '../tokens/revocation'
import { hasStableHalf, type PresentedRefreshToken, parseRefreshToken, standingOf, windowOf } from '../tokens/rotation'
import type { AuthorizationServer, GrantType, RefreshTokenSettings } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { requireOwner, requireUser } from '../users'
import { type Asked, askedOf, hookContext, invalidToken, refuseBeyondClient, replay } from './refresh-replay'

/** Options of `refreshToken`. */
export interface RefreshTokenOptions {
  /** Lifetime in seconds, which starts anew with each refresh. @default 1209600 (14 days) */
  ttl?: number
  /**
   * Seconds after which no refresh keeps the session alive: the user must sign in again once the last access token ends.
   * @default no such limit
   */
  maxAge?: number
  /**
   * Whether each refresh makes a new refresh token. Without it a stolen one is never noticed, and of parallel refreshes for
   * several scopes or resources the last two access tokens live. @default true
   */
  rotate?: boolean
  /**
   * Seconds in which a token that was just used gets the same response again. 0 turns it off.
   * @default 60
   */
  replayWindow?: number
}

/** How often a request may find that another one with the same token was faster. */
const MOST_LOST = 10

/** The grant that keeps a session alive. Throws when a number is not a whole number of seconds. */
export function refreshToken(options: RefreshTokenOptions = {}): GrantType {
  requireNoMore('refreshToken', arguments, 1)
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
  refuseBeyondClient(server, request)
  if (!presented) throw invalidToken()
  for (let lost = 0; lost < MOST_LOST; lost++) {
    const response = await refreshOnce(server, settings, request, presented, lost > 0)
    if (response) return response
  }
  throw new OAuthError('temporarily_unavailable', 'Too many refreshes with this token at once.', {
    status: 503,
    headers: { 'Retry-After': '1' },
  })
}

/** Undefined where another request with the same token was faster, and this one has to look again. */
async function refreshOnce(
  server: AuthorizationServer,
  settings: RefreshTokenSettings,
  request: TokenRequest,
  presented: PresentedRefreshToken,
  hasLost: boolean,
): Promise<TokenResponse | undefined> {
  const found = await findCredential(server, presented.id, 'refresh_token')
  // a wrong stable half is a guess, not a reuse: it changes nothing, and grant ids are no secret
  if (!found || !hasStableHalf(found, presented)) throw invalidToken()
  // RFC 6749 §6: the refresh token is bound to the client it was issued to
  if (found.clientId !== request.client.clientId || isExpired(server, found)) throw invalidToken()
  if (sessionEnd(server, found.startedAt) <= server.now()) throw invalidToken()
  // before it is known where the token stands: which error comes tells nothing of that
  const asked = askedOf(server, request, found)
  const standing = standingOf(server, settings, found, presented)
  // who was overtaken twice is no thief, and gets nothing
  if (standing === 'reused' && hasLost) throw invalidToken()
  if (standing === 'reused') return refuseReuse(server, found)
  // as it was read: an adapter that changes the row which it answered would let every racer win
  const { id, state, clientId, userId, grantId } = found
  await (userId === undefined ? requireOwner(server, request.client) : requireUser(server, userId))
  if (standing === 'replayable') {
    const again = await replay(server, request, found, presented, asked)
    if (again) return again
  }

  const { scope } = asked
  const end = await latestEnd(server, found)
  if (end <= server.now()) throw invalidToken()
  const next = await prepareRefresh(server, settings, found, presented, { ...asked, end })
  const response = await shapeResponse(server, next.body, hookContext(request, found, scope))
  const additions = server.accessTokens.stateless ? next.replay : [next.access, ...next.replay]
  // the row of a grant that another client began stays what it is
  const grant = isDerived(found) ? undefined : grantOf(grantIdOf(id), found, [next.refresh, next.access])
  if (!(await server.storage.grants.transition(id, state, next.refresh, additions, grant))) return undefined
  server.emit({ type: 'token.issued', grantType: 'refresh_token', clientId, userId, grantId, scope })
  return response
}

async function prepareRefresh(
  server: AuthorizationServer,
  settings: RefreshTokenSettings,
  found: Credential,
  presented: PresentedRefreshToken,
  { scope, audience, end }: Asked & { end: number },
): Promise<{ refresh: Credential; access: Credential; replay: Credential[]; body: TokenResponse }> {
  const now = server.now()
  const { id, kind, digest, clientId, userId, startedAt } = found
  const lifetime = { issuedAt: now, expiresAt: Math.min(now + server.accessTokens.ttl, end) }
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
    slot: made.slot,
    refreshedAt: now,
    // as it was authorized: the digest covers it
    ...('audience' in found.data && { audience: found.data.audience }),
  }
  const expiresAt = refreshTokenExpiry(settings, startedAt, now, end)
  const refresh = credentialOf({ id, kind, state, digest }, { ...found, data }, { issuedAt: now, expiresAt })
  const window = windowOf(server, settings)
  const until = Math.min(expiresAt, now + window)
  const replay = window === 0 ? [] : [replayRow(server, body.access_token, found, presented, made, until)]
  return { refresh, access, replay, body }
}

// RFC 9700 §4.14.2: an older refresh token means that two parties hold the session; neither can be told from the other
async function refuseReuse(server: AuthorizationServer, found: Credential): Promise<never> {
  const grantId = grantIdOf(found.id)
  await endSessionOf(server, found)
  server.emit({ type: 'refresh.reused', clientId: found.clientId, userId: found.userId, grantId })
  throw invalidToken()
}
