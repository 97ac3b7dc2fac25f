/** The public keys of a client (RFC 7517 §5): in its record, or at its `jwks_uri`. */
import { createLRU } from 'lru.min'
import type { Awaitable } from '../awaitable'
import type { JsonWebKey } from '../crypto'
import { messageOf, OAuthError } from '../errors'
import { type Kept, kept, type Pace } from '../fetch/cached'
import { isLoopbackAddress, isPublicAddress } from '../fetch/public-address'
import { fetchDocument, hasPlace } from '../fetch/untrusted'
import {
  CERTIFICATE_THUMBPRINT,
  mayHaveSigned,
  publicJwk,
  publishedKey,
  type VerificationAlgorithm,
  type VerificationKey,
  verificationAlgorithmsOf,
} from '../jwt/keys'
import { takeAttempt } from '../passwords/throttle'
import { siteOf } from '../rules/network'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { unavailable } from './metadata-document'

/** The most keys of one client that are read. */
export const MAX_KEYS = 20
/**
 * The most keys that are tried on a signature. Anyone can send one, and each try takes milliseconds. A `kid` selects
 * one.
 */
const MAX_TRIED = 4
/** The size limit of a key set. A key may come with a certificate chain, of which the first is used. */
const MAX_BYTES = 64 * 1024
const MAX_KEPT = 1000

/** A set is not used after five minutes: a removed key may have been stolen. */
const PACE: Pace = { fresh: 300, stale: 300, cooldown: 60, retry: 10 }

/** What an assertion says of its key. */
interface WantedKey {
  readonly kid?: string
  readonly alg: VerificationAlgorithm
}

/**
 * The keys that may have signed. A fetch costs the sender's network an attempt, which is given back after a valid
 * signature.
 */
type FoundKeys<Found = VerificationKey> = {
  readonly keys: readonly Found[]
  readonly giveBack?: (() => unknown) | undefined
}

export type FindClientKeys = (
  ...asked: [server: AuthorizationServer, client: Client, wanted: WantedKey, network: string]
) => Awaitable<FoundKeys>

type Jwks = readonly JsonWebKey[]

/** Which keys of a set are wanted, and whether a fetch is allowed. */
interface Wanted<Found> {
  readonly from: (keys: Jwks) => readonly Found[]
  readonly network: string
}

/** A set is never renewed in the background. */
const nobodyWaits = () => {}

/** Returns a function that finds a client's keys. It throws `temporarily_unavailable` if they cannot be fetched. */
export function clientKeys(withLoopback: boolean): FindClientKeys {
  const find = keysOfClients(withLoopback)
  return (server, client, wanted, network) => find(server, client, { from: (keys) => fitting(keys, wanted), network })
}

/** The same, by the certificate that contains the key (RFC 8705 §2.2.2). */
export type FindClientCertificate = (
  ...asked: [server: AuthorizationServer, client: Client, thumbprint: string, network: string]
) => Awaitable<FoundKeys<JsonWebKey>>

export function clientCertificates(withLoopback: boolean): FindClientCertificate {
  const find = keysOfClients(withLoopback)
  return (server, client, thumbprint, network) =>
    find(server, client, {
      from: (keys) => keys.filter((jwk) => jwk[CERTIFICATE_THUMBPRINT] === thumbprint),
      network,
    })
}

function keysOfClients(withLoopback: boolean) {
  const source = keySets(withLoopback)
  return <Found>(server: AuthorizationServer, client: Client, wanted: Wanted<Found>): Awaitable<FoundKeys<Found>> =>
    client.jwksUri === undefined
      ? { keys: wanted.from((client.jwks?.keys ?? []) as Jwks) }
      : published(server, client, wanted, source(server, client.jwksUri))
}

interface KeySet extends Kept<Jwks> {
  hasPlace(): boolean
  isLoading(): boolean
}

/** The cached key sets by URL. */
function keySets(withLoopback: boolean): (server: AuthorizationServer, url: string) => KeySet {
  const sets = createLRU<string, KeySet>({ max: MAX_KEPT })
  const loading = new Set<string>()
  const mayConnectTo = (address: string) => isPublicAddress(address) || (withLoopback && isLoopbackAddress(address))

  async function load(url: string): Promise<Jwks> {
    loading.add(url)
    try {
      const { members } = await fetchDocument(url, mayConnectTo, MAX_BYTES)
      if (!Array.isArray(members.keys)) throw new Error('it has no list of keys')
      // the cache stays small, whatever else the document contains
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

async function published<Found>(
  server: AuthorizationServer,
  { clientId, jwksUri = '' }: Client,
  { from, network }: Wanted<Found>,
  set: KeySet,
): Promise<FoundKeys<Found>> {
  const known = set.current()
  const found = known && from(known)
  // an unknown key may be new
  if (found && (found.length > 0 || set.isNew())) return { keys: found }
  try {
    const { keys, giveBack } = await fetchInPace(server, new URL(jwksUri).hostname, set, network)
    return { keys: from(keys), giveBack }
  } catch (error) {
    if (error instanceof OAuthError) throw error
    // only the host learns the cause: it could tell a stranger about our network
    server.emit({ type: 'client.document_refused', clientId, reason: `its jwks_uri: ${messageOf(error)}` })
    throw unavailable("The client's keys could not be fetched.")
  }
}

/** Fetches in turn with all fetches for strangers. If nothing is fetched, the attempt is given back. */
async function fetchInPace(server: AuthorizationServer, host: string, set: KeySet, network: string) {
  const taken = await takeAttempt(server, { kind: 'document', account: host, network: siteOf(network) })
  const isShared = set.isLoading()
  const mayFetch = isShared || set.hasPlace()
  const known = set.current()
  const begun = mayFetch && (known ? set.newer() : set.get())
  const isFree = isShared || !set.isLoading()
  // together: otherwise the fetch could fail unhandled while the attempt is given back, and end the process
  const [keys] = await Promise.all([begun, isFree && taken.giveBack()])
  if (!mayFetch) throw unavailable('Too many key sets are being fetched. Try again later.')
  return { keys: keys || known || [], giveBack: isFree ? undefined : taken.giveBack }
}

/** RFC 7515 §4.1.4: the named key, or else the first ones, of those that fit the algorithm. */
export function fitting(keys: Jwks, { kid, alg }: WantedKey, most = MAX_TRIED): VerificationKey[] {
  const found: VerificationKey[] = []
  for (const jwk of keys) {
    if (found.length === most) break
    if (!mayHaveSigned(jwk, alg) || (kid !== undefined && jwk.kid !== kid)) continue
    const key = publishedKey(jwk, verificationAlgorithmsOf)
    if (key?.algorithms.includes(alg)) found.push(key)
  }
  return found
}
