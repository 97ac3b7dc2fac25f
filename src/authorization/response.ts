/** The authorization response and its error: RFC 6749 §4.1.2 and §4.2.2, with `iss` (RFC 9207), in three styles, or by a form. */
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
 * How the authorization response reaches the client. `redirect` sends the browser there. `location` puts the URL in the
 * `Location` header of a 200, and `json` puts the parameters in the body: both are for apps that call the endpoint
 * themselves.
 */
export type AuthorizationResponseStyle = 'redirect' | 'location' | 'json'

/**
 * The same, with `page`: a page of ours sends the browser on. A redirect after a form of the host's page, such as its
 * sign-in, falls under that page's `form-action` (CSP3 §6.3.1): with helmet's `'self'` Chromium would stop it.
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
  // RFC 9207 §2: which server answers, so that a client of several cannot be made to mix them up
  const all = { ...parameters, ...(state !== undefined && { state }), iss: server.issuer }
  if (style === 'json') return sendJson(res, 200, all)
  const pairs = Object.entries(all).map(([name, value]): [string, string] => [name, String(value)])
  const location = withParameters(redirectUri, pairs, responseMode)
  if (responseMode === 'form_post') return sendForm(server, location, pairs, req, res)
  if (style === 'location') return sendJson(res, 200, {}, { Location: location })
  // a browser that is sent to an app on its own device by a page of ours would ask, or refuse: no hand has sent it
  if (style === 'page' && /^https?:/.test(location)) return sendOnward(server, target, location, req, res)
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

/** OAuth 2.0 Form Post Response Mode §2: a page of ours posts the answer to the verified redirect URI. */
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
  // with `same-origin` the form would come from the origin `null`, which clients take for a forgery
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
 * RFC 9700 §4.11.2: a stranger's link must not make this server send a browser on, so only a signed-in user is sent, and only
 * where the redirect URI can be trusted. Anybody can introduce a client with a redirect URI of their own, and make this
 * server's links lead there by a request that is wrong; so the user has decided before such a URI on the web gets an answer,
 * or a scheme without a dot, which opens any program, and reads on a page what is wrong. Where nobody is redirected, both are
 * the same answer. What only says that somebody must be asked (OpenID Connect Core §3.1.2.6) is for the client also where
 * nobody is signed in, if the host has let it in.
 */
function errorGoesTo(
  { client, redirectUri }: AuthorizationTarget,
  { code }: OAuthError,
  isSignedIn: boolean,
): 'client' | 'page' {
  // a request that was answered already: its client has that answer
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
  // the client learns nothing of the request's URL, as with a redirect
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
  // RFC 6749 §4.1.2.1: the code that a redirect has in place of a 503
  const code = error.status === 503 ? 'temporarily_unavailable' : error.code
  const parameters = { error: code, error_description: error.description }
  sendAuthorizationResponse(server, style, target, parameters, req, res)
}

interface Refusal {
  style: AnswerStyle
  target: AuthorizationTarget
  error: OAuthError
}

/** Answers a request that is refused: at the client, or else by what is thrown. */
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

/** A link must not be able to say anything on a page of ours: the client alone is told which scope was wrong. */
function inOurWords({ client }: AuthorizationTarget, error: OAuthError): OAuthError {
  // its words are those of the request, or of the host's check about them
  if (error.code === 'invalid_authorization_details') {
    return new OAuthError(
      'invalid_authorization_details',
      'The authorization details are wrong, or not allowed for this client.',
    )
  }
  // for a client that introduced itself the error names no word but ours
  if (error.code !== 'invalid_scope' || client.origin !== undefined) return error
  return new OAuthError('invalid_scope', 'A requested scope is unknown or not allowed for this client.')
}
