/** Walks through what storage has, in portions between which other work is done. */
import type { Awaitable } from '../awaitable'
import { storageFailure } from '../errors'
import type { GrantStorage } from '../storage'

const PAGE = 100

/** Everything that `list` has, in its order. */
export async function allPages<T>(list: List<T>, idOf: (item: T) => string): Promise<T[]> {
  const all: T[] = []
  for await (const page of pages(list, idOf)) all.push(...page)
  return all
}

type List<T> = (page: { after?: string; limit: number }) => Awaitable<T[]>

/** The same page by page, for what may be long. A list that does not advance is a defect of the adapter, not a loop of ours. */
export async function* pages<T>(list: List<T>, idOf: (item: T) => string): AsyncGenerator<T[]> {
  let after: string | undefined
  for (;;) {
    const page = await list({ ...(after !== undefined && { after }), limit: PAGE })
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    if (after !== undefined && idOf(last) <= after) {
      throw storageFailure(
        new Error('The list method of the storage does not advance: it must return ids greater than `after`, in order'),
      )
    }
    after = idOf(last)
    // a synchronous store would otherwise let nothing else happen until the last page
    await new Promise(setImmediate)
  }
}

const CLEANUP_BATCH = 1000

/** Deletes what has expired, in batches between which other work is done, until `isStopped`. Returns how many rows went. */
export async function deleteInBatches(
  grants: Pick<GrantStorage, 'deleteExpired'>,
  now: () => number,
  isStopped: () => boolean = () => false,
): Promise<number> {
  let total = 0
  while (!isStopped()) {
    const deleted = await grants.deleteExpired(now(), CLEANUP_BATCH)
    total += deleted
    if (deleted < CLEANUP_BATCH) break
    // a synchronous store would otherwise let nothing else happen until the last batch
    await new Promise(setImmediate)
  }
  return total
}
