/** Options as hosts write them: a misspelt one must not be the default in silence. */

/** @throws TypeError for a member of `value` that is none of `names`, saying what there is. */
export function requireKnown(kind: string, value: object | undefined, names: readonly string[]): void {
  const unknown = Object.keys(value ?? {}).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new TypeError(`Unknown ${kind} ${unknown}; there are ${names.join(', ')}`)
}
