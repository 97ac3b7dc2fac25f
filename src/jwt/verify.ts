/** The one verifier of JWTs, whatever they are for: RFC 7515, RFC 7519, RFC 8725. */

import { createLRU } from 'lru.min'
import { type Awaitable, whenReady } from '../awaitable'
import { isSignatureOf, type JsonWebKey, sha256 } from '../crypto'
import { jsonwebtoken } from './jsonwebtoken'
import type { VerificationAlgorithm, VerificationKey } from './keys'

/** What every JWT that we believe has (RFC 7519 §4.1). */
export interface JwtClaims {
  readonly iss: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly nbf?: unknown
  readonly iat?: unknown
  readonly [claim: string]: unknown
}

/** One kind of JWT. */
export interface JwtKind<Claims> {
  /** The `typ` of its header, without `application/` (RFC 8725 §3.11). */
  readonly type: string
  /** What else may stand there, where this kind is older than its type: undefined for nothing. */
  readonly olderTypes?: readonly (string | undefined)[]
  /** Whether it brings its key along (`jwk`, RFC 7515 §4.1.3): it proves that its sender has the key, and not who that is. */
  readonly bringsKey?: true
  /** Whether the claims are there that it must have, in the types that they must have. */
  readonly isClaims: (claims: unknown) => claims is Claims
}

/** What a token must say to be believed here. */
interface ExpectedClaims {
  readonly issuer: string
  /** At least one of these is in `aud`. */
  readonly audience: readonly string[]
  /** Seconds since the epoch. */
  readonly now: number
}

export type FindKey = (kid: string) => Awaitable<VerificationKey | undefined>

/** The claims of a token that is what it should be, frozen; undefined for every other. */
export type JwtVerifier<Claims extends JwtClaims> = (
  token: string,
  findKey: FindKey,
  expected: ExpectedClaims,
) => Awaitable<Claims | undefined>

interface VerifiedToken<Claims> {
  readonly header: TokenHeader
  readonly key: VerificationKey
  readonly claims: Claims
}

const MAX_REMEMBERED = 10_000

/** Seconds by which the clock of an issuer may be ahead of ours. */
export const CLOCK_SKEW = 10

/**
 * A verifier that remembers whose signature was right, by the SHA-256 of the token: a signature costs as much as all the
 * rest of a request. What a token says is compared at each use, so that it ends with its `exp` and with its key.
 */
export function jwtVerifier<Claims extends JwtClaims>(kind: JwtKind<Claims>): JwtVerifier<Claims> {
  const remembered = createLRU<string, VerifiedToken<Claims>>({ max: MAX_REMEMBERED })
  return (token, findKey, expected) => {
    const digest = sha256(token)
    const known = remembered.get(digest)
    const read = known ? undefined : decoded(token)
    const header = known?.header ?? headerOf(read, kind)
    if (header?.kid === undefined) return undefined
    return whenReady(findKey(header.kid), (key) => {
      // RFC 8725 §3.1: the key says which algorithms may be used with it, never the token
      if (!key?.algorithms.includes(header.alg)) return undefined
      const claims = known?.key === key ? known.claims : verifiedClaims(token, kind, header, key, read)
      if (!claims || !isExpected(claims, expected)) {
        remembered.delete(digest)
        return undefined
      }
      if (claims !== known?.claims) remembered.set(digest, { header, key, claims })
      return claims
    })
  }
}

interface TokenHeader {
  readonly kid?: string
  readonly alg: VerificationAlgorithm
  /** Of a kind that brings its key along. */
  readonly jwk?: JsonWebKey
}

/** What a JWT says of itself before anybody has verified it: good for finding its key, and for nothing else. */
export interface UnverifiedJwt<Claims> {
  readonly header: TokenHeader
  readonly claims: Claims
}

/** Of a token that is good once, and so is not remembered. Undefined for what is no JWT of this kind. */
export function readJwt<Claims>(token: string, kind: JwtKind<Claims>): UnverifiedJwt<Claims> | undefined {
  const read = decoded(token)
  const header = headerOf(read, kind)
  const claims = read?.payload
  return header && kind.isClaims(claims) ? { header, claims } : undefined
}

/** Whether a token that `readJwt` has read was signed with this key, by the algorithm that it names. */
export function isSignedWith(token: string, { alg }: TokenHeader, { algorithms, publicKey }: VerificationKey): boolean {
  return algorithms.includes(alg) && isSignatureOf(token, alg, publicKey)
}

/** The header, if it is one of that type. Of other kinds the keys in it (`jwk`, `jku`, `x5c`) are never looked at. */
function headerOf<Claims>(
  read: DecodedToken | undefined,
  { type, olderTypes = [], bringsKey }: JwtKind<Claims>,
): TokenHeader | undefined {
  const header = read?.header
  if (!header) return undefined
  const { typ, kid, alg, crit } = header
  // RFC 8725 §3.11: any other typ is another kind of token that the same key has signed. RFC 7515 §4.1.9: in any case
  const named = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
  if (named !== type && !olderTypes.some((older) => older === named)) return undefined
  // RFC 7515 §4.1.11: an extension that must be understood, and that jsonwebtoken does not look at
  if (crit !== undefined || typeof alg !== 'string' || !isOptionalText(kid)) return undefined
  const { jwk } = header
  if (bringsKey && (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk))) return undefined
  return {
    ...(kid !== undefined && { kid }),
    alg: alg as VerificationAlgorithm,
    ...(bringsKey && { jwk: jwk as JsonWebKey }),
  }
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

interface DecodedToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: unknown
}

function decoded(token: string): DecodedToken | undefined {
  try {
    return (jsonwebtoken().decode(token, { complete: true }) as DecodedToken | null) ?? undefined
  } catch {
    return undefined
  }
}

function verifiedClaims<Claims extends JwtClaims>(
  token: string,
  { isClaims }: JwtKind<Claims>,
  header: TokenHeader,
  key: VerificationKey,
  read = decoded(token),
): Claims | undefined {
  const claims = read?.payload
  return isClaims(claims) && isSignedWith(token, header, key) ? deepFreeze(claims) : undefined
}

function isExpected(claims: JwtClaims, { issuer, audience, now }: ExpectedClaims): boolean {
  const { iss, aud, exp } = claims
  return iss === issuer && exp > now && hasBegun(claims, now) && audienceOf(aud).some((one) => audience.includes(one))
}

/**
 * RFC 7519 §4.1.5, §4.1.6: not before `nbf`, and not before it was made. Two clocks are never alike, so `CLOCK_SKEW` is
 * taken; what is further ahead was made for later, or to be good for longer than its `exp` should allow.
 */
export function hasBegun({ nbf, iat }: Pick<JwtClaims, 'nbf' | 'iat'>, now: number): boolean {
  return [nbf, iat].every((time) => time === undefined || (typeof time === 'number' && time <= now + CLOCK_SKEW))
}

/** RFC 7519 §4.1.3: one audience may stand alone. */
export function audienceOf(aud: JwtClaims['aud']): readonly string[] {
  return typeof aud === 'string' ? [aud] : aud
}

/** Many requests share the claims of a token that is remembered. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
