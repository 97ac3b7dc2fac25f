/** A DPoP proof: RFC 9449 §4.2, with the checks of §4.3. */
import { sha256 } from '../crypto'
import {
  mayHaveSigned,
  publishedKey,
  thumbprint,
  type VerificationAlgorithm,
  type VerificationKey,
  verificationAlgorithmsOf,
} from '../jwt/keys'
import { CLOCK_SKEW, hasBegun, isSignedWith, type JwtKind, readJwt } from '../jwt/verify'
import { comparableTarget, comparableUri } from '../rules/target-uri'

interface ProofClaims {
  readonly jti: string
  readonly htm: string
  readonly htu: string
  readonly iat: number
  readonly nbf?: unknown
  readonly exp?: unknown
  readonly ath?: unknown
  readonly nonce?: unknown
}

/** §4.2: the claims of each proof. */
const proofJwt: JwtKind<ProofClaims> = {
  type: 'dpop+jwt',
  bringsKey: true,
  isClaims(claims): claims is ProofClaims {
    const { jti, htm, htu, iat } = (claims ?? {}) as Record<string, unknown>
    const areTexts = [jti, htm, htu].every((claim) => typeof claim === 'string' && claim !== '')
    return areTexts && Number.isFinite(iat)
  },
}

/** The expected values of a proof. */
interface Expected {
  readonly algorithms: readonly VerificationAlgorithm[]
  readonly method: string | undefined
  readonly url: string
  readonly alias: string | undefined
  /** The access token that is sent with it. */
  readonly token: string | undefined
  /** Seconds since the epoch. */
  readonly now: number
}

export interface Proof {
  readonly jkt: string
  readonly jti: string
  readonly nonce: unknown
  /** When the proof expires. Seconds since the epoch. */
  readonly expiresAt: number
}

/** Seconds that a proof is valid. */
const LIFETIME = 60

/** Returns the proof or its problem. The caller checks its nonce, its key, and that it was not used before. */
export function verifiedProof(text: string, expected: Expected): Proof | { readonly problem: string } {
  const read = readJwt(text, proofJwt)
  if (!read) return { problem: 'The DPoP proof must be a JWT of type dpop+jwt with jwk, jti, htm, htu and iat.' }
  const { header, claims } = read
  const { algorithms } = expected
  if (!algorithms.includes(header.alg))
    return { problem: `The DPoP proof must be signed with ${algorithms.join(', ')}.` }
  const key = publicKeyOf(header.jwk, header.alg)
  if (!key) return { problem: 'jwk of the DPoP proof must be a public key that fits its alg, without private members.' }
  const problem = problemOf(claims, expected)
  if (problem !== undefined) return { problem }
  if (!isSignedWith(text, header, key)) return { problem: 'The signature of the DPoP proof is wrong.' }
  const { exp } = claims
  const expiresAt = Math.min(claims.iat + LIFETIME + 1, typeof exp === 'number' ? exp : Number.POSITIVE_INFINITY)
  return { jkt: thumbprint(key.publicKey), jti: claims.jti, nonce: claims.nonce, expiresAt }
}

function publicKeyOf(jwk: unknown, alg: VerificationAlgorithm): VerificationKey | undefined {
  const key = mayHaveSigned(jwk, alg) ? publishedKey(jwk, verificationAlgorithmsOf) : undefined
  return key?.algorithms.includes(alg) ? key : undefined
}

function problemOf(
  { htm, htu, ...claims }: ProofClaims,
  { method, url, alias = url, token, now }: Expected,
): string | undefined {
  if (htm !== method) return 'htm of the DPoP proof must be the method of the request.'
  const target = comparableTarget(url)
  if (target === undefined) return 'No DPoP proof can name the URL of this request: send it normalised.'
  const signed = comparableUri(htu)
  const isForHere = signed !== undefined && [target, comparableTarget(alias)].includes(signed)
  if (!isForHere) return `htu of the DPoP proof must be ${url}.`
  const { iat, exp, ath } = claims
  if (iat > now + CLOCK_SKEW || iat < now - LIFETIME) {
    return `iat of the DPoP proof must be within the last ${LIFETIME} seconds.`
  }
  if (!hasBegun(claims, now)) return 'nbf of the DPoP proof is in the future.'
  if (exp !== undefined && !(typeof exp === 'number' && exp > now)) return 'The DPoP proof has expired.'
  if (token !== undefined && ath !== sha256(token)) return 'ath of the DPoP proof must be the hash of the access token.'
  return undefined
}
