/** Lifetimes in options: whole seconds. */

/** Throws a TypeError that names the option unless `value` is a whole number of seconds from `least` to `most`. */
export function requireSeconds(option: string, value: unknown, most = Number.MAX_SAFE_INTEGER, least = 1): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  throw new TypeError(`${option} must be a whole number of seconds ${range}, not ${String(value)}`)
}
