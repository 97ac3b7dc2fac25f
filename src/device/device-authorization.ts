/** The device authorization endpoint (RFC 8628 §3.1): a device receives a code for itself and one for its user. */
import type { Router } from 'express'
import { attemptOfPublicClient, authenticatedRequest } from '../clients/authenticated-request'
import { requireGrantType } from '../clients/client'
import { boundBy, credentialOf } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { lookupId } from '../credentials/split-token'
import { newGrantId, newSecret } from '../crypto'
import { requestChecks, warnOfNoScopes, warnOfResource } from '../host/requests'
import { type Handler, requireServer, sendJson } from '../http/endpoint'
import { endpointRouter } from '../http/router'
import { requireKnown, requireNoMore } from '../options/known'
import { networkOf } from '../rules/network'
import { audienceMember, resolveAudience } from '../rules/resource'
import { resolveScope } from '../rules/scope'
import { keyToBind } from '../sender-constraints/code-key'
import { detailsMember, requestedDetails } from '../tokens/authorization-details'
import { store } from '../tokens/issue'
import type { AuthorizationServer } from '../types/authorization-server'
import type { CorsOptions } from '../types/endpoints'
import { DEVICE_AUTHORIZATION, DEVICE_CODE, DEVICE_PAGE, requireDeviceCode, requirePath } from './endpoints'
import { storeUserCode } from './user-code'

/** Options of `deviceAuthorizationRouter`. */
interface DeviceAuthorizationRouterOptions {
  /** The web pages of other origins that may call it (CORS). @default none */
  cors?: CorsOptions
}

/** The options of `deviceCode()`. */
interface Settings {
  readonly ttl: number
  readonly interval: number
}

/** The parameters that the page needs again. */
const shownParameters: readonly string[] = ['scope', 'resource', 'ui_locales']

/**
 * The device authorization endpoint (RFC 8628 §3.1). `oauthRouter` mounts it if `grants` of the server has
 * `deviceCode()`.
 *
 * @throws TypeError at start-up if the server has no `deviceCode()`, or `endpoints` lacks the path of the page.
 */
export function deviceAuthorizationRouter(
  server: AuthorizationServer,
  options: DeviceAuthorizationRouterOptions = {},
): Router {
  requireNoMore('deviceAuthorizationRouter', arguments, 2)
  requireServer(server)
  requireKnown('deviceAuthorizationRouter option', options, ['cors'])
  const { endpoints = {} } = requireDeviceCode('deviceAuthorizationRouter', server)
  const { router } = endpoints[DEVICE_AUTHORIZATION] as Required<(typeof endpoints)[string]>
  return router(server, options)
}

/** The same, with the settings of `deviceCode()`. */
export function authorizationRouter(server: AuthorizationServer, settings: Settings, cors?: CorsOptions): Router {
  const page = requirePath('deviceAuthorizationRouter', server, DEVICE_PAGE)
  const handler: Handler = async (req, res) => {
    const startedAt = server.now()
    const sent = await authenticatedRequest(server, req, { proofAt: DEVICE_AUTHORIZATION })
    const { client, parameters, confirmation } = sent
    requireGrantType(client, DEVICE_CODE)
    if (server.scopes.size > 0 && !client.scopes?.length) warnOfNoScopes(server, client)
    if (server.resources.length === 0 && parameters.has('resource')) warnOfResource(server)
    const audience = resolveAudience(server, client, parameters.get('resource'))
    const details = await requestedDetails(server, client, parameters, audience)
    // RFC 9396 §3.1: a request with details and no scope does not get the default scope
    const isScoped = !details || parameters.has('scope')
    const scope = isScoped ? resolveScope(server, client, parameters.get('scope'), audience) : []
    // binds the code as RFC 9449 §10 does: by a proof, or by the thumbprint of a key
    const dpopJkt = keyToBind(server, client, parameters, confirmation)
    const bearing = { ...audienceMember(audience), ...detailsMember(details) }
    const authorization = { clientId: client.clientId, scope, startedAt, ...bearing }
    // each request stores rows; a counted proof already limits them
    if (!sent.authenticated && !sent.attempt) await attemptOfPublicClient(server, client, req)
    const issuedAt = server.now()
    const lifetime = { issuedAt, expiresAt: issuedAt + settings.ttl }
    const id = lookupId(newGrantId(), lookupSuffix.device_code)
    const secret = newSecret()
    const bound = boundBy({
      ...authorization,
      network: networkOf(req.ip),
      parameters: [...parameters].filter(([name]) => shownParameters.includes(name)),
      ...(dpopJkt !== undefined && { dpopJkt }),
    })
    const made = { id, kind: 'device_code', secret, state: 'pending' }
    // stored before a user code leads to it
    await store(server, [credentialOf(made, authorization, lifetime, bound)])
    const userCode = await storeUserCode(server, id, authorization, lifetime)
    server.emit({ type: 'device.requested', clientId: client.clientId, scope })
    sendJson(res, 200, {
      device_code: `${id}.${secret}`,
      user_code: userCode,
      verification_uri: page,
      verification_uri_complete: `${page}?user_code=${userCode}`,
      expires_in: settings.ttl,
      interval: settings.interval,
    })
  }
  const check = requestChecks(server, DEVICE_AUTHORIZATION)
  return endpointRouter(server, { methods: { POST: handler }, check, cors })
}
