/** The tokens of an exchange (RFC 8693 §2.1), each verified by the rules of its type. */
import type { Awaitable } from '../awaitable'
import { hasItsClient } from '../clients/client'
import { boundOf } from '../credentials/bound'
import { OAuthError } from '../errors'
import type { KnownIssuer } from '../jwt/trusted-issuers'
import { readJwt } from '../jwt/verify'
import { kindOf, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import { requireParameter } from '../rules/params'
import { heldAudience } from '../rules/resource'
import { toScope } from '../rules/scope'
import { userIdFrom } from '../rules/subject'
import type { Credential } from '../storage'
import { findAccessToken } from '../tokens/access-token'
import { subjectOf } from '../tokens/claims'
import type { AuthorizationServer } from '../types/authorization-server'
import type { TokenRequest } from '../types/token'
import type { ExchangedSubject, ExchangeParty } from '../types/token-exchange'
import { findUser } from '../users'
import { actorElsewhere, isName } from './actor'
import { audienceCeiling, plainJwt, problemOf, scopeCeiling } from './foreign-jwt'

/** RFC 8693 §3. */
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
export const JWT = 'urn:ietf:params:oauth:token-type:jwt'

/** The longest lifetime of a foreign token. Seconds. */
const LONGEST_LIFE = 86_400

export type Role = 'subject' | 'actor'

/** Verifies a token of the host's own type. */
export type FindOwnToken = (
  token: string,
  context: { role: Role; clientId: string },
) => Awaitable<ExchangedSubject | undefined | null>

/** The accepted sources of tokens. */
export interface TokenSources {
  readonly issuers: ReadonlyMap<string, KnownIssuer>
  /** Finds the user of a foreign JWT. */
  readonly user: (subject: {
    issuer: string
    sub: string
    claims: Readonly<Record<string, unknown>>
    clientId: string
  }) => Awaitable<unknown>
  /** By type. */
  readonly tokenTypes: ReadonlyMap<string, FindOwnToken>
}

/** A valid token of the request. */
export interface PresentedToken {
  readonly party: ExchangeParty
  /** The row, for an access token of this server. */
  readonly row?: Credential
  /** Call it after the response. Set if the token records its use. */
  readonly used?: () => void
  /** When its session began, or when it was issued. Seconds. */
  readonly startedAt: number
}

/** RFC 8693 §2.2.2: for an invalid token, and for a refusal by policy. */
export function refusedExchange(server: AuthorizationServer, clientId: string, reason: string): OAuthError {
  server.emit({ type: 'exchange.refused', clientId, reason })
  return new OAuthError('invalid_request', reason)
}

/** Verifies the subject or actor token of the request. Throws `invalid_request` for an invalid one. Uses nothing up. */
export async function presentedToken(
  server: AuthorizationServer,
  request: TokenRequest,
  sources: TokenSources,
  role: Role,
): Promise<PresentedToken> {
  const { client, parameters } = request
  const name = `${role}_token`
  const token = requireParameter(parameters, name)
  const type = requireParameter(parameters, `${name}_type`)
  const refused = (reason: string) => refusedExchange(server, client.clientId, reason)
  const find = sources.tokenTypes.get(type)
  if (find) return ofHost(server, request, { token, type, role }, find)
  if (type !== ACCESS_TOKEN && type !== JWT) throw refused(`The ${name}_type is not supported.`)
  const own = await ownToken(server, token, type)
  if (own) return own
  if (type === ACCESS_TOKEN) throw refused(`The ${name} is unknown, expired or revoked.`)
  return ofIssuer(server, request, sources, { token, role })
}

/** An access token of this server. A JWT may also have the type `jwt` (RFC 8693 §3). */
async function ownToken(
  server: AuthorizationServer,
  token: string,
  tokenType: string,
): Promise<PresentedToken | undefined> {
  const found = await findAccessToken(server, token)
  if (!found || (tokenType === JWT && !found.claims)) return undefined
  const { row, claims, used } = found
  const { userId, clientId, expiresAt, startedAt } = row
  // RFC 9068 §5: this user's token would look like the client's own
  if (userId === clientId) return undefined
  if (userId !== undefined && !(await findUser(server, userId))) return undefined
  if (!(await hasItsClient(server, clientId))) return undefined
  const { scope, audience, actor, confirmation } = boundOf(row)
  const party: ExchangeParty = {
    tokenType,
    issuer: server.issuer,
    sub: subjectOf({ ...row, scope }),
    ...(userId !== undefined && { userId }),
    clientId,
    scope,
    audience: heldAudience(server, audience),
    expiresAt,
    ...(actor && { actor }),
    ...(confirmation && { confirmation }),
    ...(claims && { claims }),
  }
  return { party, row, startedAt, ...(used && { used }) }
}

/** RFC 8693 §2.1: a JWT of a trusted issuer. It may be exchanged repeatedly until it expires. */
async function ofIssuer(
  server: AuthorizationServer,
  { client, startedAt }: TokenRequest,
  { issuers, user }: TokenSources,
  { token, role }: { token: string; role: Role },
): Promise<PresentedToken> {
  const { clientId } = client
  const name = `${role}_token`
  const refused = (reason: string) => refusedExchange(server, clientId, reason)
  const read = readJwt(token, plainJwt)
  const issuer = read && issuers.get(read.claims.iss)
  if (!issuer) throw refused(`The ${name} is not a JWT of a trusted issuer, or has expired or been revoked.`)
  const problem = problemOf(server, read, name, LONGEST_LIFE)
  if (problem !== undefined) throw refused(problem)
  if (!(await issuer.hasSigned(server, token, read))) {
    throw refused(`The signature of the ${name} is wrong, or its key is unknown.`)
  }
  const { claims } = read
  const { iss, sub, iat, exp, act } = claims
  const actor = act === undefined ? undefined : actorElsewhere(act, iss)
  if (!isName(sub) || (act !== undefined && !actor)) throw refused(`The sub or act of the ${name} is not a name.`)
  const scope = scopeCeiling(claims)
  const audience = audienceCeiling(server, client, claims)
  const shared = { tokenType: JWT, issuer: iss, sub, expiresAt: exp as number, claims, ...(actor && { actor }) }
  const begun = Math.min(startedAt, Math.floor(iat as number))
  // the actor need not be a user here: the new token has its issuer and name
  if (role === 'actor') return { party: shared, startedAt: begun }
  const named = 'tokenExchange({ user })'
  const userId = userIdFrom(named, await server.inTime(named, user({ issuer: iss, sub, claims, clientId })))
  if (userId === undefined || !(await findUser(server, userId))) throw refused(`The subject of the ${name} is unknown.`)
  return { party: { ...shared, userId, ...(scope && { scope }), ...(audience && { audience }) }, startedAt: begun }
}

const ownMembers: readonly string[] = ['userId', 'scope', 'expiresAt', 'startedAt'] satisfies (keyof ExchangedSubject)[]

/** A token of the host's own type, verified by the host's function. */
async function ofHost(
  server: AuthorizationServer,
  { client, startedAt }: TokenRequest,
  { token, type, role }: { token: string; type: string; role: Role },
  find: FindOwnToken,
): Promise<PresentedToken> {
  const { clientId } = client
  const option = `tokenExchange({ tokenTypes }): ${type}`
  const found: unknown = await server.inTime(option, find(token, { role, clientId }))
  const problem = `The ${role}_token is unknown, expired or revoked.`
  if (found === undefined || found === null || found === false) throw refusedExchange(server, clientId, problem)
  const said = found as Partial<ExchangedSubject>
  if (typeof found !== 'object')
    throw misuse('wrong_user', `${option} must return { userId } or undefined, not ${kindOf(found)}`)
  requireKnown(`${option} member`, said, ownMembers, ['scope', 'expiresAt', 'startedAt'])
  const userId = userIdFrom(option, said.userId)
  if (userId === undefined)
    throw misuse('wrong_user', `${option} must return { userId } or undefined, not an object without one`)
  const { scope, expiresAt, startedAt: begun = startedAt } = said
  if (expiresAt !== undefined && !isTime(expiresAt)) throw notATime(option, 'expiresAt', expiresAt)
  if (!isTime(begun)) throw notATime(option, 'startedAt', begun)
  if (expiresAt !== undefined && expiresAt <= server.now()) throw refusedExchange(server, clientId, problem)
  if (!(await findUser(server, userId)))
    throw refusedExchange(server, clientId, `The user of the ${role}_token is unknown.`)
  const party: ExchangeParty = {
    tokenType: type,
    issuer: server.issuer,
    sub: userId,
    userId,
    ...(scope !== undefined && { scope: scopeOfHost(option, scope) }),
    ...(expiresAt !== undefined && { expiresAt: Math.floor(expiresAt) }),
  }
  return { party, startedAt: Math.min(startedAt, Math.floor(begun)) }
}

/** Checks a scope that a function of the host returned. */
export function scopeOfHost(option: string, scope: unknown): string[] {
  const fix = `${option} must return scope as 'read write' or a list`
  if (typeof scope !== 'string' && !Array.isArray(scope)) throw misuse('wrong_answer', `${fix}, not ${kindOf(scope)}`)
  try {
    return toScope(scope)
  } catch (cause) {
    throw misuse('wrong_answer', `${fix}, of scope tokens (RFC 6749 section 3.3)`, { cause })
  }
}

/** Whether a time is in seconds and not in milliseconds. */
function isTime(time: unknown): time is number {
  return typeof time === 'number' && time > 0 && time < 1e11
}

function notATime(option: string, member: string, value: unknown): TypeError {
  const came = typeof value === 'number' ? 'milliseconds' : kindOf(value)
  return misuse('wrong_answer', `${option} must return ${member} in seconds since the epoch, not ${came}`)
}
