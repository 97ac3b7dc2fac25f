/** Values that nobody can change: what a store keeps is not shared with its callers. */

const NOTHING = Object.freeze({})

/** Whether nothing of it can change any more: frozen all the way down, and nothing but what JSON knows. */
export function isFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function'
  if (!Object.isFrozen(value)) return false
  if (Array.isArray(value)) {
    for (const member of value) if (!isFrozen(member)) return false
    return true
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  for (const name in value) if (!isFrozen((value as Record<string, unknown>)[name])) return false
  return true
}

/** A deep copy that is frozen all the way down; what is so already stays what it is. */
export function frozenCopy<T>(value: T): T {
  if (isFrozen(value)) return value
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as T
  const names = Object.keys(value as object)
  if (names.length === 0) return NOTHING as T
  const copy: Record<string, unknown> = {}
  for (const name of names) {
    const member = frozenCopy((value as Record<string, unknown>)[name])
    // JSON can carry that name, too
    if (name === '__proto__') Object.defineProperty(copy, name, { value: member, enumerable: true })
    else copy[name] = member
  }
  return Object.freeze(copy) as T
}
