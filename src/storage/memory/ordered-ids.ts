/** Ids in the order of UTF-16 code units, kept sorted as they are added and removed: a page costs only its rows. */

import type { Awaitable } from '../../awaitable'
import { restInSlices, SLICE } from '../slices'
import { shards } from './shards'

/** The length of a run. A longer run is split, which bounds the cost of an insertion. */
const RUN = 512

/** Consecutive runs, none of them empty. A plain array, because most users have one grant. */
export type OrderedIds = string[][]

/** Adds an id if it is missing. */
export function addId(runs: OrderedIds, id: string): void {
  const at = runAt(runs, id)
  const run = runs[at]
  if (!run) return void runs.push([id])
  const place = firstFrom(run, id)
  if (run[place] === id) return
  run.splice(place, 0, id)
  if (run.length > RUN) runs.splice(at + 1, 0, run.splice(RUN / 2))
}

export function removeId(runs: OrderedIds, id: string): void {
  const at = runAt(runs, id)
  const run = runs[at]
  const place = run ? firstFrom(run, id) : 0
  if (run?.[place] !== id) return
  if (run.length === 1) runs.splice(at, 1)
  else run.splice(place, 1)
}

/** The ids after `after` in order, or all ids. */
export function* idsAfter(runs: OrderedIds, after: string | undefined): Generator<string> {
  for (let at = after === undefined ? 0 : runAt(runs, after); at < runs.length; at++) {
    const run = runs[at] as string[]
    for (let place = after === undefined ? 0 : firstFrom(run, after); place < run.length; place++) {
      const id = run[place] as string
      if (id !== after) yield id
    }
  }
}

/** The last run that begins at or before the id, or else the first run. */
function runAt(runs: OrderedIds, id: string): number {
  let [low, high] = [0, runs.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((runs[middle]?.[0] as string) <= id) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}

/** The index of the first id that is not before this one. */
function firstFrom(run: readonly string[], id: string): number {
  let [low, high] = [0, run.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((run[middle] as string) < id) low = middle + 1
    else high = middle
  }
  return low
}

/** Such lists by user, client, and so on. An owner without ids uses no memory. */
export interface IdsByOwner {
  add(owner: string | undefined, id: string): void
  remove(owner: string | undefined, id: string): void
  of(owner: string): OrderedIds
}

export function idsByOwner(): IdsByOwner {
  const lists = shards<OrderedIds>()
  return {
    add(owner, id) {
      if (owner === undefined) return
      const runs = lists.of(owner).get(owner)
      if (runs) addId(runs, id)
      else lists.set(owner, [[id]])
    },
    remove(owner, id) {
      const runs = owner === undefined ? undefined : lists.of(owner).get(owner)
      if (owner === undefined || !runs) return
      removeId(runs, id)
      if (runs.length === 0) lists.of(owner).delete(owner)
    },
    of: (owner) => lists.of(owner).get(owner) ?? [],
  }
}

/** The first `limit` rows after `after`, in the order of UTF-16 code units. Deleted rows are skipped, however many. */
export function page<Row>(
  ids: () => OrderedIds,
  after: string | undefined,
  limit: number,
  find: (id: string) => Row | undefined,
): Awaitable<Row[]> {
  const rows: Row[] = []
  let last = after
  const step = () => {
    let looked = 0
    // after a turn of the loop the list may have changed
    for (const id of idsAfter(ids(), last)) {
      if (rows.length >= limit) return true
      if (looked++ === SLICE) return false
      last = id
      const row = find(id)
      if (row !== undefined) rows.push(row)
    }
    return true
  }
  return step() ? rows : restInSlices(step).then(() => rows)
}
