/** How the user of a browser signed in, as the host reports it, and its effect on an approved authorization. */
import type { Request } from 'express'
import { type Asked, covers } from '../authorization/remembered'
import { OAuthError } from '../errors'
import { admissionOf } from '../guard/presented-token'
import { CLOCK_SKEW } from '../jwt/verify'
import { listGrants } from '../operations/grants'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import type { Scope } from '../rules/scope'
import type { Authentication } from '../types/authorization'
import type { ApprovedAuthorization, AuthorizationRequest, AuthorizationServer } from '../types/authorization-server'
import type { OpenIdRequest, SignIn } from '../types/openid'
import { claimsOfScope, namedClaims } from './claims'
import { sessionOf, sidOf } from './sessions'
import type { Settings } from './settings'

/** A checked sign-in. */
export interface KnownSignIn {
  /** Whole seconds. */
  readonly time: number
  readonly acr?: string
  readonly amr?: readonly string[]
  readonly sessionId?: string
}

/** Asks the host about this browser. Undefined if no user is signed in. */
export async function signInOf(
  { inTime }: AuthorizationServer,
  { authentication }: Settings,
  req: Request,
): Promise<KnownSignIn | undefined> {
  const said: unknown = await inTime('openid({ authentication })', authentication(req))
  return said === undefined || said === null ? undefined : verifiedSignIn(said)
}

/** Checks a sign-in that the host reports. */
export function verifiedSignIn(said: unknown): KnownSignIn {
  if (typeof said !== 'object' || said === null) throw wrongSignIn(`not ${kindOf(said)}`)
  const { time, acr, amr, sessionId } = said as SignIn
  const seconds = time instanceof Date ? time.getTime() / 1000 : time
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) throw wrongSignIn(`not ${kindOf(time)} as time`)
  // such a year means that the time is in milliseconds
  if (seconds > 1e11) throw wrongSignIn('not milliseconds as time')
  if (acr !== undefined && typeof acr !== 'string') throw wrongSignIn(`not ${kindOf(acr)} as acr`)
  if (amr !== undefined && !(Array.isArray(amr) && amr.every((one) => typeof one === 'string'))) {
    throw wrongSignIn(`not ${kindOf(amr)} as amr`)
  }
  if (sessionId !== undefined && (typeof sessionId !== 'string' || sessionId === '')) {
    throw wrongSignIn(`not ${kindOf(sessionId)} as sessionId`)
  }
  return {
    time: Math.floor(seconds),
    ...(acr !== undefined && { acr }),
    ...(amr !== undefined && { amr: Object.freeze([...amr]) }),
    ...(sessionId !== undefined && { sessionId }),
  }
}

function wrongSignIn(problem: string): TypeError {
  const form = '{ time, acr?, amr?, sessionId? } with time as a Date or in seconds'
  return misuse('wrong_sign_in', `authentication of openid() or issueCode must be ${form}, ${problem}`)
}

/**
 * OpenID Connect Core §3.1.2.1: whether the sign-in is older than `max_age`. A time in the future counts as too old.
 */
export function isTooOld({ now }: AuthorizationServer, { maxAge }: OpenIdRequest, { time }: KnownSignIn): boolean {
  const age = now() - time
  return maxAge !== undefined && (age > maxAge || age < -CLOCK_SKEW)
}

/** Requests whose sign-in was checked when they arrived. */
export const admitted = new WeakSet<AuthorizationRequest>()

/** Adds the sign-in to an approved authorization. See `OpenIdProvider`. */
export async function withSignIn(
  settings: Settings,
  approved: ApprovedAuthorization,
  request: AuthorizationRequest,
  req: Request,
): Promise<ApprovedAuthorization> {
  const { server, openid } = request
  const { authorization } = approved
  if (!openid || !authorization.scope.includes('openid')) return approved
  const at = server.now()
  const signIn = await signInOf(server, settings, req)
  if (!signIn) throw unknownSignIn(req)
  await verifyMet(settings, request, openid, signIn, authorization.userId)
  const claims = grantedClaims(settings, openid, authorization.scope, admissionOf(req) !== undefined)
  const authentication = await authenticationOf(settings, request, authorization.userId, { ...signIn, at }, claims)
  return { ...approved, authorization: { ...authorization, authentication } }
}

/** The part of a sign-in that an authorization keeps. */
export async function authenticationOf(
  settings: Settings,
  asked: AskedOfClient,
  userId: string,
  { time, acr, amr, sessionId, at }: KnownSignIn & { readonly at: number },
  claims: NonNullable<Authentication['claims']> = { id_token: [], userinfo: [] },
): Promise<Authentication> {
  const { server, client } = asked
  const hasClaims = claims.id_token.length + claims.userinfo.length > 0
  const known: Authentication = {
    ...(acr !== undefined && { acr }),
    ...(amr && { amr }),
    at,
    ...(hasClaims && { claims }),
    ...(sessionId !== undefined && {
      session: sessionOf(server, sessionId),
      sid: sidOf(server, client.clientId, sessionId),
    }),
    time,
  }
  const until = server.now() + settings.sessionTtl
  const isKnown = await isKnownFor(asked, userId, known.sid, until - settings.sessionTtl / 2)
  return Object.freeze(isKnown ? known : { ...known, until })
}

/** The request and its client. */
type AskedOfClient = Asked & Pick<AuthorizationRequest, 'client'>

/**
 * Of the claims named in the request: those of the granted scope, and those that the user was asked about. With an
 * access token in front no user was asked: only those of the scope.
 */
function grantedClaims(
  { claims }: Settings,
  openid: OpenIdRequest,
  scope: Scope,
  isByToken: boolean,
): ReturnType<typeof namedClaims> {
  const granted = [...claimsOfScope(claims, scope), ...(isByToken ? [] : openid.namedClaims)]
  const { id_token, userinfo } = namedClaims(claims, openid.claims)
  const isGranted = (name: string) => granted.includes(name)
  return { id_token: id_token.filter(isGranted), userinfo: userinfo.filter(isGranted) }
}

/** Whether another grant is kept as long: an hourly renewal must not leave a row each time that lives for a month. */
async function isKnownFor(
  request: AskedOfClient,
  userId: string,
  sid: string | undefined,
  until: number,
): Promise<boolean> {
  const grants = await listGrants(request.server, { userId, clientId: request.client.clientId })
  return grants.some((grant) => {
    const { authentication } = grant.data as { authentication?: Authentication }
    return grant.expiresAt >= until && authentication?.sid === sid && covers(request, grant)
  })
}

/** Checks again what the host's own decider approved, for the user that it named. */
async function verifyMet(
  { subjects, acrValues }: Settings,
  request: AuthorizationRequest,
  openid: OpenIdRequest,
  signIn: KnownSignIn,
  userId: string,
): Promise<void> {
  const { server, client } = request
  const { subject, claims } = openid
  if (!admitted.has(request) && isTooOld(server, openid, signIn)) {
    throw new OAuthError('login_required', 'The user signed in longer ago than max_age.')
  }
  if (subject !== undefined && (await subjects.subjectOf(server, client, userId)) !== subject) {
    throw new OAuthError('login_required', 'Another user is signed in.')
  }
  const { acr } = claims.id_token
  // §5.5.1.1: an unmet essential value is a failed sign-in; by RFC 9470 §5 the client learns why
  if (acr?.essential && acr.values && !acr.values.includes(signIn.acr)) {
    const isKnown = acr.values.some((value) => acrValues.includes(value as string))
    const problem = isKnown ? 'The user signed in with another acr.' : 'This server has none of these acr values.'
    throw new OAuthError('unmet_authentication_requirements', problem)
  }
}

/**
 * The error for a missing sign-in: an access token in front does not show it; otherwise it is a mistake of the host.
 */
export function unknownSignIn(req: Request): Error {
  if (admissionOf(req)) return new OAuthError('login_required', 'The user must sign in.')
  return misuse(
    'wrong_sign_in',
    'openid({ authentication }) must return { time } for a user who is signed in, not undefined',
  )
}
