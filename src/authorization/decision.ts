/** Checks what a decider of the host returned, and limits how long it may take to respond. */
import type { Response } from 'express'
import { deadline } from '../deadline'
import { OAuthError } from '../errors'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import { requireScopeWithin, type Scope, toScope } from '../rules/scope'
import type { AuthorizationRequest, Decide, Decision } from '../types/authorization-server'

const SECONDS_TO_ANSWER = 30

/** For functions of the host that may respond through `res`: a page takes longer than a lookup. */
export const inTimeToAnswer = deadline(SECONDS_TO_ANSWER)

/** Adds a time limit to a decider. The built-in ones already limit every wait. */
export function timely(decide: Decide): Decide {
  return decide.usersAt ? decide : (request, req, res) => inTimeToAnswer('decide', decide(request, req, res))
}

/** The error for a value that is neither yes nor no: a mistake of the host must not look like a refusal of the user. */
export function notADecision(decision: unknown): TypeError {
  const fix = 'decide must return { allow: true, userId }, { allow: false }, or nothing after it answered res'
  const { allow } = (decision ?? {}) as { allow?: unknown }
  const came = allow === undefined ? kindOf(decision) : `allow as ${kindOf(allow)}`
  return misuse('wrong_decision', `${fix}, not ${came}`)
}

/** The granted scope: the requested one or less. */
export function grantedScope(request: AuthorizationRequest, scope: NonNullable<AllowedScope>): Scope {
  if (typeof scope !== 'string' && !Array.isArray(scope)) {
    throw misuse('wrong_decision', `decide must return scope as 'read write' or a list, not ${kindOf(scope)}`)
  }
  try {
    return requireScopeWithin(toScope(scope), request.scope)
  } catch (cause) {
    const fix = 'decide must return a scope within request.scope: it holds what the client may have'
    throw misuse('wrong_decision', fix, { cause })
  }
}

type AllowedScope = Extract<Decision, { allow: true }>['scope']

/**
 * A handler that returned nothing may still respond later, as `res.render` does. If it never does, the browser must not
 * wait forever.
 */
export function expectAnswer(res: Response, name: string, failed: (error: OAuthError) => void): void {
  if (res.headersSent || res.writableEnded || res.destroyed) return
  const timer = setTimeout(() => {
    if (res.headersSent || res.destroyed) return
    const problem = `${name} returned nothing and did not answer res within ${SECONDS_TO_ANSWER} seconds`
    failed(
      new OAuthError('server_error', 'The server could not complete the request.', {
        cause: misuse('wrong_answer', `${problem}: return the result, or await it`),
      }),
    )
  }, SECONDS_TO_ANSWER * 1000).unref()
  res.once('close', () => clearTimeout(timer))
}
