/** The public names of express-authorization-server, one by one. */
export type { AccessToken } from './access-token'
export { type OpaqueOptions, opaque } from './access-tokens/opaque'
export type { Awaitable } from './awaitable'
export { type ApproveOptions, approve } from './deciders/approve'
export { type ConsentPageOptions, consentPage } from './deciders/consent-page'
export type { ConsentView } from './deciders/consent-view'
export { OAuthError, type OAuthErrorCode, type OAuthErrorOptions } from './errors'
export type { AuthorizationServerEvent } from './events'
export { type AuthorizationCodeOptions, authorizationCode } from './grants/authorization-code'
export { clientCredentials } from './grants/client-credentials'
export { type ImplicitOptions, implicit } from './grants/implicit'
export { type PasswordOptions, password } from './grants/password'
export { type RefreshTokenOptions, refreshToken } from './grants/refresh-token'
export {
  accessToken,
  type BearerGuardOptions,
  type BearerStrategy,
  bearerGuard,
  bearerStrategy,
  requireScope,
} from './guard'
export type { AuthorizationResponseStyle } from './http/authorization-response'
export type { TokenPlace } from './http/bearer-token'
export type { CorsOptions } from './http/endpoint'
export {
  type ClientChanges,
  deleteClient,
  listClients,
  type RegisterClientOptions,
  registerClient,
  rotateClientSecret,
  updateClient,
} from './operations/clients'
export { deleteExpired, listGrants, revokeGrants } from './operations/grants'
export {
  type IssueCodeOptions,
  type IssueTokensOptions,
  issueCode,
  issueTokens,
  verifyAccessToken,
} from './operations/tokens'
export { type BcryptPasswordsOptions, bcryptPasswords } from './passwords/bcrypt-passwords'
export { type AuthorizeRouterOptions, authorizeRouter } from './routers/authorize'
export { type ClientsCaller, type ClientsRouterOptions, clientsRouter } from './routers/clients'
export { type IntrospectRouterOptions, introspectRouter } from './routers/introspect'
export { type MetadataRouterOptions, metadataRouter } from './routers/metadata'
export { type OAuthRouterOptions, oauthRouter } from './routers/oauth'
export { type RevokeRouterOptions, revokeRouter } from './routers/revoke'
export { type TokenRouterOptions, tokenRouter } from './routers/token'
export type { ClientMetadata } from './rules/client-metadata'
export type { RequestParameters } from './rules/params'
export type { PkcePolicy } from './rules/pkce'
export type { Scope } from './rules/scope'
export { type AuthorizationServerOptions, createAuthorizationServer } from './server'
export type {
  Client,
  ClientSecret,
  ClientStorage,
  Credential,
  Grant,
  GrantStorage,
  OAuthStorage,
  RevocationTarget,
  TokenEndpointAuthMethod,
} from './storage'
export { memoryStorage } from './storage/memory'
export { type Limiter, type LimiterOptions, limiterThrottle, memoryThrottle } from './throttle'
export type {
  AccessTokenFormat,
  ApprovedAuthorization,
  Attempt,
  AuthorizationRequest,
  AuthorizationServer,
  Decide,
  Decision,
  Endpoints,
  GrantType,
  RefreshTokenSettings,
  Throttle,
  TokenRequest,
  TokenResponse,
  TokenResponseContext,
  Users,
} from './types'
