/** Chosen client secrets that were right before, so that a busy client pays for bcrypt once and not on every request. */
import { LRUCache } from 'lru-cache'
import type { Awaitable } from '../awaitable'
import { fingerprint, processKey } from '../crypto'
import { compareSecret } from './bcrypt'

const MAX_REMEMBERED = 10_000

export interface VerifiedSecrets {
  /**
   * Whether `bcryptHash` is the hash of `secret`. At once for a secret that was right before against exactly this hash.
   *
   * @throws OAuthError `temporarily_unavailable` where too many are waiting.
   */
  verify(clientId: string, secret: string, bcryptHash: string): Awaitable<boolean>
}

/** What is remembered are fingerprints under a key of this process: its memory holds nothing that can be guessed at. */
export function verifiedSecrets(): VerifiedSecrets {
  const key = processKey()
  const verified = new LRUCache<string, true>({ max: MAX_REMEMBERED })
  const underWay = new Map<string, Promise<boolean>>()

  const compare = async (id: string, secret: string, bcryptHash: string): Promise<boolean> => {
    try {
      const right = await compareSecret(secret, bcryptHash)
      // Only what was right: wrong secrets are without number, and would drive the right ones out
      if (right) verified.set(id, true)
      return right
    } finally {
      underWay.delete(id)
    }
  }

  return {
    verify(clientId, secret, bcryptHash) {
      // The hash is part of it: once a secret is changed, the old one is no longer remembered
      const id = fingerprint(key, [clientId, secret, bcryptHash])
      if (verified.get(id)) return true
      let answer = underWay.get(id)
      if (!answer) {
        answer = compare(id, secret, bcryptHash)
        underWay.set(id, answer)
      }
      return answer
    },
  }
}
