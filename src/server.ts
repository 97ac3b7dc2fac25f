/** The options of the server, their defaults and their validation. The result is one frozen AuthorizationServer. */
import type { Awaitable } from './awaitable'
import { verifiedClientAuthentication } from './clients/authenticated-request'
import { isClientMetadata, tableNames, tableWireNames } from './clients/members'
import { type ClientIdMetadataDocumentsOptions, clientDocuments } from './clients/metadata-document'
import { systemClock } from './credentials/bound'
import { deadline } from './deadline'
import { authorizationCode } from './grants/authorization-code'
import { clientCredentials } from './grants/client-credentials'
import { refreshToken } from './grants/refresh-token'
import { capabilitiesOf, clientMembersOf, placesOf, verifiedOpenId, verifiedRequests } from './host/capabilities'
import { emitter } from './host/events'
import { refusalLog } from './host/refusals'
import { byResponseType, checkServer, verifiedFormat, verifiedGrants, verifyPlain, warner } from './host/start-up'
import { clock, exactClock } from './options/host-functions'
import { requireKnown, requireNoMore } from './options/known'
import { type PagesOptions, preparePages } from './pages/page'
import { memoryThrottle } from './passwords/throttle'
import { verifiedSecrets } from './passwords/verified-secrets'
import { verifiedIssuer } from './rules/issuer'
import type { PkcePolicy } from './rules/pkce'
import { type ResourceLimit, resourceRules } from './rules/resource'
import { scopeMap, withScopes, wordsBrought } from './rules/scope'
import { verifiedConstraints } from './sender-constraints/bound-keys'
import type { OAuthStorage } from './storage'
import { checkedStorage } from './storage/checked'
import { opaque } from './tokens/access-token'
import { verifiedDetails } from './tokens/authorization-details'
import { resourceLimits } from './tokens/resource-limits'
import type { AccessTokenFormat } from './types/access-token'
import type { Throttle } from './types/attempts'
import type { AuthorizationDetailsOptions } from './types/authorization-details'
import type { AuthorizationServer, GrantType } from './types/authorization-server'
import type { ClientAuthentication, RequestSource, SenderConstraint } from './types/capability'
import type { Endpoints } from './types/endpoints'
import type { AuthorizationServerEvent } from './types/events'
import type { OpenIdProvider } from './types/openid'
import type { TokenResponse, TokenResponseContext } from './types/token'
import type { FindAnswer, Users } from './types/users'
import { verifiedUsers } from './users'

/** Options of `createAuthorizationServer`. */
export interface AuthorizationServerOptions<Found extends FindAnswer = FindAnswer> {
  /**
   * The issuer identifier (RFC 8414 §2): an `https` URL without query and fragment, or `http` on loopback. Clients
   * compare it byte for byte.
   */
  issuer: string
  /** The storage of clients, grants and credentials: `memoryStorage()`, or an adapter that passes `storageContract`. */
  storage: OAuthStorage
  /**
   * Seconds that one call of the storage or of your functions may take; then 503, and an event that names the call.
   * @default 5
   */
  storageTimeout?: number
  /** The scopes of the server: each with its meaning for the consent page, or a list of names. */
  scopes: Readonly<Record<string, string>> | readonly string[]
  /** The grants of the server. @default [authorizationCode(), clientCredentials(), refreshToken()] */
  grants?: readonly GrantType[]
  /** The methods of client authentication. @default [clientSecret(), privateKeyJwt()] */
  clientAuthentication?: readonly ClientAuthentication[]
  /** How tokens are bound to a key of their client: `[dpop()]` (RFC 9449), `[mutualTls()]` (RFC 8705). @default [] */
  senderConstraints?: readonly SenderConstraint[]
  /**
   * More sources of authorization requests: `pushedAuthorizationRequests()` (RFC 9126), `requestObjects()` (RFC 9101).
   * Without them the parameters `request_uri` and `request` are refused.
   * @default []
   */
  requests?: readonly RequestSource[]
  /**
   * The types of authorization details (RFC 9396), by name: `{ payment: { members: ['amount'], check, describe } }`.
   * @default the parameter is ignored, like any unknown one
   */
  authorizationDetails?: Readonly<Record<string, AuthorizationDetailsOptions>>
  /**
   * OpenID Connect: `openid({ keys, authentication })` of `express-authorization-server/openid`. It adds its scopes to
   * those of the server.
   * @default none
   */
  openid?: OpenIdProvider
  /** The format and lifetime of access tokens. @default opaque({ ttl: 3600 }) */
  accessTokens?: AccessTokenFormat
  /**
   * The APIs that clients may name as `resource` (RFC 8707), beside the audience of `jwt()`: a list of URIs, or the
   * limits of each, `{ 'https://api.example.com': { ttl: 300, scopes: ['read'] } }`. A request without `resource` is
   * for the first one, unless `jwt()` has an audience. The guard accepts only tokens for its own resource.
   * @default []
   */
  resources?: readonly string[] | Readonly<Record<string, ResourceLimit>>
  /**
   * Your users: `{ find, current, signIn, switchUser, claims }`. The guard calls `find` with the user id of a token and
   * refuses tokens of unknown users. Pages call `current` for the signed-in user, or send the browser to `signIn`.
   * @default every id is accepted, and `req.user` is signed in
   */
  users?: Users<Found>
  /**
   * Which clients must use PKCE (RFC 7636, RFC 9700 §2.1.1): `'all-clients'`, `'public-clients'`, or `'optional'`. A
   * client record may override it with `requirePkce`.
   * @default 'all-clients'
   */
  pkce?: PkcePolicy
  /** Accepts an `http` issuer for containers in development: the network can read every token. @default false */
  dangerouslyAllowHttp?: boolean
  /** Accepts redirect URIs with `http` beyond loopback: the network can read the code. @default false */
  allowHttpRedirectUris?: boolean
  /**
   * The private-use schemes that redirect URIs may have (RFC 8252 §7.1): `'any'`, or only those `'with-dot'`. A scheme
   * without a dot, such as `cursor:`, requires a public client and PKCE, and the user is asked each time. A scheme of
   * browsers or other programs, such as `javascript:`, is always refused.
   * @default 'any'
   */
  privateUseSchemes?: 'any' | 'with-dot'
  /**
   * Limits attempts at passwords and chosen client secrets, registrations, document fetches, and stored requests of public
   * clients. `limiterThrottle()` serves several processes. `false` if the host limits them in front.
   * @default memoryThrottle()
   */
  throttle?: Throttle | false
  /**
   * Accepts unregistered clients whose id is the https URL of a metadata document
   * (draft-ietf-oauth-client-id-metadata-document).
   * @default such clients are unknown
   */
  clientIdMetadataDocuments?: ClientIdMetadataDocumentsOptions
  /**
   * The paths of the routers: `{ authorize, token, revoke, introspect, register, clients }`, and those that other
   * options add. Absolute paths, for the metadata and `oauthRouter`.
   * @default {}
   */
  endpoints?: Endpoints
  /**
   * The path that a proxy removes from each request: `'/auth'` for `location /auth/ { proxy_pass http://app/; }`.
   * `endpoints` are the paths that clients see, and begin with it.
   * @default the path of the issuer, for endpoints that begin with it
   */
  proxyPrefix?: string
  /** The texts and the look of all pages: `{ name, languages, texts, theme }`. @default English, German and Spanish */
  pages?: PagesOptions
  /** Adds members to token responses, or changes standard members for an old API. @default no change */
  tokenResponse?: (body: TokenResponse, context: TokenResponseContext) => Awaitable<Record<string, unknown>>
  /** Called with each event; events contain no secrets. A thrown error is ignored. @default errors go to `console.error` */
  onEvent?: (event: AuthorizationServerEvent) => void
  /** The time in seconds since the epoch; a fraction makes the check for hasty consent forms exact. @default the clock */
  now?: () => number
}

const optionNames: readonly string[] = [
  ...(['issuer', 'storage', 'storageTimeout', 'scopes', 'grants', 'clientAuthentication', 'requests'] as const),
  ...(['senderConstraints', 'authorizationDetails', 'openid', 'accessTokens', 'resources', 'users'] as const),
  ...(['pkce', 'throttle', 'dangerouslyAllowHttp', 'allowHttpRedirectUris', 'privateUseSchemes'] as const),
  ...(['clientIdMetadataDocuments', 'endpoints', 'proxyPrefix', 'pages', 'tokenResponse', 'onEvent', 'now'] as const),
] satisfies (keyof AuthorizationServerOptions)[]

/**
 * Creates the authorization server: its options, validated and frozen. Pass it to every other function.
 *
 * @throws TypeError for a wrong option. The message names the option and the fix.
 */
export function createAuthorizationServer<Found extends FindAnswer = FindAnswer>(
  options: AuthorizationServerOptions<Found>,
): AuthorizationServer {
  requireNoMore('createAuthorizationServer', arguments, 1)
  requireKnown('createAuthorizationServer option', options ?? null, optionNames, ['issuer', 'storage', 'scopes'])
  const { grants, lists, capabilities } = listsOf(options)
  const { openid, clientIdMetadataDocuments: documents } = options
  verifyPlain(options)
  const accessTokens = verifiedFormat(options.accessTokens ?? opaque())
  const now = options.now === undefined ? systemClock : clock(options.now)
  const emit = emitter(options.onEvent, now)
  const issuer = verifiedIssuer(options.issuer, options.dangerouslyAllowHttp)
  const clientRules = {
    ...resourceRules(options.resources, accessTokens.audience),
    scopes: withScopes(scopeMap(options.scopes), openid?.scopes),
    ...lists,
    grants: new Map(grants.map((grant) => [grant.grantType, grant])),
    responseTypes: byResponseType(grants),
    pkce: options.pkce ?? 'all-clients',
    allowHttpRedirectUris: options.allowHttpRedirectUris ?? false,
    privateUseSchemes: options.privateUseSchemes ?? 'any',
    accessTokens,
    refreshTokens: grants.find((grant) => grant.refreshTokens)?.refreshTokens,
    clientMembers: clientMembersOf(capabilities, tableNames, tableWireNames),
  }
  const throttle = options.throttle === false ? undefined : (options.throttle ?? memoryThrottle())
  const means = { emit, inTime: deadline(options.storageTimeout), now, throttle }
  const server = Object.freeze({
    issuer,
    ...clientRules,
    ...means,
    storage: checkedStorage(options.storage, (row) => isClientMetadata(row, clientRules), means.inTime),
    resourceLimits: resourceLimits(options.resources, clientRules, openid?.scopes),
    codes: grants.find((grant) => grant.codes)?.codes,
    openid,
    capabilities,
    users: verifiedUsers(options.users),
    clientDocuments: documents && clientDocuments(documents, { ...clientRules, ...means }),
    ...placesOf(options, capabilities),
    ...(options.tokenResponse && { tokenResponse: options.tokenResponse }),
    verifiedSecrets: verifiedSecrets(),
    pages: preparePages(options.pages, issuer, openid && wordsBrought(clientRules.scopes, openid)),
    explain: refusalLog(options.onEvent !== undefined),
    warn: warner(emit),
    exactNow: exactClock(options.now),
  } satisfies AuthorizationServer)
  checkServer(server, options.storage)
  return server
}

/** Checks the lists of the server and collects what their values add. */
function listsOf(options: AuthorizationServerOptions) {
  const grants = verifiedGrants(options.grants ?? [authorizationCode(), clientCredentials(), refreshToken()])
  const clientAuthentication = verifiedClientAuthentication(options.clientAuthentication)
  const requests = verifiedRequests(options.requests, { clientAuthentication })
  const senderConstraints = verifiedConstraints(options.senderConstraints)
  const openid = verifiedOpenId(options.openid, options.accessTokens)
  const details = verifiedDetails(options.authorizationDetails)
  const lists = { clientAuthentication, senderConstraints, requests, authorizationDetails: details[0] }
  const capabilities = capabilitiesOf(grants, clientAuthentication, senderConstraints, requests, openid, details)
  return { grants, lists, capabilities }
}
