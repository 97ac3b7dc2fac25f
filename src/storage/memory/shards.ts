/**
 * One map, or many small ones once it is large. A map that becomes full, or half empty, moves all of its rows at once: with a
 * million rows in it, that takes V8 longer than anybody should wait.
 */

/** Rows of one map, before they are put into many. */
const MOST = 10_000
/** A power of two. */
const SHARDS = 64

export interface Shards<Value> {
  /** The map that has this key, if any has it. What is added to it goes through `set`. */
  of(key: string): Map<string, Value>
  set(key: string, value: Value): void
  keys(): Generator<string>
  walk(): Walk<Value>
}

/** One way through all entries. What is added meanwhile may be passed or not, and what is there may be passed twice. */
export interface Walk<Value> {
  /** The next one; undefined at the end of each map, and for ever at the end of the last. */
  next(): [string, Value] | undefined
  isOver(): boolean
}

export function shards<Value>(): Shards<Value> {
  const first = new Map<string, Value>()
  // those of later come behind it, so that a walk that has begun comes by all of them
  const maps = [first]

  // ids are random at their beginning or at their end, and names of users at least differ in their last characters
  function of(key: string): Map<string, Value> {
    if (maps.length === 1) return first
    const end = key.length - 1
    // a key of one character has none before its last, which is NaN, and in the first of them
    const place = (key.charCodeAt(0) + key.charCodeAt(end) + 11 * key.charCodeAt(end - 1)) & (SHARDS - 1)
    return maps[1 + place] as Map<string, Value>
  }
  function split(): void {
    for (let n = 0; n < SHARDS; n++) maps.push(new Map())
    for (const [key, value] of first) of(key).set(key, value)
    first.clear()
  }

  return {
    of,
    set(key, value) {
      of(key).set(key, value)
      if (first.size > MOST) split()
    },
    *keys() {
      for (const map of maps) yield* map.keys()
    },
    walk() {
      let place = 0
      let entries: MapIterator<[string, Value]> | undefined = first.entries()
      return {
        next() {
          const entry = entries?.next()
          if (entry && !entry.done) return entry.value
          entries = maps[++place]?.entries()
          return undefined
        },
        isOver: () => entries === undefined,
      }
    },
  }
}
