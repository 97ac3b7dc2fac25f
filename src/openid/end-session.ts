/** The end-session endpoint, to which clients send a browser to sign its user out (RP-Initiated Logout 1.0). */
import type { Request, Response, Router } from 'express'
import { accountName, pageUsers } from '../authorization/sign-in'
import { refuseToken } from '../authorization/token-in-front'
import type { Awaitable } from '../awaitable'
import { findClient, isWrittenByOthers } from '../clients/client'
import { OAuthError } from '../errors'
import { requestChecks } from '../host/requests'
import { type Handler, reportError, requireServer } from '../http/endpoint'
import { errorPage, pageContext, setPageHeaders } from '../http/page'
import { requestParameters } from '../http/request'
import { endpointRouter } from '../http/router'
import { kindOf, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { renderSignedOut, renderSignOut } from '../pages/sign-out'
import type { RequestParameters } from '../rules/params'
import { redirectHost } from '../rules/redirect-uri'
import type { AuthorizationServer } from '../types/authorization-server'
import { type EndedSession, endSessions, tellClients } from './logout'
import {
  ANSWER,
  type Browser,
  isOfSession,
  locationOf,
  type Onward,
  onwardTo,
  readLogoutRequest,
  readQuestion,
  signQuestion,
  TRANSACTION,
} from './logout-request'
import { requireSettings, type Settings } from './settings'
import { signInOf } from './signed-in'

/** Options of `endSessionRouter`. */
export interface EndSessionRouterOptions {
  /**
   * Ends the session of this browser at your app, and returns, also as a promise: the library answers. With Passport:
   * `(req) => new Promise((done, failed) => req.logout((error) => (error ? failed(error) : done())))`.
   */
  signOut: (req: Request, res: Response) => Awaitable<unknown>
}

/** Its name in the `endpoints` of the server. */
export const END_SESSION = 'endSession'

/**
 * The end-session endpoint (OpenID Connect RP-Initiated Logout 1.0), for GET and POST. Mount it behind the session of
 * your app, at the path that `endpoints.endSession` says: `app.use('/logout', endSessionRouter(server, { signOut }))`.
 * Without an id_token of the very session it asks first.
 *
 * @throws TypeError at start-up for a server without `openid`.
 */
export function endSessionRouter(server: AuthorizationServer, options: EndSessionRouterOptions): Router {
  requireNoMore('endSessionRouter', arguments, 2)
  requireServer(server)
  requireKnown('endSessionRouter option', options ?? null, ['signOut'], ['signOut'])
  const { signOut } = options
  if (typeof signOut !== 'function') {
    throw misuse(
      'missing_option',
      `endSessionRouter needs signOut: (req, res) => …, which ends the session of your app, not ${kindOf(signOut)}`,
    )
  }
  const settings = requireSettings('endSessionRouter', server)
  const handler: Handler = async (req, res) => handle({ server, settings, signOut, req, res })
  const methods = { GET: handler, POST: handler }
  return endpointRouter(server, { methods, check: requestChecks(server, END_SESSION), onError: errorPage(server) })
}

interface Visit extends EndSessionRouterOptions {
  readonly server: AuthorizationServer
  readonly settings: Settings
  readonly req: Request
  readonly res: Response
}

async function handle(visit: Visit): Promise<void> {
  const { server, settings, req } = visit
  refuseToken(req)
  const parameters = await requestParameters(req, true)
  const browser = await browserOf(visit)
  if (req.method === 'POST' && parameters.has(TRANSACTION)) return answered(visit, parameters, browser)
  const request = await readLogoutRequest(settings, server, parameters, req)
  const { hint, onward } = request
  if (!browser) return withoutBrowser(visit, parameters, hint && onward)
  if (await isOfSession(settings, server, request, browser)) return signOutOf(visit, browser, onward, true)
  ask(visit, parameters, browser, onward)
}

async function browserOf({ server, settings, req }: Visit): Promise<Browser | undefined> {
  const found = await pageUsers('endSessionRouter', {}, server).signedIn(req)
  const signIn = await signInOf(server, settings, req)
  if (found) {
    const { sessionId } = signIn ?? {}
    return { userId: found.id, name: accountName(found), ...(sessionId !== undefined && { sessionId }) }
  }
  if (!signIn) return undefined
  const fix = 'set users: { current } of the server, so that the session can be ended'
  throw misuse(
    'wrong_sign_in',
    `openid({ authentication }) says that somebody is signed in, and users.current does not: ${fix}`,
  )
}

/**
 * Nobody is signed in: nothing is left to end. Another site's form brings no cookie of ours along (`SameSite=Lax`), so
 * that is only believed of a GET.
 */
function withoutBrowser(visit: Visit, parameters: RequestParameters, onward: Onward | undefined): void {
  const { req, res } = visit
  if (req.method === 'POST') return redirect(res, `?${new URLSearchParams([...parameters])}`)
  if (onward && isLetIn(onward)) return redirect(res, locationOf(onward))
  sendSignedOut(visit, parameters, true, onward)
}

/**
 * A stranger's link leads nowhere unless the client was let in by the host (§3, RFC 9700 §4.11.2): where others can write a
 * record, the hint may be of their own sign-in.
 */
function isLetIn({ client }: Onward): boolean {
  return client.origin === 'admitted_registration' || !isWrittenByOthers(client)
}

function ask(
  { server, settings, req, res }: Visit,
  parameters: RequestParameters,
  browser: Browser,
  onward: Onward | undefined,
  isAgain = false,
): void {
  const context = pageContext(server, req, parameters)
  const locales = parameters.get('ui_locales')
  const view = {
    userName: browser.name,
    action: locales === undefined ? '?' : `?${new URLSearchParams({ ui_locales: locales })}`,
    field: { name: TRANSACTION, value: signQuestion(settings, server, browser, onward) },
    answer: ANSWER,
    ...(isAgain && { notice: context.texts.answerUnused }),
  }
  setPageHeaders(server, res)
  res.end(renderSignOut(view, context))
}

/** The answer of the page: used where it is of whom the page was shown to, in the session that they have now. */
async function answered(visit: Visit, parameters: RequestParameters, browser: Browser | undefined): Promise<void> {
  const { server, settings } = visit
  if (!browser) return sendSignedOut(visit, parameters, true, undefined)
  const asked = readQuestion(settings, server, browser, parameters.get(TRANSACTION) ?? '')
  const answer = parameters.get(ANSWER)
  if (!asked || (answer !== 'yes' && answer !== 'no')) return ask(visit, parameters, browser, undefined, true)
  // the record may have changed since
  const client = asked.client === undefined ? undefined : await findClient(server, asked.client)
  const onward =
    client && !client.disabled && asked.uri !== undefined ? onwardTo(client, asked.uri, asked.state) : undefined
  if (answer === 'yes') return signOutOf(visit, browser, onward, onward !== undefined && isLetIn(onward))
  // not there by itself: the client would take it for the end of a session that goes on
  sendSignedOut(visit, parameters, false, onward)
}

/**
 * Ends the session: first what clients have by it, so that a store that is away leaves the user signed in, to try again;
 * then the host's own, and what came to it meanwhile. Clients are told after that, and one that is away holds up nobody.
 * The browser is sent onward where `isSentOn`, and otherwise linked there.
 */
async function signOutOf(visit: Visit, browser: Browser, onward: Onward | undefined, isSentOn: boolean): Promise<void> {
  const { server, settings, signOut, req, res } = visit
  const before = await endOf(server, browser)
  await server.inTime("endSessionRouter's signOut", signOut(req, res))
  const told = new Set(before.map(({ clientId }) => clientId))
  const since = (await endOf(server, browser)).filter(({ clientId }) => !told.has(clientId))
  void tellClients(settings, server, [...before, ...since])
  if (res.headersSent) {
    const cause = misuse(
      'wrong_answer',
      `endSessionRouter's signOut sent a response. It must only end the session, and return`,
    )
    const description = 'The server could not complete the request.'
    return reportError(server, new OAuthError('server_error', description, { cause }))
  }
  if (onward && isSentOn) return redirect(res, locationOf(onward))
  sendSignedOut(visit, undefined, true, onward)
}

/** A session without an id is not told from the user's others: none of them is ended. */
async function endOf(server: AuthorizationServer, { userId, sessionId }: Browser): Promise<EndedSession[]> {
  return sessionId === undefined ? [] : endSessions(server, userId, sessionId)
}

function redirect(res: Response, location: string): void {
  res.writeHead(303, {
    Location: location,
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    'Referrer-Policy': 'no-referrer',
    'Content-Length': 0,
  })
  res.end()
}

function sendSignedOut(
  { server, req, res }: Visit,
  parameters: RequestParameters | undefined,
  isSignedOut: boolean,
  onward: Onward | undefined,
): void {
  setPageHeaders(server, res)
  const link = onward && { url: locationOf(onward), host: redirectHost(onward.uri) }
  res.end(renderSignedOut({ isSignedOut, onward: link }, pageContext(server, req, parameters)))
}
