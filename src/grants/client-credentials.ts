/** The client credentials grant: RFC 6749 §4.4. */
import { OAuthError } from '../errors'
import { requireNoMore } from '../options/known'
import { audienceMember, resolveAudience } from '../rules/resource'
import { resolveScope } from '../rules/scope'
import { issueNew } from '../tokens/issue'
import type { AuthorizationServer, GrantType } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { requireOwner } from '../users'

/**
 * The client credentials grant, for a client that acts for itself. It has no user and no refresh token (RFC 6749
 * §4.4.3).
 */
export function clientCredentials(): GrantType {
  requireNoMore('clientCredentials', arguments, 0)
  return Object.freeze({ grantType: 'client_credentials', handle: issueToClient } satisfies GrantType)
}

async function issueToClient(server: AuthorizationServer, request: TokenRequest): Promise<TokenResponse> {
  const { client, parameters, startedAt } = request
  // RFC 6749 §4.4: confidential clients only; a client that proves nothing would be a token for everybody
  if (!request.authenticated) {
    throw new OAuthError('unauthorized_client', 'This grant requires client authentication.')
  }
  if (client.username !== undefined) await requireOwner(server, client.username)
  const scope = resolveScope(server.scopes, client, parameters.get('scope'))
  const audience = resolveAudience(server, client, parameters.get('resource'))
  const authorization = { clientId: client.clientId, scope, startedAt, ...audienceMember(audience) }
  return issueNew(server, request, authorization)
}
