/** The users of the host, and whether they are still there. */

import { type Awaitable, whenReady } from './awaitable'
import { OAuthError } from './errors'
import { subjectId } from './rules/subject'
import type { Client } from './storage'
import type { AuthorizationServer, Users } from './types/authorization-server'

/** RFC 6749 §5.2: a deleted or suspended user gets no new tokens out of old ones. */
export async function requireUser(server: AuthorizationServer, userId: string | undefined): Promise<void> {
  if (userId !== undefined && !(await findUser(server, userId))) {
    throw new OAuthError('invalid_grant', 'The authorization is no longer valid.')
  }
}

/** What a user has made for themselves does not outlive them: RFC 6749 §5.2, a client that may not. */
export async function requireOwner(server: AuthorizationServer, { username }: Client): Promise<void> {
  if (username !== undefined && !(await findUser(server, username))) {
    throw new OAuthError('unauthorized_client', 'The user who owns this client is not there any more.')
  }
}

/** The user, or nothing when the host does not have them any more. Without a `users` option every id is taken as it is. */
export function findUser(
  { users }: Pick<AuthorizationServer, 'users'>,
  userId: string,
): Awaitable<Express.User | undefined> {
  return users ? askForUser(users, userId) : ({ id: userId } as Express.User)
}

/** Whether the host has a user of that id. Without a `users` option nobody knows. */
export function isUserId({ users }: Pick<AuthorizationServer, 'users'>, id: string): Awaitable<boolean> {
  return users ? whenReady(askForUser(users, id), (user) => user !== undefined) : false
}

/** Rows, or the row of somebody else, are no user of that id: with them a deleted user would stay, or become another one. */
function askForUser(users: Users, userId: string): Awaitable<Express.User | undefined> {
  return whenReady(users.find(userId) as Awaitable<unknown>, (found) => {
    if (!found) return undefined
    if (typeof found === 'object' && !Array.isArray(found) && subjectId(found) === userId) return found as Express.User
    const fix = 'users.find must return the user whose id is the one asked for, as { id, … }, or undefined'
    throw new TypeError(`${fix}: not ${inWords(found)}`)
  })
}

/** Nothing of a row but what is wrong with it: it may have a password in it. */
function inWords(found: unknown): string {
  if (Array.isArray(found)) return 'a list, of which the first may be meant'
  if (typeof found !== 'object') return `a ${typeof found}`
  return subjectId(found) === undefined ? 'an object without an id that is a text or a number' : 'another user'
}
