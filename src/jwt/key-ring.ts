/** The signing keys of a server: prepared once, and published (RFC 7517) before, while and after each signs. */
import { type JsonWebKey, type KeyMaterial, type KeyObject, toPrivateKey, toPublicKey } from '../crypto'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import { hintFor } from './key-hint'
import { algorithmsOf, type SigningAlgorithm, thumbprint, type VerificationKey } from './keys'

/**
 * The signing keys of a server. To replace a key without refusing tokens, publish the new key as `next` for an hour, so
 * that verifiers fetch it. Then make it `current`, and the old one `retired`. Remove the old key when its last token
 * has expired.
 */
export interface SigningKeys {
  /**
   * The private key that signs, or a list with one key for each algorithm. The first key signs access tokens; all sign
   * id_tokens.
   */
  current: KeyMaterial | readonly KeyMaterial[]
  /** The key that will sign later, or already signs in another process. */
  next?: KeyMaterial
  /** Keys that no longer sign. Their public halves suffice. @default [] */
  retired?: readonly KeyMaterial[]
}

/** The keys of a server as an option: one private key, `SigningKeys`, or a function that returns either. */
export type KeysOption = KeyMaterial | SigningKeys | (() => KeyMaterial | SigningKeys)

/** A key that signs. */
export interface Signer {
  readonly id: string
  readonly algorithm: SigningAlgorithm
  readonly privateKey: KeyObject
}

/** Prepared keys. */
export interface KeyRing {
  readonly signing: Signer
  /** The current keys by algorithm. `signing` is the first. */
  readonly signers: ReadonlyMap<string, Signer>
  /** All keys whose tokens may not have expired, by `kid`. */
  readonly verifying: ReadonlyMap<string, VerificationKey>
  /** RFC 7517 §5: the public keys. */
  readonly jwks: { readonly keys: readonly JsonWebKey[] }
}

/** The current keys. Prepared keys are cached until the host returns others. */
export function currentKeyRing(owner: string, keys: KeysOption, algorithm?: SigningAlgorithm): () => KeyRing {
  const ringOf = (given: KeyMaterial | SigningKeys) => {
    // a list belongs in `current`: alone it would be read as one key
    const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
    if (typeof given !== 'string' && !isObject) {
      throw misuse(
        'wrong_key',
        `${owner} needs keys: a private key such as generateSigningKey() returns, or { current, next, retired }, not ${kindOf(given)}`,
      )
    }
    return keyRing(owner, isSigningKeys(given) ? given : { current: given }, algorithm)
  }
  if (typeof keys !== 'function') {
    const ring = ringOf(keys)
    return () => ring
  }
  let given = keys()
  let ring = ringOf(given)
  return () => {
    const now = keys()
    if (now !== given) {
      ring = ringOf(now)
      given = now
    }
    return ring
  }
}

function isSigningKeys(keys: KeyMaterial | SigningKeys): keys is SigningKeys {
  return typeof keys === 'object' && 'current' in keys
}

/**
 * Prepares each key once, because parsing text takes longer than a signature. Without `algorithm` each current key
 * determines its own. Throws a TypeError that names the option.
 */
function keyRing(owner: string, { current, next, retired = [] }: SigningKeys, algorithm?: SigningAlgorithm): KeyRing {
  const signing = namedKeys(current)
  const others: [string, KeyMaterial][] = [
    ...(next === undefined ? [] : [['next', next] as [string, KeyMaterial]]),
    ...retired.map((key, i): [string, KeyMaterial] => [`retired[${i}]`, key]),
  ]
  const { wrong, read } = reader(owner)
  if (signing.length === 0) throw wrong('current', 'must not be empty')
  const verifying = new Map<string, VerificationKey>()
  const published: JsonWebKey[] = []
  const signers = new Map<string, Signer>()
  for (const [at, [name, material]] of [...signing, ...others].entries()) {
    const publicKey = read(name, material, () => toPublicKey(material))
    const isSigning = at < signing.length
    const wanted = isSigning ? ((at === 0 ? algorithm : undefined) ?? 'RS256') : undefined
    const algorithms = believedAlgorithms(publicKey, material, wanted)
    const [alg, other] = algorithms
    if (!alg) throw wrong(name, 'must be an EC key on P-256, or an RSA key of at least 2048 bits')
    const kid = thumbprint(publicKey)
    if (verifying.has(kid)) throw wrong(name, 'is there twice: name each key once')
    verifying.set(kid, Object.freeze({ algorithms, publicKey }))
    published.push({ ...publicKey.export({ format: 'jwk' }), kid, ...(!other && { alg }), use: 'sig' })
    if (!isSigning) continue
    const privateKey = read(name, material, () => toPrivateKey(material))
    if (!privateKey) throw wrong(name, 'must be a private key')
    if (at === 0 && algorithm && alg !== algorithm) {
      throw wrong(name, `is a key for ${alg}, but algorithm is ${algorithm}`)
    }
    if (signers.has(alg)) throw wrong(name, `is a second key for ${alg}: current has one for each algorithm`)
    signers.set(alg, Object.freeze({ id: kid, algorithm: alg, privateKey }))
  }
  const [first] = signers.values()
  return Object.freeze({ signing: first as Signer, signers, verifying, jwks: { keys: published } })
}

/** Reads the keys of this option. Its errors name the key. */
function reader(owner: string) {
  const wrong = (name: string, problem: string, cause?: unknown) =>
    misuse('wrong_key', `${owner}({ keys }): ${name} ${problem}`, { cause })
  const read = <T>(name: string, material: unknown, how: () => T): T => {
    try {
      return how()
    } catch (cause) {
      throw wrong(name, `must be a key: PEM, JWK or KeyObject${hintFor(material)}`, cause)
    }
  }
  return { wrong, read }
}

/** The signing keys, with their names for errors. */
function namedKeys(current: SigningKeys['current']): [string, KeyMaterial][] {
  if (!Array.isArray(current)) return [['current', current as KeyMaterial]]
  return (current as readonly KeyMaterial[]).map((key, i) => [`current[${i}]`, key])
}

/**
 * The algorithms that a key may have signed with: the one in its JWK, or the `wanted` one. An RSA key without either,
 * which signs no longer or not yet, may have used any. Empty for an unsuitable key.
 */
function believedAlgorithms(
  key: KeyObject,
  material: KeyMaterial,
  wanted: SigningAlgorithm | undefined,
): readonly SigningAlgorithm[] {
  const fitting = algorithmsOf(key)
  const said = typeof material === 'object' && 'alg' in material ? material.alg : undefined
  if (said !== undefined) return fitting.filter((algorithm) => algorithm === said)
  return wanted !== undefined && fitting.includes(wanted) ? [wanted] : fitting
}
