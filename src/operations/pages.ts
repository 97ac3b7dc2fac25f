/** Walks through what storage lists page by page. */
import type { Awaitable } from '../awaitable'
import { storageFailure } from '../errors'

const PAGE = 100

/** A filter by an id that a host failed to find must not become a list without that filter. */
export function requireFilter(operation: string, query: object): void {
  for (const [name, value] of Object.entries(query)) {
    if (typeof value !== 'string' || value === '')
      throw new TypeError(`${operation}: ${name} must be a non-empty string`)
  }
}

/** Everything that `list` has, in its order. A list that does not advance is a defect of the adapter, not a loop of ours. */
export async function allPages<T>(
  list: (page: { after?: string; limit: number }) => Awaitable<T[]>,
  idOf: (item: T) => string,
): Promise<T[]> {
  const all: T[] = []
  let after: string | undefined
  for (;;) {
    const page = await list({ ...(after !== undefined && { after }), limit: PAGE })
    all.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return all
    if (after !== undefined && idOf(last) <= after) {
      throw storageFailure(new Error('The list method of the storage does not advance'))
    }
    after = idOf(last)
  }
}
