/** An authorization server in another process, for an API: verifies tokens by the server's keys or by introspection. */

import { type Awaitable, orElse, whenReady } from '../awaitable'
import { systemClock } from '../credentials/bound'
import { deadline, type InTime } from '../deadline'
import { invalidToken, OAuthError } from '../errors'
import { kept } from '../fetch/cached'
import { unreachable } from '../fetch/json'
import { emitter } from '../host/events'
import { checkHttps, warner } from '../host/start-up'
import { remoteKeys } from '../jwt/remote-keys'
import { jwtVerifier } from '../jwt/verify'
import { clock } from '../options/host-functions'
import { requireFlags, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { requireSeconds } from '../options/seconds'
import { verifiedIssuer, verifiedOrigin } from '../rules/issuer'
import type { Audience, ResourceRules } from '../rules/resource'
import { verifiedConstraints } from '../sender-constraints/bound-keys'
import { type Call, verifyConfirmation } from '../sender-constraints/confirmation'
import { type AuthenticatedToken, userOf } from '../tokens/access-token'
import { accessTokenJwt, accessTokenOfClaims } from '../tokens/claims'
import type { AccessToken } from '../types/access-token'
import type { AuthorizationServer } from '../types/authorization-server'
import type { SenderConstraint } from '../types/capability'
import type { AuthorizationServerEvent } from '../types/events'
import type { Users } from '../types/users'
import { fetchMetadata } from './metadata'
import { ownPart } from './own-part'
import { type IntrospectionClient, remoteIntrospection } from './remote-introspection'

/** Options of `remoteServer`. */
export interface RemoteServerOptions {
  /** The issuer, exactly as in the server's metadata (RFC 8414), where the rest is discovered. */
  issuer: string
  /**
   * The origin at which this process reaches the server, such as `'http://auth:3000'`, for metadata, keys and
   * introspection. Tokens still name the issuer.
   * @default the origin of the issuer
   */
  reachableAt?: string
  /**
   * Accepts `http` beyond loopback, as between containers in development: anyone in that network can forge tokens.
   * @default false
   */
  dangerouslyAllowHttp?: boolean
  /**
   * The audience of the tokens that this process accepts (RFC 9068 §4): one URI or several, spelled as in the server's
   * `resources`. Required without `introspect`: otherwise a token for any other API of the server would be accepted.
   * @default none, with `introspect`
   */
  resource?: string | Audience
  /**
   * Introspects each token at the server (RFC 7662) instead of verifying it here. Then a revocation takes effect at
   * once, and tokens may be opaque.
   * @default tokens are JWTs (RFC 9068), verified with the server's published keys
   */
  introspect?: IntrospectionClient
  /** With `introspect`: seconds that a response is cached, and a revocation goes unnoticed. @default 0 */
  cache?: number
  /**
   * Finds the users for this process: `{ find }`. An unknown user has no access.
   * @default every id is accepted, and `req.user` is `{ id }`
   */
  users?: Pick<Users, 'find'>
  /**
   * The ways that tokens may be bound to a key of their client: `[dpop()]` (RFC 9449), `[mutualTls()]` (RFC 8705).
   * @default [], and bound tokens are refused
   */
  senderConstraints?: readonly SenderConstraint[]
  /** Called with failures, `{ type: 'error', error }`, and warnings. @default failures go to `console.error` */
  onEvent?: (event: AuthorizationServerEvent) => void
  /** Returns the time in whole seconds since the epoch. @default the clock */
  now?: () => number
}

/** The result of `remoteServer`, for `bearerGuard` and `protectedResourceRouter`. */
export interface RemoteServer
  extends ResourceRules,
    Pick<AuthorizationServer, 'issuer' | 'senderConstraints' | 'emit' | 'warn' | 'now'> {
  /**
   * Verifies an access token and returns its meaning. Throws `invalid_token`, or 503 if the server cannot be reached.
   */
  readonly authenticate: (token: string, resource?: string, call?: Call) => Awaitable<AuthenticatedToken>
  /** @internal */
  readonly users: Pick<Users, 'find'> | undefined
  /** @internal */
  readonly inTime: InTime
}

/** Finds the meaning of a token. `accepted` is the expected audience, if known without a request. */
type FindAccessToken = (token: string, accepted: Audience) => Awaitable<AccessToken>

const optionNames: readonly string[] = [
  'issuer',
  'reachableAt',
  'dangerouslyAllowHttp',
  'resource',
  'introspect',
  'cache',
  'users',
  'senderConstraints',
  'onEvent',
  'now',
] satisfies (keyof RemoteServerOptions)[]

/**
 * An authorization server in another process, for the guard of an API: `bearerGuard(remoteServer({ issuer, resource
 * }))`. Keys are fetched on first use, and renewed every ten minutes or when a token names an unknown key. If the
 * server cannot be reached, keys stay valid for an hour. After that a request gets 503, as it does if the server or
 * `users.find` does not respond within 5 seconds.
 *
 * @throws TypeError for a wrong option. The message names the option and the fix.
 */
export function remoteServer(options: RemoteServerOptions): RemoteServer {
  requireNoMore('remoteServer', arguments, 1)
  const { issuer, reachableAt, allowHttp, resources, introspect, cache, users, senderConstraints } =
    verifiedOptions(options)
  const now = options.now === undefined ? systemClock : clock(options.now)
  const emit = emitter(options.onEvent, now)
  const warn = warner(emit)
  checkHttps(warn, 'issuer', issuer)
  checkHttps(warn, 'reachableAt', reachableAt)
  const failed = (error: unknown) => emit({ type: 'error', error: unreachable(error) })
  const metadata = () => fetchMetadata(issuer, reachableAt, allowHttp)
  const verifying = (): FindAccessToken => {
    const verify = jwtVerifier(accessTokenJwt)
    const findKey = remoteKeys(metadata, now, failed, allowHttp)
    return (token, audience) =>
      whenReady(verify(token, findKey, { issuer, audience, now: now() }), (claims) => {
        if (!claims) throw invalidToken()
        return Object.freeze({ ...accessTokenOfClaims(claims), claims })
      })
  }
  const introspecting = (client: IntrospectionClient): FindAccessToken => {
    const described = kept(metadata, now, failed)
    const endpoint = () => whenReady(described.get(), (document) => document.introspection_endpoint)
    return remoteIntrospection({ issuer, client, endpoint, allowHttp, cache, now })
  }
  const find = introspect ? introspecting(introspect) : verifying()
  const source = { users, inTime: deadline() }
  const place = { issuer, audience: resources, emit, now, senderConstraints }

  return Object.freeze({
    ...place,
    resources,
    warn,
    ...source,
    authenticate(token, resource, call) {
      const accepted = resource === undefined ? resources : [resource]
      const found = orElse<AccessToken>(
        () => source.inTime(`the authorization server ${issuer}`, find(token, accepted)),
        (error) => {
          throw error instanceof OAuthError ? error : unreachable(error)
        },
      )
      return whenReady(found, (whole) => {
        const accessToken = ownPart(whole, resources, accepted)
        const proven = verifyConfirmation(place, token, accessToken, call)
        return whenReady(proven, () => whenReady(userOf(source, accessToken), (user) => ({ accessToken, user })))
      })
    },
  } satisfies RemoteServer)
}

interface VerifiedOptions {
  issuer: string
  reachableAt: string
  allowHttp: boolean
  resources: Audience
  introspect: IntrospectionClient | undefined
  cache: number
  users: RemoteServerOptions['users']
  senderConstraints: readonly SenderConstraint[]
}

function verifiedOptions(options: RemoteServerOptions): VerifiedOptions {
  if (typeof options !== 'object' || options === null)
    throw misuse('missing_option', 'remoteServer needs { issuer, resource }')
  requireKnown('option', options, optionNames, ['issuer'])
  const { resource = [], introspect, cache = 0, users, dangerouslyAllowHttp: allowHttp = false } = options
  requireFlags('remoteServer', { dangerouslyAllowHttp: allowHttp })
  const issuer = verifiedIssuer(options.issuer, allowHttp)
  const { reachableAt: place = new URL(issuer).origin } = options
  const reachableAt = verifiedOrigin(place, allowHttp)
  const resources: unknown = typeof resource === 'string' ? [resource] : resource
  if (!Array.isArray(resources) || !resources.every((one) => typeof one === 'string' && one !== '')) {
    throw misuse(
      'wrong_url',
      "remoteServer's resource must be the URI of this API, such as 'https://api.example.com', or a list",
    )
  }
  if (resources.length === 0 && !introspect) {
    throw misuse('missing_option', "remoteServer needs resource: the URI of this API in the tokens' audience (aud)")
  }
  if (introspect && ![introspect.clientId, introspect.clientSecret].every((part) => typeof part === 'string' && part)) {
    const fix = "remoteServer's introspect must be { clientId, clientSecret } of a client with resourceServer: true"
    throw misuse('not_an_object', fix)
  }
  requireSeconds('remoteServer({ cache })', cache, Number.MAX_SAFE_INTEGER, 0)
  if (cache > 0 && !introspect) throw misuse('conflicting_options', 'remoteServer accepts cache only with introspect')
  for (const [name, value] of [
    ['users.find', users && (users.find ?? null)],
    ['onEvent', options.onEvent],
    ['now', options.now],
  ] as const) {
    if (value !== undefined && typeof value !== 'function')
      throw misuse('not_a_function', `remoteServer's ${name} must be a function`)
  }
  const senderConstraints = verifiedConstraints(options.senderConstraints)
  const own = Object.freeze([...resources])
  return { issuer, reachableAt, allowHttp, resources: own, introspect, cache, users, senderConstraints }
}
