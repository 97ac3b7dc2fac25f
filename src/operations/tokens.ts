/** Functions for hosts to issue and verify tokens, by the same rules as over HTTP. */

import { getsRefreshToken, requireClient, requireGrantType } from '../clients/client'
import { OAuthError } from '../errors'
import { requireServer } from '../http/endpoint'
import { requireFlags, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import type { AuthorizationDetail } from '../rules/authorization-details'
import { audienceMember, knownResource, resolveAudience, resourceParameter } from '../rules/resource'
import { formatScope, includesScope, neededScope, resolveScope, type Scope, scopeParameter } from '../rules/scope'
import { requireId } from '../rules/subject'
import { proofPlace } from '../sender-constraints/confirmation'
import { authenticateToken } from '../tokens/access-token'
import { detailsMember } from '../tokens/authorization-details'
import { hostDetails } from '../tokens/host-details'
import { issueNew } from '../tokens/issue'
import type { IssueRequest } from '../tokens/prepared'
import { missingSignIn, verifiedStepUp } from '../tokens/step-up'
import type { AccessToken } from '../types/access-token'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ProvingRequest } from '../types/capability'
import type { TokenRequest, TokenResponse } from '../types/token'
import { requireOwner } from '../users'

/** Options of `issueTokens`. */
export interface IssueTokensOptions {
  /** The client that receives the tokens. */
  clientId: string
  /** The resource owner. @default none: a token for the client itself, as with client credentials */
  userId?: string | number
  /**
   * The granted scope: `'read write'` or a list. The client must be allowed all of it.
   * @default the client's default scope; none beside `authorizationDetails`
   */
  scope?: string | Scope | undefined
  /**
   * The granted authorization details (RFC 9396): `[{ type: 'payment', amount: '10.00' }]`. They are checked like those
   * of a request. Without `userId` their types must list the client in `withoutUser`.
   * @default none
   */
  authorizationDetails?: readonly AuthorizationDetail[]
  /** The resources of the access token (RFC 8707). @default those that `request` names, or the server's default */
  resource?: string | readonly string[] | undefined
  /**
   * Whether to also issue a refresh token.
   * @default true for a user's tokens, where the client is allowed that grant
   */
  refreshToken?: boolean
  /**
   * The grant type of these tokens, which the client's record must allow. A `request` already names its own.
   * @default a grant of your own, for every client
   */
  grantType?: string
  /** The token request that your own grant handles: its parameters and arrival time. @default none, and now */
  request?: TokenRequest
}

const tokenOptionNames: readonly string[] = [
  'clientId',
  'userId',
  'scope',
  'authorizationDetails',
  'resource',
  'refreshToken',
  'grantType',
  'request',
] satisfies (keyof IssueTokensOptions)[]

/**
 * Issues tokens for a user whom the host has authenticated, or for a client. Returns the response that the token
 * endpoint would send, shaped by the option `tokenResponse`.
 */
export async function issueTokens(server: AuthorizationServer, options: IssueTokensOptions): Promise<TokenResponse> {
  requireNoMore('issueTokens', arguments, 2)
  requireServer(server)
  requireKnown('issueTokens option', options ?? null, tokenOptionNames, ['userId', 'scope', 'resource'])
  requireFlags('issueTokens', { refreshToken: options.refreshToken })
  const request = options.request ?? (await hostRequest(server, options))
  const { client } = request
  if (client.clientId !== options.clientId)
    throw misuse('conflicting_options', 'issueTokens: clientId must be that of the request')
  if (options.request && options.grantType !== undefined) {
    throw misuse(
      'conflicting_options',
      'issueTokens: the request has a grantType already: leave the option grantType out',
    )
  }
  // a user whom the host did not find must not give a token for the client itself
  const userId = 'userId' in options ? requireId('issueTokens: userId', options.userId) : undefined
  if (userId === undefined && client.username !== undefined) await requireOwner(server, client.username)
  if (options.refreshToken && !getsRefreshToken(server, client)) {
    throw new OAuthError('unauthorized_client', 'This client may not use the refresh token grant.')
  }
  const resource = resourceParameter(options.resource) ?? request.parameters.get('resource')
  const audience = resolveAudience(server, client, resource)
  const named = options.authorizationDetails
  const details = await hostDetails('issueTokens', server, client, named, audience, userId === undefined)
  const isScoped = !details || options.scope !== undefined
  const scope = isScoped ? resolveScope(server, client, scopeParameter(options.scope), audience) : []
  const refreshToken = (options.refreshToken ?? userId !== undefined) && getsRefreshToken(server, client)
  const { clientId } = client
  const { startedAt } = request
  const authorization = {
    clientId,
    ...(userId !== undefined && { userId }),
    scope,
    startedAt,
    ...audienceMember(audience),
    ...detailsMember(details),
  }
  return issueNew(server, request, authorization, refreshToken)
}

async function hostRequest(
  server: AuthorizationServer,
  { clientId, grantType }: IssueTokensOptions,
): Promise<IssueRequest> {
  const startedAt = server.now()
  const client = await requireClient(server, clientId)
  if (grantType !== undefined) requireGrantType(client, grantType)
  return { client, grantType: grantType ?? 'issueTokens', parameters: new Map(), startedAt }
}

/**
 * Verifies an access token and returns its meaning, for WebSockets, GraphQL and other calls without the guard. Throws
 * an `OAuthError`: `invalid_token`, `insufficient_scope`, `insufficient_user_authentication`, or `server_error` with
 * status 503 if the storage fails. `resource` is one of the server's `resources`; without it, the default audience. A
 * token that is bound to a key needs the `request` that it came with, such as the upgrade request of a WebSocket: its
 * `DPoP` header has the proof. `acr` and `maxAge` require a sign-in (RFC 9470), as in `bearerGuard`.
 *
 * @throws TypeError for a wrong option, such as an `acr` that is not among the `acrValues` of `openid()`.
 */
export async function verifyAccessToken(
  server: AuthorizationServer,
  token: string,
  options: {
    scope?: string | Scope
    resource?: string
    request?: ProvingRequest
    acr?: string | readonly string[]
    maxAge?: number
  } = {},
): Promise<AccessToken> {
  requireNoMore('verifyAccessToken', arguments, 3)
  requireServer(server)
  // a misspelt `scope` would require no scope
  requireKnown('verifyAccessToken option', options, ['scope', 'resource', 'request', 'acr', 'maxAge'], ['scope'])
  const required = neededScope('verifyAccessToken', options)
  const resource = knownResource(server, options.resource)
  const stepUp = verifiedStepUp('verifyAccessToken', server, options)
  const proofs = options.request && proofPlace('verifyAccessToken', server, resource)
  const call = proofs && options.request && { ...proofs, req: options.request }
  const { accessToken, used } = await authenticateToken(server, String(token), resource, call)
  if (!includesScope(accessToken.scope, required)) {
    throw new OAuthError('insufficient_scope', `The access token lacks the scope ${formatScope(required)}.`)
  }
  const missing = stepUp && missingSignIn(stepUp, accessToken)
  if (missing) throw missing
  if (used) setImmediate(used)
  return accessToken
}
