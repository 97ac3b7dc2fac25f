/** Remembers verified chosen client secrets, so that a busy client does not pay for bcrypt on every request. */
import { createLRU } from 'lru.min'
import { processFingerprints } from '../crypto'
import type { VerifiedSecrets } from '../types/attempts'
import { compareSecret } from './bcrypt'

const MAX_REMEMBERED = 10_000

/** Stores fingerprints under a key of this process, so that its memory contains nothing to guess secrets from. */
export function verifiedSecrets(): VerifiedSecrets {
  const fingerprint = processFingerprints()
  const verified = createLRU<string, true>({ max: MAX_REMEMBERED })
  const underWay = new Map<string, Promise<boolean>>()

  const compare = async (id: string, secret: string, bcryptHash: string, network?: string): Promise<boolean> => {
    try {
      const right = await compareSecret(secret, bcryptHash, network)
      // only correct ones: wrong secrets are endless, and would evict them
      if (right) verified.set(id, true)
      return right
    } finally {
      underWay.delete(id)
    }
  }

  // includes the hash: after a change the old secret is no longer known
  const idOf = (clientId: string, secret: string, bcryptHash: string) => fingerprint([clientId, secret, bcryptHash])

  return {
    isKnown: (clientId, secret, bcryptHash) => verified.has(idOf(clientId, secret, bcryptHash)),
    verify(clientId, secret, bcryptHash, network) {
      const id = idOf(clientId, secret, bcryptHash)
      if (verified.get(id)) return true
      let answer = underWay.get(id)
      if (!answer) {
        answer = compare(id, secret, bcryptHash, network)
        underWay.set(id, answer)
      }
      return answer
    },
  }
}
