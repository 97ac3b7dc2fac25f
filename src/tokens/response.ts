/** The token response: RFC 6749 §5.1, and as the host wants it on the wire. */

import { OAuthError } from '../errors'
import { formatScope, type Scope } from '../rules/scope'
import type { AuthorizationServer } from '../types/authorization-server'
import type { TokenResponse, TokenResponseContext } from '../types/token'

/** RFC 6749 §5.1. */
export function responseOf(accessToken: string, expiresIn: number, scope: Scope): TokenResponse {
  const body: TokenResponse = { access_token: accessToken, token_type: 'Bearer', expires_in: expiresIn }
  // required when it differs from what was asked; sent always, which every client takes
  if (scope.length > 0) body.scope = formatScope(scope)
  return body
}

/** The response as the host wants it on the wire, without members that have no value. */
export async function shapeResponse(
  server: AuthorizationServer,
  body: TokenResponse,
  context: TokenResponseContext,
): Promise<TokenResponse> {
  if (!server.tokenResponse) return body
  const shaped: unknown = await server.tokenResponse({ ...body }, context)
  try {
    if (typeof shaped !== 'object' || shaped === null || Array.isArray(shaped)) throw new TypeError('not an object')
    const response = Object.fromEntries(
      Object.entries(shaped).filter(([, value]) => value !== undefined && value !== null),
    )
    // before anything is used up: a cycle or a BigInt would be found out when the code is gone
    JSON.stringify(response)
    return response as unknown as TokenResponse
  } catch (problem) {
    throw new OAuthError('server_error', 'The server could not complete the request.', {
      cause: new TypeError('The tokenResponse option must return an object that JSON can carry', { cause: problem }),
    })
  }
}
