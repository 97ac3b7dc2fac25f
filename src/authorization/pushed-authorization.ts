/** Pushed authorization requests: RFC 9126. The value for `requests`, and the endpoint where clients push. */

import type { Router } from 'express'
import { attemptOfPublicClient, authenticatedRequest } from '../clients/authenticated-request'
import { flag } from '../clients/member-checks'
import { OAuthError } from '../errors'
import { requestChecks } from '../host/requests'
import { type Handler, requireServer, sendJson } from '../http/endpoint'
import { endpointRouter } from '../http/router'
import { requireFlags, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { requireSeconds } from '../options/seconds'
import { keyToBind } from '../sender-constraints/code-key'
import type { Confirmation } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import type { RequestSource } from '../types/capability'
import type { CorsOptions } from '../types/endpoints'
import { openPushedRequest, pushedParameters, storePushedRequest } from './pushed-request'
import { type AuthorizationTarget, parseAuthorizationRequest, requireTarget, withDetails } from './request'

/** Options of `pushedAuthorizationRequests`. */
export interface PushedAuthorizationRequestsOptions {
  /**
   * Seconds in which the browser must open the request (`expires_in`), at most 600. Then the user has twenty minutes to
   * sign in and decide.
   * @default 60
   */
  ttl?: number
  /**
   * Whether every client must push its requests (RFC 9126 §5). A client record may require it for one client.
   * @default false
   */
  required?: boolean
}

/** Options of `pushedAuthorizationRouter`. */
interface PushedAuthorizationRouterOptions {
  /** The web pages of other origins that may call it (CORS). @default none */
  cors?: CorsOptions
}

const ENDPOINT = 'pushedAuthorization'
const PATH = '/oauth2/par'

/** Client authentication, which is not part of the authorization request (RFC 9126 §2.1). */
const proofs: readonly string[] = ['client_secret', 'client_assertion', 'client_assertion_type']

/**
 * Pushed authorization requests (RFC 9126), for the server option `requests`. A client sends its request from its own
 * server and receives a `request_uri`. The browser brings it to the authorization endpoint. Only that client can use
 * it, and only once.
 *
 * @throws TypeError for a wrong option. The message names the option and the fix.
 */
export function pushedAuthorizationRequests(options: PushedAuthorizationRequestsOptions = {}): RequestSource {
  requireNoMore('pushedAuthorizationRequests', arguments, 1)
  requireKnown('pushedAuthorizationRequests option', options, ['ttl', 'required'])
  const { ttl = 60, required = false } = options
  requireSeconds('pushedAuthorizationRequests({ ttl })', ttl, 600)
  requireFlags('pushedAuthorizationRequests', { required })
  return Object.freeze({
    parameter: 'request_uri',
    required: (client) => required || client.requirePushedAuthorizationRequests === true,
    async parametersOf(server, client, value) {
      const uses = await openPushedRequest(server, client, value)
      return { parameters: pushedParameters(uses), uses }
    },
    endpoints: { [ENDPOINT]: { path: PATH, router: (server, { cors }) => pushRouter(server, ttl, cors) } },
    clientMembers: [
      {
        name: 'requirePushedAuthorizationRequests',
        wire: 'require_pushed_authorization_requests',
        type: flag,
        setBy: 'self',
      },
    ],
    metadata: (_server, urlOf) => describeEndpoint(urlOf(ENDPOINT), required),
  } satisfies RequestSource)
}

/** RFC 9126 §5. */
function describeEndpoint(url: string | undefined, required: boolean): Record<string, unknown> {
  if (url === undefined) {
    const fix = `set createAuthorizationServer({ endpoints: { ${ENDPOINT}: '${PATH}' } })`
    throw misuse(
      'missing_option',
      `metadataRouter needs endpoints.${ENDPOINT} for pushedAuthorizationRequests(): ${fix}`,
    )
  }
  return {
    pushed_authorization_request_endpoint: url,
    ...(required && { require_pushed_authorization_requests: true }),
  }
}

/**
 * The pushed authorization request endpoint (RFC 9126 §2). `oauthRouter` mounts it if `requests` of the server has
 * `pushedAuthorizationRequests()`.
 *
 * @throws TypeError at start-up if the server has no `pushedAuthorizationRequests()`.
 */
export function pushedAuthorizationRouter(
  server: AuthorizationServer,
  options: PushedAuthorizationRouterOptions = {},
): Router {
  requireNoMore('pushedAuthorizationRouter', arguments, 2)
  requireServer(server)
  requireKnown('pushedAuthorizationRouter option', options, ['cors'])
  const { router } = server.requests.find(({ endpoints }) => endpoints?.[ENDPOINT])?.endpoints?.[ENDPOINT] ?? {}
  if (router) return router(server, options)
  throw misuse(
    'missing_capability',
    'pushedAuthorizationRouter needs pushedAuthorizationRequests() in the requests of the server',
  )
}

function pushRouter(server: AuthorizationServer, ttl: number, cors: CorsOptions | undefined): Router {
  const handler: Handler = async (req, res) => {
    const startedAt = server.now()
    const sent = await authenticatedRequest(server, req, { proofAt: ENDPOINT })
    const { client, parameters, confirmation } = sent
    // RFC 9126 §2.1: otherwise a request could refer to another request
    if (parameters.has('request_uri')) throw new OAuthError('invalid_request', 'request_uri cannot be pushed.')
    const pushed = new Map([...parameters].filter(([name]) => !proofs.includes(name)))
    const parsed = { parameters: pushed.set('client_id', client.clientId), repeated: new Set<string>() }
    const target = withKey(server, await requireTarget(server, parsed, req, client), confirmation)
    const request = await withDetails(parseAuthorizationRequest(server, target, startedAt))
    // after the validation: ten failed tries of a developer count as no attempt
    if (!sent.authenticated && !sent.attempt) await attemptOfPublicClient(server, client, req)
    const requestUri = await storePushedRequest(request, ttl)
    server.emit({ type: 'request.pushed', clientId: client.clientId, scope: request.scope })
    sendJson(res, 201, { request_uri: requestUri, expires_in: ttl })
  }
  return endpointRouter(server, { methods: { POST: handler }, check: requestChecks(server, ENDPOINT), cors })
}

/** RFC 9449 §10.1: a proof in a pushed request binds the code, as `dpop_jkt` does. */
function withKey(
  server: AuthorizationServer,
  target: AuthorizationTarget,
  confirmation: Confirmation | undefined,
): AuthorizationTarget {
  const { parsed, client } = target
  const key = confirmation && keyToBind(server, client, parsed.parameters, confirmation)
  if (key === undefined) return target
  return { ...target, parsed: { ...parsed, parameters: new Map([...parsed.parameters, ['dpop_jkt', key]]) } }
}
