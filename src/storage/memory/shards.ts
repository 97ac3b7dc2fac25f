/**
 * One map in many small ones. A map that becomes full, or half empty, moves all of its rows at once: with a million rows in it,
 * that takes V8 longer than anybody should wait.
 */

/** A power of two. */
const SHARDS = 64

export interface Shards<Value> {
  /** The map that has this key, if any has it. */
  of(key: string): Map<string, Value>
  keys(): Generator<string>
  walk(): Walk<Value>
}

/** One way through all entries. What is added meanwhile may be passed or not. */
export interface Walk<Value> {
  /** The next one; undefined at the end of each map, and for ever at the end of the last. */
  next(): [string, Value] | undefined
  isOver(): boolean
}

export function shards<Value>(): Shards<Value> {
  const maps = Array.from({ length: SHARDS }, () => new Map<string, Value>())
  return {
    // ids are random at their beginning or at their end, and names of users at least differ in their last characters
    of(key) {
      const end = key.length - 1
      // a key of one character has none before its last, which is NaN, and in the first map
      const place = (key.charCodeAt(0) + key.charCodeAt(end) + 11 * key.charCodeAt(end - 1)) & (SHARDS - 1)
      return maps[place] as Map<string, Value>
    },
    *keys() {
      for (const map of maps) yield* map.keys()
    },
    walk() {
      let place = 0
      let entries = maps[0]?.entries()
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
