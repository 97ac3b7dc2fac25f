/**
 * `deviceCode()`: sign-in for devices without a browser or keyboard. The user approves on another device (RFC 8628).
 */

import { getsRefreshToken } from '../clients/client'
import { authorizationOf, boundOf, findCredential, hasSecret, isExpired } from '../credentials/bound'
import { grantIdOf, parseSplitToken } from '../credentials/split-token'
import { OAuthError } from '../errors'
import { requireKnown, requireNoMore } from '../options/known'
import { requireSeconds } from '../options/seconds'
import { requireParameter } from '../rules/params'
import { audienceMember, heldAudience, narrowAudience, resolveAudience } from '../rules/resource'
import { remainingScope } from '../rules/scope'
import { requireKey } from '../sender-constraints/confirmation'
import type { Credential } from '../storage'
import { accessDetails as accessDetailsOf, detailsMember } from '../tokens/authorization-details'
import { issue, prepareTokens } from '../tokens/issue'
import type { AuthorizationServer, GrantType } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { requireUser } from '../users'
import { answerOf, isWithinRequest } from './answer'
import { authorizationRouter } from './device-authorization'
import { DEVICE_AUTHORIZATION, DEVICE_CODE, DEVICE_PAGE, paths, requirePath } from './endpoints'
import { deviceRouter } from './verification'

/** Options of `deviceCode`. */
export interface DeviceCodeOptions {
  /** Seconds in which the user must enter the code and approve, at most 1800. @default 600 */
  ttl?: number
  /**
   * Seconds between two polls of a device, at most 60. A device that polls too soon must wait five more seconds.
   * @default 5
   */
  interval?: number
}

/** RFC 8628 §3.5: the seconds added to the interval if a device polls too soon. */
const SLOWER = 5
/** Seconds by which a poll may be early, because network times vary. */
const EARLY = 1
/** The most times that a poll may lose against another one, or against the user's answer. */
const MOST_LOST = 10

/**
 * The device authorization grant (RFC 8628), for devices without a browser and for command line programs. The device
 * shows a code. Its user enters it on a page of this server and decides there, while the device polls. `oauthRouter`
 * mounts the endpoint and the page.
 *
 * @throws TypeError when `ttl` or `interval` is out of range.
 */
export function deviceCode(options: DeviceCodeOptions = {}): GrantType {
  requireNoMore('deviceCode', arguments, 1)
  requireKnown('deviceCode option', options, ['ttl', 'interval'])
  const { ttl = 600, interval = 5 } = options
  requireSeconds('deviceCode({ ttl })', ttl, 1800, 60)
  requireSeconds('deviceCode({ interval })', interval, 60)
  return Object.freeze({
    grantType: DEVICE_CODE,
    handle: (server, request) => poll(server, request, interval),
    endpoints: {
      [DEVICE_AUTHORIZATION]: {
        path: paths[DEVICE_AUTHORIZATION],
        router: (server, { cors }) => authorizationRouter(server, { ttl, interval }, cors),
      },
      [DEVICE_PAGE]: {
        path: paths[DEVICE_PAGE],
        router: (server, { decide }) => deviceRouter(server, { decide: decide as NonNullable<typeof decide> }),
      },
    },
    // RFC 8628 §4
    metadata: (server) => ({
      device_authorization_endpoint: requirePath('metadataRouter', server, DEVICE_AUTHORIZATION),
    }),
  } satisfies GrantType)
}

/** RFC 8628 §3.4: the device asks whether its user has decided. */
async function poll(server: AuthorizationServer, request: TokenRequest, interval: number): Promise<TokenResponse> {
  const { client, parameters } = request
  const presented = parseSplitToken(requireParameter(parameters, 'device_code'))
  // checks what applies to every code of this client before this code is looked up
  resolveAudience(server, client, parameters.get('resource'))
  for (let lost = 0; lost < MOST_LOST; lost++) {
    const found = presented && (await findCredential(server, presented.id, 'device_code'))
    if (!found || !hasSecret(found, presented.secret)) throw invalidCode()
    // RFC 8628 §3.4, RFC 6749 §5.2: the code is bound to its client
    if (found.clientId !== client.clientId) throw invalidCode()
    const { dpopJkt } = boundOf(found)
    if (dpopJkt !== undefined) requireKey(server, client.clientId, dpopJkt, request.confirmation)
    if (found.state === 'used') throw invalidCode()
    if (isExpired(server, found)) {
      throw new OAuthError('expired_token', 'The device code has expired. Start again.')
    }
    if (found.state === 'denied') {
      throw new OAuthError('access_denied', 'The user denied the request.', { status: 400 })
    }
    if (found.state === 'approved') return redeem(server, request, found)
    await wait(server, found, interval)
  }
  throw new OAuthError('slow_down', 'Too many requests with this device code at once.')
}

/** Throws the error for an unanswered code. Returns if an answer came meanwhile, so that the caller looks again. */
async function wait(server: AuthorizationServer, found: Credential, configured: number): Promise<void> {
  const { polledAt, interval = configured } = found.data as { polledAt?: number; interval?: number }
  const now = server.now()
  const isEarly = polledAt !== undefined && Math.max(0, now - polledAt) < interval - EARLY
  const data = { ...found.data, polledAt: now, interval: isEarly ? interval + SLOWER : interval }
  // stored, so that each process knows the polls of the others
  if (!(await server.storage.grants.transition(found.id, 'pending', { ...found, data }, []))) return
  if (!isEarly) throw new OAuthError('authorization_pending', 'The user has not answered yet.')
  throw new OAuthError('slow_down', `Wait ${data.interval} seconds between two requests.`)
}

/** Issues the tokens of an approved code. Of many concurrent requests one gets them. */
async function redeem(server: AuthorizationServer, request: TokenRequest, found: Credential): Promise<TokenResponse> {
  const { client, parameters } = request
  const { userId, startedAt, scope: granted, authorizationDetails: seen = [] } = answerOf(found)
  if (!isWithinRequest(found)) throw invalidCode()
  await requireUser(server, userId)
  // what the client lost since the user agreed is removed, as for an authorization code
  const scope = remainingScope(server.scopes, client, granted)
  const { audience: asked, authorizationDetails } = boundOf(found)
  const details = authorizationDetails && seen
  const audience = heldAudience(server, asked)
  const accessAudience = narrowAudience(server, client, audience, parameters.get('resource'))
  const accessDetails = accessDetailsOf(server, request, details, accessAudience.length > 0 ? accessAudience : audience)
  const grantId = grantIdOf(found.id)
  const authorization = {
    ...authorizationOf(found),
    ...{ userId, grantId, scope, startedAt },
    ...audienceMember(audience),
    ...detailsMember(details),
  }
  const refreshToken = getsRefreshToken(server, client)
  const tokens = await prepareTokens(server, authorization, { request, refreshToken, accessAudience, accessDetails })
  const { grant } = tokens
  const next = { ...found, state: 'used', ...(grant && { grantId: grant.id }) }
  const response = await issue(server, request, tokens, { id: found.id, from: 'approved', next })
  if (!response) throw invalidCode()
  return response
}

function invalidCode(): OAuthError {
  return new OAuthError('invalid_grant', 'The device code is unknown, already used or of another client.')
}
