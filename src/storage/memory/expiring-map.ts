/** A map that removes rows some time after they expire, without timers or a second index. */

import { GRACE } from '../retention'
import { shards, type Walk } from './shards'

/** Rows that one `sweep` checks. More than one write adds (two tokens), or it would never catch up. */
const SWEEP_STEPS = 4

export interface ExpiringMap<Row> {
  get(id: string | undefined): Row | undefined
  has(id: string): boolean
  /** Whether there was never more than one map, and nothing is in it. */
  isEmpty(): boolean
  keys(): Iterator<string> & Iterable<string>
  set(id: string, row: Row): void
  delete(id: string): void
  /** Checks the next few rows, cyclically. The cost does not depend on the number of rows. */
  sweep(now: number): void
  /**
   * Reads at most the next `looks` rows, and removes at most `limit` of them that expired at or before `now`. Costs
   * nothing while none is due.
   */
  deleteExpired(now: number, limit: number, looks: number): Deleted
}

interface Deleted {
  readonly looked: number
  readonly removed: number
  /** Whether no row is due any more. Otherwise the next call continues after the last row. */
  readonly isOver: boolean
}

/** `onExpired` is called with each expired row. A row's `expiresAt` may be moved later while it is in the map. */
export function expiringMap<Row extends { readonly expiresAt: number }>(
  onExpired?: (row: Row) => void,
  grace: number = GRACE,
): ExpiringMap<Row> {
  const rows = shards<Row>()
  let walk = rows.walk()
  /** Where `deleteExpired` continues. */
  let due: Walk<Row> | undefined
  /** The earliest expiry of the rows that `due` has passed, or that were added after it began. */
  let leftBehind = Number.POSITIVE_INFINITY
  let nothingExpiresBefore = Number.POSITIVE_INFINITY

  function expire(id: string, row: Row): void {
    rows.of(id).delete(id)
    onExpired?.(row)
  }

  return {
    get: (id) => (id === undefined ? undefined : rows.of(id).get(id)),
    has: (id) => rows.of(id).has(id),
    isEmpty: rows.isEmpty,
    keys: () => rows.keys(),
    set(id, row) {
      rows.set(id, row)
      nothingExpiresBefore = Math.min(nothingExpiresBefore, row.expiresAt)
      if (due) leftBehind = Math.min(leftBehind, row.expiresAt)
    },
    delete(id) {
      rows.of(id).delete(id)
    },
    sweep(now) {
      if (rows.isEmpty()) return
      for (let step = 0; step < SWEEP_STEPS; step++) {
        const entry = walk.rest?.next()
        if (!entry) {
          walk = rows.walk()
          // an old iterator would keep the previous contents of its map alive
          due = undefined
        } else if (entry.done) {
          walk.onward()
        } else {
          const [id, row] = entry.value
          if (row.expiresAt + grace <= now) expire(id, row)
        }
      }
    },
    deleteExpired(now, limit, looks) {
      if (now < nothingExpiresBefore) return { looked: 0, removed: 0, isOver: true }
      if (!due) [due, leftBehind] = [rows.walk(), Number.POSITIVE_INFINITY]
      let removed = 0
      for (let looked = 0; looked < looks; looked++) {
        if (removed === limit) return { looked, removed, isOver: false }
        const entry = due.rest?.next()
        if (!entry) {
          nothingExpiresBefore = leftBehind
          due = undefined
          return { looked, removed, isOver: now < leftBehind }
        }
        if (entry.done) {
          due.onward()
          continue
        }
        const [id, row] = entry.value
        if (row.expiresAt > now) {
          leftBehind = Math.min(leftBehind, row.expiresAt)
        } else {
          expire(id, row)
          removed++
        }
      }
      return { looked: looks, removed, isOver: false }
    },
  }
}
