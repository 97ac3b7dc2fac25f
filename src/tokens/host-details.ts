/** Authorization details (RFC 9396) that the host's own code passes to `issueCode` and `issueTokens`. */
import { isDeepStrictEqual } from 'node:util'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import { type AuthorizationDetail, type AuthorizationDetails, DETAILS } from '../rules/authorization-details'
import type { Audience } from '../rules/resource'
import type { Client } from '../storage'
import { frozenCopy } from '../storage/frozen'
import type { AuthorizationServer } from '../types/authorization-server'
import { requestedDetails } from './authorization-details'

/**
 * Checks details that the host's own code passes to `owner`, as those of a request. Throws a TypeError for values that
 * no request could contain: the token would differ from them.
 */
export async function hostDetails(
  owner: string,
  server: AuthorizationServer,
  client: Client,
  details: readonly AuthorizationDetail[] | undefined,
  audience: Audience,
  withoutUser = false,
): Promise<AuthorizationDetails | undefined> {
  if (details === undefined) return undefined
  if (!server.authorizationDetails) {
    throw misuse(
      'missing_capability',
      `${owner}: authorizationDetails needs the option authorizationDetails of the server`,
    )
  }
  const text = jsonOf(details)
  if (text === undefined) {
    const fix = "a list of objects of plain JSON, such as [{ type: 'payment', amount: '10.00' }]"
    throw misuse('wrong_list', `${owner}: authorizationDetails must be ${fix}, not ${kindOf(details)}`)
  }
  return requestedDetails(server, client, new Map([[DETAILS, text]]), audience, withoutUser)
}

/** Returns a list as JSON. Undefined if JSON would change it: a Date, a Map, NaN or undefined in it. */
function jsonOf(value: unknown): string | undefined {
  const isPlain = (one: unknown) =>
    typeof one !== 'object' || /Object|Array|Null/.test(Object.prototype.toString.call(one))
  try {
    const text = JSON.stringify(value, (_, one) => (isPlain(one) ? one : undefined))
    return Array.isArray(value) && isDeepStrictEqual(frozenCopy(value), JSON.parse(text)) ? text : undefined
  } catch {
    return undefined
  }
}
