/**
 * One map, and many small ones beside it once it is large. V8 moves all rows of a map at once when it is full or nearly
 * empty: a million rows would hold the event loop.
 */

/** Rows of the first map before others are added beside it. V8 moves as many in a few milliseconds. */
const MOST = 100_000
/** A power of two. */
const SHARDS = 64

export interface Shards<Value> {
  /** The map that contains the key, if any does. Rows are added by `set`. */
  of(key: string): Map<string, Value>
  set(key: string, value: Value): void
  /** Whether there was never more than one map, and nothing is in it. */
  isEmpty(): boolean
  keys(): Generator<string>
  walk(): Walk<Value>
}

/** One pass over all entries. Entries that are added meanwhile may be missing. */
export interface Walk<Value> {
  /** The rest of the current map. Undefined at the end of the last. */
  rest: MapIterator<[string, Value]> | undefined
  /** Goes on to the next map. */
  onward(): void
}

export function shards<Value>(): Shards<Value> {
  const first = new Map<string, Value>()
  // later maps come after it, so that a walk that has begun passes all of them
  const maps = [first]

  // ids are random at their beginning or at their end, and names of users differ at least in their last characters
  function of(key: string): Map<string, Value> {
    if (maps.length === 1 || first.has(key)) return first
    const end = key.length - 1
    // a key of one character has NaN before its last, which becomes 0
    const place = (key.charCodeAt(0) + key.charCodeAt(end) + 11 * key.charCodeAt(end - 1)) & (SHARDS - 1)
    return maps[1 + place] as Map<string, Value>
  }

  return {
    of,
    set(key, value) {
      of(key).set(key, value)
      // what is in the first map stays there until it leaves: moving it would take too long
      if (maps.length === 1 && first.size > MOST) for (let n = 0; n < SHARDS; n++) maps.push(new Map())
    },
    isEmpty: () => maps.length === 1 && first.size === 0,
    *keys() {
      for (const map of maps) yield* map.keys()
    },
    walk() {
      let place = 0
      return {
        rest: first.entries(),
        onward() {
          this.rest = maps[++place]?.entries()
        },
      }
    },
  }
}
