/** Lifetimes in options: whole seconds. */

import { misuse } from './misuse'

const DAY = 86_400

/**
 * Whether it is a lifetime in milliseconds: whole minutes, at least five, and not also a usual number of days. An hour
 * is 3,600,000, which in seconds is 41 days and two thirds of one.
 */
function isMilliseconds(value: number): boolean {
  if (value < 300_000 || value === Number.MAX_SAFE_INTEGER || value % 60_000 !== 0) return false
  return value % DAY !== 0 || value >= 1000 * DAY
}

/** Throws a TypeError that names the option unless `value` is a whole number of seconds from `least` to `most`. */
export function requireSeconds(option: string, value: unknown, most = Number.MAX_SAFE_INTEGER, least = 1): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) {
    if (!isMilliseconds(value as number)) return
    throw misuse(
      'wrong_seconds',
      `${option} is in seconds, and ${value} looks like milliseconds: write ${(value as number) / 1000}`,
    )
  }
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  throw misuse('wrong_seconds', `${option} must be a whole number of seconds ${range}, not ${String(value)}`)
}
