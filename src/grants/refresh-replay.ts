/** What a refresh asks for (RFC 6749 §6), and the response again where the same token was just used for the same. */

import { OAuthError } from '../errors'
import {
  type Audience,
  formatResource,
  narrowAudience,
  resolveAudience,
  resourcesFor,
  storedAudience,
} from '../rules/resource'
import {
  askedScope,
  formatScope,
  includesScope,
  intersectScope,
  parseScope,
  remainingScope,
  requireScopeWithin,
  resolveScope,
  type Scope,
} from '../rules/scope'
import type { Credential } from '../storage'
import { findAccessToken, findCredential } from '../tokens/find'
import { responseOf, shapeResponse } from '../tokens/issue'
import { accessTokenAgain, type Refresh, replayId, successorOf } from '../tokens/replay'
import { isCurrent, type PresentedRefreshToken } from '../tokens/rotation'
import type { AuthorizationServer } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'

/** What the new access token is for. */
export interface Asked {
  readonly scope: Scope
  readonly audience: Audience
}

/** What no token of this client could be for is refused before this one is looked at: the answer tells nothing of it. */
export function refuseBeyondClient(server: AuthorizationServer, { client, parameters }: TokenRequest): void {
  resolveScope(server.scopes, client, parameters.get('scope'))
  resolveAudience(resourcesFor(server, client), parameters.get('resource'))
}

/** What is asked of this session. Throws where that is more than it has. */
export function askedOf(server: AuthorizationServer, request: TokenRequest, found: Credential): Asked {
  const scope = scopeOfRefresh(server, request, found)
  // RFC 8707 §2.2: the same for resources
  const { client, parameters } = request
  const held = storedAudience(server, found.data)
  const audience = narrowAudience(resourcesFor(server, client), held, parameters.get('resource'))
  return { scope, audience }
}

// RFC 6749 §6: what was asked may narrow the grant and never widen it; what the client has lost meanwhile is gone
function scopeOfRefresh(server: AuthorizationServer, { client, parameters }: TokenRequest, found: Credential): Scope {
  const held = remainingScope(server.scopes, client, found.scope)
  const asked = parameters.get('scope')
  // in the order of the grant: §3.3, it means nothing
  return asked === undefined ? held : intersectScope(held, requireScopeWithin(askedScope(asked), held))
}

/**
 * The response that the same token got before: for parallel tabs, and for clients whose connection broke. Undefined where
 * the token does not rotate, and is good for another one: what was asked differs, or that access token has ended.
 */
export async function replay(
  server: AuthorizationServer,
  request: TokenRequest,
  found: Credential,
  presented: PresentedRefreshToken,
  asked: Asked,
): Promise<TokenResponse | undefined> {
  // as the row says, and not the option: it may have changed since
  const rotate = !isCurrent(found, presented)
  const row = await findCredential(server, replayId(found), 'refresh_replay')
  // gone too early, by a clock that is ahead: as if the window had closed, though that is no reuse
  if (!row && rotate) throw invalidToken()
  if (!row) return undefined
  const made = row.data as unknown as Refresh
  const difference = differenceOf(request, asked, made)
  if (difference && rotate) throw difference
  if (difference) return undefined
  const successor = successorOf({ rotate }, found, presented, made)
  const accessToken = accessTokenAgain(server.accessTokens, successor, found, presented, made)
  if (accessToken === undefined && rotate) throw invalidToken()
  if (accessToken === undefined || (!rotate && !(await findAccessToken(server, accessToken)))) return undefined
  const scope = parseScope(made.scope)
  const body = responseOf(
    accessToken,
    Math.max(1, made.accessExpiresAt - Math.max(made.refreshedAt, server.now())),
    scope,
  )
  body.refresh_token = successor.refreshToken
  const { clientId, userId, grantId } = found
  const shaped = await shapeResponse(server, body, hookContext(request, found, scope))
  server.emit({ type: 'refresh.replayed', clientId, userId, grantId })
  return shaped
}

/** What a request asks that its token was not just used for. Who asks for nothing in particular asks for what is left. */
function differenceOf({ parameters }: TokenRequest, { scope, audience }: Asked, made: Refresh): OAuthError | undefined {
  const isSame = parameters.has('scope')
    ? formatScope(scope) === made.scope
    : includesScope(parseScope(made.scope), scope)
  if (!isSame) return new OAuthError('invalid_scope', 'This refresh token was just used for another scope.')
  if (formatResource(audience) === made.resource) return undefined
  return new OAuthError('invalid_target', 'This refresh token was just used for another resource.')
}

export function hookContext({ client, grantType, parameters }: TokenRequest, { userId }: Credential, scope: Scope) {
  return { client, grantType, userId, scope, parameters }
}

export function invalidToken(): OAuthError {
  return new OAuthError('invalid_grant', 'The refresh token is unknown, expired, revoked or already used.')
}
