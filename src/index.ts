/** The public names of express-authorization-server. Types of internal workings are not exported. */

export { type ApproveOptions, approve } from './authorization/approve'
export { type ConsentPageOptions, consentPage } from './authorization/consent-page'
export {
  type PushedAuthorizationRequestsOptions,
  pushedAuthorizationRequests,
  pushedAuthorizationRouter,
} from './authorization/pushed-authorization'
export { type RequestObjectsOptions, requestObjects } from './authorization/request-object'
export type { Awaitable } from './awaitable'
export { type PrivateKeyJwtOptions, privateKeyJwt } from './clients/client-assertion'
export { clientSecret } from './clients/client-secret'
export type { ClientIdMetadataDocumentsOptions } from './clients/metadata-document'
export { deviceAuthorizationRouter } from './device/device-authorization'
export { type DeviceCodeOptions, deviceCode } from './device/device-code'
export { type DeviceRouterOptions, deviceRouter } from './device/verification'
export { OAuthError, type OAuthErrorCode, type OAuthErrorOptions } from './errors'
export { type AuthorizationCodeOptions, authorizationCode } from './grants/authorization-code'
export { clientCredentials } from './grants/client-credentials'
export { type ImplicitOptions, implicit } from './grants/implicit'
export { type JwtBearerOptions, jwtBearer } from './grants/jwt-bearer'
export { type PasswordOptions, password } from './grants/password'
export { type RefreshTokenOptions, refreshToken } from './grants/refresh-token'
export { type TokenExchangeOptions, tokenExchange } from './grants/token-exchange'
export { accessToken, bearerGuard, requireScope, resourceOwner } from './guard/guard'
export type { BearerGuardOptions } from './guard/options'
export { requireDetail } from './guard/require-detail'
export { bearerStrategy } from './guard/strategy'
export type { SigningKeys } from './jwt/key-ring'
export { generateSigningKey } from './jwt/keys'
export { type MutualTlsOptions, mutualTls } from './mutual-tls/mutual-tls'
export { type CleanupOptions, startCleanup } from './operations/cleanup'
export {
  type ClientChanges,
  deleteClient,
  deleteUnusedClients,
  listClients,
  type RegisterClientOptions,
  registerClient,
  rotateClientSecret,
  updateClient,
} from './operations/clients'
export { type IssueCodeOptions, issueCode } from './operations/codes'
export { ensureClient } from './operations/ensure-client'
export { deleteExpired, listGrants, revokeGrants } from './operations/grants'
export { storageHealth } from './operations/health'
export {
  type IssueTokensOptions,
  issueTokens,
  verifyAccessToken,
} from './operations/tokens'
export type { ConsentView } from './pages/consent'
export type { PagesOptions } from './pages/page'
export type { PageTexts } from './pages/texts'
export { type BcryptPasswordsOptions, bcryptPasswords } from './passwords/bcrypt-passwords'
export type { Limiter, LimiterOptions } from './passwords/limiter'
export { limiterThrottle, memoryThrottle } from './passwords/throttle'
export { type RemoteServerOptions, remoteServer } from './remote/remote-server'
export { type AuthorizeRouterOptions, authorizeRouter } from './routers/authorize'
export { type ClientsRouterOptions, clientsRouter } from './routers/clients'
export type { ClientsFormat } from './routers/clients-format'
export { type ConnectedAppsRouterOptions, connectedAppsRouter } from './routers/connected-apps'
export { type IntrospectRouterOptions, introspectRouter } from './routers/introspect'
export { type MetadataRouterOptions, metadataRouter } from './routers/metadata'
export { type OAuthRouterOptions, oauthRouter } from './routers/oauth'
export { type ProtectedResourceRouterOptions, protectedResourceRouter } from './routers/protected-resource'
export { type RegisterRouterOptions, registerRouter } from './routers/register'
export { type RevokeRouterOptions, revokeRouter } from './routers/revoke'
export { type TokenRouterOptions, tokenRouter } from './routers/token'
export type { Scope } from './rules/scope'
export { type DpopOptions, dpop } from './sender-constraints/dpop'
export { type AuthorizationServerOptions, createAuthorizationServer } from './server'
export type {
  Client,
  ClientStorage,
  Credential,
  Grant,
  GrantStorage,
  OAuthStorage,
  TokenEndpointAuthMethod,
} from './storage'
export { memoryStorage } from './storage/memory/memory'
export { type OpaqueOptions, opaque } from './tokens/access-token'
export { type JwtOptions, jwt } from './tokens/jwt'
export type { AccessToken } from './types/access-token'
export type { Throttle } from './types/attempts'
export type { AuthorizationDetailsOptions } from './types/authorization-details'
export type {
  ApprovedAuthorization,
  AuthorizationRequest,
  AuthorizationServer,
  Decide,
  Decision,
  GrantType,
} from './types/authorization-server'
export type {
  Capability,
  ClientAuthentication,
  ClientMember,
  PresentedCredentials,
} from './types/capability'
export type { ClientMetadata } from './types/client-metadata'
export type { CorsOptions, Endpoints } from './types/endpoints'
export type { AuthorizationServerEvent, WarningCode } from './types/events'
export type { TokenRequest, TokenResponse } from './types/token'
export type { Users } from './types/users'
