/**
 * The meaning of an access token in its three forms: the row, the claims of a JWT (RFC 9068 §2.2) and the introspection
 * response (RFC 7662 §2.2). A new property that tokens are bound to must be added here.
 */
import type { Awaitable } from '../awaitable'
import { frozenList, lockedRow } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { lookupId, parseSplitToken, sessionOf } from '../credentials/split-token'
import { sha256 } from '../crypto'
import { audienceOf, type JwtClaims, type JwtKind } from '../jwt/verify'
import { type AuthorizationDetails, DETAILS, isAuthorizationDetails } from '../rules/authorization-details'
import type { Audience } from '../rules/resource'
import { formatScope } from '../rules/scope'
import type { Credential } from '../storage'
import { frozenCopy } from '../storage/frozen'
import type { AccessToken, LocatedToken } from '../types/access-token'
import type { Actor, Authentication, Authorization, Confirmation, Exchange } from '../types/authorization'
import type { AuthorizationServer, UnsignedToken } from '../types/authorization-server'

/** The claims of an access token: RFC 9068 §2.2, and more from the issuer. */
export interface AccessTokenClaims extends JwtClaims {
  readonly sub: string
  readonly client_id: string
  readonly iat: number
  readonly jti: string
  readonly scope?: string
  readonly auth_time?: unknown
  readonly acr?: unknown
  readonly authorization_details?: AuthorizationDetails
}

/** RFC 9068 §2.1, §4: the `typ` and the required claims. */
export const accessTokenJwt: JwtKind<AccessTokenClaims> = {
  type: 'at+jwt',
  isClaims(claims): claims is AccessTokenClaims {
    if (typeof claims !== 'object' || claims === null) return false
    const { iss, sub, aud, client_id, exp, iat, jti, scope, [DETAILS]: details } = claims as Record<string, unknown>
    return (
      [iss, sub, client_id, jti].every((claim) => typeof claim === 'string' && claim !== '') &&
      [exp, iat].every(Number.isFinite) &&
      (typeof aud === 'string' || (Array.isArray(aud) && aud.every((one) => typeof one === 'string'))) &&
      (scope === undefined || typeof scope === 'string') &&
      (details === undefined || isAuthorizationDetails(details))
    )
  },
}

/** RFC 9449 §5, §6.2. Tokens that are bound to a certificate are sent as bearer tokens (RFC 8705 §3). */
export function tokenTypeOf({ jkt }: Confirmation): 'DPoP' | 'Bearer' {
  return jkt === undefined ? 'Bearer' : 'DPoP'
}

/**
 * The claims that JWTs and introspection share. `sub` is not among them: for a client's own token introspection has
 * none.
 */
export function sharedClaims(
  server: Pick<AuthorizationServer, 'issuer'>,
  { clientId, scope, authorizationDetails: details = [], authentication, confirmation, actor, exchange }: Authorization,
  { issuedAt, expiresAt }: Pick<Credential, 'issuedAt' | 'expiresAt'>,
  audience: Audience,
) {
  return {
    iss: server.issuer,
    ...(audience.length > 0 && { aud: audience.length === 1 ? (audience[0] as string) : audience }),
    client_id: clientId,
    exp: expiresAt,
    iat: issuedAt,
    ...(scope.length > 0 && { scope: formatScope(scope) }),
    // RFC 9470 §6
    ...(authentication && { auth_time: authentication.time }),
    ...(authentication?.acr !== undefined && { acr: authentication.acr }),
    // RFC 9396 §9.1, §9.2
    ...(details.length > 0 && { [DETAILS]: details }),
    // RFC 7800 §3.1, RFC 9449 §6
    ...(confirmation && { cnf: confirmation }),
    // RFC 8693 §4.1
    ...(actor && { act: actor }),
    ...(exchange && { token_exchange: exchange }),
  }
}

/** Reads an access token from the claims of a JWT or from an introspection response. */
export function accessTokenOfClaims(claims: Partial<AccessTokenClaims> & { client_id: string }): AccessToken {
  const { client_id: clientId, scope = '', exp, aud, auth_time: time, acr, [DETAILS]: details, cnf } = claims
  const { act, token_exchange: exchange } = claims
  const audience = aud === undefined ? [] : audienceOf(aud)
  return Object.freeze({
    clientId,
    ...userOfClaims(claims),
    scope: Object.freeze(scope.split(' ').filter((token) => token !== '')),
    ...(exp !== undefined && { expiresAt: exp }),
    ...(audience.length > 0 && { audience: frozenList(audience) }),
    // a value of another type is ignored
    ...(typeof time === 'number' && { authTime: time }),
    ...(typeof acr === 'string' && { acr }),
    ...(details !== undefined && { authorizationDetails: frozenCopy(details) }),
    ...(cnf !== undefined && { confirmation: confirmationOf(cnf) }),
    ...(typeof act === 'object' && act !== null && { actor: frozenActor(act as Actor) }),
    ...(typeof exchange === 'string' && { exchange: exchange as Exchange }),
  })
}

/** The part of the sign-in that APIs may see. */
export function signInOf({ time, acr }: Authentication): Pick<AccessToken, 'authTime' | 'acr'> {
  return { authTime: time, ...(acr !== undefined && { acr }) }
}

/** Freezes an actor and its chain, because many requests may share it. */
export function frozenActor({ act, ...identity }: Actor): Actor {
  return Object.freeze(act ? { act: frozenActor(act), ...identity } : identity)
}

/** An invalid `cnf` becomes a confirmation that nothing verifies: the token is bound to something. */
function confirmationOf(cnf: unknown): Confirmation {
  return Object.freeze(typeof cnf === 'object' ? { ...cnf } : {})
}

/** RFC 9068 §2.2: without a user, `sub` is the client. */
function userOfClaims({ sub, client_id: clientId }: { sub?: string; client_id: string }): { userId?: string } {
  return sub === undefined || sub === clientId ? {} : { userId: sub }
}

export function subjectOf({ userId, clientId }: Authorization): string {
  return userId ?? clientId
}

/** The row that a JWT names. */
export function namedRow(claims: AccessTokenClaims): LocatedToken | undefined {
  const named = parseSplitToken(claims.jti)
  return named && { id: named.id, secret: claims.jti, claims }
}

/**
 * The claims of a stateless token in place of a row, so that a session that begins with it has the same start and
 * grant.
 */
export function sessionClaims({ id, authorization }: UnsignedToken): Record<string, unknown> {
  const { userId, grantId, startedAt } = authorization
  if (userId === undefined) return {}
  return { started_at: startedAt, ...(grantId !== undefined && { grant_id: grantId + sessionOf(id) }) }
}

// a grant id, and the session if the token began with another token
const sessionSyntax = /^([A-Za-z0-9_-]{22})((?:\.[A-Za-z0-9_-]{22}){0,2})$/

/** Makes a row from the claims of a stateless token. Not if the token names a row: it would survive its revocation. */
export function statelessRow(claims: AccessTokenClaims): LocatedToken | undefined {
  const { jti, client_id: clientId, iat, exp, started_at: startedAt, grant_id: named } = claims
  if (parseSplitToken(jti)) return undefined
  const [, grantId, session] = (typeof named === 'string' && sessionSyntax.exec(named)) || []
  const { scope, audience, authTime, acr, authorizationDetails, confirmation, actor, exchange } =
    accessTokenOfClaims(claims)
  const authorization: Authorization = {
    clientId,
    ...userOfClaims(claims),
    ...(grantId !== undefined && { grantId }),
    scope,
    startedAt: typeof startedAt === 'number' ? Math.min(startedAt, iat) : iat,
    ...(audience && { audience }),
    ...(authTime !== undefined && { authentication: { ...(acr !== undefined && { acr }), time: authTime } }),
    ...(authorizationDetails && { authorizationDetails }),
    ...(confirmation && { confirmation }),
    ...(actor && { actor }),
    ...(exchange && { exchange }),
  }
  const id = grantId === undefined ? jti : lookupId(grantId, lookupSuffix.access_token[0], session)
  const { clientId: _, ...bound } = authorization
  const lifetime = { issuedAt: iat, expiresAt: exp }
  const row = lockedRow({ id, kind: 'access_token', state: sha256(jti) }, authorization, lifetime, { bound })
  return { id: jti, secret: jti, claims, row }
}

/**
 * OpenID Connect Core §8.1: the actor with the `sub` that this client may see. Only users of this server are hidden.
 */
export async function hiddenActor(
  hides: (userId: string) => Awaitable<string>,
  { act, ...identity }: Actor,
): Promise<Actor> {
  const { iss, client_id: clientId, sub } = identity
  const isUser = iss === undefined && sub !== undefined && sub !== clientId
  const named = isUser ? { ...identity, sub: await hides(sub) } : identity
  return act ? { act: await hiddenActor(hides, act), ...named } : named
}
