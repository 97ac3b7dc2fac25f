/** The consent page: asks the signed-in user, and accepts only the answer to its own question (RFC 9700 §4.16). */

import type { Request, Response } from 'express'
import type { Awaitable } from '../awaitable'
import { boundOf } from '../credentials/bound'
import { sha256 } from '../crypto'
import { pageContext, setPageHeaders } from '../http/page'
import { queryParameters } from '../http/request'
import { publicTarget } from '../http/request-target'
import { requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { type ConsentView, renderConsent } from '../pages/consent'
import { claimInWords, type PageContext, scopeInWords } from '../pages/page'
import { appScheme, redirectHost, staysOnDevice } from '../rules/redirect-uri'
import type { Credential } from '../storage'
import { detailView } from '../tokens/authorization-details'
import type { AuthorizationRequest, AuthorizationServer, Decide, Decision } from '../types/authorization-server'
import type { HostPage, PageUsers } from '../types/users'
import { verifyHostPage } from '../users'
import { inTimeToAnswer } from './decision'
import {
  answerWatch,
  checkOwnForm,
  type OwnFields,
  ownFields,
  sendOwnPage,
  setOwnPageHeaders,
  verifyOwnPage,
  withoutOwnFields,
} from './own-page'
import { needsNoAnswer, type Remember, verifyRemember } from './remembered'
import { accountName, hostPageUrl, pageUsers, sendToSignIn } from './sign-in'
import { cameTooSoon, openTransaction, takeTransaction } from './transaction'

/** Options of `consentPage`. */
export interface ConsentPageOptions {
  /**
   * Returns the signed-in account: an id, or an object with an `id` and a display name.
   * @default `users.current` of the server
   */
  user?: (req: Request) => Awaitable<unknown>
  /**
   * The sign-in page: a path, or a function that returns the URL. A path receives `?return_to=` with the path to return
   * to. Required unless `users.signIn` is set.
   * @default `users.signIn` of the server
   */
  signIn?: HostPage
  /** The page where another user can sign in, as for `signIn`. @default the server's `users.switchUser`, or no link */
  switchUser?: HostPage
  /**
   * Skips the question if the user has a live authorization of the same client for the same scope and resource. Public
   * clients are always asked about unless you list their ids, because any program can pose as one (RFC 8252 §8.6). List
   * only registered ids. A redirect URI with a private-use scheme without a dot is always asked about.
   * @default false
   */
  remember?: Remember
  /**
   * Renders your own page: returns its HTML with `view.fields` in the form, or sends the response itself. The security
   * headers are already set. The Content-Security-Policy only forbids frames; add your own.
   * @default the built-in page
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that answers `res` itself returns nothing
  render?: (view: ConsentView, req: Request, res: Response) => Awaitable<string | undefined | void>
  /**
   * Returns hidden fields for the form, for a CSRF middleware in front: `(req) => ({ _csrf: req.csrfToken() })`.
   * @default none
   */
  fields?: OwnFields
}

const optionNames: readonly string[] = [
  'user',
  'signIn',
  'switchUser',
  'remember',
  'render',
  'fields',
] satisfies (keyof ConsentPageOptions)[]

const TRANSACTION = 'consent_transaction'
const ANSWER = 'consent'

/**
 * Asks the user on a page that works without scripts.
 *
 * @throws TypeError at start-up, from `authorizeRouter`, if neither this page nor the server's `users` have a `signIn`.
 */
export function consentPage(options: ConsentPageOptions = {}): Decide {
  requireNoMore('consentPage', arguments, 1)
  requireKnown('consentPage option', options, optionNames)
  const { user, signIn, switchUser, remember = false, render, fields } = options
  const own = { ...(user !== undefined && { user }), signIn, switchUser }
  if (signIn !== undefined) verifyHostPage('consentPage needs signIn', signIn, '/login')
  verifyRemember(remember)
  if (switchUser !== undefined) verifyHostPage("consentPage's switchUser", switchUser, '/login')
  verifyOwnPage('consentPage', { render, fields })
  const watch = answerWatch()
  const decide = async (given: AuthorizationRequest, req: Request, res: Response): Promise<Decision | undefined> => {
    const added = fields ? await ownFields(given.server, 'consentPage', fields, req) : []
    const request = fields ? withoutOwnFields(given, added) : given
    const { signedIn, signIn, switchUser } = usersAt(request.server)
    const found = await signedIn(req)
    const returnTo = pathBackTo(request, req)
    if (!found) return void (await sendToSignIn(request.server, signIn, returnTo, req, res))
    const userId = found.id
    watch.arrives ||= req.method === 'POST'
    const answer = request.sent.get(ANSWER)
    const answered = req.method === 'POST' && request.sent.has(TRANSACTION)
    const known = answered && (answer === 'allow' || answer === 'deny')
    const transaction = known ? await takeAnswer(request, userId) : undefined
    if (transaction && answer === 'deny') return { allow: false }
    const tooSoon = transaction !== undefined && cameTooSoon(request.server, transaction)
    if (transaction && !tooSoon) return { allow: true, userId, startedAt: transaction.startedAt }
    if (!answered && (await needsNoAnswer(remember, request, userId))) return { allow: true, userId }
    watch.shown(request, userId)
    if (render) checkOwnForm(request, req)
    const context = pageContext(request.server, req, request.parameters)
    const view: ConsentView = {
      ...describe(request, context),
      user: { id: userId, name: accountName(found) },
      fields: [await ask(request, userId, tooSoon), ...added, ...fieldsBeyondUrl(request, req)],
      ...(switchUser !== undefined && { switchUser: await hostPageUrl(request.server, switchUser, returnTo, req) }),
      ...(answered && { notice: context.texts.answerUnused }),
    }
    const setHeaders = render ? setOwnPageHeaders : setPageHeaders
    setHeaders(request.server, answered ? res.status(400) : res)
    if (render) sendOwnPage(await inTimeToAnswer("consentPage's render", render(view, req, res)), view, res)
    // a timeout of the host may have responded while storage was slow
    else if (!res.headersSent) res.end(renderConsent(view, context))
    return undefined
  }
  const usersAt = (server: AuthorizationServer) => withSignIn(pageUsers('consentPage', own, server))
  return Object.assign(decide, { usersAt, ownForm: render === undefined })
}

/** Throws if neither the page nor the server has a sign-in page. */
function withSignIn({ signIn, ...users }: PageUsers): PageUsers & { signIn: HostPage } {
  if (signIn !== undefined) return { ...users, signIn }
  const fix = 'or a function that returns its URL. Set it there, or once as users.signIn of the server'
  throw misuse('missing_option', `consentPage needs signIn: the path of one of your pages, such as '/login', ${fix}`)
}

/** The parameters that the browser sent, without the fields of our form. A pushed request stays a `request_uri`. */
function requestOf({ sent }: AuthorizationRequest): Map<string, string> {
  return new Map([...sent].filter(([name]) => name !== TRANSACTION && name !== ANSWER))
}

/** The URL that makes the same request by GET, however it arrived. */
function pathBackTo(request: AuthorizationRequest, req: Request): string {
  const { server, device } = request
  const parameters = device ? { user_code: device.userCode } : [...requestOf(request)]
  return `${publicTarget(server, req).split('?', 1)[0]}?${new URLSearchParams(parameters)}`
}

/** The form fields for parameters of a request that came by POST: the form's URL does not contain them. */
function fieldsBeyondUrl(request: AuthorizationRequest, req: Request): ConsentView['fields'] {
  // the user code of a device counts only where it is entered
  const inUrl = request.device ? new Map<string, string>() : queryParameters(req).parameters
  return [...requestOf(request)].flatMap(([name, value]) => {
    const before = inUrl.get(name)
    if (before === undefined) return { name, value }
    // RFC 8707 §2: only `resource` may be in both; the values of the URL come first
    return before === value ? [] : { name, value: value.slice(before.length + 1) }
  })
}

/** Includes scope, audience and path as shown: the defaults of a request may have changed meanwhile. */
function requestDigest(request: AuthorizationRequest): string {
  const { scope, audience, redirectUri, authorizationDetails: details = [] } = request
  const sent = [...requestOf(request)].sort(([a], [b]) => (a < b ? -1 : 1))
  return sha256(JSON.stringify([scope, audience, redirectUri, sent, ...details]))
}

/** Stores the question, bound to this user and this request. Returns the field that the answer must contain. */
async function ask(request: AuthorizationRequest, userId: string, again: boolean) {
  const { server, client, scope, startedAt } = request
  const question = { clientId: client.clientId, userId, scope, startedAt }
  const value = await openTransaction(server, 'consent', question, { request: requestDigest(request) }, again)
  return { name: TRANSACTION, value }
}

/** Uses up the question that the form answers. Returns undefined if this user was not asked this question. */
function takeAnswer(request: AuthorizationRequest, userId: string): Promise<Credential | undefined> {
  const answer = { token: request.sent.get(TRANSACTION), userId }
  const digest = requestDigest(request)
  return takeTransaction(request.server, 'consent', answer, (found) => boundOf(found).request === digest)
}

function describe(
  { server, client, scope, audience, redirectUri = '', parameters, device, openid, ...asked }: AuthorizationRequest,
  context: PageContext,
): Omit<ConsentView, 'user' | 'fields'> {
  const scheme = device ? undefined : appScheme(redirectUri)
  return {
    client: {
      id: client.clientId,
      name: client.name ?? client.clientId,
      ...(client.description !== undefined && { description: client.description }),
      ...(client.policyUri !== undefined && { policyUri: client.policyUri }),
      ...(client.tosUri !== undefined && { tosUri: client.tosUri }),
      ...(client.origin && {
        unchecked: client.origin === 'metadata_document' ? { host: redirectHost(client.clientId) } : {},
      }),
    },
    redirectHost: device ? '' : redirectHost(redirectUri),
    onDevice: !device && staysOnDevice(redirectUri),
    ...(device && { device }),
    ...(scheme !== undefined && { scheme }),
    scopes: scope.map((token) => ({ scope: token, description: scopeInWords(context, server.scopes, token) })),
    details: (asked.authorizationDetails ?? []).map((detail) => detailView(server, detail, context)),
    claims: (openid?.namedClaims ?? []).map((claim) => ({ claim, description: claimInWords(context, claim) })),
    resources: parameters.has('resource') ? [...audience] : [],
    allow: { name: ANSWER, value: 'allow' },
    deny: { name: ANSWER, value: 'deny' },
    language: context.language,
  }
}
