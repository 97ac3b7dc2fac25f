/** The user's answer to a device, stored beside the device's request. */
import { isDeepStrictEqual } from 'node:util'
import { boundOf } from '../credentials/bound'
import type { AuthorizationDetails } from '../rules/authorization-details'
import { includesScope, type Scope } from '../rules/scope'
import type { Credential } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'

/** The user who answered; for an approval also what they approved, and since when. */
interface Answer {
  readonly userId: string
  readonly scope: Scope
  readonly startedAt: number
  /** The details that the user saw. A type that the client lost meanwhile is not among them. */
  readonly authorizationDetails?: AuthorizationDetails | undefined
}

/**
 * Stores an answer to an unanswered code. Of two concurrent answers one succeeds, and the other gets false. The columns
 * repeat the answer, so that a revocation of the user's grants covers it. If both differ, the code is dead.
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

/** The answer, if there is one. */
export function answerOf({ data }: Credential): Answer {
  return data.answer as Answer
}

/**
 * Whether the answer is within the device's request. No digest covers it, because the page does not know the device's
 * secret. A change by an adapter can only reduce it or make it invalid.
 */
export function isWithinRequest(found: Credential): boolean {
  const { scope, authorizationDetails: asked = [] } = boundOf(found)
  const { scope: granted, authorizationDetails: seen = [] } = answerOf(found)
  return includesScope(scope, granted) && seen.every((one) => asked.some((other) => isDeepStrictEqual(one, other)))
}

/** Whether this user approved it. Undefined if this user did not answer. */
export function answeredBy({ state, userId }: Credential, user: string): boolean | undefined {
  if (userId !== user || state === 'pending') return undefined
  return state !== 'denied'
}
