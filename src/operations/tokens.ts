/** What hosts do with codes and tokens from their own code: issue and verify them, by the same rules as over HTTP. */

import type { AccessToken } from '../access-token'
import { authenticateToken, requireClient, requireUser } from '../credentials'
import { OAuthError } from '../errors'
import { getsRefreshToken, prepareCode, prepareTokens, shapeResponse, store } from '../issue'
import { isCodeChallenge, pkceRequired } from '../rules/pkce'
import { matchesRedirectUri } from '../rules/redirect-uri'
import { formatScope, includesScope, resolveScope, type Scope, toScope } from '../rules/scope'
import type { AuthorizationServer, TokenRequest, TokenResponse } from '../types'

export interface IssueCodeOptions {
  clientId: string
  userId: string
  /** Where the client expects the code; the token request must then name it. One of the client's. */
  redirectUri?: string
  /** @default the client's default scope */
  scope?: string | Scope
  /** The S256 challenge (RFC 7636). Required where the server requires PKCE of this client. */
  codeChallenge?: string
}

/** An authorization code for a user that the host has authenticated and who agreed. `expiresIn` is in seconds. */
export async function issueCode(
  server: AuthorizationServer,
  { clientId, userId, redirectUri, scope, codeChallenge }: IssueCodeOptions,
): Promise<{ code: string; expiresIn: number }> {
  const startedAt = server.now()
  if (!server.codes) throw new TypeError('issueCode needs authorizationCode() in the grants of the server')
  const client = await requireClient(server, clientId)
  if (redirectUri !== undefined && !matchesRedirectUri(client.redirectUris, redirectUri)) {
    throw new OAuthError('invalid_request', 'redirectUri is not registered for this client.')
  }
  if (codeChallenge === undefined ? pkceRequired(server.pkce, client) : !isCodeChallenge(codeChallenge)) {
    throw new OAuthError('invalid_request', 'issueCode needs a codeChallenge for this client (PKCE, S256).')
  }
  const { code, credential } = prepareCode(
    server,
    {
      client,
      userId: requireId(userId),
      scope: resolveScope(server.scopes, client, asParameter(scope)),
      startedAt,
      parameters: new Map(),
      ...(redirectUri !== undefined && { sentRedirectUri: redirectUri }),
      ...(codeChallenge !== undefined && { codeChallenge }),
    },
    server.codes.ttl,
  )
  await store(server, [credential])
  server.emit({ type: 'code.issued', clientId, userId, scope: credential.scope })
  return { code, expiresIn: server.codes.ttl }
}

export interface IssueTokensOptions {
  clientId: string
  /** The resource owner. Left out: a token of the client itself, as with client credentials. */
  userId?: string
  /** @default the client's default scope */
  scope?: string | Scope
  /** @default true for a user's tokens, where the client may use the refresh token grant */
  refreshToken?: boolean
  /** The token request that a grant of your own answers: its parameters, and when it arrived. @default none, and now */
  request?: TokenRequest
}

type IssueRequest = Omit<TokenRequest, 'authenticated' | 'network'>

/** Tokens for a user that the host has authenticated, or for a client. The answer is what the token endpoint would send. */
export async function issueTokens(server: AuthorizationServer, options: IssueTokensOptions): Promise<TokenResponse> {
  const request = options.request ?? (await hostRequest(server, options.clientId))
  const { client } = request
  if (client.clientId !== options.clientId) throw new TypeError('issueTokens: clientId is not that of the request')
  const scope = resolveScope(server.scopes, client, asParameter(options.scope))
  const userId = options.userId === undefined ? undefined : requireId(options.userId)
  if (options.refreshToken && !getsRefreshToken(server, client)) {
    throw new OAuthError('unauthorized_client', 'This client may not use the refresh token grant.')
  }
  const refreshToken = (options.refreshToken ?? userId !== undefined) && getsRefreshToken(server, client)
  return issue(server, request, { userId, scope, refreshToken })
}

async function hostRequest(server: AuthorizationServer, clientId: string): Promise<IssueRequest> {
  const startedAt = server.now()
  const client = await requireClient(server, clientId)
  return { client, grantType: 'issueTokens', parameters: new Map(), startedAt }
}

/** The end of every grant that has authenticated a user at the token endpoint. */
export async function issueForUser(
  server: AuthorizationServer,
  request: IssueRequest,
  userId: string,
  scope: Scope,
): Promise<TokenResponse> {
  await requireUser(server, userId)
  return issue(server, request, { userId, scope, refreshToken: getsRefreshToken(server, request.client) })
}

async function issue(
  server: AuthorizationServer,
  { client, grantType, parameters, startedAt }: IssueRequest,
  { userId, scope, refreshToken }: { userId: string | undefined; scope: Scope; refreshToken: boolean },
): Promise<TokenResponse> {
  const { clientId } = client
  const prepared = await prepareTokens(server, { clientId, userId, scope, startedAt, refreshToken })
  const response = await shapeResponse(server, prepared.body, { client, grantType, userId, scope, parameters })
  await store(server, prepared.credentials, prepared.grant)
  server.emit({ type: 'token.issued', grantType, clientId, userId, grantId: prepared.grant?.id, scope })
  return response
}

/**
 * What an access token stands for, for WebSockets, GraphQL and whatever else the guard does not stand before. Throws an
 * `OAuthError`: `invalid_token`, `insufficient_scope`, or `server_error` with status 503 when storage fails.
 */
export async function verifyAccessToken(
  server: AuthorizationServer,
  token: string,
  { scope = [] }: { scope?: string | Scope } = {},
): Promise<AccessToken> {
  const required = toScope(scope)
  const { accessToken } = await authenticateToken(server, String(token))
  if (!includesScope(accessToken.scope, required)) {
    throw new OAuthError('insufficient_scope', `The access token lacks the scope ${formatScope(required)}.`)
  }
  return accessToken
}

function asParameter(scope: string | Scope | undefined): string | undefined {
  return scope === undefined ? undefined : formatScope(toScope(scope))
}

function requireId(userId: unknown): string {
  if (typeof userId === 'string' && userId !== '') return userId
  throw new TypeError('userId must be a non-empty string')
}
