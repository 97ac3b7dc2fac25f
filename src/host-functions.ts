/** What hosts supply as functions, made harmless: their clock, and their listener. */
import { orElse } from './awaitable'
import type { AuthorizationServerEvent, WithoutTime } from './events'

/** More would be milliseconds: in seconds it is the year 5138. */
const MOST_SECONDS = 1e11

/**
 * The time in whole seconds. A clock that answers with no number, or in milliseconds, would make everything last for ever.
 *
 * @throws TypeError for such a clock, at start-up already.
 */
export function clock(now: () => number = () => Date.now() / 1000): () => number {
  const seconds = () => {
    const answer: unknown = now()
    const whole = typeof answer === 'number' ? Math.floor(answer) : Number.NaN
    if (Number.isSafeInteger(whole) && whole < MOST_SECONDS) return whole
    throw new TypeError(`now must answer with the seconds since the epoch, not ${String(answer)}`)
  }
  seconds()
  return seconds
}

/** Hands events to the listener. Of overloads, which strangers bring about, one a second. */
export function emitter(
  onEvent: (event: AuthorizationServerEvent) => unknown = printErrors,
  now: () => number,
): (event: WithoutTime<AuthorizationServerEvent>) => void {
  let toldAt: number | undefined
  let untold = 0

  function tell(event: WithoutTime<AuthorizationServerEvent>): unknown {
    const at = now()
    if (event.type !== 'server.overloaded') return onEvent({ ...event, at } as AuthorizationServerEvent)
    if (at === toldAt) {
      untold += 1
      return undefined
    }
    const before = untold
    toldAt = at
    untold = 0
    return onEvent({ ...event, untold: before, at })
  }

  return (event) => {
    // a listener that throws, now or later, changes nothing: the response is on its way
    void orElse<unknown>(
      () => tell(event),
      () => {},
    )
  }
}

/** Without a listener a failing database must not be a silent 503. */
function printErrors(event: AuthorizationServerEvent): void {
  if (event.type === 'error') console.error('express-authorization-server:', event.error.cause ?? event.error)
}
