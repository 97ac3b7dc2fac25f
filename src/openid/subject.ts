/** Who a user is to a client: the `sub` of id_tokens and of userinfo (OpenID Connect Core §8). */
import type { Awaitable } from '../awaitable'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'

/** A way to make the `sub` of users. */
export interface Subjects {
  /** Its name in the metadata and in client records. */
  readonly type: 'public' | 'pairwise'
  /** The `sub` of that user for that client. */
  readonly subjectOf: (server: AuthorizationServer, client: Client, userId: string) => Awaitable<string>
}

/** Core §8.1: the same for every client, and here the id of the user. */
export const publicSubjects: Subjects = Object.freeze({
  type: 'public',
  subjectOf: (_server: AuthorizationServer, _client: Client, userId: string) => verifiedSubject(userId),
})

/** Core §2: at most 255 ASCII characters. Throws where a host's id is none. */
function verifiedSubject(userId: string): string {
  if (/^[\x20-\x7e]{1,255}$/.test(userId)) return userId
  const fix = 'give the user another id, or set openid({ subject: pairwise({ salt }) })'
  throw new TypeError(`The id of a user must be at most 255 ASCII characters to be the sub of an id_token: ${fix}`)
}
