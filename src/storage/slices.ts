/** Work on many rows in slices, with a turn of the event loop between them. A synchronous store would block it otherwise. */
import { type Awaitable, whenReady } from '../awaitable'

/** Rows in a slice: a millisecond or two. */
export const SLICE = 500

/** Resolves after other pending work has had its turn. */
export function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Calls `step` until it returns true. Synchronous if the first slice is enough. Otherwise each slice waits for a turn of the loop. */
export function inSlices(step: () => Awaitable<boolean>): Awaitable<void> {
  return whenReady(step(), (isDone) => (isDone ? undefined : restInSlices(step)))
}

/** The same for the slices after the first. */
export async function restInSlices(step: () => Awaitable<boolean>): Promise<void> {
  do await turnOfLoop()
  while (!(await step()))
}

/** Hands each item to `take`, in slices. */
export function eachInSlices<Item>(items: Iterator<Item>, take: (item: Item) => void): Awaitable<void> {
  return inSlices(() => {
    for (let taken = 0; taken < SLICE; taken++) {
      const next = items.next()
      if (next.done) return true
      take(next.value)
    }
    return false
  })
}
