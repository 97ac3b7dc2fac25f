/** Work on many rows, in slices between which the event loop has a turn: a store that answers at once would hold it otherwise. */
import { type Awaitable, whenReady } from '../awaitable'

/** Rows in a slice: a millisecond or two. */
export const SLICE = 500

/** Resolves when whatever else is due has had its turn. */
export function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Calls `step` until it answers true: at once where the first slice is all, or else with a turn of the loop before each one. */
export function inSlices(step: () => Awaitable<boolean>): Awaitable<void> {
  return whenReady(step(), (isDone) => (isDone ? undefined : restInSlices(step)))
}

/** The same for what is left after a first slice. */
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
