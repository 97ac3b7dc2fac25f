/** Verification of JWT access tokens, where they are issued and elsewhere: RFC 9068 §4, RFC 8725. */
import { decode, verify } from 'jsonwebtoken'
import { LRUCache } from 'lru-cache'
import { type Awaitable, whenReady } from '../awaitable'
import { sha256 } from '../crypto'
import type { SigningAlgorithm, VerificationKey } from './keys'

/** The claims of an access token: RFC 9068 §2.2, and whatever the issuer adds. */
export interface AccessTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly client_id: string
  readonly exp: number
  readonly iat: number
  readonly jti: string
  readonly scope?: string
  readonly [claim: string]: unknown
}

/** What a token must say to be believed here. */
interface ExpectedClaims {
  issuer: string
  /** At least one of these is in `aud`. */
  audience: readonly string[]
  /** Seconds since the epoch. */
  now: number
}

export type FindKey = (kid: string) => Awaitable<VerificationKey | undefined>

/** The claims of a token that is what it should be; undefined for every other. */
export type JwtVerifier = (
  token: string,
  findKey: FindKey,
  expected: ExpectedClaims,
) => Awaitable<AccessTokenClaims | undefined>

interface VerifiedToken {
  header: TokenHeader
  key: VerificationKey
  claims: AccessTokenClaims
}

const MAX_REMEMBERED = 10_000

/**
 * A verifier that remembers whose signature was right, by the SHA-256 of the token: a signature costs as much as all the
 * rest of a request. What a token says is compared at each use, so that it ends with its `exp` and with its key.
 */
export function jwtVerifier(): JwtVerifier {
  const remembered = new LRUCache<string, VerifiedToken>({ max: MAX_REMEMBERED })
  return (token, findKey, expected) => {
    const digest = sha256(token)
    const known = remembered.get(digest)
    const header = known?.header ?? parseHeader(token)
    if (!header) return undefined
    return whenReady(findKey(header.kid), (key) => {
      // RFC 8725 §3.1: the key says which algorithms may be used with it, never the token
      if (!key?.algorithms.includes(header.alg)) return undefined
      const claims = known?.key === key ? known.claims : verifiedClaims(token, header, key, expected.now)
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

/** The header, if it is one of a JWT access token. Keys that it brings along (`jwk`, `jku`, `x5c`) are never looked at. */
function parseHeader(token: string): TokenHeader | undefined {
  const header = decoded(token) as Record<string, unknown> | undefined
  if (!header) return undefined
  const { typ, kid, alg, crit } = header
  // RFC 9068 §4: any other typ is another kind of token that the same key has signed
  if (typeof typ !== 'string' || !/^(application\/)?at\+jwt$/i.test(typ)) return undefined
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

function verifiedClaims(
  token: string,
  { alg }: TokenHeader,
  { publicKey }: VerificationKey,
  now: number,
): AccessTokenClaims | undefined {
  try {
    const claims: unknown = verify(token, publicKey, { algorithms: [alg], clockTimestamp: now })
    return isAccessTokenClaims(claims) ? deepFreeze(claims) : undefined
  } catch {
    return undefined
  }
}

/** RFC 9068 §2.2: what must be there, in the types it must have. */
function isAccessTokenClaims(claims: unknown): claims is AccessTokenClaims {
  if (typeof claims !== 'object' || claims === null) return false
  const { iss, sub, aud, client_id, exp, iat, jti, scope } = claims as Record<string, unknown>
  return (
    [iss, sub, client_id, jti].every((claim) => typeof claim === 'string' && claim !== '') &&
    [exp, iat].every(Number.isFinite) &&
    (typeof aud === 'string' || (Array.isArray(aud) && aud.every((one) => typeof one === 'string'))) &&
    (scope === undefined || typeof scope === 'string')
  )
}

function isExpected({ iss, aud, exp }: AccessTokenClaims, { issuer, audience, now }: ExpectedClaims): boolean {
  return iss === issuer && exp > now && audienceOf(aud).some((one) => audience.includes(one))
}

/** RFC 7519 §4.1.3: one audience may stand alone. */
export function audienceOf(aud: AccessTokenClaims['aud']): readonly string[] {
  return typeof aud === 'string' ? [aud] : aud
}

/** Who remembers a token hands the same claims to every request. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
