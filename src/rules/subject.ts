/** Users as hosts name them: an id, or an object with an `id`. */
import { kindOf, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import { isKeepable, KEEPABLE } from './keepable'

/**
 * The id as storage and tokens have it: always a string. Undefined if there is none. NaN and inexact numbers are
 * refused, because many users would become one. So is text that stores keep differently.
 */
export function subjectId(user: unknown): string | undefined {
  const id: unknown = typeof user === 'object' && user !== null ? (user as { id?: unknown }).id : user
  if (Number.isSafeInteger(id) || typeof id === 'bigint') return String(id)
  return typeof id === 'string' && (/^[\x20-\x7e]+$/.test(id) || (id !== '' && isKeepable(id))) ? id : undefined
}

/**
 * The id of the user that an option of the host returned. Undefined for undefined, null, false or '', which sessions
 * and databases return for no user. Another value without a usable id would make the user sign in forever.
 *
 * @throws TypeError for such a user. The message names the option and the fix.
 */
export function userIdFrom(option: string, user: unknown): string | undefined {
  if (user === undefined || user === null || user === false || user === '') return undefined
  const id = subjectId(user)
  if (id !== undefined) return id
  const fix = 'Return { id: String(…) }, or undefined for no user'
  throw misuse(
    'wrong_user',
    `The id of a user must be a string or a number, and ${option} returned ${problemOf(user)}. ${fix}`,
  )
}

/** What is wrong with a user, without its content: a row may contain a password. */
export function problemOf(user: unknown): string {
  if (Array.isArray(user)) return 'a list (its first member may be the user)'
  if (isOddText(user)) return ODD_TEXT
  if (typeof user !== 'object' || user === null)
    return typeof user === 'number' ? 'a number that is not a safe integer' : `a ${typeof user}`
  const { id } = user as { id?: unknown }
  if (id === '') return 'an object with an empty id'
  if (isOddText(id)) return `an object whose id is ${ODD_TEXT}`
  if (id !== undefined && id !== null) return `an object with an id of type ${typeof id}`
  if ('rows' in user) return 'a query result (the first of its rows may be the user)'
  const other = ['_id', 'sub'].find((name) => name in user)
  return other ? `an object with ${other} and no id` : 'an object without an id'
}

const ODD_TEXT = `text that is not ${KEEPABLE}`

/** The expected form of a decision's user, for errors. */
export function userIdWords({ userId }: { userId: unknown }): string {
  return isOddText(userId) ? `a userId that is ${KEEPABLE}` : 'a non-empty userId'
}

/** Whether it is a text that cannot be an id. */
function isOddText(value: unknown): boolean {
  return typeof value === 'string' && !isKeepable(value)
}

/**
 * An id that hosts pass in a call: a non-empty string, or a number, which becomes a string. Throws for another value.
 */
export function requireId(name: string, id: unknown): string {
  const text = typeof id === 'object' ? undefined : subjectId(id)
  if (text !== undefined) return text
  if (isOddText(id)) throw misuse('wrong_id', `${name} must be ${KEEPABLE}`)
  throw misuse(
    'wrong_id',
    `${name} must be a non-empty string, or a number, not ${id === '' ? 'an empty one' : kindOf(id)}`,
  )
}

/**
 * A filter by ids, as strings. An undefined id must not turn into a list without the filter.
 *
 * @throws TypeError for a member that is not an id.
 */
export function filterBy<Query extends object>(
  operation: string,
  query: Query,
  names: readonly (keyof Query & string)[],
): { [N in keyof Query]?: string } {
  // undefined is not an id, and the error names the member
  requireKnown(`${operation} member`, query, names, names)
  const ids = Object.entries(query).map(([name, id]) => [name, requireId(`${operation}: ${name}`, id)])
  return Object.fromEntries(ids)
}
