/**
 * Decides whether the user must sign in first (OpenID Connect Core §3.1.2.3). A signed parameter of the return URL
 * records that the browser was sent to sign in. No row is stored before a user is signed in.
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

/** The parameter of the return URL. */
const TRANSACTION = 'sign_in_transaction'
/** Seconds to sign in and decide. */
const SECONDS_TO_RETURN = 600

type Asked = AuthorizationRequest & { readonly openid: OpenIdRequest }

/** Sends the browser to the sign-in page if needed. See `OpenIdProvider`. */
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
  // the host's own decider redirects or asks by itself: the request shows it what is required
  if (users === undefined || !decide.usersAt) return withoutOfflineUnlessAgreed(request, userId)
  throw refusal(need)
}

/**
 * Core §11: access beyond the session needs `prompt=consent`, or an earlier approval that still holds. Otherwise the
 * scope is ignored without an error.
 */
async function withoutOfflineUnlessAgreed(
  request: AuthorizationRequest,
  userId: string | undefined,
): Promise<AuthorizationRequest> {
  const { server, client, scope, openid, responseType } = request
  if (!scope.includes(OFFLINE_ACCESS)) return request
  // also ignored if the response has no code
  const isHeard = server.responseTypes.get(responseType)?.codes !== undefined
  if (isHeard && openid?.prompt.includes('consent')) return request
  const grants = userId === undefined || !isHeard ? [] : await listGrants(server, { userId, clientId: client.clientId })
  if (grants.some((grant) => grant.scope.includes(OFFLINE_ACCESS))) return request
  return Object.freeze({ ...request, scope: scope.filter((token) => token !== OFFLINE_ACCESS) })
}

/** Undefined if only the decider knows who is signed in: the host's own one, without `users.current`. */
function usersOf({ server }: AuthorizationRequest, decide: Decide): PageUsers | undefined {
  if (decide.usersAt) return decide.usersAt(server)
  return server.users?.current ? pageUsers('', {}, server) : undefined
}

type Need = Extract<OAuthErrorCode, 'login_required' | 'interaction_required' | 'account_selection_required'>

function pageFor(need: Need, { signIn, switchUser }: PageUsers): HostPage | undefined {
  return need === 'account_selection_required' ? (switchUser ?? signIn) : signIn
}

/** The requirement that the current sign-in does not meet. `prompt=none` gets it as the error code. */
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
    // §3.1.2.1: a user who returned as another user is not asked again
    if (isAnother && sentAt !== undefined) throw refusal('login_required')
    if (isAnother) return openid.prompt.includes('none') ? 'login_required' : 'account_selection_required'
  }
  // an account that is already signed in has no newer time: being asked is enough
  if (sentAt !== undefined) return undefined
  if (openid.prompt.includes('select_account')) return 'account_selection_required'
  const { acr } = openid.claims.id_token
  const wanted = [...openid.acrValues, ...(acr?.values ?? [])].filter(
    (one): one is string => typeof one === 'string' && settings.acrValues.includes(one),
  )
  // §5.5.1.1: voluntary values cannot be met with `prompt=none`
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

/** The parameters that identify a request. Pages and sign-ins add others to its URL. */
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

/** When this request sent the browser to sign in. Undefined if it did not, or too long ago. */
function sentToSignInAt({ ring }: Settings, request: Asked): number | undefined {
  const token = request.sent.get(TRANSACTION)
  const { server } = request
  const claims = token === undefined ? undefined : readOwnJwt(ring(), server.issuer, token, sentJwt)
  const isGood = claims && claims.exp > server.now() && claims.request === digestOf(request)
  return isGood ? claims.iat : undefined
}

/** The parameters that name a request which is not in the URL itself. */
const toElsewhere: readonly string[] = ['client_id', 'request', 'request_uri']

/** Copies for the sign-in page, if the request itself is not in the URL. The server does not read them. */
const forThePage: readonly string[] = ['acr_values', 'max_age', 'login_hint', 'ui_locales', 'display']

/** The return URL: the request, with a signed time if the next visit must know that the user was asked. */
function returnTo({ ring }: Settings, request: Asked, req: Request, isSignedIn: boolean): string {
  const { server, openid, parameters, sent } = request
  const inUrl = queryParameters(req).parameters
  // RFC 9101 §6.3, RFC 9126 §4: parameters beside such a request may be a stranger's, and would steer the sign-in page
  const isOurs = (name: string) => ofRequests.includes(name) && (parameters === sent || toElsewhere.includes(name))
  // a page's form adds its own fields
  const isHosts = (name: string) => inUrl.has(name) && !ofRequests.includes(name)
  const own = [...sent].filter(([name]) => name !== TRANSACTION && (isOurs(name) || isHosts(name)))
  const query = new Map(own)
  if (parameters !== sent) {
    for (const name of forThePage) {
      const value = parameters.get(name)
      if (value !== undefined) query.set(name, value)
    }
  }
  // includes those of the client's record, for the page; with them it is still the same request
  const byRecord = parameters.has('acr_values') ? '' : openid.acrValues.join(' ')
  if (byRecord !== '') query.set('acr_values', byRecord)
  const isSpelled = parameters === sent && byRecord !== ''
  const back = isSpelled ? { ...request, parameters: new Map([...parameters, ['acr_values', byRecord]]) } : request
  const wantsMore = openid.prompt.length > 0 || openid.maxAge !== undefined || openid.acrValues.length > 0
  if (isSignedIn || wantsMore || openid.subject !== undefined || parameters.has('claims')) {
    const iat = server.now()
    const claims = { iss: server.issuer, iat, exp: iat + SECONDS_TO_RETURN, request: digestOf(back) }
    const { signers, signing } = ring()
    // strangers can trigger signatures at will, and RSA takes twenty times as long
    query.set(TRANSACTION, signJwt(sentJwt.type, claims, signers.get('ES256') ?? signing))
  }
  return `${publicTarget(server, req).split('?', 1)[0]}?${new URLSearchParams([...query])}`
}
