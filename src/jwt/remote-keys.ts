/** The keys of a remote server, from the JWKS (RFC 7517) named in its metadata (RFC 8414). */

import { whenReady } from '../awaitable'
import type { JsonWebKey } from '../crypto'
import { kept } from '../fetch/cached'
import { fetchJson } from '../fetch/json'
import { algorithmsOf, publishedKey, type VerificationKey } from './keys'
import type { FindKey } from './verify'

const MAX_KEYS = 100

interface KnownKey {
  /** The published text. If it is unchanged, the parsed key is kept, and its remembered tokens stay valid. */
  text: string
  key: VerificationKey
}

/** Finds keys by `kid`. An unknown one may be new: then the JWKS is fetched again, at most every ten seconds. */
export function remoteKeys(
  metadata: () => Promise<Record<string, unknown>>,
  now: () => number,
  failed: (error: unknown) => void,
  allowHttp = false,
): FindKey {
  let last: ReadonlyMap<string, KnownKey> = new Map()
  const load = async () => {
    const { jwks_uri: url } = await metadata()
    if (url === undefined)
      throw new Error('The server has no jwks_uri: its tokens are not JWTs. Set remoteServer({ introspect })')
    last = parseJwks(await fetchJson(url, allowHttp), last)
    return last
  }
  const keys = kept(load, now, failed)
  return (kid) =>
    whenReady(keys.get(), (known) => known.get(kid)?.key ?? whenReady(keys.newer(), (newer) => newer?.get(kid)?.key))
}

/** RFC 7517 §5: unknown keys, and keys that are not for signatures, are ignored. */
function parseJwks(jwks: Record<string, unknown>, last: ReadonlyMap<string, KnownKey>): Map<string, KnownKey> {
  if (!Array.isArray(jwks.keys)) throw new Error('The JWKS has no list of keys')
  const found = new Map<string, KnownKey>()
  for (const jwk of jwks.keys.slice(0, MAX_KEYS) as (JsonWebKey | null)[]) {
    if (typeof jwk?.kid !== 'string' || found.has(jwk.kid)) continue
    const text = JSON.stringify(jwk)
    const before = last.get(jwk.kid)
    const key = before?.text === text ? before.key : publishedKey(jwk, algorithmsOf)
    if (key) found.set(jwk.kid, { text, key })
  }
  return found
}
