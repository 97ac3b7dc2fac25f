/** The findings of `check`. */
import { type FindingId, type Kind, kinds } from './kinds'

export interface Finding extends Kind {
  readonly id: FindingId
  /** The places and what was seen there: foreign text. */
  readonly seen: readonly string[]
}

/** The most places of one finding. */
const MOST_SEEN = 5

export interface Findings {
  add(id: FindingId, seen: string): void
  /** Each kind once, the worst first. */
  all(): Finding[]
}

export function findings(): Findings {
  const found = new Map<FindingId, Set<string>>()
  return {
    add(id, seen) {
      const places = found.get(id) ?? new Set()
      if (places.size < MOST_SEEN) places.add(seen)
      found.set(id, places)
    },
    all() {
      const order = ['problem', 'advice', 'note']
      const list = [...found].map(([id, seen]): Finding => ({ id, ...kinds[id], seen: [...seen] }))
      return list.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level))
    },
  }
}
