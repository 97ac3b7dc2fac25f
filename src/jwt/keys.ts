/** The keys of JWTs: their formats, their `kid` (RFC 7638), and their algorithms. */
import { certificateBytes, certificateOf } from '../certificates/certificate'
import { type JsonWebKey, type KeyObject, newPrivateKey, orphanedPublicKey, sha256, toPublicKey } from '../crypto'
import { requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'

/** A signing algorithm for JWT access tokens (RFC 7518 §3.1). */
export type SigningAlgorithm = 'ES256' | 'RS256' | 'PS256'

export const signingAlgorithms: readonly unknown[] = ['ES256', 'RS256', 'PS256'] satisfies SigningAlgorithm[]

/** A signature algorithm of others' JWTs (RFC 7518 §3.1): the asymmetric ones that the library verifies. */
export type VerificationAlgorithm = (typeof verificationAlgorithms)[number]

export const verificationAlgorithms = [
  'ES256',
  'PS256',
  'RS256',
  'ES384',
  'PS384',
  'RS384',
  'ES512',
  'PS512',
  'RS512',
] as const

/** A key that verifies, with the algorithms that it is accepted for. */
export interface VerificationKey {
  readonly algorithms: readonly VerificationAlgorithm[]
  readonly publicKey: KeyObject
}

/**
 * Generates a private key as a JWK. Keep it with your other secrets: `JSON.stringify` it into the environment.
 * Synchronous: takes milliseconds for ES256, up to a second for RSA.
 */
export function generateSigningKey(algorithm: SigningAlgorithm = 'ES256'): JsonWebKey {
  requireNoMore('generateSigningKey', arguments, 1)
  if (!signingAlgorithms.includes(algorithm))
    throw misuse('wrong_choice', `generateSigningKey accepts ${signingAlgorithms.join(', ')}`)
  const key = newPrivateKey(algorithm === 'ES256' ? 'ec' : 'rsa')
  return { ...key.export({ format: 'jwk' }), kid: thumbprint(toPublicKey(key)), alg: algorithm, use: 'sig' }
}

/** RFC 7518 §3.3 to §3.5: P-256 for ES256, at least 2048 bits for RSA. Empty for other keys. */
export function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): SigningAlgorithm[] {
  if (asymmetricKeyType === 'ec') return asymmetricKeyDetails?.namedCurve === 'prime256v1' ? ['ES256'] : []
  if (asymmetricKeyType !== 'rsa') return []
  return (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048 ? ['RS256', 'PS256'] : []
}

/** The names of the curves (RFC 7518 §6.2.1.1; OpenSSL) by algorithm. */
const curves = { ES256: ['P-256', 'prime256v1'], ES384: ['P-384', 'secp384r1'], ES512: ['P-521', 'secp521r1'] } as const

/**
 * The limit for foreign keys. Verification with a longer modulus, or a long exponent, takes this process milliseconds.
 */
const MAX_MODULUS = 8192
const MAX_EXPONENT = 2n ** 32n

/** The algorithms that a client's key may have signed with. Empty for an unsuitable key. */
export function verificationAlgorithmsOf(key: KeyObject): VerificationAlgorithm[] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: { namedCurve, modulusLength = 0, publicExponent = 0n } = {} } =
    key
  if (type === 'ec')
    return Object.entries(curves).flatMap(([alg, [, name]]) => (name === namedCurve ? [alg] : [])) as 'ES256'[]
  if (type !== 'rsa' || modulusLength < 2048 || modulusLength > MAX_MODULUS || publicExponent > MAX_EXPONENT) return []
  return verificationAlgorithms.filter((algorithm) => !(algorithm in curves))
}

/** RFC 7518 §6.2.2, §6.3.2, §6.4.1: whether a JWK has a private member. */
export function isPrivateJwk(jwk: object): boolean {
  return ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].some((member) => member in jwk)
}

/** The members of a foreign key that are kept: the public ones, and its id. */
const publicMembers: readonly string[] = ['kty', 'kid', 'use', 'alg', 'crv', 'x', 'y', 'n', 'e']
export const MAX_JWK_MEMBER = 2048
/** RFC 7517 §4.9: the thumbprint of the key's certificate. */
export const CERTIFICATE_THUMBPRINT = 'x5t#S256'

/**
 * The public members of a JWK. Undefined if it is private or not a JWK. The first certificate (`x5c`) belongs to the
 * key, and is kept as its thumbprint, which is all that is needed (RFC 8705 §2.2.2).
 */
export function publicJwk(jwk: unknown): (JsonWebKey & { kty: string }) | undefined {
  if (typeof jwk !== 'object' || jwk === null || isPrivateJwk(jwk)) return undefined
  const known = Object.entries(jwk).filter(([name]) => publicMembers.includes(name))
  const isFit = known.every(
    ([, one]) => typeof one === 'string' && one.length <= MAX_JWK_MEMBER && one.isWellFormed() && !/\p{Cc}/u.test(one),
  )
  if (!isFit || !('kty' in jwk)) return undefined
  const certified = certificateThumbprint(jwk)
  const members = certified === undefined ? known : [...known, [CERTIFICATE_THUMBPRINT, certified]]
  return Object.fromEntries(members) as JsonWebKey & { kty: string }
}

function certificateThumbprint(jwk: object): string | undefined {
  const { x5c, [CERTIFICATE_THUMBPRINT]: said } = jwk as Record<string, unknown>
  if (x5c === undefined) return typeof said === 'string' && /^[A-Za-z0-9_-]{43}$/.test(said) ? said : undefined
  const [first]: unknown[] = Array.isArray(x5c) ? x5c : []
  const bytes = typeof first === 'string' ? certificateBytes(first) : undefined
  return bytes && certificateOf(bytes)?.thumbprint
}

/**
 * Whether a foreign JWK may have signed with this algorithm, by its members. Checked before the key is parsed, because
 * checking a point on a curve takes milliseconds. A key whose private half is published proves nothing.
 */
export function mayHaveSigned(jwk: unknown, algorithm: VerificationAlgorithm): jwk is JsonWebKey {
  if (typeof jwk !== 'object' || jwk === null || isPrivateJwk(jwk)) return false
  const { kty, crv, alg = algorithm } = jwk as JsonWebKey
  const [curve] = algorithm in curves ? curves[algorithm as keyof typeof curves] : []
  return alg === algorithm && (curve === undefined ? kty === 'RSA' : kty === 'EC' && crv === curve)
}

/** A foreign JWK as a key, with its algorithms. Undefined if it is unsuitable, or not for signatures. */
export function publishedKey(
  jwk: JsonWebKey,
  algorithmsOf: (key: KeyObject) => readonly VerificationAlgorithm[],
): VerificationKey | undefined {
  if (jwk.use !== undefined && jwk.use !== 'sig') return undefined
  try {
    const publicKey = toPublicKey(jwk)
    const algorithms = algorithmsOf(publicKey).filter((algorithm) => jwk.alg === undefined || jwk.alg === algorithm)
    return algorithms.length === 0 ? undefined : Object.freeze({ algorithms, publicKey })
  } catch {
    return undefined
  }
}

const decoys = new Map<VerificationAlgorithm, VerificationKey>()

/** A key of this kind that no one has: verifying with it takes as long as with a client's key. */
export function decoyKey(algorithm: VerificationAlgorithm): VerificationKey {
  const known = decoys.get(algorithm)
  if (known) return known
  const [curve] = algorithm in curves ? curves[algorithm as keyof typeof curves] : []
  const publicKey = curve === undefined ? orphanedPublicKey() : toPublicKey(newPrivateKey('ec', curve))
  const made = Object.freeze({ algorithms: [algorithm], publicKey })
  decoys.set(algorithm, made)
  return made
}

/** RFC 7638 §3: the id that everyone computes from a public key. The order of the members matters. */
export function thumbprint(publicKey: KeyObject): string {
  const { kty, crv, x, y, e, n } = publicKey.export({ format: 'jwk' })
  return sha256(JSON.stringify(kty === 'EC' ? { crv, kty, x, y } : { e, kty, n }))
}
