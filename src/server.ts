/** Options, defaults and their validation: what a host says once becomes one frozen AuthorizationServer. */

import type { Awaitable } from './awaitable'
import { isClientMetadata } from './clients/members'
import { type ClientIdMetadataDocumentsOptions, clientDocuments } from './clients/metadata-document'
import { authorizationCode } from './grants/authorization-code'
import { clientCredentials } from './grants/client-credentials'
import { refreshToken } from './grants/refresh-token'
import { emitter } from './host/events'
import { checkServer, verifiedEndpoints, warner } from './host/start-up'
import { clock, exactClock } from './options/host-functions'
import { requireKnown, requireNoMore } from './options/known'
import { type PagesOptions, preparePages } from './pages/page'
import { memoryThrottle } from './passwords/throttle'
import { verifiedSecrets } from './passwords/verified-secrets'
import { verifiedIssuer } from './rules/issuer'
import type { PkcePolicy } from './rules/pkce'
import { isResourceUri, type ResourceRules } from './rules/resource'
import { isScopeToken } from './rules/scope'
import type { OAuthStorage } from './storage'
import { checkedStorage } from './storage/checked'
import { opaque } from './tokens/opaque'
import type { Throttle } from './types/attempts'
import type { AccessTokenFormat, AuthorizationServer, GrantType, Users } from './types/authorization-server'
import type { Endpoints } from './types/endpoints'
import type { AuthorizationServerEvent } from './types/events'
import type { TokenResponse, TokenResponseContext } from './types/token'

/** Options of `createAuthorizationServer`. */
export interface AuthorizationServerOptions {
  /**
   * The server's name in every answer (RFC 8414 §2): an `https` URL, or `http` on loopback, without query and fragment.
   * Clients compare it byte for byte.
   */
  issuer: string
  /** Where clients, grants and credentials are kept: `memoryStorage()`, or an adapter that passes `storageContract`. */
  storage: OAuthStorage
  /** Every scope there is, with what it means in words for the consent page; or just the names. */
  scopes: Readonly<Record<string, string>> | readonly string[]
  /** What the server can grant. @default [authorizationCode(), clientCredentials(), refreshToken()] */
  grants?: readonly GrantType[]
  /** The form and lifetime of access tokens. @default opaque({ ttl: 3600 }) */
  accessTokens?: AccessTokenFormat
  /**
   * The APIs that clients may name as `resource` (RFC 8707), as URIs, beside the audience of `jwt()`. The first is meant
   * where a request names none, unless `jwt()` says otherwise. A guard takes only tokens for its own. @default []
   */
  resources?: readonly string[]
  /**
   * Where the guard finds the user of a token. A user it does not find any more has no tokens either.
   * @default every id is taken, and `req.user` is `{ id }`
   */
  users?: Users
  /**
   * Who must use PKCE (RFC 7636, RFC 9700 §2.1.1): `'all-clients'`, `'public-clients'`, or nobody: `'optional'`. A client
   * record may say otherwise. @default 'all-clients'
   */
  pkce?: PkcePolicy
  /** Accept redirect URIs with `http` beyond loopback, where anybody on the way reads the code. @default false */
  allowHttpRedirectUris?: boolean
  /**
   * Who may try passwords and chosen client secrets, register, and have documents fetched, how often: `memoryThrottle()`, `limiterThrottle()` for several
   * processes, or `false` for a host that does it in front. @default memoryThrottle()
   */
  throttle?: Throttle | false
  /**
   * Takes clients that nobody registered: their id is an https URL, and the document there describes them
   * (draft-ietf-oauth-client-id-metadata-document). @default no such client
   */
  clientIdMetadataDocuments?: ClientIdMetadataDocumentsOptions
  /** Where the routers are: `{ authorize, token, revoke, introspect, register }`, absolute paths for the metadata. @default {} */
  endpoints?: Endpoints
  /**
   * How all pages speak and look: `{ name, languages, texts, theme }`.
   * @default English, German and Spanish
   */
  pages?: PagesOptions
  /** Adds members to token responses, or bends the standard ones for an old API. @default the response as it is */
  tokenResponse?: (body: TokenResponse, context: TokenResponseContext) => Awaitable<Record<string, unknown>>
  /** Hears what happens, and never a secret. What it throws changes nothing. @default errors go to `console.error` */
  onEvent?: (event: AuthorizationServerEvent) => void
  /** The time in seconds since the epoch. A fraction counts only for how soon a consent page is answered. @default the clock */
  now?: () => number
}

const optionNames: readonly string[] = [
  'issuer',
  'storage',
  'scopes',
  'grants',
  'accessTokens',
  'resources',
  'users',
  'pkce',
  'throttle',
  'allowHttpRedirectUris',
  'clientIdMetadataDocuments',
  'endpoints',
  'pages',
  'tokenResponse',
  'onEvent',
  'now',
] satisfies (keyof AuthorizationServerOptions)[]
const pkcePolicies: readonly unknown[] = ['all-clients', 'public-clients', 'optional'] satisfies PkcePolicy[]

/**
 * The authorization server: validated options, frozen. Everything else takes it as the first argument.
 *
 * @throws TypeError for an option that is wrong, naming it and the fix.
 */
export function createAuthorizationServer(options: AuthorizationServerOptions): AuthorizationServer {
  requireNoMore('createAuthorizationServer', arguments, 1)
  if (typeof options !== 'object' || options === null) throw new TypeError('createAuthorizationServer needs options')
  requireKnown('option', options, optionNames)
  const grants = options.grants ?? [authorizationCode(), clientCredentials(), refreshToken()]
  verifyGrants(grants)
  verifyPkce(options.pkce)
  for (const name of ['tokenResponse', 'onEvent', 'now'] as const) requireFunction(name, options[name])
  if (options.throttle) requireFunction('throttle.take', options.throttle.take ?? null)
  if (options.users !== undefined) requireFunction('users.find', options.users?.find ?? null)
  if (typeof (options.allowHttpRedirectUris ?? false) !== 'boolean') {
    throw new TypeError('allowHttpRedirectUris must be true or false')
  }
  const accessTokens = options.accessTokens ?? opaque()
  if (typeof accessTokens.create !== 'function' || typeof accessTokens.locate !== 'function') {
    throw new TypeError('accessTokens must be opaque() or jwt()')
  }
  const now = clock(options.now)
  const responses = grants.filter((grant) => grant.authorize)
  const emit = emitter(options.onEvent, now)
  const issuer = verifiedIssuer(options.issuer)
  const clientRules = {
    ...resourcesOf(options.resources, accessTokens),
    scopes: scopeMap(options.scopes),
    grants: new Map(grants.map((grant) => [grant.grantType, grant])),
    responseTypes: new Map(responses.map((grant) => [grant.responseType as string, grant])),
    allowHttpRedirectUris: options.allowHttpRedirectUris ?? false,
  }
  const documents = options.clientIdMetadataDocuments
  const throttle = options.throttle === false ? undefined : (options.throttle ?? memoryThrottle())
  const server = Object.freeze({
    issuer,
    ...clientRules,
    storage: checkedStorage(options.storage, isClientMetadata),
    codes: grants.find((grant) => grant.codes)?.codes,
    refreshTokens: grants.find((grant) => grant.refreshTokens)?.refreshTokens,
    accessTokens,
    users: options.users,
    pkce: options.pkce ?? 'all-clients',
    clientDocuments: documents && clientDocuments(documents, { ...clientRules, emit, now, throttle }),
    endpoints: verifiedEndpoints(options.endpoints ?? {}),
    ...(options.tokenResponse && { tokenResponse: options.tokenResponse }),
    verifiedSecrets: verifiedSecrets(),
    throttle,
    pages: preparePages(options.pages, issuer),
    emit,
    warn: warner(emit),
    now,
    exactNow: exactClock(options.now),
  } satisfies AuthorizationServer)
  checkServer(server, options.storage)
  return server
}

/** RFC 8707: what may be asked for, and what is meant when nothing is. */
function resourcesOf(resources: readonly string[] = [], { audience = [] }: AccessTokenFormat): ResourceRules {
  if (!Array.isArray(resources) || !resources.every(isResourceUri)) {
    throw new TypeError(
      "resources must be a list of absolute URIs without fragment, such as ['https://api.example.com']",
    )
  }
  return {
    resources: Object.freeze([...new Set([...audience, ...resources])]),
    audience: Object.freeze(audience.length > 0 ? [...audience] : resources.slice(0, 1)),
  }
}

function scopeMap(scopes: unknown): ReadonlyMap<string, string> {
  if (typeof scopes !== 'object' || scopes === null) {
    throw new TypeError("scopes must name every scope, such as { read: 'See your data' } or ['read']; none is []")
  }
  const entries: [string, unknown][] = Array.isArray(scopes)
    ? scopes.map((scope) => [scope, scope])
    : Object.entries(scopes)
  for (const [scope, words] of entries) {
    if (!isScopeToken(scope) || typeof words !== 'string') {
      throw new TypeError(`scopes: ${String(scope)} must be a scope token (RFC 6749 §3.3) with a description`)
    }
  }
  return new Map(entries as [string, string][])
}

function verifyGrants(grants: readonly GrantType[]): void {
  const fix = 'grants must be a list such as [authorizationCode(), refreshToken()]'
  if (!Array.isArray(grants) || grants.length === 0) throw new TypeError(fix)
  const names = new Set<string>()
  const types = new Set<string>()
  for (const grant of grants as (GrantType | undefined)[]) {
    if (typeof grant?.grantType !== 'string' || !(grant.handle || (grant.responseType && grant.authorize))) {
      throw new TypeError(`${fix}; a grant has a grantType with handle, or a responseType with authorize`)
    }
    if (names.has(grant.grantType)) throw new TypeError(`grants has ${grant.grantType} more than once`)
    names.add(grant.grantType)
    if (grant.responseType === undefined) continue
    if (types.has(grant.responseType)) throw new TypeError(`grants has two for response_type ${grant.responseType}`)
    types.add(grant.responseType)
  }
}

function verifyPkce(pkce: unknown): void {
  if (pkce === undefined || pkcePolicies.includes(pkce)) return
  throw new TypeError(`pkce must be one of ${pkcePolicies.join(', ')}`)
}

function requireFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw new TypeError(`${name} must be a function`)
}
