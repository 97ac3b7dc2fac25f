/** Checks secrets that people choose, passwords and client secrets: RFC 6749 §2.3.1, §4.3.2, §10.10. */

import type { Awaitable } from '../awaitable'
import { processFingerprints } from '../crypto'
import { OAuthError } from '../errors'
import type { Attempt } from '../types/attempts'
import type { AuthorizationServer } from '../types/authorization-server'
import { inTurn } from './concurrency'
import { takeAttempt } from './throttle'

export interface Guess extends Attempt {
  readonly kind: 'password' | 'client_secret'
  /** The values that determine the result, beside the account: the secret, and its hash if known. */
  readonly parts: readonly string[]
  readonly clientId: string
  /** Throws if the secret cannot be checked now: such an attempt is not counted. */
  readonly requirePlace?: ((from: { network: string }) => void) | undefined
}

const fingerprints = new WeakMap<AuthorizationServer, (parts: readonly string[]) => string>()

/** A fingerprint under a key of this process, so that its memory contains nothing to guess secrets from. */
function fingerprintOf(server: AuthorizationServer, { kind, account, network, parts }: Guess): string {
  let fingerprint = fingerprints.get(server)
  if (!fingerprint) {
    fingerprint = processFingerprints()
    fingerprints.set(server, fingerprint)
  }
  return fingerprint([kind, account, network, ...parts])
}

/**
 * Returns the result of `look`, or undefined for a wrong secret. First reserves a place, then counts an attempt, then
 * looks. A successful attempt does not count, nor does one that was not checked (`temporarily_unavailable`). Concurrent
 * identical guesses share one result: an app that sends a correct password forty times at once makes one attempt.
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
      // another error may come after a look, and would give a free guess
      if (error instanceof OAuthError && error.code === 'temporarily_unavailable') await attempt.giveBack()
      throw error
    }
  }
  return inTurn(network, attempted, fingerprintOf(server, guess))
}
