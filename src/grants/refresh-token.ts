/**
 * The refresh token grant: RFC 6749 §6, with rotation and reuse detection (RFC 9700 §4.14.2), constant space per
 * session, and the same response again for the same token, so that one lost on its way is not a logout.
 */

import { authorizationOf, boundOf, isExpired } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { grantIdOf, isDerived, lookupId, sessionOf } from '../credentials/split-token'
import { newSecret } from '../crypto'
import { OAuthError } from '../errors'
import { requireKnown, requireNoMore } from '../options/known'
import { requireSeconds } from '../options/seconds'
import { requireParameter } from '../rules/params'
import { audienceMember, formatResource, heldAudience, narrowAudience, resolveAudience } from '../rules/resource'
import { formatScope, intersectScope, remainingScope, resolveScope, scopeWithin } from '../rules/scope'
import type { Credential } from '../storage'
import { latestEnd } from '../tokens/derived-session'
import { findCredential } from '../tokens/find'
import { grantOf, issue, type PreparedTokens, prepareAccessToken } from '../tokens/issue'
import { type Asked, invalidToken, type Refresh, repeat, replayRow, successorOf } from '../tokens/replay'
import { endSessionOf } from '../tokens/revocation'
import {
  hasStableHalf,
  nextPlace,
  type PresentedRefreshToken,
  parseRefreshToken,
  refreshTokenExpiry,
  rotationOf,
  sessionEnd,
  standingOf,
  windowOf,
} from '../tokens/rotation'
import type { AuthorizationServer, GrantType, RefreshTokenSettings } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { requireOwner, requireUser } from '../users'

/** Options of `refreshToken`. */
export interface RefreshTokenOptions {
  /** Lifetime in seconds, which starts anew with each refresh. @default 1209600 (14 days) */
  ttl?: number
  /**
   * Seconds after which no refresh extends the session. The user must sign in again once the last access token expires.
   * @default no limit
   */
  maxAge?: number
  /**
   * Whether each refresh issues a new refresh token. Without rotation the theft of a token is never detected. Parallel
   * refreshes for several scopes then keep only the last two access tokens of each set of resources alive.
   * @default true
   */
  rotate?: boolean
  /** Seconds in which a refresh token that was just used gets the same response again. 0 turns it off. @default 60 */
  replayWindow?: number
}

/** How often a request may find that another one with the same token was faster. */
const MOST_LOST = 10

/**
 * The refresh token grant (RFC 6749 §6), which keeps a session alive.
 *
 * @throws TypeError when a number is not a whole number of seconds.
 */
export function refreshToken(options: RefreshTokenOptions = {}): GrantType {
  requireNoMore('refreshToken', arguments, 1)
  requireKnown('refreshToken option', options, ['ttl', 'maxAge', 'rotate', 'replayWindow'])
  const { ttl = 14 * 24 * 3600, maxAge, rotate = true, replayWindow = 60 } = options
  requireSeconds('refreshToken({ ttl })', ttl)
  if (maxAge !== undefined) requireSeconds('refreshToken({ maxAge })', maxAge)
  if (maxAge !== undefined && options.ttl !== undefined && maxAge < ttl) {
    throw new TypeError(`refreshToken({ maxAge }) is ${maxAge}, and ttl is longer (${ttl}): lower ttl, or raise maxAge`)
  }
  requireSeconds('refreshToken({ replayWindow })', replayWindow, 3600, 0)
  if (typeof rotate !== 'boolean') throw new TypeError('refreshToken({ rotate }) must be true or false')
  if (!rotate && replayWindow === 0) {
    throw new TypeError(
      'refreshToken({ rotate: false }) needs a replayWindow above 0: parallel refreshes share their response',
    )
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
  const { client, parameters } = request
  const presented = parseRefreshToken(requireParameter(parameters, 'refresh_token'))
  // what no token of this client could be for is refused before this one is looked at: the answer tells nothing of it
  resolveScope(server.scopes, client, parameters.get('scope'))
  resolveAudience(server, client, parameters.get('resource'))
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
  // a request that was overtaken twice is no theft, and gets nothing
  if (standing === 'reused' && hasLost) throw invalidToken()
  if (standing === 'reused') return refuseReuse(server, found)
  // as it was read: an adapter that changes the row which it returned would let every racer win
  const { id, state: from, userId } = found
  const { username } = request.client
  if (userId !== undefined) await requireUser(server, userId)
  else if (username !== undefined) await requireOwner(server, username)
  const end = isDerived(found.id) ? await latestEnd(server, found) : Number.POSITIVE_INFINITY
  if (end <= server.now()) throw invalidToken()
  if (standing === 'replayable') {
    const again = await repeat(server, request, found, presented, asked)
    if (again) return again
  }
  const { tokens, next } = await prepareRefresh(server, settings, found, presented, asked, end)
  return issue(server, request, tokens, { id, from, next })
}

// RFC 6749 §6: what was asked may narrow the grant and never widen it; what the client has lost meanwhile is gone
function askedOf(server: AuthorizationServer, { client, parameters }: TokenRequest, found: Credential): Asked {
  const held = remainingScope(server.scopes, client, found.scope)
  const asked = parameters.get('scope')
  // in the order of the grant: §3.3, it means nothing
  const named = asked === undefined ? undefined : scopeWithin(server.scopes, client, asked, held)
  const scope = named ? intersectScope(held, named) : held
  // RFC 8707 §2.2: the same for resources
  const granted = heldAudience(server, boundOf(found).audience)
  return { scope, audience: narrowAudience(server, client, granted, parameters.get('resource')) }
}

async function prepareRefresh(
  server: AuthorizationServer,
  settings: RefreshTokenSettings,
  found: Credential,
  presented: PresentedRefreshToken,
  { scope, audience }: Asked,
  end: number,
): Promise<{ tokens: PreparedTokens; next: Credential }> {
  const { accessTokens } = server
  const now = server.now()
  const { at, slot, places } = nextPlace(server, rotationOf(found), audience)
  const lifetime = { issuedAt: now, expiresAt: Math.min(now + accessTokens.ttl, end) }
  const refresh: Refresh = {
    accessId: lookupId(grantIdOf(found.id), lookupSuffix.access_token[slot], sessionOf(found.id), at),
    scope: formatScope(scope),
    resource: formatResource(audience),
    refreshedAt: now,
    accessExpiresAt: lifetime.expiresAt,
    nonce: newSecret(),
  }
  const successor = successorOf(settings, found, presented, refresh)
  const bound = authorizationOf(found)
  const authorization = { ...bound, scope, ...audienceMember(audience) }
  const { accessId } = refresh
  const access = await prepareAccessToken(server, accessId, authorization, lifetime, successor.accessSecret)
  const body = { ...access.body, refresh_token: successor.refreshToken }
  const expiresAt = refreshTokenExpiry(settings, found.startedAt, now, end)
  const rotation = { previous: presented.rotatingDigest, refreshedAt: now, places }
  const data = { ...found.data, rotation }
  const next: Credential = { ...found, state: successor.state, data, issuedAt: now, expiresAt }
  const window = windowOf(server, settings)
  const credentials = accessTokens.stateless ? [] : [access.credential]
  if (window > 0) {
    const until = Math.min(expiresAt, now + window)
    credentials.push(replayRow(accessTokens, body.access_token, found, presented, refresh, until))
  }
  // the row of a grant that another client began stays what it is
  const grant = isDerived(found.id) ? undefined : grantOf(bound, [next, access.credential])
  return { tokens: { authorization, body, credentials, grant }, next }
}

// RFC 9700 §4.14.2: an older refresh token means that two parties hold the session; neither can be told from the other
async function refuseReuse(server: AuthorizationServer, found: Credential): Promise<never> {
  const grantId = grantIdOf(found.id)
  await endSessionOf(server, found)
  server.emit({ type: 'refresh.reused', clientId: found.clientId, userId: found.userId, grantId })
  throw invalidToken()
}
