/** The one way to look at a secret that people choose, a password or a client secret: RFC 6749 §2.3.1, §4.3.2, §10.10. */

import type { Awaitable } from '../awaitable'
import { fingerprint, type KeyObject, processKey } from '../crypto'
import { OAuthError } from '../errors'
import type { Attempt } from '../types/attempts'
import type { AuthorizationServer } from '../types/authorization-server'
import { inTurn } from './concurrency'
import { takeAttempt } from './throttle'

export interface Guess extends Attempt {
  readonly kind: 'password' | 'client_secret'
  /** What the result depends on beside the account: the secret, and what it is compared with where that is known. */
  readonly parts: readonly string[]
  readonly clientId: string
  /** Throws where the secret would not be looked at: such an attempt is not counted. */
  readonly requirePlace?: ((from: { network: string }) => void) | undefined
}

const keys = new WeakMap<AuthorizationServer, KeyObject>()

/** Under a key of this process: its memory holds nothing that can be guessed at. */
function fingerprintOf(server: AuthorizationServer, { kind, account, network, parts }: Guess): string {
  const key = keys.get(server) ?? processKey()
  keys.set(server, key)
  return fingerprint(key, [kind, account, network, ...parts])
}

/**
 * What `look` returns, undefined for a wrong secret. In this order: a place, an attempt, the look. An attempt that was right
 * or that nobody looked at (`temporarily_unavailable`) does not count. The very same guess that comes while another one is
 * looked at gets its result: a right password that an app sends forty times at once is one attempt.
 */
export function checkChosenSecret<T>(
  server: AuthorizationServer,
  guess: Guess,
  look: () => Awaitable<T | undefined>,
): Promise<T | undefined> {
  const { kind, account, network, clientId, requirePlace } = guess
  const attempted = async () => {
    requirePlace?.({ network })
    const attempt = await takeAttempt(server, { kind, account, network }, clientId)
    try {
      const found = await look()
      if (found !== undefined) await attempt.succeed()
      return found
    } catch (error) {
      // anything else may have come after a look at the secret, and would be a guess for nothing
      if (error instanceof OAuthError && error.code === 'temporarily_unavailable') await attempt.giveBack()
      throw error
    }
  }
  return inTurn(network, attempted, fingerprintOf(server, guess))
}
