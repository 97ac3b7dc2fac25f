/** How the user of a browser signed in, as the host says it; and what becomes of it once they have said yes. */
import type { Request } from 'express'
import { covers } from '../authorization/remembered'
import { lockedRow } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { lookupId } from '../credentials/split-token'
import { sha256 } from '../crypto'
import { OAuthError, storageFailure } from '../errors'
import { admissionOf } from '../guard/presented-token'
import { listGrants } from '../operations/grants'
import { kindOf } from '../options/known'
import { OFFLINE_ACCESS, type Scope } from '../rules/scope'
import type { Credential } from '../storage'
import type { Authentication } from '../types/authorization'
import type { ApprovedAuthorization, AuthorizationRequest, AuthorizationServer } from '../types/authorization-server'
import type { OpenIdRequest } from '../types/openid'
import { claimsOfScope, namedClaims } from './claims'
import type { Settings, SignIn } from './settings'

/** The same, checked. */
export interface KnownSignIn {
  /** Whole seconds. */
  readonly time: number
  readonly acr?: string
  readonly amr?: readonly string[]
  readonly sessionId?: string
}

/** What the host says of this browser; undefined if nobody is signed in. */
export async function signInOf({ authentication }: Settings, req: Request): Promise<KnownSignIn | undefined> {
  const said: unknown = await authentication(req)
  if (said === undefined || said === null) return undefined
  if (typeof said !== 'object') throw wrongSignIn(`not ${kindOf(said)}`)
  const { time, acr, amr, sessionId } = said as SignIn
  const seconds = time instanceof Date ? time.getTime() / 1000 : time
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) throw wrongSignIn(`not ${kindOf(time)} as time`)
  // a year that no sign-in was in: the clocks of computers count milliseconds
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
  return new TypeError(`openid({ authentication }) must return ${form}, ${problem}`)
}

/** OpenID Connect Core §3.1.2.1: more seconds ago than the request takes. */
export function isTooOld({ now }: AuthorizationServer, { maxAge }: OpenIdRequest, { time }: KnownSignIn): boolean {
  return maxAge !== undefined && now() - time > maxAge
}

/**
 * The name of a session in the tokens of a client. The host's own id may be the secret of a cookie, and one name for all
 * clients would tell them that two subjects are one.
 */
export function sidOf({ issuer }: AuthorizationServer, clientId: string, sessionId: string): string {
  return sha256(JSON.stringify(['sid', issuer, clientId, sessionId]))
}

/** The name of a session where all of its clients are meant: it stays in storage. */
function sessionOf({ issuer }: AuthorizationServer, sessionId: string): string {
  return sha256(JSON.stringify(['session', issuer, sessionId]))
}

/** Seconds for which a code may be on its way, at most, and a minute for clocks that are apart. */
const LONGEST_WAY = 660

/** When that session of a user ended, or all of them; a row that no secret opens. */
function endOf({ now }: AuthorizationServer, userId: string, session = ''): Credential {
  const owner = sha256(JSON.stringify(['ended', userId]))
  const named = { id: lookupId(owner, `${lookupSuffix.jti}${sha256(session)}`), kind: 'jti', state: 'used' }
  const at = now()
  // the column has what is no client's id, as that of every proof that counts once
  const columns = { clientId: `${owner}\n`, scope: [], startedAt: at }
  return lockedRow(named, columns, { issuedAt: at, expiresAt: at + LONGEST_WAY })
}

/** Ends the codes that are on their way: they have no grant yet that could be ended. */
export async function endCodes(server: AuthorizationServer, userId: string, sessionId?: string): Promise<void> {
  const end = endOf(server, userId, sessionId === undefined ? undefined : sessionOf(server, sessionId))
  const { grants } = server.storage
  // of two at once the second finds the row of the first
  const isKept = (await grants.insert([end])) || (await grants.transition(end.id, 'used', end, []))
  if (!isKept && !(await grants.insert([end]))) throw storageFailure(new Error('storage.grants.insert returned false'))
}

/** Throws where the session of this code has ended since. */
export async function requireSession(
  server: AuthorizationServer,
  { issuedAt, scope }: Credential,
  userId: string,
  { session }: Authentication,
): Promise<void> {
  if (scope.includes(OFFLINE_ACCESS)) return
  const ends = [endOf(server, userId), ...(session === undefined ? [] : [endOf(server, userId, session)])]
  const found = await Promise.all(ends.map(({ id }) => server.storage.grants.find(id)))
  if (!found.some((end) => end && end.startedAt >= issuedAt)) return
  throw new OAuthError('invalid_grant', 'The session of the authorization code has ended.')
}

/** Requests whose sign-in was looked at when they came. */
export const admitted = new WeakSet<AuthorizationRequest>()

/** Adds how the user signed in to what was approved; see `OpenIdProvider`. */
export async function withSignIn(
  settings: Settings,
  approved: ApprovedAuthorization,
  request: AuthorizationRequest,
  req: Request,
): Promise<ApprovedAuthorization> {
  const { server, client, openid } = request
  const { authorization } = approved
  if (!openid || !authorization.scope.includes('openid')) return approved
  const signIn = await signInOf(settings, req)
  if (!signIn) throw unknownSignIn(req)
  await verifyMet(settings, request, openid, signIn, authorization.userId)
  const { time, acr, amr, sessionId } = signIn
  const claims = grantedClaims(settings, openid, authorization.scope, admissionOf(req) !== undefined)
  const hasClaims = claims.id_token.length + claims.userinfo.length > 0
  const known: Authentication = {
    ...(acr !== undefined && { acr }),
    ...(amr && { amr }),
    ...(hasClaims && { claims }),
    ...(sessionId !== undefined && {
      session: sessionOf(server, sessionId),
      sid: sidOf(server, client.clientId, sessionId),
    }),
    time,
  }
  const until = server.now() + settings.sessionTtl
  const isKnown = await isKnownFor(request, authorization.userId, known.sid, until - settings.sessionTtl / 2)
  const authentication = Object.freeze(isKnown ? known : { ...known, until })
  return { ...approved, authorization: { ...authorization, authentication } }
}

/**
 * Of the claims that the request names, those of the scope that was granted, and those that the user was asked about one by
 * one. A token in front asks nobody, and has no more than its scope.
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

/** Whether another grant stays known as long: a renewal every hour must not leave a row each that lives for a month. */
async function isKnownFor(
  request: AuthorizationRequest,
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

/** What a decider of the host's own has let pass is looked at once more, for the user whom it named. */
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
  // §5.5.1.1: an essential one that is not met is a sign-in that failed
  if (acr?.essential && acr.values && !acr.values.includes(signIn.acr)) {
    const isKnown = acr.values.some((value) => acrValues.includes(value as string))
    const problem = isKnown ? 'The user signed in with another acr.' : 'This server has none of these acr values.'
    throw new OAuthError('login_required', problem)
  }
}

/** A token in front says who the user is, and not how they signed in; without one it is a mistake of the host. */
export function unknownSignIn(req: Request): Error {
  if (admissionOf(req)) return new OAuthError('login_required', 'The user must sign in.')
  return new TypeError('openid({ authentication }) must return { time } for a user who is signed in, not undefined')
}
