/** What hosts supply as functions, made harmless: their clock, their listener, and their users. */
import { type Awaitable, orElse, whenReady } from '../awaitable'
import { subjectId } from '../rules/subject'
import type { Users } from '../types/authorization-server'
import type { AuthorizationServerEvent, WithoutTime } from '../types/events'

/** More would be milliseconds: in seconds it is the year 5138. */
const MOST_SECONDS = 1e11

/** The time in whole seconds. */
export function clock(now?: () => number): () => number {
  const exact = exactClock(now)
  return () => Math.floor(exact())
}

/**
 * The time in seconds, as exact as the host's clock is. One that answers with no number, or in milliseconds, would make
 * everything last for ever.
 *
 * @throws TypeError for such a clock, at start-up already.
 */
export function exactClock(now: () => number = () => Date.now() / 1000): () => number {
  const seconds = () => {
    const answer: unknown = now()
    if (typeof answer === 'number' && Number.isFinite(answer) && Math.abs(answer) < MOST_SECONDS) return answer
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

/** Rows, or the row of somebody else, are no user of that id: with them a deleted user would stay, or become another one. */
export function askForUser(users: Users, userId: string): Awaitable<Express.User | undefined> {
  return whenReady(users.find(userId) as Awaitable<unknown>, (found) => {
    if (!found) return undefined
    if (typeof found === 'object' && !Array.isArray(found) && subjectId(found) === userId) return found as Express.User
    const fix = 'users.find must return the user whose id is the one asked for, as { id, … }, or undefined'
    throw new TypeError(`${fix}: not ${inWords(found)}`)
  })
}

/** Nothing of a row but what is wrong with it: it may have a password in it. */
function inWords(found: unknown): string {
  if (Array.isArray(found)) return 'a list, of which the first may be meant'
  if (typeof found !== 'object') return `a ${typeof found}`
  return subjectId(found) === undefined ? 'an object without an id that is a text or a number' : 'another user'
}
