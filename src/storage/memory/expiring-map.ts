/** A map that removes rows some time after they expire, without timers or a second index. */

import { GRACE } from '../retention'
import { shards, type Walk } from './shards'

/** Rows that one `sweep` checks. More than one write adds (two tokens), or it would never catch up. */
const SWEEP_STEPS = 4

export interface ExpiringMap<Row> {
  get(id: string | undefined): Row | undefined
  has(id: string): boolean
  keys(): Iterator<string> & Iterable<string>
  set(id: string, row: Row): void
  delete(id: string): void
  /** Checks the next few rows, cyclically. The cost does not depend on the number of rows. */
  sweep(now: number): void
  /**
   * Looks at the next `looks` rows at most, and removes at most `limit` of them that expired at or before `now`. Free while
   * none is due.
   */
  deleteExpired(now: number, limit: number, looks: number): Deleted
}

interface Deleted {
  readonly looked: number
  readonly removed: number
  /** Nothing that is due is left. Otherwise the next call goes on behind the last row. */
  readonly isOver: boolean
}

/** `onExpired` is called with each expired row. A row's `expiresAt` may be moved later while it is in the map. */
export function expiringMap<Row extends { readonly expiresAt: number }>(
  onExpired?: (row: Row) => void,
  grace: number = GRACE,
): ExpiringMap<Row> {
  const rows = shards<Row>()
  let walk = rows.walk()
  /** Where `deleteExpired` goes on. */
  let due: Walk<Row> | undefined
  /** When the first of those expires that are behind `due`, or came after it had begun. */
  let leftBehind = Number.POSITIVE_INFINITY
  let nothingExpiresBefore = Number.POSITIVE_INFINITY

  function expire(id: string, row: Row): void {
    rows.of(id).delete(id)
    onExpired?.(row)
  }

  return {
    get: (id) => (id === undefined ? undefined : rows.of(id).get(id)),
    has: (id) => rows.of(id).has(id),
    keys: () => rows.keys(),
    set(id, row) {
      rows.set(id, row)
      nothingExpiresBefore = Math.min(nothingExpiresBefore, row.expiresAt)
      leftBehind = Math.min(leftBehind, row.expiresAt)
    },
    delete(id) {
      rows.of(id).delete(id)
    },
    sweep(now) {
      for (let step = 0; step < SWEEP_STEPS; step++) {
        const entry = walk.next()
        if (entry) {
          const [id, row] = entry
          if (row.expiresAt + grace <= now) expire(id, row)
        } else if (walk.isOver()) {
          walk = rows.walk()
          // one that stands still would keep alive what its map was before
          due = undefined
        }
      }
    },
    deleteExpired(now, limit, looks) {
      if (now < nothingExpiresBefore) return { looked: 0, removed: 0, isOver: true }
      if (!due) [due, leftBehind] = [rows.walk(), Number.POSITIVE_INFINITY]
      let removed = 0
      for (let looked = 0; looked < looks; looked++) {
        if (removed === limit) return { looked, removed, isOver: false }
        const entry = due.next()
        if (entry) {
          const [id, row] = entry
          if (row.expiresAt > now) {
            leftBehind = Math.min(leftBehind, row.expiresAt)
          } else {
            expire(id, row)
            removed++
          }
        } else if (due.isOver()) {
          nothingExpiresBefore = leftBehind
          due = undefined
          return { looked, removed, isOver: now < leftBehind }
        }
      }
      return { looked: looks, removed, isOver: false }
    },
  }
}
