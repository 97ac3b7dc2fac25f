/**
 * A question that a page asks, kept in storage until it is answered. It is single-use, unguessable, and bound to its
 * user. It protects forms against CSRF without a cookie (RFC 9700 §4.7).
 */

import { boundBy, boundOf, credentialOf, findCredential, hasSecret, isExpired } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { lookupId, parseSplitToken } from '../credentials/split-token'
import { newGrantId, newSecret } from '../crypto'
import type { Credential } from '../storage'
import { store } from '../tokens/issue'
import type { Authorization } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'

type Question = 'consent' | 'removal' | 'device_entry' | 'form'

const SECONDS_TO_ANSWER = 600
/** Seconds in which a user cannot have read the page. */
const SECONDS_TO_READ = 0.5

/** Stores the question and returns the token that the answer must contain. `again`: an earlier answer came too soon. */
export async function openTransaction(
  server: AuthorizationServer,
  kind: Question,
  question: Authorization & { readonly userId: string },
  about: { readonly request?: string } = {},
  again = false,
): Promise<string> {
  const bound = boundBy({ ...question, ...about, ...(again ? { again } : { askedAt: server.exactNow() }) })
  const id = lookupId(newGrantId(), lookupSuffix[kind])
  const secret = newSecret()
  const issuedAt = server.now()
  const lifetime = { issuedAt, expiresAt: issuedAt + SECONDS_TO_ANSWER }
  await store(server, [credentialOf({ id, kind, secret, state: 'pending' }, question, lifetime, bound)])
  return `${id}.${secret}`
}

/**
 * Whether an answer came too soon: a page that appears under a double click gets its second click. This is checked only
 * once, or quick users and users with a wrong clock could never answer. An unknown time counts as too soon.
 */
export function cameTooSoon(server: AuthorizationServer, question: Credential): boolean {
  const { askedAt, again } = boundOf(question)
  if (again === true) return false
  return !(typeof askedAt === 'number' && server.exactNow() - askedAt >= SECONDS_TO_READ)
}

interface Answer {
  /** The token that the page sent back. */
  readonly token: string | undefined
  readonly userId: string
}

/** Finds the question of an answer, whether answered or not. Returns undefined if another user was asked. */
export async function findTransaction(
  server: AuthorizationServer,
  kind: Question,
  { token = '', userId }: Answer,
): Promise<Credential | undefined> {
  const presented = parseSplitToken(token)
  const found = presented && (await findCredential(server, presented.id, kind))
  if (!found || !hasSecret(found, presented.secret)) return undefined
  return found.userId === userId && !isExpired(server, found) ? found : undefined
}

/** Uses up the question of an answer. Returns undefined if it is not the `expected` one, or another user was asked. */
export async function takeTransaction(
  server: AuthorizationServer,
  kind: Question,
  answer: Answer,
  expected: (found: Credential) => boolean = () => true,
): Promise<Credential | undefined> {
  const found = await findTransaction(server, kind, answer)
  if (!found || !expected(found)) return undefined
  const won = await server.storage.grants.transition(found.id, 'pending', { ...found, state: 'decided' }, [])
  return won ? found : undefined
}

/** Finds a question by its lookup id after this user answered it, for the page that follows. */
export async function findAnswered(
  server: AuthorizationServer,
  kind: Question,
  id: string,
  userId: string,
): Promise<Credential | undefined> {
  // the storage only receives ids with our syntax
  if (!parseSplitToken(`${id}.${'A'.repeat(43)}`)) return undefined
  const found = await findCredential(server, id, kind)
  return found?.userId === userId && found.state === 'decided' && !isExpired(server, found) ? found : undefined
}
