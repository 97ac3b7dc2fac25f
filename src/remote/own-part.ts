/** The part of an access token that is for an API in another process than its server: RFC 9068 §4, RFC 9396 §9.1. */
import { OAuthError } from '../errors'
import type { Audience } from '../rules/resource'
import { withDetailsOf } from '../tokens/access-token'
import type { AccessToken } from '../types/access-token'

/**
 * The token as this API sees it. Throws if it is for other resources only. An API without `resource` accepts tokens
 * without an audience.
 */
export function ownPart(whole: AccessToken, resources: Audience, accepted: Audience): AccessToken {
  const { audience: held = [], authorizationDetails: details } = whole
  if (accepted.length === 0 ? held.length > 0 : !held.some((one) => accepted.includes(one))) {
    throw new OAuthError('invalid_token', 'The access token is for another resource.')
  }
  return details ? withDetailsOf(whole, [...resources, ...held], accepted) : whole
}
