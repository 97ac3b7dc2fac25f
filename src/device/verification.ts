/** The page where a user enters a device's code and decides (RFC 8628 §3.3). It works without scripts. */
import type { Request, Response, Router } from 'express'
import { approve } from '../authorization/approve'
import { consentPage } from '../authorization/consent-page'
import { expectAnswer, notADecision, timely } from '../authorization/decision'
import { type OwnFields, ownFields, verifyOwnPage } from '../authorization/own-page'
import { pageUsers, sendToSignIn } from '../authorization/sign-in'
import { findTransaction, openTransaction } from '../authorization/transaction'
import { OAuthError } from '../errors'
import { admissionOf } from '../guard/presented-token'
import { requestChecks } from '../host/requests'
import { failLate, type Handler, requireServer } from '../http/endpoint'
import { errorPage, pageContext, setPageHeaders } from '../http/page'
import { queryParameters, requestParameters } from '../http/request'
import { publicTarget } from '../http/request-target'
import { endpointRouter } from '../http/router'
import { requireCalled, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { renderAnswered, renderEntry } from '../pages/device'
import { takeAttempt } from '../passwords/throttle'
import { networkOf, siteOf } from '../rules/network'
import type { Credential } from '../storage'
import type { AuthorizationServer, Decide } from '../types/authorization-server'
import { answeredBy } from './answer'
import { carryOut, deviceRequest } from './approval'
import { DEVICE_PAGE, requireDeviceCode } from './endpoints'
import { findDeviceCode, parseUserCode, userCodeDigest } from './user-code'

/** Options of `deviceRouter`. */
export interface DeviceRouterOptions {
  /**
   * Asks the user: `consentPage()`, or your own function. Called after the user entered the code of a device, with
   * `request.device`. It must ask each time: a stranger may have sent the user the link.
   */
  decide: Decide
  /**
   * Returns hidden fields for the form where the code is entered, for a CSRF middleware: `(req) => ({ _csrf:
   * req.csrfToken() })`.
   * @default none
   */
  fields?: OwnFields
}

const TRANSACTION = 'device_transaction'
const CODE = 'user_code'
const ANSWERED = 'answered'

/**
 * The page where users enter the code of a device (RFC 8628 §3.3). `oauthRouter` mounts it if `grants` of the server
 * has `deviceCode()`. Mount it behind your session middleware, and never behind a guard.
 *
 * @throws TypeError at start-up if the server has no `deviceCode()`, and for a decider that asks no user.
 */
export function deviceRouter(server: AuthorizationServer, options: DeviceRouterOptions): Router {
  requireNoMore('deviceRouter', arguments, 2)
  requireServer(server)
  requireKnown('deviceRouter option', options, ['decide', 'fields'], ['decide'])
  requireDeviceCode('deviceRouter', server)
  const { decide, fields } = options ?? {}
  verifyDecider(decide)
  verifyOwnPage('deviceRouter', { fields })
  const { signedIn, signIn } = (decide.usersAt ?? ((at) => pageUsers('deviceRouter', {}, at)))(server)
  const asking = timely(decide)
  const forUser = (handle: (visit: Visit) => Promise<void>): Handler => {
    return async (req, res) => {
      const startedAt = server.now()
      // a window that opened this one, or that this one opened, must not control it
      res.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
      // an access token must not let its client, or anyone with it, approve devices with more rights than the token
      if (admissionOf(req))
        throw new OAuthError('access_denied', 'Sign in in a browser. A token cannot approve a device.')
      const found = await signedIn(req)
      if (found) return handle({ server, decide: asking, fields, req, res, userId: found.id, startedAt })
      if (signIn === undefined) throw new OAuthError('access_denied', 'No user is signed in.', { status: 401 })
      await sendToSignIn(server, signIn, publicTarget(server, req), req, res)
    }
  }
  const methods = { GET: forUser(show), POST: forUser(enter) }
  return endpointRouter(server, { methods, check: requestChecks(server, DEVICE_PAGE), onError: errorPage(server) })
}

function verifyDecider(decide: Decide | undefined): asserts decide is Decide {
  requireCalled("deviceRouter's decide", decide, { consentPage, approve })
  if (typeof decide !== 'function')
    throw misuse('missing_option', 'deviceRouter needs decide: consentPage(), or a function')
  if (!decide.silent) return
  const fix = 'Mount the routers one by one, with deviceRouter(server, { decide: consentPage() })'
  throw misuse('conflicting_options', `deviceRouter must ask its users, and approve() asks none. ${fix}`)
}

interface Visit {
  readonly server: AuthorizationServer
  readonly decide: Decide
  readonly fields: OwnFields | undefined
  readonly req: Request
  readonly res: Response
  readonly userId: string
  readonly startedAt: number
}

/** Shows the form, or the result after this user has answered. */
async function show(visit: Visit): Promise<void> {
  const { server, req, res, userId } = visit
  const { parameters } = queryParameters(req)
  const answered = parseUserCode(parameters.get(ANSWERED) ?? '')
  // only codes that this user answered: the page reveals no other codes
  const allowed = answered && (await answerTo(server, answered, userId))
  if (typeof allowed === 'boolean') return sendPage(server, res, 200, renderAnswered(allowed, pageContext(server, req)))
  await showForm(visit, parseUserCode(parameters.get(CODE) ?? ''))
}

async function answerTo(server: AuthorizationServer, code: string, userId: string): Promise<boolean | undefined> {
  const found = await findDeviceCode(server, code)
  return found && answeredBy(found, userId)
}

/** RFC 8628 §3.3.1: a code from the link is shown too, for the user to compare and submit. */
async function showForm(visit: Visit, code: string | undefined, problem?: 'deviceUnknown' | 'answerUnused') {
  const { server, req, res, userId, fields, startedAt } = visit
  const added = fields ? await ownFields(server, 'deviceRouter', fields, req) : []
  // there is no client yet: this id cannot belong to one (RFC 6749 Appendix A.1)
  const value = await openTransaction(server, 'device_entry', { clientId: '\n', userId, scope: [], startedAt })
  const context = pageContext(server, req)
  const view = {
    field: CODE,
    ...(code !== undefined && { code }),
    fields: [{ name: TRANSACTION, value }, ...added],
    ...(problem && { problem: context.texts[problem] }),
  }
  sendPage(server, res, problem ? 400 : 200, renderEntry(view, context))
}

/** Handles an entered code, or an answer to `decide`. The URL does not matter. */
async function enter(visit: Visit): Promise<void> {
  const { server, req, userId } = visit
  const parameters = await requestParameters(req)
  const entry = await findTransaction(server, 'device_entry', { token: parameters.get(TRANSACTION), userId })
  const code = parseUserCode(parameters.get(CODE) ?? '')
  if (!entry) return showForm(visit, code, 'answerUnused')
  if (code === undefined) return showForm(visit, code, 'deviceUnknown')
  if (entry.state === 'pending') {
    const found = await takeGuess(visit, entry, code)
    return found === 'late' ? showForm(visit, code, 'answerUnused') : ask(visit, code, found, parameters)
  }
  if (entry.data.entered !== userCodeDigest(code)) return showForm(visit, code, 'answerUnused')
  const found = await findDeviceCode(server, code)
  // sent twice: the first answer counts
  if (found && answeredBy(found, userId) !== undefined) return sendToAnswered(visit, code)
  await ask(visit, code, found?.state === 'pending' ? found : undefined, parameters)
}

/** Returns the device code of a correct guess, otherwise undefined. Uses up the form either way. */
async function takeGuess(
  { server, req, userId }: Visit,
  entry: Credential,
  code: string,
): Promise<Credential | 'late' | undefined> {
  // RFC 8628 §5.1: fast guessing would find other users' codes
  const attempt = await takeAttempt(server, { kind: 'user_code', account: '', network: siteOf(networkOf(req.ip)) })
  const found = await findDeviceCode(server, code)
  const isRight = found?.state === 'pending'
  const data = isRight ? { ...entry.data, entered: userCodeDigest(code) } : entry.data
  const next = { ...entry, state: 'decided', data }
  if (!(await server.storage.grants.transition(entry.id, 'pending', next, []))) return 'late'
  // not `succeed`: a network with a code of its own must not get more guesses
  if (isRight) await attempt.giveBack()
  else server.emit({ type: 'user_code.failed', userId })
  return isRight ? found : undefined
}

/** Asks the user, and carries out the decision. */
async function ask(
  visit: Visit,
  code: string,
  found: Credential | undefined,
  sent: ReadonlyMap<string, string>,
): Promise<void> {
  const { server, decide, req, res, userId } = visit
  const request = found && (await deviceRequest(visit, found, code, sent))
  if (!request) return showForm(visit, code, 'deviceUnknown')
  const decision = await decide(request, req, res)
  if (decision === undefined) {
    if (res.headersSent) return
    return expectAnswer(res, "decide, or consentPage's render,", (error) =>
      failLate(server, errorPage(server), error, req, res),
    )
  }
  if (decision?.allow !== true && decision?.allow !== false) throw notADecision(decision)
  if (await carryOut(server, request, found, decision, userId)) return sendToAnswered(visit, code)
  // another answer was faster
  await showForm(visit, code, 'answerUnused')
}

/** Redirects to a page that a browser may reload. Relative, because a proxy may show another path. */
function sendToAnswered({ res }: Visit, code: string): void {
  res.writeHead(303, { Location: `?${ANSWERED}=${code}`, 'Cache-Control': 'no-store', 'Content-Length': 0 })
  res.end()
}

function sendPage(server: AuthorizationServer, res: Response, status: number, html: string): void {
  // a timeout of the host may have responded while storage was slow
  if (res.headersSent) return
  setPageHeaders(server, res)
  res.writeHead(status)
  res.end(html)
}
