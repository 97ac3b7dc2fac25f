/**
 * The authorization response and its errors: RFC 6749 §4.1.2 and §4.2.2, with `iss` (RFC 9207). Sent in three styles or
 * by a form.
 */
import type { Request, Response } from 'express'
import { OAuthError } from '../errors'
import { reportError, sendError, sendJson } from '../http/endpoint'
import { pageContext, setPageHeaders } from '../http/page'
import { formPostPolicy, renderFormPost } from '../pages/form-post'
import { renderOnward } from '../pages/onward'
import { schemeWithoutDot } from '../rules/private-use-scheme'
import { redirectHost, staysOnDevice, withParameters } from '../rules/redirect-uri'
import type { AuthorizationServer } from '../types/authorization-server'
import type { AuthorizationTarget } from './request'

/**
 * How the authorization response reaches the client. `redirect` redirects the browser. `location` puts the URL in the
 * `Location` header of a 200. `json` puts the parameters in the body. The last two are for apps that call the endpoint
 * themselves.
 */
export type AuthorizationResponseStyle = 'redirect' | 'location' | 'json'

/**
 * Also `page`: a built-in page sends the browser on. The browser applies the `form-action` of a host's sign-in page to
 * a redirect after its form (CSP3 §6.3.1): with helmet's `'self'` Chromium would block it.
 */
export type AnswerStyle = AuthorizationResponseStyle | 'page'

export function sendAuthorizationResponse(
  server: AuthorizationServer,
  style: AnswerStyle,
  target: AuthorizationTarget,
  parameters: Readonly<Record<string, unknown>>,
  req: Request,
  res: Response,
): void {
  const { state, redirectUri, responseMode } = target
  // RFC 9207 §2: names the server, against mix-up attacks on clients of several servers
  const all = { ...parameters, ...(state !== undefined && { state }), iss: server.issuer }
  if (style === 'json') return sendJson(res, 200, all)
  const pairs = Object.entries(all).map(([name, value]): [string, string] => [name, String(value)])
  const location = withParameters(redirectUri, pairs, responseMode)
  if (responseMode === 'form_post') return sendForm(server, location, pairs, req, res)
  if (style === 'location') return sendJson(res, 200, {}, { Location: location })
  // a browser asks or refuses if a page opens an app without a click of the user
  if (style === 'page' && /^https?:/.test(location)) return sendOnward(server, target, location, req, res)
  // RFC 9700 §4.12: 303 after a POST, or the browser would post the form with its password to the client
  res.writeHead(req.method === 'POST' ? 303 : 302, {
    Location: location,
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    'Referrer-Policy': 'no-referrer',
    'Content-Length': 0,
  })
  res.end()
}

/** OAuth 2.0 Form Post Response Mode §2: a built-in page posts the response to the verified redirect URI. */
function sendForm(
  server: AuthorizationServer,
  action: string,
  pairs: readonly [string, string][],
  req: Request,
  res: Response,
): void {
  const fields = pairs.map(([name, value]) => ({ name, value }))
  setPageHeaders(server, res)
  res.setHeader('Content-Security-Policy', formPostPolicy(server.pages))
  // with `same-origin` the form would have the origin `null`, which clients refuse as forged
  res.setHeader('Referrer-Policy', 'strict-origin')
  res.end(renderFormPost({ action, host: redirectHost(action), fields }, pageContext(server, req)))
}

const mustAsk: readonly string[] = [
  'login_required',
  'consent_required',
  'interaction_required',
  'account_selection_required',
]

/**
 * Decides who receives an error. RFC 9700 §4.11.2: a stranger's link must not use this server as a redirector. So only
 * a signed-in user is redirected, and only to a trusted redirect URI. Anyone can register a client with any redirect
 * URI and make wrong requests. So for such a URI on the web, and for a scheme without a dot, which opens any program,
 * the user must have decided; otherwise a page shows the error. The styles without a redirect follow the same rule.
 * Errors that only say that the user must be asked (OpenID Connect Core §3.1.2.6) go to the client without sign-in if
 * the host admitted the client.
 */
function errorGoesTo(
  { client, redirectUri }: AuthorizationTarget,
  { code }: OAuthError,
  isSignedIn: boolean,
): 'client' | 'page' {
  // the request was already decided: its client has the response
  if (code === 'invalid_request_uri') return 'page'
  const isLetIn = client.origin === undefined || client.origin === 'admitted_registration'
  if (mustAsk.includes(code)) return isLetIn ? 'client' : 'page'
  if (!isSignedIn) return 'page'
  const isApps = staysOnDevice(redirectUri) && !schemeWithoutDot.test(redirectUri)
  const mayBeTold = client.origin === undefined || isApps || code === 'access_denied'
  return mayBeTold ? 'client' : 'page'
}

function sendOnward(
  server: AuthorizationServer,
  { client, redirectUri }: AuthorizationTarget,
  location: string,
  req: Request,
  res: Response,
): void {
  setPageHeaders(server, res)
  // like a redirect, this hides the request's URL from the client
  res.writeHead(200, { Refresh: `0;url=${location}`, 'Referrer-Policy': 'no-referrer' })
  const name = client.origin === undefined ? (client.name ?? client.clientId) : redirectHost(redirectUri)
  res.end(renderOnward(name, location, pageContext(server, req)))
}

function sendAuthorizationError(
  server: AuthorizationServer,
  style: AnswerStyle,
  target: AuthorizationTarget,
  error: OAuthError,
  req: Request,
  res: Response,
): void {
  if (style === 'location' || style === 'json') return sendError(error, req, res)
  // RFC 6749 §4.1.2.1: a redirect has this code in place of a 503
  const code = error.status === 503 ? 'temporarily_unavailable' : error.code
  const parameters = { error: code, error_description: error.description }
  sendAuthorizationResponse(server, style, target, parameters, req, res)
}

interface Refusal {
  style: AnswerStyle
  target: AuthorizationTarget
  error: OAuthError
}

/** Sends an error to the client, or throws it for the user. */
export async function refuse(
  server: AuthorizationServer,
  isSignedIn: (req: Request) => Promise<boolean>,
  { style, target, error }: Refusal,
  req: Request,
  res: Response,
): Promise<void> {
  if (errorGoesTo(target, error, await isSignedIn(req)) === 'page' || res.headersSent) {
    throw style === 'redirect' || style === 'page' ? inOurWords(target, error) : error
  }
  reportError(server, error)
  server.explain?.(error, req)
  sendAuthorizationError(server, style, target, error, req, res)
}

/** A link must not put its own text on a built-in page: only the client learns which scope was wrong. */
function inOurWords({ client }: AuthorizationTarget, error: OAuthError): OAuthError {
  // the description contains words of the request or of the host's check
  if (error.code === 'invalid_authorization_details') {
    return new OAuthError(
      'invalid_authorization_details',
      'The authorization details are wrong, or not allowed for this client.',
    )
  }
  // the error for a client that registered itself contains only our own words
  if (error.code !== 'invalid_scope' || client.origin !== undefined) return error
  return new OAuthError('invalid_scope', 'A requested scope is unknown or not allowed for this client.')
}
