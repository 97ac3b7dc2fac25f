/** The public keys of a client (RFC 7517 §5): those of its record, or those at its `jwks_uri`. */
import { createLRU } from 'lru.min'
import type { Awaitable } from '../awaitable'
import type { JsonWebKey } from '../crypto'
import { messageOf, OAuthError } from '../errors'
import { type Kept, kept, type Pace } from '../fetch/cached'
import { isLoopbackAddress, isPublicAddress, isPublicUrl } from '../fetch/public-address'
import { fetchDocument, hasPlace } from '../fetch/untrusted'
import {
  isPrivateJwk,
  MAX_JWK_MEMBER,
  mayHaveSigned,
  publicJwk,
  publishedKey,
  type VerificationAlgorithm,
  type VerificationKey,
  verificationAlgorithms,
  verificationAlgorithmsOf,
} from '../jwt/keys'
import { takeAttempt } from '../passwords/throttle'
import { siteOf } from '../rules/network'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMember } from '../types/capability'
import type { ClientMetadata } from '../types/client-metadata'
import { invalid } from './member-checks'
import { unavailable } from './metadata-document'

/** Keys of one client that are looked at. */
const MAX_KEYS = 20
/** Those that a signature is tried with: strangers send them, and one takes milliseconds. A `kid` says which it is. */
const MAX_TRIED = 4
/** A key may come with a chain of certificates, which nobody looks at here. */
const MAX_BYTES = 64 * 1024
const MAX_KEPT = 1000

/** What is five minutes old is not believed any more: a key that was taken out may have been stolen. */
const PACE: Pace = { fresh: 300, stale: 300, cooldown: 60, retry: 10 }

/** What an assertion says of the key that has signed it. */
interface WantedKey {
  readonly kid?: string
  readonly alg: VerificationAlgorithm
}

/** The keys that may have signed. A fetch costs the sender's network an attempt, which goes back once one of them has. */
type FoundKeys = { readonly keys: readonly VerificationKey[]; readonly giveBack?: (() => unknown) | undefined }

export type FindClientKeys = (
  ...asked: [server: AuthorizationServer, client: Client, wanted: WantedKey, network: string]
) => Awaitable<FoundKeys>

type Jwks = readonly JsonWebKey[]

/** No set is renewed while it is used. */
const nobodyWaits = () => {}

const ALGORITHMS = verificationAlgorithms.join(', ')

/** Throws `temporarily_unavailable` where the keys of a client cannot be fetched. */
export function clientKeys(withLoopback: boolean): FindClientKeys {
  const source = keySets(withLoopback)
  return (server, client, wanted, network) =>
    client.jwksUri === undefined
      ? { keys: fitting((client.jwks?.keys ?? []) as Jwks, wanted) }
      : published(server, client, wanted, source(server, client.jwksUri), network)
}

interface KeySet extends Kept<Jwks> {
  hasPlace(): boolean
  isLoading(): boolean
}

/** The sets at URLs, as they are known by now. */
function keySets(withLoopback: boolean): (server: AuthorizationServer, url: string) => KeySet {
  const sets = createLRU<string, KeySet>({ max: MAX_KEPT })
  const loading = new Set<string>()
  const mayConnectTo = (address: string) => isPublicAddress(address) || (withLoopback && isLoopbackAddress(address))

  async function load(url: string): Promise<Jwks> {
    loading.add(url)
    try {
      const { members } = await fetchDocument(url, mayConnectTo, MAX_BYTES)
      if (!Array.isArray(members.keys)) throw new Error('it has no list of keys')
      // what is kept is small, whatever else a stranger has put beside it
      return members.keys.slice(0, MAX_KEYS).flatMap((jwk) => publicJwk(jwk) ?? [])
    } finally {
      loading.delete(url)
    }
  }

  return ({ issuer, now }, url) => {
    const key = `${issuer} ${url}`
    const known = sets.get(key)
    if (known) return known
    const value = kept(() => load(url), now, nobodyWaits, PACE)
    const made = { ...value, hasPlace: () => hasPlace(loading, url), isLoading: () => loading.has(url) }
    sets.set(key, made)
    return made
  }
}

async function published(
  server: AuthorizationServer,
  { clientId, jwksUri = '' }: Client,
  wanted: WantedKey,
  set: KeySet,
  network: string,
): Promise<FoundKeys> {
  const known = set.current()
  const found = known && fitting(known, wanted)
  // one that is not known may be new
  if (found && (found.length > 0 || set.isNew())) return { keys: found }
  try {
    const { keys, giveBack } = await fetchInPace(server, new URL(jwksUri).hostname, set, network)
    return { keys: fitting(keys, wanted), giveBack }
  } catch (error) {
    if (error instanceof OAuthError) throw error
    // what went wrong on the way there is for the host alone: a stranger could learn from it what is in our network
    server.emit({ type: 'client.document_refused', clientId, reason: `its jwks_uri: ${messageOf(error)}` })
    throw unavailable("The client's keys could not be fetched.")
  }
}

/** In turn with all that strangers have fetched. An attempt is for a fetch: one that comes to none is given back. */
async function fetchInPace(server: AuthorizationServer, host: string, set: KeySet, network: string) {
  const taken = await takeAttempt(server, { kind: 'document', account: host, network: siteOf(network) })
  const isShared = set.isLoading()
  const mayFetch = isShared || set.hasPlace()
  const known = set.current()
  const begun = mayFetch && (known ? set.newer() : set.get())
  const isFree = isShared || !set.isLoading()
  // together: a fetch that fails while the attempt goes back over a network would be a failure that nobody hears, which ends
  // the process
  const [keys] = await Promise.all([begun, isFree && taken.giveBack()])
  if (!mayFetch) throw unavailable('Too many key sets are being fetched. Try again later.')
  return { keys: keys || known || [], giveBack: isFree ? undefined : taken.giveBack }
}

/** RFC 7515 §4.1.4: the key that is named, or the first where none is; of those that may have signed so. */
function fitting(keys: Jwks, { kid, alg }: WantedKey, most = MAX_TRIED): VerificationKey[] {
  const found: VerificationKey[] = []
  for (const jwk of keys) {
    if (found.length === most) break
    if (!mayHaveSigned(jwk, alg) || (kid !== undefined && jwk.kid !== kid)) continue
    const key = publishedKey(jwk, verificationAlgorithmsOf)
    if (key?.algorithms.includes(alg)) found.push(key)
  }
  return found
}

/** A record with the method has keys, and no second, weaker way in. */
export function verifyKeys(method: string, record: ClientMetadata): void {
  const { tokenEndpointAuthMethods = [], jwks, jwksUri, tokenEndpointAuthSigningAlg: fixed } = record
  if (tokenEndpointAuthMethods.some((other) => other !== method))
    throw invalid(`a client with ${method} cannot have another method beside it`)
  if (!jwks && !jwksUri) throw invalid(`a client with ${method} needs keys: jwks or jwks_uri`)
  if (jwksUri || !Array.isArray(jwks?.keys)) return
  const wanted = fixed === undefined ? verificationAlgorithms : ([fixed] as VerificationAlgorithm[])
  if (wanted.some((alg) => fitting(jwks.keys, { alg }, 1).length > 0)) return
  throw invalid(`jwks must have a public key for ${fixed ?? `one of ${ALGORITHMS}`}`)
}

/** The rows of the table of members: what `private_key_jwt` needs in a record (RFC 7591 §2). */
export function membersOfKeys(withLoopback: boolean): readonly ClientMember[] {
  const text = { words: 'a string', is: (value: unknown) => typeof value === 'string' }
  return [
    {
      name: 'jwks',
      wire: 'jwks',
      type: { words: 'a JWK Set, { keys: [...] }', is: isJwks },
      check: publicSet,
      setBy: 'self',
    },
    {
      name: 'jwksUri',
      wire: 'jwks_uri',
      type: text,
      setBy: 'self',
      check(member, value) {
        if (value === '') return undefined
        if (isPublicUrl(value as string, withLoopback)) return value
        throw invalid(`${member} must be an https URL of a public host`)
      },
    },
    {
      name: 'tokenEndpointAuthSigningAlg',
      wire: 'token_endpoint_auth_signing_alg',
      type: text,
      setBy: 'self',
      check(member, value, { tokenEndpointAuthMethods: methods = [] }) {
        if ((verificationAlgorithms as readonly unknown[]).includes(value)) return value
        // it says how a client signs that does not sign: what other servers ignore is no reason to refuse it
        if (value === '' || !methods.includes('private_key_jwt')) return undefined
        throw invalid(`${member} must be one of ${ALGORITHMS}`)
      },
    },
  ]
}

function isJwks(value: unknown): value is { keys: object[] } {
  const { keys } = (value ?? {}) as { keys?: unknown }
  return Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null)
}

/** RFC 7591 §2: public keys, and not beside `jwks_uri`. An empty set is none, so that a URL can take its place. */
function publicSet(member: string, value: unknown, { jwksUri }: ClientMetadata): { keys: object[] } | undefined {
  const { keys } = value as { keys: Record<string, unknown>[] }
  if (keys.length === 0) return undefined
  if (jwksUri) throw invalid('jwks and jwks_uri exclude each other')
  if (keys.length > MAX_KEYS) throw invalid(`${member} must have at most ${MAX_KEYS} keys`)
  if (keys.some((key) => isPrivateJwk(key) || key.kty === 'oct')) throw invalid(`${member} must have public keys only`)
  const kept = keys.map((key) => {
    const found = publicJwk(key)
    if (found) return found
    throw invalid(`${member} must have keys with a kty and members of at most ${MAX_JWK_MEMBER} printable characters`)
  })
  return { keys: kept }
}
