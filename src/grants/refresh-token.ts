/**
 * The refresh token grant: RFC 6749 §6, with rotation and reuse detection (RFC 9700 §4.14.2). It needs constant space
 * per session, and repeats the response to a token, so that a lost response does not end the session.
 */
import { isPromise } from '../awaitable'
import { mayOmitAuthentication } from '../clients/client'
import { authorizationOf, boundOf, findCredential, isExpired } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { grantIdOf, isDerived, lookupId, sessionOf } from '../credentials/split-token'
import { newSecret } from '../crypto'
import { OAuthError } from '../errors'
import { requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { requireSeconds } from '../options/seconds'
import { requireParameter } from '../rules/params'
import { audienceMember, formatResource, resolveAudience } from '../rules/resource'
import { formatScope, resolveScope } from '../rules/scope'
import { nameOfKeys, requireKeys } from '../sender-constraints/bound-keys'
import type { Credential } from '../storage'
import { latestEnd } from '../tokens/derived-session'
import { grantOf, issue, prepareAccessToken } from '../tokens/issue'
import type { PreparedTokens } from '../tokens/prepared'
import { type Asked, askedOf, invalidToken, type Refresh, repeat, replayRow, successorOf } from '../tokens/replay'
import { endSessionOf } from '../tokens/revocation'
import {
  boundTo,
  hasStableHalf,
  limitedRefresh,
  nextPlace,
  type PresentedRefreshToken,
  parseRefreshToken,
  type RefreshSettings,
  refreshTokenExpiry,
  rotationOf,
  standingOf,
  windowOf,
} from '../tokens/rotation'
import type { AuthorizationServer, GrantType, RefreshTokenSettings } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { requireOwner, requireUser } from '../users'

/** Options of `refreshToken`. */
export interface RefreshTokenOptions {
  /** Lifetime in seconds, which restarts with each refresh. @default 1209600 (14 days) */
  ttl?: number
  /**
   * Seconds after which no refresh extends the session. The user signs in again when the last access token expires.
   * @default no limit
   */
  maxAge?: number
  /**
   * Whether each refresh issues a new refresh token: `true`, `false`, or `'public-clients'`, as FAPI 2.0 §5.3.2.1 requires.
   * Without rotation, theft of a token is never detected. Parallel refreshes for several scopes then keep only the last
   * two access tokens of each set of resources alive.
   * @default true
   */
  rotate?: boolean | 'public-clients'
  /** Seconds in which a refresh token that was just used gets the same response again; 0 disables it. @default 60 */
  replayWindow?: number
}

/** The most times that a request may lose against another one with the same token. */
const MOST_LOST = 10

/**
 * The refresh token grant (RFC 6749 §6), which extends a session.
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
    const problem = `is ${maxAge}, and ttl is longer (${ttl}): lower ttl, or raise maxAge`
    throw misuse('conflicting_options', `refreshToken({ maxAge }) ${problem}`)
  }
  requireSeconds('refreshToken({ replayWindow })', replayWindow, 3600, 0)
  if (typeof rotate !== 'boolean' && rotate !== 'public-clients') {
    throw misuse('wrong_choice', "refreshToken({ rotate }) must be true, false or 'public-clients'")
  }
  if (rotate !== true && replayWindow === 0) {
    const fix = 'needs a replayWindow above 0: parallel refreshes share their response'
    throw misuse('conflicting_options', `refreshToken({ rotate: ${rotate} }) ${fix}`)
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
  options: RefreshTokenSettings,
  request: TokenRequest,
): Promise<TokenResponse> {
  const { client, parameters } = request
  const limits = client.refreshToken ? limitedRefresh(options, client.refreshToken) : options
  const rotate = limits.rotate === 'public-clients' ? mayOmitAuthentication(client) : limits.rotate
  const most = server.accessTokens.ttl
  const settings = { ...limits, rotate, accessTokenTtl: Math.min(client.accessTokenTtl ?? most, most) }
  const presented = parseRefreshToken(requireParameter(parameters, 'refresh_token'))
  // refused before this token is looked up, so that the error reveals nothing of it
  resolveScope(server, client, parameters.get('scope'))
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

/** Undefined if another request with the same token was faster, so that this one must look again. */
async function refreshOnce(
  server: AuthorizationServer,
  settings: RefreshSettings,
  request: TokenRequest,
  presented: PresentedRefreshToken,
  hasLost: boolean,
): Promise<TokenResponse | undefined> {
  const sought = findCredential(server, presented.id, 'refresh_token')
  const found = isPromise(sought) ? await sought : sought
  // a wrong stable half is a guess, not a reuse: it changes nothing, and grant ids are not secret
  if (!found || !hasStableHalf(found, presented)) throw invalidToken()
  // RFC 6749 §6: the refresh token is bound to the client it was issued to
  if (found.clientId !== request.client.clientId || isExpired(server, found)) throw invalidToken()
  const { maxAge } = settings
  if (maxAge !== undefined && found.startedAt + maxAge <= server.now()) throw invalidToken()
  const { client, confirmation } = request
  const { confirmation: held } = boundOf(found)
  // RFC 9449 §5: before reuse is detected, which ends the session: a client without the key ends nothing
  if (held) requireKeys(server, client.clientId, held, confirmation)
  // before the standing is known, so that the error does not reveal it
  const asked = askedOf(server, request, found)
  const standing = standingOf(server, settings, found, presented)
  // a request that lost twice is not a theft, but gets nothing
  if (standing === 'reused' && hasLost) throw invalidToken()
  if (standing === 'reused') return refuseReuse(server, found)
  // copied, because an adapter that changes a returned row would let every concurrent request win
  const { id, state: from, userId } = found
  const { username } = client
  if (userId !== undefined) await requireUser(server, userId)
  else if (username !== undefined) await requireOwner(server, username)
  const end = isDerived(found.id) ? await latestEnd(server, found) : Number.POSITIVE_INFINITY
  if (end <= server.now()) throw invalidToken()
  if (standing === 'replayable') {
    const again = await repeat(server, request, found, presented, asked)
    if (again) return again
  }
  // RFC 9449 §5: from now on, a client without authentication is identified by its key alone
  const isBoundNow = confirmation !== undefined && !held && mayOmitAuthentication(client)
  const row = isBoundNow ? boundTo(found, presented, confirmation) : found
  const { tokens, next } = await prepareRefresh(server, settings, row, presented, asked, end)
  return await issue(server, request, tokens, { id, from, next })
}

async function prepareRefresh(
  server: AuthorizationServer,
  settings: RefreshSettings,
  found: Credential,
  presented: PresentedRefreshToken,
  { scope, audience, details, confirmation, ttl = settings.accessTokenTtl }: Asked,
  end: number,
): Promise<{ tokens: PreparedTokens; next: Credential }> {
  const now = server.now()
  const jkt = confirmation && nameOfKeys(confirmation)
  // instances of a client that share a token have one place each, or they would end each other's access tokens
  const { at, slot, places } = nextPlace(server, rotationOf(found), audience, settings.rotate ? undefined : jkt)
  const lifetime = { issuedAt: now, expiresAt: Math.min(now + ttl, now + settings.accessTokenTtl, end) }
  const refresh: Refresh = {
    accessId: lookupId(grantIdOf(found.id), lookupSuffix.access_token[slot], sessionOf(found.id), at),
    scope: formatScope(scope),
    resource: formatResource(audience),
    ...(details && { details: JSON.stringify(details) }),
    refreshedAt: now,
    accessExpiresAt: lifetime.expiresAt,
    ...(jkt !== undefined && { jkt }),
    nonce: newSecret(),
  }
  const successor = successorOf(settings, found, presented, refresh)
  const bound = authorizationOf(found)
  const authorization = {
    ...{ ...bound, scope, ...audienceMember(audience) },
    ...(details && { authorizationDetails: details }),
    ...(confirmation && { confirmation }),
  }
  const prepared = prepareAccessToken(server, refresh.accessId, authorization, lifetime, successor.accessSecret)
  const access = isPromise(prepared) ? await prepared : prepared
  const body = { ...access.body, refresh_token: successor.refreshToken }
  const expiresAt = refreshTokenExpiry(settings, found.startedAt, now, end)
  const rotation = Object.freeze({ previous: presented.rotatingDigest, refreshedAt: now, places })
  const data = Object.freeze({ ...found.data, rotation })
  const next: Credential = { ...found, state: successor.state, data, issuedAt: now, expiresAt }
  const window = windowOf(settings)
  const credentials = server.accessTokens.stateless ? [] : [access.credential]
  if (window > 0) {
    // includes the second in which the window ends
    const until = Math.min(expiresAt, now + window + 1)
    credentials.push(replayRow(server.accessTokens, body.access_token, found, presented, refresh, until))
  }
  // a grant that another client began keeps its row
  const grant = isDerived(found.id) ? undefined : grantOf(bound, [next, access.credential])
  return { tokens: { authorization, body, credentials, grant }, next }
}

// RFC 9700 §4.14.2: an older refresh token means that two parties have the session, and either may be the thief
async function refuseReuse(server: AuthorizationServer, found: Credential): Promise<never> {
  const grantId = grantIdOf(found.id)
  await endSessionOf(server, found)
  server.emit({ type: 'refresh.reused', clientId: found.clientId, userId: found.userId, grantId })
  throw invalidToken()
}
