/** The public keys (RFC 7517): whether they are public and strong enough. */
import { toPublicKey } from '../../crypto'
import { algorithmsOf, isPrivateJwk, verificationAlgorithmsOf } from '../../jwt/keys'
import type { Findings } from './finding'
import { jsonOf, placeOf, quoted, type Seen } from './probe'

/** The most keys that are checked, because parsing takes time. */
const MOST = 30
const MAX_MEMBER = 4096

export function lookAtKeys(found: Findings, seen: Seen): void {
  const keys = jsonOf(seen)?.keys
  if (seen.status !== 200 || !Array.isArray(keys)) return found.add('keys_unreadable', placeOf(seen))
  for (const [n, key] of keys.slice(0, MOST).entries()) {
    if (typeof key !== 'object' || key === null) continue
    const named = `keys[${n}] ${quoted((key as { kid?: unknown }).kid ?? '')}`.trim()
    if (isPrivateJwk(key)) found.add('private_keys', named)
    else if (isWeak(key)) found.add('weak_keys', named)
  }
}

function isWeak(key: object): boolean {
  const { kty, n, crv } = key as { kty?: unknown; n?: unknown; crv?: unknown }
  // kinds that this command does not judge, such as Ed25519
  if (kty !== 'RSA' && kty !== 'EC') return false
  if (typeof n === 'string' && n.length > MAX_MEMBER) return false
  try {
    const publicKey = toPublicKey(key as Parameters<typeof toPublicKey>[0] & object)
    return algorithmsOf(publicKey).length === 0 && verificationAlgorithmsOf(publicKey).length === 0
  } catch {
    // a curve that Node does not know is not one of the broken ones
    return kty === 'RSA' || typeof crv !== 'string'
  }
}
