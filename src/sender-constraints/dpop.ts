/** `dpop()`: tokens bound to a key of their client, which signs a proof for each request (RFC 9449). */
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
   * Nonces in proofs, so that none can be signed for later: `{ secret, required }` (RFC 9449 §8, §9). They take clients a
   * second request, and no row in storage.
   * @default false
   */
  nonce?: false | DpopNonceOptions
  /**
   * The algorithms of proofs. FAPI 2.0 allows `['PS256', 'ES256']`.
   * @default ES256, PS256, RS256 and their 384 and 512 bit forms
   */
  algorithms?: readonly VerificationAlgorithm[]
  /**
   * The URL of a request to an API, as its clients know it. The `Host` header is the caller's to choose: do not use it.
   * @default the origin and path of the guard's `resource`, or the origin of the issuer, with the path of the request
   */
  url?: (req: ProvingRequest) => string
}

/** Proofs that were used at an API, in one process: as many as a thousand requests a second send in their time. */
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
 * Demonstrating Proof of Possession (RFC 9449): a client that sends a proof with its token request gets a
 * token that is bound to its key, and a thief cannot use it. Clients without a proof get bearer tokens. List it in the
 * `senderConstraints` of the server, and of each `remoteServer`.
 *
 * @throws TypeError for an option that is wrong, naming it and the fix.
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
  /** Where a request has the digest of the proof that it was admitted by. The symbol is nobody else's. */
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
  // adapters of cloud functions leave rawHeaders empty, and no host makes a proof
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
    // RFC 9449 §7.1: the proof is right, and the token is another key's
    if (token.confirmation.jkt !== jkt) throw refuse('The access token is bound to another key.', 'invalid_token')
    const digest = sha256(id)
    // a second guard on the way of the same request sees its one proof again
    const isSeenHere = Reflect.get(req, mark) === digest
    if (used.has(digest) && !isSeenHere) throw refuse('This DPoP proof was used before. Its id must be new.')
    used.set(digest, true)
    Reflect.set(req, mark, digest)
  }
  return { confirmation: { jkt }, once: { purpose: 'DPoP proof', id, expiresAt: proof.expiresAt }, headers }
}

/**
 * What the response tells the client of nonces (RFC 9449 §8.2). Throws `use_dpop_nonce` for a proof that should have another
 * one: nothing of the request is used up then, and the client sends it again.
 */
function nonceHeaders(
  nonces: Nonces | undefined,
  { nonce }: Proof,
  now: number,
  status: number,
): Readonly<Record<string, string>> {
  if (!nonces) return {}
  const current = nonces.current(now)
  // §8.2: a cache would answer with a nonce that is none any more
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
