/** Limits how many secrets are checked at once: each costs the server a tenth of a second, and the sender nothing. */
import type { Awaitable } from '../awaitable'
import { siteOf } from '../rules/network'
import { tooManyAtOnce } from './waiting'

/** An eighth of the bcrypt queue, so that one site cannot occupy it. */
const MOST_OF_ONE_SITE = 128
/** For all sites together, including checks that wait for the user store. */
const MOST_OF_ALL = 4096
/** A place is freed after this time: a user store that never responds must not keep it. */
const LONGEST_MILLISECONDS = 60_000

interface Place {
  readonly until: number
  leave(): void
}

const underWay = new Map<string, number>()
/** The places of all sites, in the order in which they were taken. */
const places = new Set<Place>()
/** Running checks that identical ones can join. Each has a place, so their number is bounded. */
const shared = new Map<string, Promise<unknown>>()

/**
 * Returns the result of `look`. Throws `temporarily_unavailable` if too many checks from the network are running. A
 * check with the `same` fingerprint as a running one gets its result and takes no place.
 */
export function inTurn<T>(network: string, look: () => Awaitable<T>, same?: string): Promise<T> {
  const now = performance.now()
  leaveOverdue(now)
  const begun = same === undefined ? undefined : shared.get(same)
  // the same secret of the same account
  if (begun) return begun as Promise<T>
  const site = siteOf(network)
  const count = underWay.get(site) ?? 0
  if (count >= mostOfOneSite()) return Promise.reject(tooManyAtOnce())
  underWay.set(site, count + 1)
  const leave = () => {
    // once only
    if (!places.delete(place)) return
    const left = (underWay.get(site) as number) - 1
    if (left === 0) underWay.delete(site)
    else underWay.set(site, left)
    if (same !== undefined) shared.delete(same)
  }
  const place = { until: now + LONGEST_MILLISECONDS, leave }
  places.add(place)
  const result = lookAndLeave(look, leave)
  // it may have thrown at once
  if (same !== undefined && places.has(place)) shared.set(same, result)
  return result
}

async function lookAndLeave<T>(look: () => Awaitable<T>, leave: () => void): Promise<T> {
  try {
    return await look()
  } finally {
    leave()
  }
}

/** Looks at each check instead of a timer: a timer for each would cost more than the places. */
function leaveOverdue(now: number): void {
  for (const place of places) {
    if (place.until > now) return
    place.leave()
  }
}

/** The fewer places are left, the fewer one site may have, so that other sites keep one each. */
function mostOfOneSite(): number {
  const free = MOST_OF_ALL - places.size
  return free === 0 ? 0 : Math.min(MOST_OF_ONE_SITE, Math.max(1, Math.floor(free / 8)))
}
