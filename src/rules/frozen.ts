/** Values that nobody can change, whoever they are handed to. */

/** The list, or a frozen copy: what came from a host's storage stays the host's. */
export function frozenList<T>(list: readonly T[]): readonly T[] {
  return Object.isFrozen(list) ? list : Object.freeze([...list])
}
