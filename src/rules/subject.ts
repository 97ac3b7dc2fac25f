/** Users as hosts name them: an id, or a value that has one. */
import { kindOf, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import { isKeepable, KEEPABLE } from './keepable'

/**
 * The id as storage and tokens carry it, or undefined for nobody. Databases have numbers, the protocol has strings. NaN
 * and numbers beyond exactness are nobody: each of them would be one user made of many. So is text that two stores keep
 * differently.
 */
export function subjectId(user: unknown): string | undefined {
  const id: unknown = typeof user === 'object' && user !== null ? (user as { id?: unknown }).id : user
  if (Number.isSafeInteger(id) || typeof id === 'bigint') return String(id)
  return typeof id === 'string' && (/^[\x20-\x7e]+$/.test(id) || (id !== '' && isKeepable(id))) ? id : undefined
}

/**
 * The id of the user that an option of the host returned, or undefined for nobody: sessions and databases say undefined,
 * null, false or ''. Any other value is a user. One without a usable id would sign in for ever.
 *
 * @throws TypeError for such a user, naming the option and the fix.
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

/** Nothing of a user but what is wrong with it: a row may have a password in it. */
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

/** What an error asks for instead of the user of a decision. */
export function userIdWords({ userId }: { userId: unknown }): string {
  return isOddText(userId) ? `a userId that is ${KEEPABLE}` : 'a non-empty userId'
}

/** Whether it is text that no id can be. */
function isOddText(value: unknown): boolean {
  return typeof value === 'string' && !isKeepable(value)
}

/** An id as hosts write it in a call: a non-empty string, or a number, which becomes its text. Throws for what is neither. */
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
 * A filter by ids, as text. One by an id that a host failed to find must not become a list without that filter.
 *
 * @throws TypeError for a member that is no id.
 */
export function filterBy<Query extends object>(
  operation: string,
  query: Query,
  names: readonly (keyof Query & string)[],
): { [N in keyof Query]?: string } {
  // undefined is no id, and the error says which one it is
  requireKnown(`${operation} member`, query, names, names)
  const ids = Object.entries(query).map(([name, id]) => [name, requireId(`${operation}: ${name}`, id)])
  return Object.fromEntries(ids)
}
