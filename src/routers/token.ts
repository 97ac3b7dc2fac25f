/** The token endpoint: RFC 6749 §3.2. */
import type { Request, Response, Router } from 'express'
import { authenticatedRequest } from '../clients/authenticated-request'
import { requireGrantType } from '../clients/client'
import { OAuthError } from '../errors'
import { requestChecks, warnOfNoScopes, warnOfResource } from '../host/requests'
import { type CorsOptions, type Handler, requireServer, sendJson } from '../http/endpoint'
import { endpointRouter } from '../http/router'
import { requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { DETAILS } from '../rules/authorization-details'
import { requireParameter } from '../rules/params'
import { verifyTokenRequest } from '../tokens/authorization-details'
import type { AuthorizationServer } from '../types/authorization-server'

/** Options of `tokenRouter`. */
export interface TokenRouterOptions {
  /**
   * Where clients may send parameters: `'body'`, `'query'`. The query is for old APIs with documented credentials in
   * the URL, which every log keeps. RFC 6749 §2.3.1 forbids it. It also admits GET.
   * @default ['body']
   */
  parametersFrom?: readonly ('body' | 'query')[]
  /** The web pages of other origins that may call it (CORS). @default none */
  cors?: CorsOptions
}

/** The token endpoint (RFC 6749 §3.2). Mount it with `app.use`, `app.post` or `app.all`. */
export function tokenRouter(server: AuthorizationServer, options: TokenRouterOptions = {}): Router {
  requireNoMore('tokenRouter', arguments, 2)
  requireServer(server)
  requireKnown('tokenRouter option', options, ['parametersFrom', 'cors'])
  const { parametersFrom = ['body'], cors } = options
  if (!Array.isArray(parametersFrom) || !parametersFrom.every((place) => place === 'body' || place === 'query')) {
    throw misuse('wrong_choice', "tokenRouter's parametersFrom may hold 'body' and 'query'")
  }
  const fromQuery = parametersFrom.includes('query')
  const handler: Handler = async (req, res) => {
    const startedAt = server.now()
    const sent = await authenticatedRequest(server, req, { fromQuery, proofAt: 'token' })
    const { client, authenticated, parameters, confirmation } = sent
    const grantType = requireParameter(parameters, 'grant_type')
    const grant = server.grants.get(grantType)
    if (!grant?.handle) throw new OAuthError('unsupported_grant_type', 'This grant_type is not supported.')
    // RFC 6749 §5.2: checked here for all grants
    requireGrantType(client, grantType)
    if (server.scopes.size > 0 && !client.scopes?.length) warnOfNoScopes(server, client)
    if (server.resources.length === 0 && parameters.has('resource')) warnOfResource(server)
    if (server.authorizationDetails && parameters.has(DETAILS)) verifyTokenRequest(grantType, parameters)
    const request = { client, authenticated, grantType, parameters, startedAt, req, confirmation }
    sendJson(res, 200, await grant.handle(server, request))
    if (sent.attempt) await sent.attempt.giveBack()
  }
  const methods = fromQuery ? { GET: handler, POST: handler } : { POST: handler }
  return endpointRouter(server, { methods, check: requestChecks(server, 'token'), cors, onError: sendTokenError })
}

/** RFC 6749 §5.2, with the error members of a host's grant. */
function sendTokenError(error: OAuthError, _req: Request, res: Response): void {
  sendJson(res, error.status, { ...error.toJSON(), ...error.members }, error.headers)
}
