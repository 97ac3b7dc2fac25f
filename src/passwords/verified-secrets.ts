/** Chosen client secrets that were right before, so that a busy client pays for bcrypt once and not on every request. */
import { createLRU } from 'lru.min'
import { fingerprint, processKey } from '../crypto'
import type { VerifiedSecrets } from '../types/attempts'
import { compareSecret } from './bcrypt'

const MAX_REMEMBERED = 10_000

/** What is remembered are fingerprints under a key of this process: its memory holds nothing that can be guessed at. */
export function verifiedSecrets(): VerifiedSecrets {
  const key = processKey()
  const verified = createLRU<string, true>({ max: MAX_REMEMBERED })
  const underWay = new Map<string, Promise<boolean>>()

  const compare = async (id: string, secret: string, bcryptHash: string, network?: string): Promise<boolean> => {
    try {
      const right = await compareSecret(secret, bcryptHash, network)
      // Only what was right: wrong secrets are without number, and would drive the right ones out
      if (right) verified.set(id, true)
      return right
    } finally {
      underWay.delete(id)
    }
  }

  // The hash is part of it: once a secret is changed, the old one is no longer remembered
  const idOf = (clientId: string, secret: string, bcryptHash: string) =>
    fingerprint(key, [clientId, secret, bcryptHash])

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
