/** The one verifier of JWTs, whatever they are for: RFC 7515, RFC 7519, RFC 8725. */
import { decode, verify } from 'jsonwebtoken'
import { LRUCache } from 'lru-cache'
import { type Awaitable, whenReady } from '../awaitable'
import { sha256 } from '../crypto'
import type { SigningAlgorithm, VerificationKey } from './keys'

/** What every JWT that we believe has (RFC 7519 §4.1). */
export interface JwtClaims {
  readonly iss: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly [claim: string]: unknown
}

/** One kind of JWT. */
export interface JwtKind<Claims extends JwtClaims> {
  /** The `typ` of its header, without `application/` (RFC 8725 §3.11). */
  readonly type: string
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

/**
 * A verifier that remembers whose signature was right, by the SHA-256 of the token: a signature costs as much as all the
 * rest of a request. What a token says is compared at each use, so that it ends with its `exp` and with its key.
 */
export function jwtVerifier<Claims extends JwtClaims>(kind: JwtKind<Claims>): JwtVerifier<Claims> {
  const remembered = new LRUCache<string, VerifiedToken<Claims>>({ max: MAX_REMEMBERED })
  return (token, findKey, expected) => {
    const digest = sha256(token)
    const known = remembered.get(digest)
    const header = known?.header ?? parseHeader(token, kind.type)
    if (!header) return undefined
    return whenReady(findKey(header.kid), (key) => {
      // RFC 8725 §3.1: the key says which algorithms may be used with it, never the token
      if (!key?.algorithms.includes(header.alg)) return undefined
      const claims = known?.key === key ? known.claims : verifiedClaims(token, kind, header, key, expected.now)
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
  kid: string
  alg: SigningAlgorithm
}

/** The header, if it is one of that type. Keys that it brings along (`jwk`, `jku`, `x5c`) are never looked at. */
function parseHeader(token: string, type: string): TokenHeader | undefined {
  const header = decoded(token) as Record<string, unknown> | undefined
  if (!header) return undefined
  const { typ, kid, alg, crit } = header
  // RFC 8725 §3.11: any other typ is another kind of token that the same key has signed. RFC 7515 §4.1.9: in any case
  if (typeof typ !== 'string' || typ.toLowerCase().replace(/^application\//, '') !== type) return undefined
  // RFC 7515 §4.1.11: an extension that must be understood, and that jsonwebtoken does not look at
  if (crit !== undefined) return undefined
  return typeof kid === 'string' && typeof alg === 'string' ? { kid, alg: alg as SigningAlgorithm } : undefined
}

function decoded(token: string): object | undefined {
  try {
    return decode(token, { complete: true })?.header
  } catch {
    return undefined
  }
}

function verifiedClaims<Claims extends JwtClaims>(
  token: string,
  { isClaims }: JwtKind<Claims>,
  { alg }: TokenHeader,
  { publicKey }: VerificationKey,
  now: number,
): Claims | undefined {
  try {
    const claims: unknown = verify(token, publicKey, { algorithms: [alg], clockTimestamp: now })
    return isClaims(claims) ? deepFreeze(claims) : undefined
  } catch {
    return undefined
  }
}

function isExpected({ iss, aud, exp }: JwtClaims, { issuer, audience, now }: ExpectedClaims): boolean {
  return iss === issuer && exp > now && audienceOf(aud).some((one) => audience.includes(one))
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
