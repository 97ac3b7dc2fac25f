// Whether others have their turn: turns of the event loop, counted, so that no clock of a busy machine decides.

/** How many turns of the event loop others have while `work` is done. */
export async function turnsDuring(work: () => unknown): Promise<number> {
  let turns = 0
  let isOver = false
  const count = () => {
    turns++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await work()
  isOver = true
  return turns
}

/** What `look` gives in each of those turns, each value once. */
export async function seenDuring<T>(work: () => unknown, look: () => T): Promise<Set<T>> {
  const seen = new Set<T>()
  let isOver = false
  const note = () => {
    seen.add(look())
    if (!isOver) setImmediate(note)
  }
  setImmediate(note)
  await work()
  isOver = true
  return seen
}
