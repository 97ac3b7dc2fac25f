/** All cryptography in one place: randomness, digests, signing keys and derived secrets. */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  hash,
  KeyObject,
  randomBytes,
  randomInt,
  timingSafeEqual,
  verify,
  X509Certificate,
} from 'node:crypto'

export { type KeyObject, X509Certificate }

/** A key in the format of RFC 7517. Declared here because `node:crypto` of @types/node has no such type since 25. */
export interface JsonWebKey {
  kty?: string
  crv?: string
  d?: string
  dp?: string
  dq?: string
  e?: string
  k?: string
  n?: string
  p?: string
  q?: string
  qi?: string
  x?: string
  y?: string
  [member: string]: unknown
}

const POOL_BYTES = 4096
let pool = Buffer.alloc(0)
let poolOffset = 0

/**
 * Returns `bytes` random bytes as base64url. They come from a pool, because a system call for each token costs more
 * than everything else in this file. Bytes that were handed out are wiped from the pool.
 */
export function randomToken(bytes: number): string {
  if (poolOffset + bytes > pool.length) {
    pool = randomBytes(POOL_BYTES)
    poolOffset = 0
  }
  const start = poolOffset
  poolOffset += bytes
  const token = pool.toString('base64url', start, poolOffset)
  pool.fill(0, start, poolOffset)
  return token
}

/** Returns random letters and digits. Each of the 62 is equally likely: 5.95 bits per character. */
export function randomAlphanumeric(length: number): string {
  let text = ''
  while (text.length < length) text += randomToken(length).replace(/[-_]/g, '')
  return text.slice(0, length)
}

/** The random first version of a record, so that versions of two records with one id differ. Fits 32 bits. */
export function firstVersion(): number {
  return randomInt(1, 2 ** 30)
}

/** A random index below `length`. All are equally likely. */
export function randomIndex(length: number): number {
  return randomInt(length)
}

// in one call where Node has it (20.12): creating a Hash object costs more than the digest itself
const digestOf: (data: string | Buffer) => string = hash
  ? (data) => hash('sha256', data, 'base64url')
  : (data) => createHash('sha256').update(data).digest('base64url')

/** SHA-256 as base64url: 43 characters. */
export function sha256(data: string | Buffer): string {
  return digestOf(data)
}

const DIGEST_LENGTH = 43
const leftBytes = Buffer.alloc(DIGEST_LENGTH)
const rightBytes = Buffer.alloc(DIGEST_LENGTH)

/** Whether two digests are equal, in constant time. Digests of different lengths are not equal. */
export function equalDigests(left: string, right: string): boolean {
  if (left.length !== DIGEST_LENGTH || right.length !== DIGEST_LENGTH) return false
  leftBytes.write(left, 'latin1')
  rightBytes.write(right, 'latin1')
  return timingSafeEqual(leftBytes, rightBytes)
}

/** SHA-256 as base64, for a Content-Security-Policy. */
export function sha256Base64(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}

/** Makes fingerprints under a key of this process. They never leave it, so one hash is enough: an HMAC takes longer. */
export function processFingerprints(): (parts: readonly string[]) => string {
  const key = newSecret()
  return (parts) => sha256(JSON.stringify([key, parts]))
}

/** A key derived from a secret in the host's configuration: all processes of the host derive the same one. */
export function sharedKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret))
}

/** A fingerprint of `parts`. It reveals nothing without the key. */
export function fingerprint(key: KeyObject, parts: readonly string[]): string {
  return createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url')
}

/**
 * Derives another secret of 256 bits, which requires both `secret` and `context`: the one-step key derivation of NIST
 * SP 800-56C §4.1, with SHA-256 over an unambiguous encoding. `secret` has 256 random bits or more. base64url.
 */
export function derivedSecret(secret: string, purpose: string, context: string): string {
  return sha256(JSON.stringify([1, secret, 'express-authorization-server', purpose, context]))
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

function sealingKey(secret: string, associatedData: string): Buffer {
  return Buffer.from(derivedSecret(secret, 'seal', associatedData), 'base64url')
}

/** Encrypts with AES-256-GCM under a key derived from `secret`, which has 256 random bits or more. */
export function seal(plaintext: string, secret: string, associatedData: string): string {
  const nonce = Buffer.from(randomToken(NONCE_BYTES), 'base64url')
  const cipher = createCipheriv('aes-256-gcm', sealingKey(secret, associatedData), nonce)
  cipher.setAAD(Buffer.from(associatedData))
  const sealed = Buffer.concat([nonce, cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return sealed.toString('base64url')
}

/** Decrypts. Returns undefined if the text was altered, or was sealed with another secret or other associated data. */
export function unseal(sealed: string, secret: string, associatedData: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined
  try {
    const decipher = createDecipheriv('aes-256-gcm', sealingKey(secret, associatedData), bytes.subarray(0, NONCE_BYTES))
    decipher.setAAD(Buffer.from(associatedData))
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
    const body = bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES)
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}

/** A key: a PEM text, a JWK (RFC 7517), or Node's own KeyObject. */
export type KeyMaterial = string | JsonWebKey | KeyObject

/** Returns the private key, or undefined for a public key. Throws if the material is not a key. */
export function toPrivateKey(material: KeyMaterial): KeyObject | undefined {
  if (material instanceof KeyObject) return material.type === 'private' ? material : undefined
  if (typeof material === 'string') return /PRIVATE KEY-/.test(material) ? createPrivateKey(material) : undefined
  return material.d === undefined ? undefined : createPrivateKey({ key: material, format: 'jwk' })
}

/**
 * Returns the public half of a key. Throws if the material is not a key, or is a symmetric key, which must not be
 * published.
 */
export function toPublicKey(material: KeyMaterial): KeyObject {
  if (material instanceof KeyObject) return material.type === 'public' ? material : createPublicKey(material)
  return createPublicKey(typeof material === 'string' ? material : { key: material, format: 'jwk' })
}

/** Creates a private key: elliptic, or RSA with 2048 bits. */
export function newPrivateKey(type: 'ec' | 'rsa', namedCurve = 'P-256'): KeyObject {
  if (type === 'ec') return generateKeyPairSync('ec', { namedCurve }).privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

/**
 * Whether the key made the signature of a JWS with this algorithm, such as `ES256` (RFC 7515 §5.2, RFC 7518 §3.3 to
 * §3.5). The key must fit the algorithm.
 */
export function isSignatureOf(jws: string, algorithm: string, key: KeyObject): boolean {
  const end = jws.lastIndexOf('.')
  const [signed, signature] = [Buffer.from(jws.slice(0, end), 'latin1'), Buffer.from(jws.slice(end + 1), 'base64url')]
  const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST } = constants
  const padding = algorithm.startsWith('PS')
    ? { padding: RSA_PKCS1_PSS_PADDING, saltLength: RSA_PSS_SALTLEN_DIGEST }
    : { padding: RSA_PKCS1_PADDING }
  const form = algorithm.startsWith('ES') ? { dsaEncoding: 'ieee-p1363' as const } : padding
  return verify(`sha${algorithm.slice(2)}`, signed, { key, ...form }, signature)
}

/** An RSA public key without a private key. Made at once, because the search for two primes takes a second. */
export function orphanedPublicKey(): KeyObject {
  const modulus = randomBytes(256)
  modulus.writeUInt8(modulus.readUInt8(0) | 0x80, 0)
  modulus.writeUInt8(modulus.readUInt8(255) | 1, 255)
  return toPublicKey({ kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' })
}

export const GRANT_ID_BYTES = 16

const SECRET_BYTES = 32

export function newGrantId(): string {
  return randomToken(GRANT_ID_BYTES)
}

export function newSecret(): string {
  return randomToken(SECRET_BYTES)
}
