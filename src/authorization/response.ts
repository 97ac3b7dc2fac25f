/** The authorization response and its error: RFC 6749 §4.1.2 and §4.2.2, with `iss` (RFC 9207), in three styles. */
import type { Request, Response } from 'express'
import type { OAuthError } from '../errors'
import { sendError, sendJson } from '../http/json'
import { schemeWithoutDot } from '../rules/private-use-scheme'
import { staysOnDevice, withParameters } from '../rules/redirect-uri'
import type { AuthorizationServer } from '../types/authorization-server'
import type { AuthorizationTarget } from './request'

/**
 * How the authorization response reaches the client. `redirect` sends the browser there. `location` puts the URL in the
 * `Location` header of a 200, and `json` puts the parameters in the body: both are for apps that call the endpoint
 * themselves.
 */
export type AuthorizationResponseStyle = 'redirect' | 'location' | 'json'

export function sendAuthorizationResponse(
  server: AuthorizationServer,
  style: AuthorizationResponseStyle,
  target: AuthorizationTarget,
  parameters: Readonly<Record<string, unknown>>,
  req: Request,
  res: Response,
): void {
  const { state, redirectUri, responseMode } = target
  // RFC 9207 §2: which server answers, so that a client of several cannot be made to mix them up
  const all = { ...parameters, ...(state !== undefined && { state }), iss: server.issuer }
  if (style === 'json') return sendJson(res, 200, all)
  const pairs = Object.entries(all).map(([name, value]): [string, string] => [name, String(value)])
  const location = withParameters(redirectUri, pairs, responseMode)
  if (style === 'location') return sendJson(res, 200, {}, { Location: location })
  // RFC 9700 §4.12: after a POST 303, or a browser would post the form, password and all, to the client
  res.writeHead(req.method === 'POST' ? 303 : 302, {
    Location: location,
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    'Referrer-Policy': 'no-referrer',
    'Content-Length': 0,
  })
  res.end()
}

/**
 * RFC 9700 §4.11.2: a stranger's link must not make this server send a browser on, so only a signed-in user is sent, and only
 * where the redirect URI can be trusted. Anybody can introduce a client with a redirect URI of their own, and make this
 * server's links lead there by a request that is wrong; so the user has decided before such a URI on the web gets an answer,
 * or a scheme without a dot, which opens any program, and reads on a page what is wrong. Where nobody is redirected, both are
 * the same answer.
 */
export function errorGoesTo(
  { client, redirectUri }: AuthorizationTarget,
  { code }: OAuthError,
  isSignedIn: boolean,
): 'client' | 'page' {
  if (!isSignedIn) return 'page'
  const isApps = staysOnDevice(redirectUri) && !schemeWithoutDot.test(redirectUri)
  const mayBeTold = client.origin === undefined || isApps || code === 'access_denied'
  return mayBeTold ? 'client' : 'page'
}

export function sendAuthorizationError(
  server: AuthorizationServer,
  style: AuthorizationResponseStyle,
  target: AuthorizationTarget,
  error: OAuthError,
  req: Request,
  res: Response,
): void {
  if (style !== 'redirect') return sendError(error, req, res)
  // RFC 6749 §4.1.2.1: the code that a redirect has in place of a 503
  const code = error.status === 503 ? 'temporarily_unavailable' : error.code
  const parameters = { error: code, error_description: error.description }
  sendAuthorizationResponse(server, style, target, parameters, req, res)
}
