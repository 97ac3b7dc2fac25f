/** Verifies every JWT: RFC 7515, RFC 7519, RFC 8725. */

import { createLRU } from 'lru.min'
import { type Awaitable, whenReady } from '../awaitable'
import { isSignatureOf, type JsonWebKey, sha256 } from '../crypto'
import { jsonwebtoken } from './jsonwebtoken'
import type { VerificationAlgorithm, VerificationKey } from './keys'

/** The claims of every accepted JWT (RFC 7519 §4.1). */
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
  /** Other accepted types, if the kind is older than its type. Undefined in the list: no type. */
  readonly olderTypes?: readonly (string | undefined)[]
  /**
   * Whether the header contains the key (`jwk`, RFC 7515 §4.1.3): proves possession of the key, not the sender's
   * identity.
   */
  readonly bringsKey?: true
  /** Whether the required claims are present and have the right types. */
  readonly isClaims: (claims: unknown) => claims is Claims
}

/** The required values of claims. */
interface ExpectedClaims {
  readonly issuer: string
  /** One of these must be in `aud`. */
  readonly audience: readonly string[]
  /** Seconds since the epoch. */
  readonly now: number
}

export type FindKey = (kid: string) => Awaitable<VerificationKey | undefined>

/** Returns the frozen claims of a valid token, otherwise undefined. */
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

/** Seconds that an issuer's clock may be ahead of ours. */
export const CLOCK_SKEW = 10

/**
 * Creates a verifier that remembers valid signatures by the token's SHA-256: a signature costs as much as the rest of a
 * request. Claims are checked at each use, so that a token ends with its `exp` and with its key.
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
      // RFC 8725 §3.1: the key determines its algorithms, never the token
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
  /** Set for kinds with `bringsKey`. */
  readonly jwk?: JsonWebKey
}

/** The content of an unverified JWT. Use it only to find the key. */
export interface UnverifiedJwt<Claims> {
  readonly header: TokenHeader
  readonly claims: Claims
}

/** Reads a one-time JWT, which is not remembered. Undefined if it is not a JWT of this kind. */
export function readJwt<Claims>(token: string, kind: JwtKind<Claims>): UnverifiedJwt<Claims> | undefined {
  const read = decoded(token)
  const header = headerOf(read, kind)
  const claims = read?.payload
  return header && kind.isClaims(claims) ? { header, claims } : undefined
}

/** Whether this key signed a token that `readJwt` returned, with the algorithm in its header. */
export function isSignedWith(token: string, { alg }: TokenHeader, { algorithms, publicKey }: VerificationKey): boolean {
  return algorithms.includes(alg) && isSignatureOf(token, alg, publicKey)
}

/** The header, if it has this type. The keys in headers of other kinds (`jwk`, `jku`, `x5c`) are never used. */
function headerOf<Claims>(
  read: DecodedToken | undefined,
  { type, olderTypes = [], bringsKey }: JwtKind<Claims>,
): TokenHeader | undefined {
  const header = read?.header
  if (!header) return undefined
  const { typ, kid, alg, crit } = header
  // RFC 8725 §3.11: another typ is another kind of token from the same key. RFC 7515 §4.1.9: case does not matter
  const named = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
  if (named !== type && !olderTypes.some((older) => older === named)) return undefined
  // RFC 7515 §4.1.11: an extension that must be understood, which jsonwebtoken does not check
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
 * RFC 7519 §4.1.5, §4.1.6: whether the token is valid already, by `nbf` and `iat`. Clocks differ by up to `CLOCK_SKEW`.
 * A time further ahead is refused: such a token would outlive its `exp`.
 */
export function hasBegun({ nbf, iat }: Pick<JwtClaims, 'nbf' | 'iat'>, now: number): boolean {
  return [nbf, iat].every((time) => time === undefined || (typeof time === 'number' && time <= now + CLOCK_SKEW))
}

/** RFC 7519 §4.1.3: `aud` may be a single string. */
export function audienceOf(aud: JwtClaims['aud']): readonly string[] {
  return typeof aud === 'string' ? [aud] : aud
}

/** Requests share the claims of a remembered token. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
