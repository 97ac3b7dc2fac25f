/**
 * Access tokens. The opaque format is `<lookup id>.<secret>`: it is looked up at each use, so that a revocation takes
 * effect at once. For both formats: how to find a token, whether it is alive, and who uses it.
 */
import { type Awaitable, whenReady } from '../awaitable'
import { type Bound, boundOf, findCredential, frozenList, hasSecret, isExpired } from '../credentials/bound'
import { parseSplitToken, sessionOf } from '../credentials/split-token'
import { newSecret } from '../crypto'
import { invalidToken } from '../errors'
import { requireKnown, requireNoMore } from '../options/known'
import { requireSeconds } from '../options/seconds'
import { detailsFor } from '../rules/authorization-details'
import { type Audience, acceptedScope, heldAudience, type ResourceLimits, verifyAudience } from '../rules/resource'
import { type Call, verifyConfirmation } from '../sender-constraints/confirmation'
import type { Credential, Writable } from '../storage'
import { frozenCopy } from '../storage/frozen'
import type { AccessToken, AccessTokenFormat, LocatedToken } from '../types/access-token'
import type { AuthorizationServer } from '../types/authorization-server'
import { findUser, type UserSource } from '../users'
import { frozenActor, signInOf } from './claims'

/** Options of `opaque`. */
export interface OpaqueOptions {
  /** Lifetime of an access token in seconds. @default 3600 */
  ttl?: number
}

/**
 * Creates opaque access tokens, which have no readable content. This is the default format.
 *
 * @throws TypeError when `ttl` is not a positive whole number.
 */
export function opaque(options: OpaqueOptions = {}): AccessTokenFormat {
  requireNoMore('opaque', arguments, 1)
  requireKnown('opaque option', options, ['ttl'])
  const { ttl = 3600 } = options
  requireSeconds('opaque({ ttl })', ttl)
  return Object.freeze({
    ttl,
    create(_server, { id }) {
      const secret = newSecret()
      return { token: tokenOf(id, secret), secret }
    },
    tokenOf,
    locate(_server, token) {
      return parseSplitToken(token)
    },
  } satisfies AccessTokenFormat)
}

function tokenOf(id: string, secret: string): string {
  return `${id}.${secret}`
}

export interface FoundAccessToken {
  row: Credential
  /** The claims, for a JWT. */
  claims?: AccessToken['claims']
  /** Records the use, for a personal access token. */
  used?: LocatedToken['used']
}

/** Returns a live access token with the right secret, or undefined. */
export function findAccessToken(server: AuthorizationServer, token: string): Awaitable<FoundAccessToken | undefined> {
  return whenReady(server.accessTokens.locate(server, token), (located) => {
    if (!located) return undefined
    const { id, secret, claims, used } = located
    return whenReady(located.row ?? findCredential(server, id, 'access_token'), (row) => {
      // a token that was revoked alone keeps its digest but has another state; a stateless token has no row to revoke
      const isWhole = row && (located.row !== undefined || (row.state === row.digest && hasSecret(row, secret)))
      if (!isWhole || isExpired(server, row)) return undefined
      const found = used ? { row, used } : claims ? { row, claims } : { row }
      const { subject } = row.data.bound as Bound
      // an exchanged token ends with its subject token
      return subject === undefined
        ? found
        : whenReady(findCredential(server, subject, 'access_token'), (of) =>
            of && of.state === of.digest ? found : undefined,
          )
    })
  })
}

/**
 * The meaning of a token's row. `claims` are the claims of a JWT. Frozen: guards trust it, and requests may share it.
 */
function accessTokenOfRow(server: AuthorizationServer, row: Credential, claims: AccessToken['claims']): AccessToken {
  const bound = boundOf(row)
  const accessToken: Writable<AccessToken> = {
    clientId: row.clientId,
    scope: frozenList(bound.scope),
    expiresAt: row.expiresAt,
  }
  // by name: APIs must not see how and when the session began
  if (bound.userId !== undefined) accessToken.userId = bound.userId
  if (bound.grantId !== undefined) accessToken.grantId = bound.grantId
  if (bound.exchange) accessToken.exchange = bound.exchange
  if (server.resources.length > 0) accessToken.audience = frozenList(heldAudience(server, bound.audience))
  if (bound.authentication) Object.assign(accessToken, signInOf(bound.authentication))
  if (bound.authorizationDetails) accessToken.authorizationDetails = frozenCopy(bound.authorizationDetails)
  if (bound.confirmation) accessToken.confirmation = Object.freeze({ ...bound.confirmation })
  if (bound.actor) accessToken.actor = frozenActor(bound.actor)
  if (claims) accessToken.claims = claims
  return Object.freeze(accessToken)
}

/** At one of its resources, a token for several has only the scope that this resource accepts. */
function limitedTo(
  { audience }: AuthorizationServer,
  limits: ResourceLimits,
  token: AccessToken,
  resource: string | undefined,
): AccessToken {
  const called = calledOf(token, resource === undefined ? audience : [resource])
  return Object.freeze({ ...token, scope: Object.freeze(acceptedScope(limits, called, token.scope)) })
}

/** Which of the resources that stand here the token is for. */
function calledOf({ audience = [] }: AccessToken, here: Audience): Audience {
  return here.filter((one) => audience.includes(one))
}

/** Nor has it the details that are for another one (RFC 9396 §9.1). `known`: all the resources that can be told apart. */
export function withDetailsOf(token: AccessToken, known: Audience, here: Audience): AccessToken {
  const { authorizationDetails: details = [] } = token
  const own = detailsFor(details, known, calledOf(token, here))
  if (own.length === details.length) return token
  return Object.freeze({ ...token, authorizationDetails: Object.freeze(own) })
}

export interface AuthenticatedToken {
  accessToken: AccessToken
  /** The resource owner as `users.find` returned it, or `{ id }`. Undefined without a user. */
  user: Express.User | undefined
  /** When the session began, for `maxAge` and revocations. Undefined for a token of a remote server. */
  startedAt?: number | undefined
  /** The session within the grant. */
  session?: string | undefined
  /** Call it after the response. Set if the token records its use. */
  used?: LocatedToken['used']
}

/**
 * Authenticates an access token for `resource`, or for the server's default audience. Throws `invalid_token` (RFC 6750
 * §3.1) unless the token is alive, its user exists, and it is for this resource. A token that is bound to a key needs a
 * `call` that proves the key.
 */
export function authenticateToken(
  server: AuthorizationServer,
  token: string,
  resource?: string,
  call?: Call,
): Awaitable<AuthenticatedToken> {
  return whenReady(findAccessToken(server, token), (found) => {
    if (!found) throw invalidToken()
    const all = accessTokenOfRow(server, found.row, found.claims)
    if (server.resources.length > 0) verifyAudience(server, all.audience ?? [], resource)
    const here = resource === undefined ? server.audience : [resource]
    const whole = all.authorizationDetails ? withDetailsOf(all, server.resources, here) : all
    const accessToken = server.resourceLimits ? limitedTo(server, server.resourceLimits, whole, resource) : whole
    const admitted = (user: Express.User | undefined): AuthenticatedToken => {
      const { id, startedAt } = found.row
      const authenticated = { accessToken, user, startedAt, session: sessionOf(id) }
      return found.used ? { ...authenticated, used: found.used } : authenticated
    }
    if (call || accessToken.confirmation) {
      const proven = verifyConfirmation(server, token, accessToken, call)
      return whenReady(proven, () => whenReady(userOf(server, accessToken), admitted))
    }
    return whenReady(userOf(server, accessToken), admitted)
  })
}

/** Returns the user of a token, who must still exist. Undefined for a client's own token. */
export function userOf(source: UserSource, { userId }: AccessToken): Awaitable<Express.User | undefined> {
  if (userId === undefined) return undefined
  return whenReady(findUser(source, userId), (user) => {
    if (!user) throw invalidToken()
    return user
  })
}
