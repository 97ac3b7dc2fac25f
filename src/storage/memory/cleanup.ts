/** `deleteExpired` of the memory storage: in slices, with a turn of the event loop between them. */
import { type Awaitable, whenReady } from '../../awaitable'
import { inSlices, SLICE } from '../slices'
import type { ExpiringMap } from './expiring-map'

/** Rows that are looked at in the time that it takes to remove one, with its places in the lists. */
const LOOKS = 30
/** Dead grants and marks that one call removes: more would take longer than a call may. The next one goes on. */
const MOST_OTHERS = 100_000

type Rows = ExpiringMap<{ readonly expiresAt: number }>

/** Removes `limit` credentials at most, and others once no credential is left that is due. How many credentials. */
export function removeExpired(
  credentials: readonly Rows[],
  others: readonly Rows[],
  now: number,
  limit: number,
): Awaitable<number> {
  const left = [...credentials, ...others]
  let removed = 0
  let room = MOST_OTHERS
  const step = () => {
    for (let looks = SLICE * LOOKS; looks > 0; ) {
      const [rows] = left
      if (!rows || room <= 0) return true
      const isOfCredentials = left.length > others.length
      const done = rows.deleteExpired(now, Math.min(SLICE, isOfCredentials ? limit - removed : room), looks)
      looks -= done.looked + LOOKS * done.removed
      if (isOfCredentials) removed += done.removed
      else room -= done.removed
      // a grant leaves after its last credential, so not while one that is due may remain
      if (removed >= limit) return true
      if (done.isOver) left.shift()
    }
    return false
  }
  return whenReady(inSlices(step), () => removed)
}
