/** Reads a storage in pages, with pauses for other work. */
import type { Awaitable } from '../awaitable'
import { storageFailure } from '../errors'
import type { GrantStorage } from '../storage'
import { turnOfLoop } from './slices'

const PAGE = 100

/** All rows of `list`, in order. */
export async function allPages<T>(list: List<T>, idOf: (item: T) => string): Promise<T[]> {
  const all: T[] = []
  for await (const page of pages(list, idOf)) all.push(...page)
  return all
}

type List<T> = (page: { after?: string; limit: number }) => Awaitable<T[]>

/** The same page by page, for long lists. If a list does not advance, throws instead of looping forever. */
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
    // otherwise a synchronous store would block other work until the last page
    await turnOfLoop()
  }
}

const CLEANUP_BATCH = 1000

/** Deletes expired rows in batches with pauses for other work, until `isStopped`. Returns the number of rows. */
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
    // otherwise a synchronous store would block other work until the last batch
    await turnOfLoop()
  }
  return total
}

/** Calls `act` with each item in turn, with a turn of the loop between them. Each call may be a transaction. */
export async function oneByOne<T>(items: Iterable<T>, act: (item: T) => Awaitable<void>): Promise<void> {
  for (const item of items) {
    await act(item)
    await turnOfLoop()
  }
}
