/** The token response (RFC 6749 §5.1), after the host's `tokenResponse`. */

import { messageOf, OAuthError } from '../errors'
import { misuse } from '../options/misuse'
import type { AuthorizationServer } from '../types/authorization-server'
import type { TokenResponse, TokenResponseContext } from '../types/token'

/** Returns the response as the host shapes it, without undefined members. */
export async function shapeResponse(
  { inTime, tokenResponse }: Pick<AuthorizationServer, 'inTime' | 'tokenResponse'>,
  body: TokenResponse,
  context: TokenResponseContext,
): Promise<TokenResponse> {
  const shaped: unknown = await inTime('tokenResponse', tokenResponse?.({ ...body }, context))
  try {
    if (typeof shaped !== 'object' || shaped === null || Array.isArray(shaped)) throw new Error('not an object')
    const response = Object.fromEntries(
      Object.entries(shaped).filter(([, value]) => value !== undefined && value !== null),
    )
    // before anything is used up: otherwise a cycle or a BigInt would throw after the code is used
    const text = JSON.stringify(response)
    // under any name, for an old API: without it the client has nothing
    if (!text.includes(JSON.stringify(body.access_token).slice(1, -1))) throw new Error('without the access token')
    return response as unknown as TokenResponse
  } catch (problem) {
    throw new OAuthError('server_error', 'The server could not complete the request.', {
      cause: misuse(
        'wrong_answer',
        `The tokenResponse option must return an object that JSON can carry, such as { ...body, more }: ${messageOf(problem)}`,
        { cause: problem },
      ),
    })
  }
}
