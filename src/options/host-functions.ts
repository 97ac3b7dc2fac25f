/** The host's clock, checked at each call. */

import { misuse } from './misuse'

/** A greater value is in milliseconds: in seconds it is the year 5138. */
const MOST_SECONDS = 1e11

/** The time in whole seconds. */
export function clock(now: () => number): () => number {
  const exact = exactClock(now)
  return () => Math.floor(exact())
}

/**
 * The time in seconds, as precise as the host's clock. A clock without a number, or in milliseconds, would make
 * everything last forever.
 *
 * @throws TypeError for such a clock, also at start-up.
 */
export function exactClock(now?: () => number): () => number {
  if (now === undefined) return () => Date.now() / 1000
  const seconds = () => {
    const answer: unknown = now()
    if (typeof answer === 'number' && Number.isFinite(answer) && Math.abs(answer) < MOST_SECONDS) return answer
    throw misuse('wrong_seconds', `now must return the seconds since the epoch, not ${String(answer)}`)
  }
  seconds()
  return seconds
}
