/** The end-session endpoint, where clients send a browser to sign its user out (RP-Initiated Logout 1.0). */
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
   * Ends the session of this browser at your app. Returns, or resolves, when it has ended; the library sends the
   * response. With Passport: `(req) => new Promise((done, failed) => req.logout((error) => (error ? failed(error) :
   * done())))`.
   */
  signOut: (req: Request, res: Response) => Awaitable<unknown>
}

/** The name in the option `endpoints`. */
export const END_SESSION = 'endSession'

/**
 * The end-session endpoint (OpenID Connect RP-Initiated Logout 1.0), for GET and POST. Mount it behind your session
 * middleware, at the path of `endpoints.endSession`: `app.use('/logout', endSessionRouter(server, { signOut }))`.
 * Without an id_token of this session it asks the user first.
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
 * No user is signed in, so nothing must end. Only for GET: forms of other sites bring no cookie (`SameSite=Lax`), so a
 * POST proves nothing.
 */
function withoutBrowser(visit: Visit, parameters: RequestParameters, onward: Onward | undefined): void {
  const { req, res } = visit
  if (req.method === 'POST') return redirect(res, `?${new URLSearchParams([...parameters])}`)
  if (onward && isLetIn(onward)) return redirect(res, locationOf(onward))
  sendSignedOut(visit, parameters, true, onward)
}

/**
 * A stranger's link redirects only if the host admitted the client (§3, RFC 9700 §4.11.2). Where others can write a
 * record, the hint may be from their own sign-in.
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

/** Handles the answer to the question. It counts only for the user and session that were asked. */
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
  // without a redirect: the client would believe that the session has ended
  sendSignedOut(visit, parameters, false, onward)
}

/**
 * Ends the session. First the clients' authorizations, so that a failing store leaves the user signed in to try again;
 * then the host's session, and what was issued meanwhile. Clients are notified last, without waiting for them. The
 * browser is redirected to the client if `isSentOn`. Otherwise the page links to it.
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

/** A session without an id cannot be told apart from the user's other sessions: none of their authorizations ends. */
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
