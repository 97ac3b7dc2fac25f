/** Finds the users of the host. */

import { type Awaitable, isPromise, whenReady } from './awaitable'
import type { InTime } from './deadline'
import { OAuthError } from './errors'
import { requireKnown } from './options/known'
import { misuse } from './options/misuse'
import { problemOf, subjectId } from './rules/subject'
import type { AuthorizationServer } from './types/authorization-server'
import type { Users } from './types/users'

/**
 * RFC 6749 §5.2: a deleted or suspended user gets no new tokens. `wasHere` means that the user agreed or gave a
 * password a moment ago: if `find` fails, the mistake is probably the host's.
 */
export async function requireUser(
  server: AuthorizationServer,
  userId: string | undefined,
  wasHere = false,
): Promise<void> {
  if (userId === undefined) return
  const found = findUser(server, userId)
  if (isPromise(found) ? await found : found) return
  if (wasHere) {
    const seen = 'users.find returned nothing for a user who signed in a moment ago'
    server.warn('user_not_found', `${seen}. Check that it returns its result, and looks the id up as text`)
  }
  throw new OAuthError('invalid_grant', 'The authorization is no longer valid.')
}

/** RFC 6749 §5.2: a client that a user owns gets no tokens after the user is deleted. */
export async function requireOwner(server: AuthorizationServer, username: string): Promise<void> {
  if (!(await findUser(server, username))) {
    throw new OAuthError('unauthorized_client', 'The user who owns this client no longer exists.')
  }
}

/** The source of users: a server in this process or a remote one. */
export interface UserSource {
  readonly users: Pick<Users, 'find'> | undefined
  readonly inTime: InTime
}

/**
 * Returns the user, or undefined if the host no longer has the user. Without the option `users` every id is accepted.
 */
export function findUser({ users, inTime }: UserSource, userId: string): Awaitable<Express.User | undefined> {
  if (!users) return { id: userId } as Express.User
  const found = users.find(userId) as Awaitable<unknown>
  // checked first: almost every request ends here
  const isUser = typeof found === 'object' && (found as { id?: unknown } | null)?.id === userId && !Array.isArray(found)
  return isUser ? (found as Express.User) : verifiedUser(inTime('users.find', found), userId)
}

/** Whether the host has a user with this id. Without the option `users` this is unknown, so false. */
export function isUserId(source: UserSource, id: string): Awaitable<boolean> {
  return source.users ? whenReady(findUser(source, id), (user) => user !== undefined) : false
}

/** A list, or the row of another user, is not this user: a deleted user would remain or become another user. */
function verifiedUser(answer: Awaitable<unknown>, userId: string): Awaitable<Express.User | undefined> {
  return whenReady(answer, (found) => {
    if (!found) return undefined
    const id = typeof found === 'object' && !Array.isArray(found) ? subjectId(found) : undefined
    if (id === userId) return found as Express.User
    const fix = 'users.find must return the user with the requested id, as { id, … }, or undefined'
    throw misuse('wrong_user', `${fix}: not ${id === undefined ? problemOf(found) : 'another user'}`)
  })
}

const userNames: readonly string[] = ['find', 'current', 'signIn', 'switchUser', 'claims'] satisfies (keyof Users)[]

/** Throws a TypeError at start-up if the option is wrong. */
export function verifiedUsers(users: Users | undefined): Users | undefined {
  if (users === undefined) return undefined
  if (typeof users?.find !== 'function')
    throw misuse('not_a_function', 'users.find must be a function: (id) => user or undefined')
  requireKnown('users member', users, userNames)
  if (users.current !== undefined && typeof users.current !== 'function') {
    throw misuse('not_a_function', 'users.current must be a function: (req) => user or undefined')
  }
  if (users.claims !== undefined && typeof users.claims !== 'function') {
    throw misuse('not_a_function', 'users.claims must be a function: (user) => { name, email, … }')
  }
  if (users.signIn !== undefined) verifyHostPage('users.signIn', users.signIn, '/login')
  if (users.switchUser !== undefined) verifyHostPage('users.switchUser', users.switchUser, '/login')
  return users
}

/** Throws a TypeError at start-up if the value is not a page of the host. */
export function verifyHostPage(name: string, page: unknown, example: string): void {
  // the browser would resolve a relative URL against the path of our own page
  if (typeof page === 'function' || (typeof page === 'string' && /^(\/(?![/\\])|https?:\/\/)/.test(page))) return
  throw misuse(
    'wrong_url',
    `${name}: the path of one of your pages, such as '${example}', or a function that returns its URL`,
  )
}
