/** What a user has answered to a device: kept beside what the device asked, which its code stays bound to. */
import { isDeepStrictEqual } from 'node:util'
import { boundOf } from '../credentials/bound'
import type { AuthorizationDetails } from '../rules/authorization-details'
import { includesScope, type Scope } from '../rules/scope'
import type { Credential } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'

/** Whose answer it is, and for a yes to what, since when. */
interface Answer {
  readonly userId: string
  readonly scope: Scope
  readonly startedAt: number
  /** Those that the user was shown. A type that its client has lost for that moment is not among them. */
  readonly authorizationDetails?: AuthorizationDetails | undefined
}

/**
 * Answers a code that nobody has answered yet: of two answers at once one is the first, and false comes to the other one.
 * The columns say the same, so that whatever revokes everything of the user revokes this. Where the two differ the code is
 * dead.
 */
export async function storeAnswer(
  { storage }: AuthorizationServer,
  found: Credential,
  state: 'approved' | 'denied',
  answer: Answer,
): Promise<boolean> {
  const { userId, scope, startedAt } = answer
  const next = { ...found, userId, scope, startedAt, state, data: { ...found.data, answer } }
  return storage.grants.transition(found.id, 'pending', next, [])
}

/** The answer, once there is one. */
export function answerOf({ data }: Credential): Answer {
  return data.answer as Answer
}

/**
 * Whether the answer is within what the device asked for. No digest covers it: the page knows no secret of the device. What an
 * adapter alters there makes it less, or nothing.
 */
export function isWithinRequest(found: Credential): boolean {
  const { scope, authorizationDetails: asked = [] } = boundOf(found)
  const { scope: granted, authorizationDetails: seen = [] } = answerOf(found)
  return includesScope(scope, granted) && seen.every((one) => asked.some((other) => isDeepStrictEqual(one, other)))
}

/** Whether this user has answered it with a yes; undefined where they have not answered. */
export function answeredBy({ state, userId }: Credential, user: string): boolean | undefined {
  if (userId !== user || state === 'pending') return undefined
  return state !== 'denied'
}
