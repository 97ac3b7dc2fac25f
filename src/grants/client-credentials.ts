/** The client credentials grant: RFC 6749 §4.4. */
import { OAuthError } from '../errors'
import { requireNoMore } from '../options/known'
import { audienceMember, resolveAudience } from '../rules/resource'
import { resolveScope } from '../rules/scope'
import { requestedDetails } from '../tokens/authorization-details'
import { issueNew } from '../tokens/issue'
import type { AuthorizationServer, GrantType } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { requireOwner } from '../users'

/** The client credentials grant, for a client that acts for itself. It issues no refresh token (RFC 6749 §4.4.3). */
export function clientCredentials(): GrantType {
  requireNoMore('clientCredentials', arguments, 0)
  return Object.freeze({ grantType: 'client_credentials', handle: issueToClient } satisfies GrantType)
}

async function issueToClient(server: AuthorizationServer, request: TokenRequest): Promise<TokenResponse> {
  const { client, parameters, startedAt } = request
  // RFC 6749 §4.4: confidential clients only; without authentication anyone could get the token
  if (!request.authenticated) {
    throw new OAuthError('unauthorized_client', 'This grant requires client authentication.')
  }
  if (client.username !== undefined) await requireOwner(server, client.username)
  const audience = resolveAudience(server, client, parameters.get('resource'))
  const details = server.authorizationDetails && (await requestedDetails(server, client, parameters, audience, true))
  // RFC 9396 §3.1: a request with details and no scope does not get the default scope
  const isScoped = !details || parameters.has('scope')
  const scope = isScoped ? resolveScope(server, client, parameters.get('scope')) : []
  const authorization = {
    ...{ clientId: client.clientId, scope, startedAt, ...audienceMember(audience) },
    ...(details && { authorizationDetails: details }),
  }
  return await issueNew(server, request, authorization)
}
