/** Checks options as hosts write them: a misspelt one must not silently be the default. */

import { misuse } from './misuse'

/**
 * Accepts undefined as no options. `mayBeUndefined` are the members that may be undefined.
 *
 * @throws TypeError if it is not an object, or a member is unknown or undefined: an unset setting must not silently be
 * the default.
 */
export function requireKnown(
  kind: string,
  value: object | null | undefined,
  names: readonly string[],
  mayBeUndefined: readonly string[] = [],
): void {
  if (value === undefined) return
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw misuse('not_an_object', `The ${kind}s must be one object, such as { ${names[0]}: … }, not ${kindOf(value)}`)
  }
  for (const [name, member] of Object.entries(value)) {
    if (!names.includes(name)) throw misuse('unknown_option', `Unknown ${kind} ${name}; there are ${names.join(', ')}`)
    if (member !== undefined || mayBeUndefined.includes(name)) continue
    throw misuse('undefined_option', `The ${kind} ${name} is undefined. Set it, or leave it out`)
  }
}

/** Describes the kind of a wrong value. Never the value: it may be a misplaced secret. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`
  if (typeof value !== 'object') return `a ${typeof value}`
  if (typeof (value as { then?: unknown }).then === 'function') {
    // it is refused, so nobody waits for it: one that fails later would end the process. A query would begin by `then` alone
    if (value instanceof Promise) value.catch(() => {})
    return 'a Promise (await it first)'
  }
  const { name = '' } = (Object.getPrototypeOf(value)?.constructor ?? {}) as { name?: unknown }
  if (typeof name === 'string' && name !== 'Object' && name !== '') return `an object of the class ${name}`
  const [first, second] = Object.keys(value)
  return first === undefined ? 'an empty object' : `an object with ${[first, second].filter(Boolean).join(', ')}`
}

/** @throws TypeError if `value` is one of our own functions, which the host forgot to call. */
export function requireCalled(option: string, value: unknown, makers: Readonly<Record<string, unknown>>): void {
  const name = Object.keys(makers).find((one) => makers[one] === value)
  if (name !== undefined) throw misuse('not_called', `${option} is ${name} itself: call it, as ${name}(…)`)
}

/** @throws TypeError for a member of `flags` that is neither true nor false: the text 'false' would count as true. */
export function requireFlags(owner: string, flags: Readonly<Record<string, unknown>>): void {
  const wrong = Object.keys(flags).find((name) => flags[name] !== undefined && typeof flags[name] !== 'boolean')
  if (wrong !== undefined) throw misuse('wrong_choice', `${owner}'s ${wrong} must be true or false`)
}

/**
 * Checks for surplus arguments, which JavaScript ignores, and which may be half of a policy: `requireScope('read',
 * 'write')`. Takes `arguments`, so that the function's type does not change.
 *
 * @throws TypeError for more than `most`.
 */
export function requireNoMore(owner: string, given: ArrayLike<unknown>, most: number): void {
  if (given.length <= most) return
  // a request, its response and `next`: Express got the maker of the handler
  if (isResponse(given[1]) || isResponse(given[2])) {
    throw misuse('not_called', `${owner} was not called: write ${owner}(…) where the handler is needed`)
  }
  const fix = "several scopes are one string ('read write') or one list, and options are one object"
  throw misuse(
    'too_many_arguments',
    `${owner} accepts ${most} argument${most === 1 ? '' : 's'}, not ${given.length}: ${fix}`,
  )
}

function isResponse(value: unknown): boolean {
  return typeof (value as { writeHead?: unknown } | null | undefined)?.writeHead === 'function'
}
