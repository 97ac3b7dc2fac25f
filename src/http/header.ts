/** Headers that a request may have once: Node keeps the first of several. */
import type { Request } from 'express'
import { OAuthError } from '../errors'
import { sentAuthorization } from '../guard/presented-token'

/**
 * The Authorization header, '' where there is none. Node keeps the first of several; what another hop kept is unknown, so
 * none is believed.
 */
export function authorizationHeader(req: Request): string {
  if (sentAuthorization(req).length > 1) {
    throw new OAuthError('invalid_request', 'The Authorization header is included more than once.')
  }
  return req.headers.authorization ?? ''
}
