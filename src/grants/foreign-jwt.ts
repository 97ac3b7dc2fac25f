/**
 * A JWT of a trusted foreign issuer: an assertion (RFC 7523 §3), or a token to exchange (RFC 8693 §2.1). Checks its
 * claims, and the limits that it sets.
 */
import { OAuthError } from '../errors'
import { verificationAlgorithms } from '../jwt/keys'
import { CLOCK_SKEW, hasBegun, type JwtKind, type UnverifiedJwt } from '../jwt/verify'
import { type Audience, resolveAudience } from '../rules/resource'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'

export interface ForeignClaims {
  readonly iss: string
  readonly sub: string
  readonly nbf?: unknown
  readonly iat?: unknown
  readonly [claim: string]: unknown
}

/** Whether the claims name an issuer and a subject. */
export function isForeignClaims(claims: unknown): claims is ForeignClaims {
  const { iss, sub } = (claims ?? {}) as { iss?: unknown; sub?: unknown }
  return [iss, sub].every((claim) => typeof claim === 'string' && claim !== '')
}

/** RFC 7523 defines no `typ`. Another `typ` means another kind of JWT, such as an access token (RFC 8725 §3.11). */
export const plainJwt: JwtKind<ForeignClaims> = { type: 'jwt', olderTypes: [undefined], isClaims: isForeignClaims }

/** RFC 7523 §3: the problem of a JWT, called `name` in the request. It may live for `longest` seconds. */
export function problemOf(
  server: AuthorizationServer,
  { header, claims }: UnverifiedJwt<ForeignClaims>,
  name: string,
  longest: number,
): string | undefined {
  const { aud, exp, iat, cnf } = claims
  const now = server.now()
  if (!verificationAlgorithms.includes(header.alg)) {
    return `The ${name} must be signed with one of ${verificationAlgorithms.join(', ')}.`
  }
  // a list of audiences is refused: each server in it could send the JWT to the others
  if (aud !== server.issuer) return `aud of the ${name} must be ${server.issuer} as a string.`
  if (typeof exp !== 'number' || typeof iat !== 'number') return `The ${name} must have exp and iat.`
  if (exp <= now) return `The ${name} has expired.`
  if (exp > now + longest + CLOCK_SKEW || exp - iat > longest) {
    return `The ${name} must live for at most ${longest} seconds.`
  }
  if (!hasBegun(claims, now)) return `iat or nbf of the ${name} is in the future.`
  // RFC 7800: the server cannot verify this key
  if (cnf !== undefined) return `The ${name} must not be bound to a key (cnf).`
  return undefined
}

/** The maximum scope of the JWT. Undefined if it names none. */
export function scopeCeiling({ scope }: ForeignClaims): string[] | undefined {
  if (scope === undefined) return undefined
  return typeof scope === 'string' ? scope.split(' ').filter((token) => token !== '') : []
}

/** The resources of the JWT (RFC 8707). Undefined if it names none. */
export function audienceCeiling(
  server: AuthorizationServer,
  client: Client,
  { resource }: ForeignClaims,
): Audience | undefined {
  if (resource === undefined || server.resources.length === 0) return undefined
  const named = [resource].flat()
  if (named.every((one) => typeof one === 'string')) return resolveAudience(server, client, named.join(' '))
  throw new OAuthError('invalid_target', 'The resource of the assertion must be a URI, or a list of them.')
}
