/**
 * A question that a page asks, kept in storage until it is answered: single-use, unguessable, and bound to the user it
 * was shown to. It is what makes forms proof against forgery without cookies of our own (RFC 9700 §4.7).
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
/** Seconds in which nobody reads a page. */
const SECONDS_TO_READ = 0.5

/** Stores the question; the answer must bring back what this returns. `again`: it was answered before, but too soon. */
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
 * Whether a yes came too soon to be one: a page that was brought under a double click is answered by its second half. Once
 * only, or whoever is quick, or has a clock that is wrong, could never answer. What cannot be told is too soon, too.
 */
export function cameTooSoon(server: AuthorizationServer, question: Credential): boolean {
  const { askedAt, again } = boundOf(question)
  if (again === true) return false
  return !(typeof askedAt === 'number' && server.exactNow() - askedAt >= SECONDS_TO_READ)
}

interface Answer {
  /** What the page has sent back. */
  readonly token: string | undefined
  readonly userId: string
}

/** The question that an answer belongs to, answered or not; undefined unless it was asked of this user. */
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

/** The question that an answer belongs to, used up; undefined unless it is `expected` and was asked of this user. */
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

/** The question of that lookup id, once this user has answered it: what to tell on the page that follows. */
export async function findAnswered(
  server: AuthorizationServer,
  kind: Question,
  id: string,
  userId: string,
): Promise<Credential | undefined> {
  // no storage ever sees an id that is not of our making
  if (!parseSplitToken(`${id}.${'A'.repeat(43)}`)) return undefined
  const found = await findCredential(server, id, kind)
  return found?.userId === userId && found.state === 'decided' && !isExpired(server, found) ? found : undefined
}
