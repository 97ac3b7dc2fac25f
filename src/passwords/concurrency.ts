/** How many secrets are looked at at once: each costs us a tenth of a second, and the sender nothing. */
import type { Awaitable } from '../awaitable'
import { siteOf } from '../rules/network'
import { tooManyAtOnce } from './waiting'

/** An eighth of those that may wait for bcrypt, so that one site cannot take up all places. */
const MOST_OF_ONE_SITE = 128
/** Of all sites together, with those that wait for the store of users. */
const MOST_OF_ALL = 4096
/** After this time a place is free again: a user store that never answers must not keep it for ever. */
const LONGEST_MILLISECONDS = 60_000

const underWay = new Map<string, number>()
let total = 0
/** Looks that others may join, by what they look at. Each has a place, so that there are no more of them than places. */
const shared = new Map<string, Promise<unknown>>()

/**
 * What `look` returns. Throws `temporarily_unavailable` before it, where too many from there are under way. Those with the
 * `same` fingerprint that come while it looks get its result, and take no place: one secret that is sent forty times at
 * once is looked at once.
 */
export function inTurn<T>(network: string, look: () => Awaitable<T>, same?: string): Promise<T> {
  const begun = same === undefined ? undefined : shared.get(same)
  // whoever has this fingerprint looks at the same thing
  if (begun) return begun as Promise<T>
  const site = siteOf(network)
  const count = underWay.get(site) ?? 0
  if (count >= mostOfOneSite()) return Promise.reject(tooManyAtOnce())
  underWay.set(site, count + 1)
  total += 1
  let isOver = false
  const leave = () => {
    if (isOver) return
    isOver = true
    total -= 1
    const left = (underWay.get(site) as number) - 1
    if (left === 0) underWay.delete(site)
    else underWay.set(site, left)
    if (same !== undefined) shared.delete(same)
  }
  const result = lookAndLeave(look, leave)
  // what throws at once is over already
  if (same !== undefined && !isOver) shared.set(same, result)
  return result
}

async function lookAndLeave<T>(look: () => Awaitable<T>, leave: () => void): Promise<T> {
  const timer = setTimeout(leave, LONGEST_MILLISECONDS).unref()
  try {
    return await look()
  } finally {
    clearTimeout(timer)
    leave()
  }
}

/** The fewer places are left, the fewer one site may have: there is one for each other site until the very last. */
function mostOfOneSite(): number {
  const free = MOST_OF_ALL - total
  return free === 0 ? 0 : Math.min(MOST_OF_ONE_SITE, Math.max(1, Math.floor(free / 8)))
}
