/** The consent page: asks the signed-in user, and believes only an answer to the very question it asked (RFC 9700 §4.16). */
import type { Request, Response } from 'express'
import type { Awaitable } from '../awaitable'
import { findCredential, isExpired } from '../credentials'
import { equalDigests, sha256 } from '../crypto'
import { queryParameters } from '../http/body'
import { setPageHeaders } from '../http/page'
import { store } from '../issue'
import { listGrants } from '../operations/grants'
import { redirectHost } from '../rules/redirect-uri'
import { includesScope } from '../rules/scope'
import { subjectId } from '../rules/subject'
import { lookupId, lookupSuffix, newGrantId, newSecret, parseSplitToken } from '../split-token'
import type { Credential } from '../storage'
import type { AuthorizationRequest, Decide, Decision } from '../types'
import { type ConsentView, renderConsent } from './consent-view'

export interface ConsentPageOptions {
  /** The signed-in account: an id, or a value with an `id` and a name to show. @default (req) => req.user */
  user?: (req: Request) => Awaitable<unknown>
  /**
   * Where to send a browser that is not signed in: a path, which gets `?return_to=` with the path to come back to, or a
   * function that makes the URL.
   */
  signIn: string | ((returnTo: string, req: Request) => Awaitable<string>)
  /**
   * Whether a user who has a live authorization of the same client for the same scope is not asked again. Public
   * clients are always asked unless they are named, because any program can pose as one (RFC 8252 §8.6). @default false
   */
  remember?: boolean | { publicClients: readonly string[] }
  /** Shows another page: returns its HTML, or answers `res` itself. The security headers are already set. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that answers `res` itself returns nothing
  render?: (view: ConsentView, req: Request, res: Response) => Awaitable<string | undefined | void>
}

const TRANSACTION = 'consent_transaction'
const ANSWER = 'consent'
const TRANSACTION_SECONDS = 600

/** Asks the user on a page that needs no script. Throws at start-up without `signIn`. */
export function consentPage(options: ConsentPageOptions): Decide {
  const { user = (req: Request) => req.user, signIn, remember = false, render = renderConsent } = options ?? {}
  if (typeof signIn !== 'function' && (typeof signIn !== 'string' || signIn === '')) {
    throw new TypeError("consentPage needs signIn: the path of the host's sign-in page, such as '/login'")
  }
  const decide = async (request: AuthorizationRequest, req: Request, res: Response): Promise<Decision | undefined> => {
    const account = await user(req)
    const userId = subjectId(account)
    if (userId === undefined) return sendToSignIn(signIn, request, req, res)
    const answer = request.parameters.get(ANSWER)
    const answered = req.method === 'POST' && request.parameters.has(TRANSACTION)
    if (answered && (answer === 'allow' || answer === 'deny')) {
      const transaction = await takeTransaction(request, userId)
      if (transaction)
        return answer === 'allow' ? { allow: true, userId, startedAt: transaction.startedAt } : { allow: false }
    }
    if (!answered && (await isRemembered(remember, request, userId))) return { allow: true, userId }
    const view: ConsentView = {
      ...(await ask(request, userId)),
      user: { id: userId, name: accountName(account) ?? userId },
    }
    // a request that came by POST is not in the URL to which the form goes
    const inUrl = queryParameters(req).parameters
    for (const [name, value] of requestOf(request)) if (!inUrl.has(name)) view.fields.push({ name, value })
    if (answered) view.notice = 'Your last answer could not be used: it came twice, too late, or from another account.'
    setPageHeaders(res)
    if (answered) res.status(400)
    const html = await render(view, req, res)
    if (typeof html === 'string') res.end(html)
    return undefined
  }
  return Object.assign(decide, { signedInUser: async (req: Request) => subjectId(await user(req)) })
}

async function sendToSignIn(
  signIn: ConsentPageOptions['signIn'],
  request: AuthorizationRequest,
  req: Request,
  res: Response,
): Promise<undefined> {
  const query = new URLSearchParams([...requestOf(request)]).toString()
  const returnTo = `${req.originalUrl.split('?', 1)[0]}?${query}`
  const separator = typeof signIn === 'string' && signIn.includes('?') ? '&' : '?'
  const location =
    typeof signIn === 'string'
      ? `${signIn}${separator}return_to=${encodeURIComponent(returnTo)}`
      : await signIn(returnTo, req)
  res.writeHead(303, { Location: location, 'Cache-Control': 'no-store', 'Content-Length': 0 })
  res.end()
}

/** The authorization request without what our form adds to it. */
function requestOf({ parameters }: AuthorizationRequest): Map<string, string> {
  return new Map([...parameters].filter(([name]) => name !== TRANSACTION && name !== ANSWER))
}

function requestDigest(request: AuthorizationRequest): string {
  return sha256(JSON.stringify([...requestOf(request)].sort(([a], [b]) => (a < b ? -1 : 1))))
}

/** Stores the question and describes it: single-use, unguessable, bound to this user and this request. */
async function ask(request: AuthorizationRequest, userId: string): Promise<Omit<ConsentView, 'user'>> {
  const { server, client, scope, startedAt } = request
  const id = lookupId(newGrantId(), lookupSuffix.consent)
  const secret = newSecret()
  const issuedAt = server.now()
  await store(server, [
    {
      id,
      kind: 'consent',
      state: 'pending',
      digest: sha256(secret),
      clientId: client.clientId,
      userId,
      scope,
      startedAt,
      issuedAt,
      expiresAt: issuedAt + TRANSACTION_SECONDS,
      data: { request: requestDigest(request) },
    },
  ])
  return {
    client: {
      id: client.clientId,
      name: client.name ?? client.clientId,
      ...(client.description !== undefined && { description: client.description }),
    },
    redirectHost: redirectHost(request.redirectUri),
    scopes: scope.map((token) => ({ scope: token, description: server.scopes.get(token) ?? token })),
    fields: [{ name: TRANSACTION, value: `${id}.${secret}` }],
    allow: { name: ANSWER, value: 'allow' },
    deny: { name: ANSWER, value: 'deny' },
  }
}

/** The transaction that the form brings back, used up; undefined when it is not the one that was shown to this user. */
async function takeTransaction(request: AuthorizationRequest, userId: string): Promise<Credential | undefined> {
  const { server } = request
  const presented = parseSplitToken(request.parameters.get(TRANSACTION) ?? '')
  const found = presented && (await findCredential(server, presented.id, 'consent'))
  if (!found || !equalDigests(found.digest, sha256(presented.secret)) || isExpired(server, found)) return undefined
  const same = found.userId === userId && found.data.request === requestDigest(request)
  if (!same || found.state !== 'pending') return undefined
  const won = await server.storage.grants.transition(found.id, 'pending', { ...found, state: 'decided' }, [])
  return won ? found : undefined
}

async function isRemembered(
  remember: NonNullable<ConsentPageOptions['remember']>,
  { server, client, scope }: AuthorizationRequest,
  userId: string,
): Promise<boolean> {
  if (remember === false) return false
  const isPublic = client.tokenEndpointAuthMethods.includes('none')
  if (isPublic && !(remember !== true && remember.publicClients.includes(client.clientId))) return false
  const grants = await listGrants(server, { userId, clientId: client.clientId })
  return grants.some((grant) => includesScope(grant.scope, scope))
}

/** What the account is called on the page: the first of the members that hosts and Passport's profiles use. */
function accountName(account: unknown): string | undefined {
  if (typeof account !== 'object' || account === null) return undefined
  const { displayName, name, username, email } = account as Record<string, unknown>
  return [displayName, name, username, email].find((text): text is string => typeof text === 'string' && text !== '')
}
