/**
 * Who must sign in before a request goes on (OpenID Connect Core §3.1.2.3), and how it is remembered that they were sent: a
 * signed parameter of the URL that they come back by. No row is stored before somebody is signed in.
 */
import type { Request, Response } from 'express'
import { pageUsers, sendToSignIn } from '../authorization/sign-in'
import { sha256 } from '../crypto'
import { OAuthError, type OAuthErrorCode } from '../errors'
import { queryParameters } from '../http/request'
import { publicTarget } from '../http/request-target'
import { signJwt } from '../jwt/sign'
import type { JwtKind } from '../jwt/verify'
import { listGrants } from '../operations/grants'
import { OFFLINE_ACCESS } from '../rules/scope'
import type { AuthorizationRequest, Decide } from '../types/authorization-server'
import type { OpenIdRequest } from '../types/openid'
import type { HostPage, PageUsers } from '../types/users'
import { readOwnJwt } from './id-token'
import type { Settings } from './settings'
import { admitted, isTooOld, type KnownSignIn, signInOf, unknownSignIn } from './signed-in'

/** The parameter of ours in the URL to come back by. */
const TRANSACTION = 'sign_in_transaction'
/** Seconds in which to sign in and to answer. */
const SECONDS_TO_RETURN = 600

type Asked = AuthorizationRequest & { readonly openid: OpenIdRequest }

/** Sends a browser to sign in where that is needed; see `OpenIdProvider`. */
export async function admit(
  settings: Settings,
  request: AuthorizationRequest,
  { decide, isRedirect }: { readonly decide: Decide; readonly isRedirect: boolean },
  req: Request,
  res: Response,
): Promise<AuthorizationRequest | undefined> {
  const { server, openid } = request
  if (!openid) return request
  const asked: Asked = { ...request, openid }
  const users = usersOf(request, decide)
  const user = await users?.signedIn(req)
  const signIn = users && !user ? undefined : await signInOf(server, settings, req)
  if (user && !signIn) throw unknownSignIn(req)
  const userId = user?.id
  const need = signIn ? await needOf(settings, asked, signIn, userId) : 'login_required'
  if (need === undefined) {
    const next = await withoutOfflineUnlessAgreed(request, userId)
    if (user) admitted.add(next)
    return next
  }
  if (openid.prompt.includes('none')) throw refusal(need)
  const page = users && pageFor(need, users)
  if (page !== undefined && isRedirect) {
    await sendToSignIn(server, page, returnTo(settings, asked, req, signIn !== undefined), req, res)
    return undefined
  }
  // a decider of the host's own sends to its own page, or asks: it sees what is wanted
  if (users === undefined || !decide.usersAt) return withoutOfflineUnlessAgreed(request, userId)
  throw refusal(need)
}

/**
 * Core §11: access that outlives the session needs `prompt=consent`, or a yes of before that still holds. Without, it is
 * ignored and never an error.
 */
async function withoutOfflineUnlessAgreed(
  request: AuthorizationRequest,
  userId: string | undefined,
): Promise<AuthorizationRequest> {
  const { server, client, scope, openid, responseType } = request
  if (!scope.includes(OFFLINE_ACCESS)) return request
  // nor is it heard where no code comes back
  const isHeard = server.responseTypes.get(responseType)?.codes !== undefined
  if (isHeard && openid?.prompt.includes('consent')) return request
  const grants = userId === undefined || !isHeard ? [] : await listGrants(server, { userId, clientId: client.clientId })
  if (grants.some((grant) => grant.scope.includes(OFFLINE_ACCESS))) return request
  return Object.freeze({ ...request, scope: scope.filter((token) => token !== OFFLINE_ACCESS) })
}

/** Undefined where only the decider knows who is signed in: one of the host's own, at a server that does not. */
function usersOf({ server }: AuthorizationRequest, decide: Decide): PageUsers | undefined {
  if (decide.usersAt) return decide.usersAt(server)
  return server.users?.current ? pageUsers('', {}, server) : undefined
}

type Need = Extract<OAuthErrorCode, 'login_required' | 'interaction_required' | 'account_selection_required'>

function pageFor(need: Need, { signIn, switchUser }: PageUsers): HostPage | undefined {
  return need === 'account_selection_required' ? (switchUser ?? signIn) : signIn
}

/** What of the request the sign-in that there is does not meet; the code is what `prompt=none` says of it. */
async function needOf(
  settings: Settings,
  request: Asked,
  signIn: KnownSignIn,
  userId: string | undefined,
): Promise<Need | undefined> {
  const { server, client, openid } = request
  const sentAt = sentToSignInAt(settings, request)
  const isSince = sentAt !== undefined && signIn.time >= sentAt
  const mustSignIn = openid.prompt.includes('login') || openid.maxAge === 0
  if (!isSince && (mustSignIn || isTooOld(server, openid, signIn))) return 'login_required'
  const { subject } = openid
  if (subject !== undefined && userId !== undefined) {
    const isAnother = (await settings.subjects.subjectOf(server, client, userId)) !== subject
    // §3.1.2.1: who came back as another user is not asked again and again
    if (isAnother && sentAt !== undefined) throw refusal('login_required')
    if (isAnother) return openid.prompt.includes('none') ? 'login_required' : 'account_selection_required'
  }
  // an account that is signed in already has no newer time: to have been asked is enough
  if (sentAt !== undefined) return undefined
  if (openid.prompt.includes('select_account')) return 'account_selection_required'
  const { acr } = openid.claims.id_token
  const wanted = [...openid.acrValues, ...(acr?.values ?? [])].filter(
    (one): one is string => typeof one === 'string' && settings.acrValues.includes(one),
  )
  // §5.5.1.1: all but an essential one is a wish, and with nobody to ask it is not met
  if (openid.prompt.includes('none') && !acr?.essential) return undefined
  return wanted.length > 0 && !wanted.includes(signIn.acr ?? '') ? 'interaction_required' : undefined
}

const descriptions: Readonly<Record<Need, string>> = {
  login_required: 'The user must sign in.',
  interaction_required: 'The user must sign in in another way.',
  account_selection_required: 'The user must choose an account.',
}

function refusal(need: Need): OAuthError {
  return new OAuthError(need, descriptions[need])
}

/** All that makes a request this one. What pages and sign-ins add to its URL is not among it. */
const ofRequests: readonly string[] = [
  ...['client_id', 'redirect_uri', 'response_type', 'response_mode', 'scope', 'state', 'resource', 'code_challenge'],
  ...['code_challenge_method', 'dpop_jkt', 'nonce', 'display', 'prompt', 'max_age', 'ui_locales', 'claims_locales'],
  ...['id_token_hint', 'login_hint', 'acr_values', 'claims', 'authorization_details', 'request', 'request_uri'],
]

function digestOf({ client, parameters }: Asked): string {
  return sha256(JSON.stringify([client.clientId, ...ofRequests.map((name) => parameters.get(name) ?? null)]))
}

interface SentClaims {
  readonly iss: string
  readonly exp: number
  readonly iat: number
  /** The digest of the request. */
  readonly request: string
}

const sentJwt: JwtKind<SentClaims> = {
  type: 'sign-in+jwt',
  isClaims(claims): claims is SentClaims {
    if (typeof claims !== 'object' || claims === null) return false
    const { iss, exp, iat, request } = claims as Record<string, unknown>
    return [iss, request].every((claim) => typeof claim === 'string') && [exp, iat].every(Number.isFinite)
  },
}

/** When this request sent the browser to sign in; undefined where it did not, or too long ago. */
function sentToSignInAt({ ring }: Settings, request: Asked): number | undefined {
  const token = request.sent.get(TRANSACTION)
  const { server } = request
  const claims = token === undefined ? undefined : readOwnJwt(ring(), server.issuer, token, sentJwt)
  const isGood = claims && claims.exp > server.now() && claims.request === digestOf(request)
  return isGood ? claims.iat : undefined
}

/** What leads to a request that is elsewhere. */
const toElsewhere: readonly string[] = ['client_id', 'request', 'request_uri']

/** For the sign-in page, beside a request that is elsewhere: what it may read of it (and nobody else does). */
const forThePage: readonly string[] = ['acr_values', 'max_age', 'login_hint', 'ui_locales', 'display']

/** Where to come back to: the request, and where it must be known that the browser was sent, when that was. */
function returnTo({ ring }: Settings, request: Asked, req: Request, isSignedIn: boolean): string {
  const { server, openid, parameters, sent } = request
  const inUrl = queryParameters(req).parameters
  // RFC 9101 §6.3, RFC 9126 §4: what stands beside a request that is elsewhere is a stranger's, and would steer the page
  const isOurs = (name: string) => ofRequests.includes(name) && (parameters === sent || toElsewhere.includes(name))
  // a form of a page adds fields of its own
  const isHosts = (name: string) => inUrl.has(name) && !ofRequests.includes(name)
  const own = [...sent].filter(([name]) => name !== TRANSACTION && (isOurs(name) || isHosts(name)))
  const query = new Map(own)
  if (parameters !== sent) {
    for (const name of forThePage) {
      const value = parameters.get(name)
      if (value !== undefined) query.set(name, value)
    }
  }
  // those of the record, too: the page must know of them, and with them it is the same request
  const byRecord = parameters.has('acr_values') ? '' : openid.acrValues.join(' ')
  if (byRecord !== '') query.set('acr_values', byRecord)
  const isSpelled = parameters === sent && byRecord !== ''
  const back = isSpelled ? { ...request, parameters: new Map([...parameters, ['acr_values', byRecord]]) } : request
  const wantsMore = openid.prompt.length > 0 || openid.maxAge !== undefined || openid.acrValues.length > 0
  if (isSignedIn || wantsMore || openid.subject !== undefined || parameters.has('claims')) {
    const iat = server.now()
    const claims = { iss: server.issuer, iat, exp: iat + SECONDS_TO_RETURN, request: digestOf(back) }
    const { signers, signing } = ring()
    // strangers can make us sign as often as they like: with a key of RSA it takes twenty times as long
    query.set(TRANSACTION, signJwt(sentJwt.type, claims, signers.get('ES256') ?? signing))
  }
  return `${publicTarget(server, req).split('?', 1)[0]}?${new URLSearchParams([...query])}`
}
