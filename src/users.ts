/** The users of the host, and whether they are still there. */

import { type Awaitable, whenReady } from './awaitable'
import type { InTime } from './deadline'
import { OAuthError } from './errors'
import { requireKnown } from './options/known'
import { misuse } from './options/misuse'
import { problemOf, subjectId } from './rules/subject'
import type { AuthorizationServer } from './types/authorization-server'
import type { Users } from './types/users'

/**
 * RFC 6749 §5.2: a deleted or suspended user gets no new tokens out of old ones. `wasHere`: they agreed, or gave their
 * password, a moment ago, and where they are not found the mistake is more likely the host's.
 */
export async function requireUser(
  server: AuthorizationServer,
  userId: string | undefined,
  wasHere = false,
): Promise<void> {
  if (userId !== undefined && !(await findUser(server, userId))) {
    if (wasHere) {
      const seen = 'users.find returned nothing for a user who signed in a moment ago'
      server.warn('user_not_found', `${seen}. Check that it returns its result, and looks the id up as text`)
    }
    throw new OAuthError('invalid_grant', 'The authorization is no longer valid.')
  }
}

/** What a user has made for themselves does not outlive them: RFC 6749 §5.2, a client that may not. */
export async function requireOwner(server: AuthorizationServer, username: string): Promise<void> {
  if (!(await findUser(server, username))) {
    throw new OAuthError('unauthorized_client', 'The user who owns this client no longer exists.')
  }
}

/** Where users are looked up: a server, here or elsewhere. */
export interface UserSource {
  readonly users: Pick<Users, 'find'> | undefined
  readonly inTime: InTime
}

/** The user, or nothing when the host does not have them any more. Without a `users` option every id is taken as it is. */
export function findUser({ users, inTime }: UserSource, userId: string): Awaitable<Express.User | undefined> {
  if (!users) return { id: userId } as Express.User
  const found = users.find(userId) as Awaitable<unknown>
  // at once the user who was asked for: the answer of almost every request needs no other look
  const isUser = typeof found === 'object' && (found as { id?: unknown } | null)?.id === userId && !Array.isArray(found)
  return isUser ? (found as Express.User) : verifiedUser(inTime('users.find', found), userId)
}

/** Whether the host has a user of that id. Without a `users` option nobody knows. */
export function isUserId(source: UserSource, id: string): Awaitable<boolean> {
  return source.users ? whenReady(findUser(source, id), (user) => user !== undefined) : false
}

/** Rows, or the row of somebody else, are no user of that id: with them a deleted user would stay, or become another one. */
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

/** Throws at start-up for what is wrong with the option. */
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

/** Throws at start-up for what is no page of the host. */
export function verifyHostPage(name: string, page: unknown, example: string): void {
  // a relative one would be looked for below the path of our own page
  if (typeof page === 'function' || (typeof page === 'string' && /^(\/(?![/\\])|https?:\/\/)/.test(page))) return
  throw misuse(
    'wrong_url',
    `${name}: the path of one of your pages, such as '${example}', or a function that returns its URL`,
  )
}
