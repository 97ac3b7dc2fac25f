/** A map that removes rows some time after they expire, without timers or a second index. */

import { GRACE } from '../retention'

/** Rows that one `sweep` checks. More than one write adds (two tokens), or it would never catch up. */
const SWEEP_STEPS = 4

export interface ExpiringMap<Row> {
  get(id: string | undefined): Row | undefined
  has(id: string): boolean
  keys(): Iterable<string>
  set(id: string, row: Row): void
  delete(id: string): void
  /** Checks the next few rows, cyclically. The cost does not depend on the number of rows. */
  sweep(now: number): void
  /**
   * Removes at most `limit` rows that expired at or before `now`. Returns the number. Costs nothing while none is due.
   */
  deleteExpired(now: number, limit?: number): number
}

/** `onExpired` is called with each expired row. A row's `expiresAt` may be moved later while it is in the map. */
export function expiringMap<Row extends { readonly expiresAt: number }>(
  onExpired?: (row: Row) => void,
  grace: number = GRACE,
): ExpiringMap<Row> {
  const rows = new Map<string, Row>()
  let walk = rows.entries()
  let nothingExpiresBefore = Number.POSITIVE_INFINITY

  function expire(id: string, row: Row): void {
    rows.delete(id)
    onExpired?.(row)
  }

  return {
    get: (id) => (id === undefined ? undefined : rows.get(id)),
    has: (id) => rows.has(id),
    keys: () => rows.keys(),
    set(id, row) {
      rows.set(id, row)
      nothingExpiresBefore = Math.min(nothingExpiresBefore, row.expiresAt)
    },
    delete(id) {
      rows.delete(id)
    },
    sweep(now) {
      for (let step = 0; step < SWEEP_STEPS; step++) {
        const entry = walk.next()
        if (entry.done) {
          walk = rows.entries()
          return
        }
        const [id, row] = entry.value
        if (row.expiresAt + grace <= now) expire(id, row)
      }
    },
    deleteExpired(now, limit = Number.POSITIVE_INFINITY) {
      if (now < nothingExpiresBefore) return 0
      let removed = 0
      let next = Number.POSITIVE_INFINITY
      for (const [id, row] of rows) {
        if (row.expiresAt > now) {
          next = Math.min(next, row.expiresAt)
        } else {
          if (removed === limit) return removed
          expire(id, row)
          removed++
        }
      }
      nothingExpiresBefore = next
      // an old iterator would keep the previous contents of the map alive
      walk = rows.entries()
      return removed
    },
  }
}
