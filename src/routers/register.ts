/** The registration endpoint (RFC 7591), and below it the configuration endpoint of each client (RFC 7592). */
import type { Request, Response, Router } from 'express'
import { grantTypesOf, hasClientSecret } from '../clients/client'
import { requireOwnOrigin } from '../clients/limits'
import { writeMembers } from '../clients/metadata'
import { deleteRegistration, registerItself, replaceRegistration, requireRegistration } from '../clients/registration'
import { type Permitted, parseSelfDescription, responseTypesOf } from '../clients/self-description'
import type { OAuthError } from '../errors'
import { missingToken, withChallenge } from '../guard/challenge'
import { presentedToken } from '../guard/presented-token'
import { requestChecks } from '../host/requests'
import {
  type CorsOptions,
  type Handler,
  type Methods,
  requireServer,
  sendEmpty,
  sendError,
  sendJson,
} from '../http/endpoint'
import { jsonMembers } from '../http/request'
import { pathOf, publicTarget } from '../http/request-target'
import { endpointRouter } from '../http/router'
import { requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { takeAttempt } from '../passwords/throttle'
import { networkOf, siteOf } from '../rules/network'
import { tryDecodeComponent } from '../rules/params'
import { type Scope, toScope } from '../rules/scope'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { admission, type RegistrationProtection } from './registration-access'

/** Options of `registerRouter`. */
export interface RegisterRouterOptions {
  /** Who may register: a guard, `{ initialAccessToken }`, or `'open'`. */
  protect: RegistrationProtection
  /**
   * The maximum scope of these clients, which is also their default: `'read'` or `['read', 'write']`. Do not include
   * scopes that allow administration of clients or users.
   */
  scopes: string | Scope
  /** The grants that these clients may use. @default authorization_code and refresh_token, where the server has them */
  grantTypes?: readonly string[]
  /** The web pages of other origins that may call it (CORS). @default none */
  cors?: CorsOptions
}

const defaultGrantTypes = ['authorization_code', 'refresh_token']

/**
 * Dynamic client registration (RFC 7591, RFC 7592). Mount it with `app.use('/oauth2/register', …)`, and name that path
 * in the server's `endpoints`. A client that registered itself needs PKCE, and its name is unverified. It reads,
 * changes and deletes its registration with a registration access token. The token is shown once, stored as a digest,
 * and valid as long as the client exists.
 *
 * @throws TypeError at start-up without `protect` or `scopes`, and for a scope or grant that the server does not have.
 */
export function registerRouter(server: AuthorizationServer, options: RegisterRouterOptions): Router {
  requireNoMore('registerRouter', arguments, 2)
  requireServer(server)
  requireKnown('registerRouter option', options, ['protect', 'scopes', 'grantTypes', 'cors'], ['protect', 'scopes'])
  const { protect, cors } = options ?? {}
  const admit = admission(server, protect)
  const permitted = permittedBy(server, options)
  const check = requestChecks(server, 'register')
  const methods: Methods = { POST: register }
  return endpointRouter(server, { methods, below, cors, onError: sendChallenged })

  async function register(req: Request, res: Response): Promise<void> {
    check(req)
    await admit(req, res)
    const description = parseSelfDescription(await jsonMembers(req), permitted, server)
    // after the validation: ten failed tries of a developer count as no attempt
    const isOpen = protect === 'open'
    if (isOpen) await takeAttempt(server, { kind: 'registration', account: '', network: siteOf(networkOf(req.ip)) })
    const { client, clientSecret, registrationToken } = await registerItself(server, description, permitted, isOpen)
    const secret = clientSecret === undefined ? {} : { client_secret: clientSecret }
    sendJson(res, 201, { ...describe(server, client, registrationToken, req), ...secret })
  }

  function below(path: string): Methods | undefined {
    const [, id = '', ...more] = path.split('/')
    const clientId = tryDecodeComponent(id)
    return more.length > 0 || !clientId || clientId.includes('\0') ? undefined : configuration(server, clientId)
  }
}

/** RFC 7592 §2: the registration of one client. */
function configuration(server: AuthorizationServer, clientId: string): Methods {
  const byClient = (handle: (token: string, client: Client, req: Request, res: Response) => Promise<void>): Handler => {
    return async (req, res) => {
      const token = presentedToken(req, ['header']) ?? missingToken()
      const client = await requireRegistration(server, clientId, token)
      if (client.corsOrigins) requireOwnOrigin(client, server, req)
      await handle(token, client, req, res)
    }
  }
  return {
    GET: byClient(async (token, client, req, res) => sendJson(res, 200, describe(server, client, token, req))),
    PUT: byClient(async (token, _client, req, res) => {
      const members = await jsonMembers(req)
      const client = await replaceRegistration(server, clientId, token, members)
      sendJson(res, 200, describe(server, client, token, req))
    }),
    DELETE: byClient(async (token, _client, _req, res) => {
      await deleteRegistration(server, clientId, token)
      sendEmpty(res, 204)
    }),
  }
}

function permittedBy(server: AuthorizationServer, options: RegisterRouterOptions): Permitted {
  const { scopes, grantTypes = defaultGrantTypes.filter((grantType) => server.grants.has(grantType)) } = options
  if (typeof scopes !== 'string' && !Array.isArray(scopes)) {
    throw misuse(
      'missing_option',
      "registerRouter needs scopes: the scopes that self-registered clients may have, such as ['read']",
    )
  }
  const permitted = { scopes: toScope(scopes), grantTypes }
  const wrong =
    permitted.scopes.find((scope) => !server.scopes.has(scope)) ??
    grantTypes.find((grantType) => !server.grants.has(grantType))
  if (wrong !== undefined)
    throw misuse(
      'unknown_to_server',
      `registerRouter: the server has no scope or grant type ${wrong}: add it there, or leave it out`,
    )
  return permitted
}

/**
 * RFC 7591 §3.2.1, RFC 7592 §3. The registration access token is the one that was sent, because only its digest is
 * stored. A secret is shown once, when it is created.
 */
function describe(
  server: AuthorizationServer,
  client: Client,
  registrationToken: string,
  req: Request,
): Record<string, unknown> {
  const { clientId } = client
  const grantTypes = grantTypesOf(client)
  // the default scope has no member in the RFC
  const { default_scope: _, ...members } = writeMembers({ ...client, grantTypes }, 'self', server)
  return {
    client_id: clientId,
    client_id_issued_at: client.createdAt,
    // §3.2.1: 0 means never; required if there is a secret
    ...(hasClientSecret(client) && { client_secret_expires_at: 0 }),
    registration_access_token: registrationToken,
    registration_client_uri: `${registrationUri(server, req)}/${encodeURIComponent(clientId)}`,
    ...members,
    response_types: responseTypesOf(server, grantTypes),
  }
}

/** Has the issuer's origin, never the Host header's. If `endpoints` has no path, the path of the request. */
function registrationUri(server: AuthorizationServer, req: Request): string {
  const path = server.endpoints.register ?? mountPath(server, req)
  return `${new URL(server.issuer).origin}${path.replace(/\/$/, '')}`
}

/** The path without the part below the mount point: nothing for a registration, the client id for its configuration. */
function mountPath(server: AuthorizationServer, req: Request): string {
  const path = pathOf(publicTarget(server, req))
  return req.method === 'POST' ? path : path.slice(0, path.lastIndexOf('/'))
}

/** RFC 6750 §3: the response to a missing or wrong token has a challenge. */
function sendChallenged(error: OAuthError, req: Request, res: Response): void {
  sendError(error.code === 'invalid_token' ? withChallenge(error, { realm: 'registration' }, []) : error, req, res)
}
