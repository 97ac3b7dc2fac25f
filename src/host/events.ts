/** Passes events to the host's listener. */

import { orElse } from '../awaitable'
import type { AuthorizationServerEvent, WithoutTime } from '../types/events'

/** Passes events to the listener. Overload events, which strangers cause, at most once a second. */
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

  // without a listener only failures are printed, so no other event is built
  const printsOnly = onEvent === printErrors
  return (event) => {
    if (printsOnly && event.type !== 'error') return
    // an error of the listener, now or later, changes nothing: the response is on its way
    void orElse<unknown>(
      () => tell(event),
      () => {},
    )
  }
}

/** Without a listener, a failing database must not be a silent 503. */
function printErrors(event: AuthorizationServerEvent): void {
  if (event.type === 'error') console.error('express-authorization-server:', event.error.cause ?? event.error)
}
