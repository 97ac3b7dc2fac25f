/** Walks through what storage lists page by page. */
import type { Awaitable } from '../awaitable'
import { storageFailure } from '../errors'
import { requireKnown } from '../options/known'

const PAGE = 100

/** A filter by an id that a host failed to find must not become a list without that filter. */
export function requireFilter(operation: string, query: object, names: readonly string[]): void {
  requireKnown(`${operation} member`, query, names)
  for (const [name, value] of Object.entries(query)) {
    if (typeof value !== 'string' || value === '')
      throw new TypeError(`${operation}: ${name} must be a non-empty string`)
  }
}

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
      throw storageFailure(new Error('The list method of the storage does not advance'))
    }
    after = idOf(last)
    // a synchronous store would otherwise let nothing else happen until the last page
    await new Promise(setImmediate)
  }
}
