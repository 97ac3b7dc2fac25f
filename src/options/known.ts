/** Options as hosts write them: a misspelt one must not be the default in silence. */

/** @throws TypeError for a member of `value` that is none of `names`, saying what there is. */
export function requireKnown(kind: string, value: object | undefined, names: readonly string[]): void {
  const unknown = Object.keys(value ?? {}).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new TypeError(`Unknown ${kind} ${unknown}; there are ${names.join(', ')}`)
}

/** @throws TypeError for a member of `flags` that is there and neither true nor false: the text 'false' would be true. */
export function requireFlags(owner: string, flags: Readonly<Record<string, unknown>>): void {
  const wrong = Object.keys(flags).find((name) => flags[name] !== undefined && typeof flags[name] !== 'boolean')
  if (wrong !== undefined) throw new TypeError(`${owner}'s ${wrong} must be true or false`)
}

/**
 * What JavaScript would drop in silence may be half of a policy: `requireScope('read', 'write')`. Takes the `arguments` of
 * the function, so that its type stays as it is.
 *
 * @throws TypeError for more of them than `most`.
 */
export function requireNoMore(owner: string, given: ArrayLike<unknown>, most: number): void {
  if (given.length <= most) return
  const fix = "several scopes are one string ('read write') or one list, and options are one object"
  throw new TypeError(`${owner} accepts ${most} argument${most === 1 ? '' : 's'}, not ${given.length}: ${fix}`)
}
