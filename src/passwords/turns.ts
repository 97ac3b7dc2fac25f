/** How many secrets of one network are looked at at once: each costs us a tenth of a second, and the sender nothing. */
import type { Awaitable } from '../awaitable'
import { tooManyAtOnce } from './bcrypt'

/** An eighth of those that may wait for bcrypt, so that one network cannot shut out all others. */
const MOST_OF_ONE_NETWORK = 128

const underWay = new Map<string, number>()

/** What `look` answers. Throws `temporarily_unavailable` before it, where too many of the network are under way. */
export async function inTurn<T>(network: string, look: () => Awaitable<T>): Promise<T> {
  const count = underWay.get(network) ?? 0
  if (count >= MOST_OF_ONE_NETWORK) throw tooManyAtOnce()
  underWay.set(network, count + 1)
  try {
    return await look()
  } finally {
    const left = (underWay.get(network) as number) - 1
    if (left === 0) underWay.delete(network)
    else underWay.set(network, left)
  }
}
