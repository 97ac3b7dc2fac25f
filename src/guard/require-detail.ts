/** `requireDetail`: behind the guard, requires an authorization detail of one type (RFC 9396). */
import type { Request, RequestHandler } from 'express'
import type { Awaitable } from '../awaitable'
import { deadline } from '../deadline'
import { sendError } from '../http/endpoint'
import { kindOf, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import type { AuthorizationDetail } from '../rules/authorization-details'
import { schemeOf } from '../sender-constraints/confirmation'
import { missingDetail, withChallenge } from './challenge'
import { admissionOf, notAdmitted } from './presented-token'

/**
 * Admits a request that the guard admitted and whose access token has an authorization detail of this type (RFC 9396).
 * With `fits`, the function must return true for the detail: `requireDetail('payment', (detail, req) => detail.amount
 * === req.body.amount)`.
 */
export function requireDetail(
  type: string,
  fits?: (detail: AuthorizationDetail, req: Request) => Awaitable<boolean>,
): RequestHandler {
  requireNoMore('requireDetail', arguments, 2)
  if (typeof type !== 'string' || type === '') {
    throw misuse('missing_option', `requireDetail needs the type of the detail, such as 'payment', not ${kindOf(type)}`)
  }
  if (fits !== undefined && typeof fits !== 'function') {
    throw misuse(
      'not_a_function',
      `requireDetail's second argument must be a function: (detail, req) => …, not ${kindOf(fits)}`,
    )
  }
  return (req, res, next) => {
    const found = admissionOf(req)
    const { challenge } = found ?? {}
    if (!found || !challenge) {
      return next(notAdmitted(req, 'requireDetail needs bearerGuard or bearerStrategy in front of it'))
    }
    const { authorizationDetails = [] } = found.accessToken
    const ofType = authorizationDetails.filter((detail) => detail.type === type)
    const decide = (isAdmitted: boolean): void => {
      if (isAdmitted) return next()
      if (!res.headersSent) sendError(withChallenge(missingDetail(type), challenge, [], schemeOf(req)), req, res)
    }
    if (!fits) return decide(ofType.length > 0)
    void anyFits(fits, ofType, req).then(decide).catch(next)
  }
}

const inTime = deadline()

async function anyFits(
  fits: NonNullable<Parameters<typeof requireDetail>[1]>,
  details: readonly AuthorizationDetail[],
  req: Request,
): Promise<boolean> {
  for (const detail of details) {
    const said: unknown = await inTime("requireDetail's function", fits(detail, req))
    if (typeof said !== 'boolean') {
      throw misuse('wrong_answer', `requireDetail's function must return true or false, not ${kindOf(said)}`)
    }
    if (said) return true
  }
  return false
}
