/** The consent page: asks the signed-in user, and believes only an answer to the very question it asked (RFC 9700 §4.16). */

import type { Request, Response } from 'express'
import type { Awaitable } from '../awaitable'
import { mayOmitAuthentication } from '../clients/client'
import { lookupId, lookupSuffix } from '../credentials/split-token'
import { sha256 } from '../crypto'
import { queryParameters } from '../http/body'
import { pageContext, setPageHeaders } from '../http/page'
import { listGrants } from '../operations/grants'
import { requireKnown, requireNoMore } from '../options/known'
import { type ConsentView, renderConsent } from '../pages/consent'
import { type PageContext, scopeInWords } from '../pages/page'
import { redirectHost, staysOnDevice } from '../rules/redirect-uri'
import { type Audience, storedAudience } from '../rules/resource'
import { includesScope } from '../rules/scope'
import { subjectId } from '../rules/subject'
import type { Credential, Grant } from '../storage'
import { findCredential } from '../tokens/find'
import { sessionEnd } from '../tokens/revocation'
import type { AuthorizationRequest, AuthorizationServer, Decide, Decision } from '../types/authorization-server'
import { accountName, type HostPage, hostPageUrl, sendToSignIn, signedInId, verifyHostPage } from './sign-in'
import { cameTooSoon, openTransaction, takeTransaction } from './transaction'

/** Options of `consentPage`. */
export interface ConsentPageOptions {
  /** The signed-in account: an id, or a value with an `id` and a name to show. @default (req) => req.user */
  user?: (req: Request) => Awaitable<unknown>
  /**
   * Where to send a browser that is not signed in: a path, which gets `?return_to=` with the path to come back to, or a
   * function that makes the URL.
   */
  signIn: HostPage
  /** Where a user goes who is not the one signed in, in the same form. @default the page has no such link */
  switchUser?: HostPage
  /**
   * Whether a user who has a live authorization of the same client for the same scope and resource is not asked again.
   * Public clients are always asked unless they are named, because any program can pose as one (RFC 8252 §8.6). Name only
   * ids that are registered.
   * @default false
   */
  remember?: boolean | { publicClients: readonly string[] }
  /**
   * Shows another page: returns its HTML, or answers `res` itself. The security headers are already set.
   * @default our own page
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that answers `res` itself returns nothing
  render?: (view: ConsentView, req: Request, res: Response) => Awaitable<string | undefined | void>
}

const TRANSACTION = 'consent_transaction'
const ANSWER = 'consent'

/** Asks the user on a page that needs no script. Throws at start-up without `signIn`. */
export function consentPage(options: ConsentPageOptions): Decide {
  requireNoMore('consentPage', arguments, 1)
  requireKnown('consentPage option', options, ['user', 'signIn', 'switchUser', 'remember', 'render'])
  const { user = (req: Request) => req.user, signIn, switchUser, remember = false, render } = options ?? {}
  verifyHostPage('consentPage needs signIn', signIn, '/login')
  // in a string every part of it would be named
  if (typeof remember !== 'boolean' && !Array.isArray(remember?.publicClients)) {
    throw new TypeError('consentPage({ remember }) must be true, false, or { publicClients: [their ids] }')
  }
  if (switchUser !== undefined) verifyHostPage("consentPage's switchUser", switchUser, '/login')
  const decide = async (request: AuthorizationRequest, req: Request, res: Response): Promise<Decision | undefined> => {
    const account = await user(req)
    const userId = signedInId(account)
    const returnTo = pathBackTo(request, req)
    if (userId === undefined) return void (await sendToSignIn(request.server, signIn, returnTo, req, res))
    const answer = request.parameters.get(ANSWER)
    const answered = req.method === 'POST' && request.parameters.has(TRANSACTION)
    const known = answered && (answer === 'allow' || answer === 'deny')
    const transaction = known ? await takeAnswer(request, userId) : undefined
    if (transaction && answer === 'deny') return { allow: false }
    const tooSoon = transaction !== undefined && cameTooSoon(request.server, transaction)
    if (transaction && !tooSoon) return { allow: true, userId, startedAt: transaction.startedAt }
    if (!answered && (await isRemembered(remember, request, userId))) return { allow: true, userId }
    const context = pageContext(request.server, req)
    const view: ConsentView = {
      ...describe(request, context),
      user: { id: userId, name: accountName(account, userId) },
      fields: [await ask(request, userId, tooSoon), ...fieldsBeyondUrl(request, req)],
      ...(switchUser !== undefined && { switchUser: await hostPageUrl(switchUser, returnTo, req) }),
      ...(answered && { notice: context.texts.answerUnused }),
    }
    setPageHeaders(request.server, res)
    if (answered) res.status(400)
    const html = render ? await render(view, req, res) : renderConsent(view, context)
    // a host that has answered already, also by a timeout: one more write would end the process
    if (typeof html === 'string' && !res.headersSent) res.end(html)
    return undefined
  }
  return Object.assign(decide, { signedInUser: async (req: Request) => subjectId(await user(req)) })
}

/** The authorization request without what our form adds to it. */
function requestOf({ parameters }: AuthorizationRequest): Map<string, string> {
  return new Map([...parameters].filter(([name]) => name !== TRANSACTION && name !== ANSWER))
}

/** Where the request can be made again by GET, however it came. */
function pathBackTo(request: AuthorizationRequest, req: Request): string {
  return `${req.originalUrl.split('?', 1)[0]}?${new URLSearchParams([...requestOf(request)])}`
}

/** A request that came by POST is not in the URL to which the form goes. */
function fieldsBeyondUrl(request: AuthorizationRequest, req: Request): ConsentView['fields'] {
  const inUrl = queryParameters(req).parameters
  return [...requestOf(request)].flatMap(([name, value]) => {
    const sent = inUrl.get(name)
    if (sent === undefined) return { name, value }
    // RFC 8707 §2: `resource` alone may be in both, and those of the URL come first
    return sent === value ? [] : { name, value: value.slice(sent.length + 1) }
  })
}

/** With scope, audience and place as they were shown: what it means to ask for none may have changed meanwhile. */
function requestDigest(request: AuthorizationRequest): string {
  const parameters = [...requestOf(request)].sort(([a], [b]) => (a < b ? -1 : 1))
  return sha256(JSON.stringify([request.scope, request.audience, request.redirectUri, parameters]))
}

/** Stores the question, bound to this user and this request. The field is what the answer must bring back. */
async function ask(
  request: AuthorizationRequest,
  userId: string,
  again: boolean,
): Promise<{ name: string; value: string }> {
  const { server, client, scope, startedAt } = request
  const question = { clientId: client.clientId, userId, scope, startedAt, data: { request: requestDigest(request) } }
  return { name: TRANSACTION, value: await openTransaction(server, 'consent', question, again) }
}

/** The question that the form answers, used up; undefined when it is not the one that was shown to this user. */
function takeAnswer(request: AuthorizationRequest, userId: string): Promise<Credential | undefined> {
  const answer = { token: request.parameters.get(TRANSACTION), userId }
  const digest = requestDigest(request)
  return takeTransaction(request.server, 'consent', answer, (found) => found.data.request === digest)
}

function describe(
  { server, client, scope, audience, redirectUri, parameters }: AuthorizationRequest,
  context: PageContext,
): Omit<ConsentView, 'user' | 'fields'> {
  return {
    client: {
      id: client.clientId,
      name: client.name ?? client.clientId,
      ...(client.description !== undefined && { description: client.description }),
      ...(client.origin && {
        unchecked: client.origin === 'registration' ? {} : { host: redirectHost(client.clientId) },
      }),
    },
    redirectHost: redirectHost(redirectUri),
    onDevice: staysOnDevice(redirectUri),
    scopes: scope.map((token) => ({ scope: token, description: scopeInWords(context, server.scopes, token) })),
    resources: parameters.has('resource') ? [...audience] : [],
    allow: { name: ANSWER, value: 'allow' },
    deny: { name: ANSWER, value: 'deny' },
    language: context.language,
  }
}

async function isRemembered(
  remember: NonNullable<ConsentPageOptions['remember']>,
  { server, client, scope, audience }: AuthorizationRequest,
  userId: string,
): Promise<boolean> {
  if (remember === false) return false
  if (mayOmitAuthentication(client) && !(remember !== true && remember.publicClients.includes(client.clientId)))
    return false
  const grants = await listGrants(server, { userId, clientId: client.clientId })
  for (const grant of grants) {
    if (sessionEnd(server, grant.startedAt) <= server.now()) continue
    if (includesScope(grant.scope, scope) && (await coversAudience(server, grant, audience))) return true
  }
  return false
}

/** A grant's row has no audience; its tokens have. Yes to one API is no yes to another (RFC 8707 §3). */
async function coversAudience(server: AuthorizationServer, { id }: Grant, audience: Audience): Promise<boolean> {
  if (audience.length === 0) return true
  const found =
    (await findCredential(server, lookupId(id, lookupSuffix.refresh_token), 'refresh_token')) ??
    (await findCredential(server, lookupId(id, lookupSuffix.access_token[0]), 'access_token'))
  const covered = found ? storedAudience(server, found.data) : []
  return audience.every((resource) => covered.includes(resource))
}
