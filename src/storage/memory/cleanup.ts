/** `deleteExpired` of the memory storage: in slices, with a turn of the event loop between them. */
import { type Awaitable, whenReady } from '../../awaitable'
import { inSlices, SLICE } from '../slices'
import type { ExpiringMap } from './expiring-map'

/** Rows that can be read in the time that one removal takes. */
const LOOKS = 30
/** The most dead grants and marks that one call removes, so that it stays within its deadline. The next call continues. */
const MOST_OTHERS = 100_000

type Rows = ExpiringMap<{ readonly expiresAt: number }>

/** Removes at most `limit` credentials. When no credential is due any more, removes others. Returns the number of credentials. */
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
      // a grant is removed after its last credential, so not while credentials may be due
      if (removed >= limit) return true
      if (done.isOver) left.shift()
    }
    return false
  }
  return whenReady(inSlices(step), () => removed)
}
