/** `dpop()`: tokens that are bound to a key of the client, which signs a proof for each request (RFC 9449). */
import { createLRU } from 'lru.min'
import { sha256 } from '../crypto'
import { OAuthError } from '../errors'
import { sentHeader } from '../http/request'
import { type VerificationAlgorithm, verificationAlgorithms } from '../jwt/keys'
import { requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import type { ClientMember, ProofRequest, ProvenKey, ProvingRequest, SenderConstraint } from '../types/capability'
import { type DpopNonceOptions, type Nonces, noncesOf } from './nonce'
import { type Proof, verifiedProof } from './proof'
import { refusedProof } from './refusal'

/** Options of `dpop`. */
export interface DpopOptions {
  /**
   * Nonces for proofs, so that none can be signed in advance: `{ secret, required }` (RFC 9449 §8, §9). Clients then need
   * a second request. Nonces are not stored.
   * @default false
   */
  nonce?: false | DpopNonceOptions
  /**
   * The accepted algorithms of proofs. FAPI 2.0 allows `['PS256', 'ES256']`.
   * @default ES256, PS256, RS256 and their 384 and 512 bit forms
   */
  algorithms?: readonly VerificationAlgorithm[]
  /**
   * Returns the URL of a request to an API, as its clients know it. Do not use the `Host` header, which the caller
   * chooses.
   * @default the origin and path of the guard's `resource`, or the origin of the issuer, with the path of the request
   */
  url?: (req: ProvingRequest) => string
}

/**
 * The most remembered proofs of an API in one process: as many as arrive during their lifetime at a thousand requests a
 * second.
 */
const MAX_REMEMBERED = 100_000

/** RFC 9449 §5.2. */
const clientMembers: readonly ClientMember[] = [
  {
    name: 'dpopBoundAccessTokens',
    wire: 'dpop_bound_access_tokens',
    type: { words: 'true or false', is: (value) => typeof value === 'boolean' },
    setBy: 'self',
  },
]

/**
 * Demonstrating Proof of Possession (RFC 9449). A client that sends a proof with its token request gets a token that is
 * bound to its key. A thief cannot use that token. Clients without a proof get bearer tokens. Add it to
 * `senderConstraints` of the server, and of each `remoteServer`.
 *
 * @throws TypeError for a wrong option. The message names the option and the fix.
 */
export function dpop(options: DpopOptions = {}): SenderConstraint {
  requireNoMore('dpop', arguments, 1)
  requireKnown('dpop option', options, ['nonce', 'algorithms', 'url'])
  const { nonce = false, url } = options
  const nonces = noncesOf(nonce)
  const algorithms = verifiedAlgorithms(options.algorithms ?? verificationAlgorithms)
  if (url !== undefined && typeof url !== 'function') throw misuse('not_a_function', 'dpop({ url }) must be a function')
  const used = createLRU<string, true>({ max: MAX_REMEMBERED })
  const mark = Symbol('DPoP proof')
  return Object.freeze({
    member: 'jkt',
    scheme: 'DPoP',
    challenge: `algs="${algorithms.join(' ')}"`,
    algorithms,
    url,
    confirm: (source, request) => confirm({ algorithms, nonces, used, mark }, source, request),
    metadata: () => ({ dpop_signing_alg_values_supported: algorithms }),
    clientMembers,
  } satisfies SenderConstraint)
}

function verifiedAlgorithms(algorithms: unknown): readonly VerificationAlgorithm[] {
  const known: readonly unknown[] = verificationAlgorithms
  if (Array.isArray(algorithms) && algorithms.length > 0 && algorithms.every((alg) => known.includes(alg))) {
    return Object.freeze([...algorithms])
  }
  throw misuse('wrong_choice', `dpop({ algorithms }) must be a list of ${verificationAlgorithms.join(', ')}`)
}

interface Settings {
  readonly algorithms: readonly VerificationAlgorithm[]
  readonly nonces: Nonces | undefined
  readonly used: ReturnType<typeof createLRU<string, true>>
  /** The property of a request for the digest of its accepted proof. Only this value has the symbol. */
  readonly mark: symbol
}

type Source = Parameters<SenderConstraint['confirm']>[0]

function confirm(
  { algorithms, nonces, used, mark }: Settings,
  source: Source,
  { req, url, alias, token }: ProofRequest,
): ProvenKey | undefined {
  const now = source.now()
  const refuse = (reason: string, code: 'invalid_dpop_proof' | 'invalid_token' = 'invalid_dpop_proof') =>
    refusedProof(source, reason, token ? { clientId: token.clientId, code, status: 401 } : {})
  // cloud function adapters leave rawHeaders empty, and a host does not make up a proof
  const { headers: all, rawHeaders } = req
  const sent = sentHeader(rawHeaders?.length ? req : { headers: all }, 'dpop')
  const [text] = sent
  if (text === undefined && !token) return undefined
  if (text === undefined) throw refuse('The request has no DPoP proof.')
  if (sent.length > 1) throw refuse('The DPoP header is included more than once.')
  const proof = verifiedProof(text, { algorithms, method: req.method, url, alias, token: token?.value, now })
  if ('problem' in proof) throw refuse(proof.problem)
  const headers = nonceHeaders(nonces, proof, now, token ? 401 : 400)
  const { jkt } = proof
  const id = JSON.stringify([jkt, proof.jti])
  if (token) {
    // RFC 9449 §7.1: the proof is valid, but the token is bound to another key
    if (token.confirmation.jkt !== jkt) throw refuse('The access token is bound to another key.', 'invalid_token')
    const digest = sha256(id)
    // a second guard on the same request may see its proof again
    const isSeenHere = Reflect.get(req, mark) === digest
    if (used.has(digest) && !isSeenHere) throw refuse('This DPoP proof was used before. Its id must be new.')
    used.set(digest, true)
    Reflect.set(req, mark, digest)
  }
  return { confirmation: { jkt }, once: { purpose: 'DPoP proof', id, expiresAt: proof.expiresAt }, headers }
}

/**
 * The response headers for nonces (RFC 9449 §8.2). Throws `use_dpop_nonce` if the proof needs another nonce: nothing is
 * used up, and the client repeats the request.
 */
function nonceHeaders(
  nonces: Nonces | undefined,
  { nonce }: Proof,
  now: number,
  status: number,
): Readonly<Record<string, string>> {
  if (!nonces) return {}
  const current = nonces.current(now)
  // §8.2: a cache would return an expired nonce
  const headers = { 'DPoP-Nonce': current, 'Cache-Control': 'no-store' }
  const isMissing = nonce === undefined
  if (isMissing ? nonces.required : !nonces.isAccepted(nonce, now)) {
    throw new OAuthError('use_dpop_nonce', 'The DPoP proof must have the nonce of the header DPoP-Nonce.', {
      status,
      headers,
    })
  }
  return nonce === current ? {} : headers
}
