/**
 * Repeats the response for a refresh token that was just used, so that a lost response does not end the session. It is not
 * stored, but made again from the presented token and a nonce; neither alone reveals anything. The nonce is in a row of its
 * own (`refresh_replay`), which expires with the replay window. Opaque access tokens are derived from both. A JWT cannot be
 * made again: it is sealed under a key that needs both.
 */
import { isDeepStrictEqual } from 'node:util'
import { authorizationOf, boundOf, findCredential, lockedRow } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { grantIdOf, lookupId, sessionOf } from '../credentials/split-token'
import { derivedSecret, seal, sha256, unseal } from '../crypto'
import { OAuthError } from '../errors'
import { type AuthorizationDetails, invalidDetails } from '../rules/authorization-details'
import { type Audience, formatResource, heldAudience, narrowAudience } from '../rules/resource'
import {
  formatScope,
  includesScope,
  intersectScope,
  parseScope,
  remainingScope,
  type Scope,
  scopeWithin,
} from '../rules/scope'
import { nameOfKeys, requireSameKeys } from '../sender-constraints/bound-keys'
import type { Credential } from '../storage'
import type { AccessTokenFormat } from '../types/access-token'
import type { Confirmation } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { findAccessToken } from './access-token'
import { accessDetails, detailsMember } from './authorization-details'
import { responseOf } from './issue'
import { limitsOf } from './resource-limits'
import { shapeResponse } from './response'
import { isCurrent, type PresentedRefreshToken, type RefreshSettings } from './rotation'

/** The requested access of the new access token. */
export interface Asked {
  readonly scope: Scope
  readonly audience: Audience
  /** Undefined if the authorization has none. */
  readonly details: AuthorizationDetails | undefined
  /** The key that the request proved. */
  readonly confirmation: Confirmation | undefined
  /** Lifetime in seconds, if shorter than the server's. */
  readonly ttl?: number
}

// RFC 6749 §6: the request may narrow the grant but never widen it; what the client lost meanwhile is removed
export function askedOf(server: AuthorizationServer, request: TokenRequest, found: Credential): Asked {
  const { client, parameters, confirmation } = request
  const held = remainingScope(server.scopes, client, found.scope)
  const asked = parameters.get('scope')
  // in the grant's order: by §3.3 the order has no meaning
  const named = asked === undefined ? undefined : scopeWithin(server.scopes, client, asked, held)
  const scope = named ? intersectScope(held, named) : held
  // RFC 8707 §2.2: likewise for resources
  const { audience: bound, authorizationDetails } = boundOf(found)
  const granted = heldAudience(server, bound)
  const audience = narrowAudience(server, client, granted, parameters.get('resource'))
  // RFC 9396 §6: likewise for details
  const isDetailed = authorizationDetails !== undefined || server.authorizationDetails !== undefined
  const details = isDetailed ? accessDetails(server, request, authorizationDetails, audience) : undefined
  // the refresh token keeps the whole grant, for other resources
  const limits = server.resourceLimits && limitsOf(server.resourceLimits, audience, scope)
  return { scope, audience, details, confirmation, ...limits }
}

/** One refresh, as its replay needs it. The new secrets are bound to all of it. */
export interface Refresh {
  /** The row of the access token. */
  readonly accessId: string
  /** The scope of the access token. */
  readonly scope: string
  readonly resource: string
  /** The details in JSON, because a store may reorder the members of objects. */
  readonly details?: string
  /** When the refresh happened, and when its access token expires. Seconds. */
  readonly refreshedAt: number
  readonly accessExpiresAt: number
  /** The names of the keys that the access token is bound to. For DPoP, the thumbprint. */
  readonly jkt?: string
  /** Random for each refresh: otherwise concurrent requests would get the same secrets for different scopes. */
  readonly nonce: string
}

interface Successor {
  readonly accessSecret: string
  readonly refreshToken: string
  /** The row's state after the refresh. */
  readonly state: string
}

/** The refresh token that follows the presented one. */
export function successorOf(
  { rotate }: Pick<RefreshSettings, 'rotate'>,
  found: Credential,
  { token, stable, rotatingDigest }: PresentedRefreshToken,
  refresh: Refresh,
): Successor {
  const context = contextOf(found, refresh)
  const rotating = derivedSecret(token, 'refresh token', context)
  return {
    accessSecret: derivedSecret(token, 'access token', context),
    refreshToken: rotate ? `${found.id}.${stable}${rotating}` : token,
    state: rotate ? sha256(rotating) : `${rotatingDigest}#${sha256(rotating)}`,
  }
}

function replayId({ id }: Credential): string {
  return lookupId(grantIdOf(id), lookupSuffix.refresh_replay, sessionOf(id))
}

/**
 * @internal The row from which a replay is made until `expiresAt`. One for each session: the next refresh replaces it.
 */
export function replayRow(
  { tokenOf }: AccessTokenFormat,
  accessToken: string,
  found: Credential,
  { token }: PresentedRefreshToken,
  refresh: Refresh,
  expiresAt: number,
): Credential {
  const kept = { id: replayId(found), kind: 'refresh_replay', state: 'made' }
  const lifetime = { issuedAt: refresh.refreshedAt, expiresAt }
  const data = tokenOf ? refresh : { ...refresh, sealed: seal(accessToken, token, contextOf(found, refresh)) }
  return lockedRow(kept, found, lifetime, Object.freeze(data) as unknown as Credential['data'])
}

/** The access token of the first response. Undefined if the rows changed since. */
function accessTokenAgain(
  { tokenOf }: AccessTokenFormat,
  { accessSecret, state }: Successor,
  found: Credential,
  { token }: PresentedRefreshToken,
  refresh: Refresh & { readonly sealed?: unknown },
): string | undefined {
  if (found.state !== state) return undefined
  const { sealed, accessId } = refresh
  return typeof sealed === 'string'
    ? unseal(sealed, token, contextOf(found, refresh))
    : tokenOf?.(accessId, accessSecret)
}

function contextOf({ id, clientId }: Credential, refresh: Refresh): string {
  const { accessId, scope, resource, details, refreshedAt, accessExpiresAt, jkt, nonce } = refresh
  // null separates key and details
  const more = details === undefined ? (jkt === undefined ? [] : [jkt]) : [jkt ?? null, details]
  return JSON.stringify([id, clientId, accessId, scope, resource, refreshedAt, accessExpiresAt, nonce, ...more])
}

/**
 * Repeats the response for parallel tabs and broken connections. Returns undefined if the token does not rotate and can
 * be refreshed again: the request differs, or the access token has ended.
 */
export async function repeat(
  server: AuthorizationServer,
  { client, grantType, parameters }: TokenRequest,
  found: Credential,
  presented: PresentedRefreshToken,
  asked: Asked,
): Promise<TokenResponse | undefined> {
  // by the row, not the option, which may have changed since
  const rotate = !isCurrent(found, presented)
  const row = await findCredential(server, replayId(found), 'refresh_replay')
  // expired early by a fast clock: treated as if the window had closed, but not as reuse
  if (!row && rotate) throw invalidToken()
  if (!row) return undefined
  const made = row.data as unknown as Refresh
  const { confirmation } = asked
  const difference = differenceOf(parameters.has('scope'), asked, made)
  if (difference && rotate) throw difference
  const isSameKey = made.jkt === (confirmation && nameOfKeys(confirmation))
  // another key could not use its access token
  if (!isSameKey && rotate) requireSameKeys(server, client.clientId, made.jkt, confirmation)
  if (difference || !isSameKey) return undefined
  const successor = successorOf({ rotate }, found, presented, made)
  const accessToken = accessTokenAgain(server.accessTokens, successor, found, presented, made)
  if (accessToken === undefined && rotate) throw invalidToken()
  if (accessToken === undefined || (!rotate && !(await findAccessToken(server, accessToken)))) return undefined
  const scope = parseScope(made.scope)
  const left = Math.max(1, made.accessExpiresAt - Math.max(made.refreshedAt, server.now()))
  const body = {
    ...responseOf(accessToken, left, {
      ...{ scope, ...detailsMember(detailsOf(made)) },
      ...(confirmation && { confirmation }),
    }),
    refresh_token: successor.refreshToken,
  }
  const { clientId, userId, grantId } = found
  const context = { client, grantType, userId, scope, parameters }
  // signed again with the first `iat`, because no signed token is stored
  const signed = () => ({ authorization: { ...authorizationOf(found), scope }, issuedAt: made.refreshedAt })
  const whole = server.openid ? await server.openid.respond(server, { client, body, ...signed() }) : body
  const shaped = server.tokenResponse ? await shapeResponse(server, whole, context) : whole
  server.emit({ type: 'refresh.replayed', clientId, userId, grantId })
  return shaped
}

/** What a request asks for that the first one did not. Without `scope` it asks for the rest of the grant. */
function differenceOf(namesScope: boolean, { scope, audience, details }: Asked, made: Refresh): OAuthError | undefined {
  const isSame = namesScope ? formatScope(scope) === made.scope : includesScope(parseScope(made.scope), scope)
  if (!isSame) return new OAuthError('invalid_scope', 'This refresh token was just used for another scope.')
  if (!isDeepStrictEqual(details, detailsOf(made))) {
    return invalidDetails('must be those that this refresh token was just used for')
  }
  if (formatResource(audience) === made.resource) return undefined
  return new OAuthError('invalid_target', 'This refresh token was just used for another resource.')
}

function detailsOf({ details }: Refresh): AuthorizationDetails | undefined {
  return details === undefined ? undefined : JSON.parse(details)
}

export function invalidToken(): OAuthError {
  return new OAuthError('invalid_grant', 'The refresh token is unknown, expired, revoked or already used.')
}
