/** How many secrets of one site are looked at at once: each costs us a tenth of a second, and the sender nothing. */
import type { Awaitable } from '../awaitable'
import { siteOf } from '../rules/network'
import { tooManyAtOnce } from './bcrypt'

/** An eighth of those that may wait for bcrypt, so that one site cannot take up all places. */
const MOST_OF_ONE_SITE = 128
/** After this time a place is free again: a user store that never answers must not keep it for ever. */
const LONGEST_MILLISECONDS = 60_000

const underWay = new Map<string, number>()

/** What `look` answers. Throws `temporarily_unavailable` before it, where too many from there are under way. */
export async function inTurn<T>(network: string, look: () => Awaitable<T>): Promise<T> {
  const site = siteOf(network)
  const count = underWay.get(site) ?? 0
  if (count >= MOST_OF_ONE_SITE) throw tooManyAtOnce()
  underWay.set(site, count + 1)
  let isOver = false
  const leave = () => {
    if (isOver) return
    isOver = true
    const left = (underWay.get(site) as number) - 1
    if (left === 0) underWay.delete(site)
    else underWay.set(site, left)
  }
  const timer = setTimeout(leave, LONGEST_MILLISECONDS).unref()
  try {
    return await look()
  } finally {
    clearTimeout(timer)
    leave()
  }
}
