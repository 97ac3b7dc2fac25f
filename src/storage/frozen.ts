/** Immutable values: a store does not share its values with callers. */

const NOTHING = Object.freeze({})

/** Whether a value is frozen at every level, and contains only JSON values. */
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

/** A deep frozen copy. A value that is already frozen is returned unchanged. */
export function frozenCopy<T>(value: T): T {
  if (isFrozen(value)) return value
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as T
  const names = Object.keys(value as object)
  if (names.length === 0) return NOTHING as T
  const copy: Record<string, unknown> = {}
  for (const name of names) {
    const member = frozenCopy((value as Record<string, unknown>)[name])
    // JSON may contain this name
    if (name === '__proto__') Object.defineProperty(copy, name, { value: member, enumerable: true })
    else copy[name] = member
  }
  return Object.freeze(copy) as T
}
