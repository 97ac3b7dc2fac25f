/** The last step of every grant: creates tokens and rows, lets the host shape the response, and stores all at once. */

import { type Awaitable, isPromise, toPromise } from '../awaitable'
import { mayOmitAuthentication } from '../clients/client'
import { credentialOf } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { lookupId } from '../credentials/split-token'
import { newGrantId } from '../crypto'
import { storageFailure } from '../errors'
import { typesOf } from '../rules/authorization-details'
import { audienceMember, heldAudience } from '../rules/resource'
import { formatScope } from '../rules/scope'
import { requireBound } from '../sender-constraints/bound-keys'
import type { Credential, Grant, Writable } from '../storage'
import type { Authorization } from '../types/authorization'
import type { AuthorizationServer, RefreshTokenSettings } from '../types/authorization-server'
import type { TokenResponse } from '../types/token'
import { tokenTypeOf } from './claims'
import type { IssueRequest, PreparedTokens, TokenOptions, Use } from './prepared'
import { limitsOf } from './resource-limits'
import { shapeResponse } from './response'
import { prepareRefreshToken, refreshTokenExpiry } from './rotation'

/**
 * Shapes the response, stores the rows and the use in one step, and emits the event. Undefined, with nothing stored, if
 * another request used the credential first. If the host's hook throws, nothing is used up. `before` uses up what no
 * transition uses up. `after` checks whether the new rows are dead. Each throws to refuse.
 */
export async function issue(
  server: AuthorizationServer,
  { client, grantType, parameters }: Omit<IssueRequest, 'startedAt'>,
  { authorization, body, credentials, grant }: PreparedTokens,
  uses?: Use,
  { before, after }: { before?(): Promise<void>; after?(): Promise<void> } = {},
): Promise<TokenResponse | undefined> {
  const { clientId, userId, grantId, scope, authorizationDetails: details, confirmation } = authorization
  const context = { client, grantType, userId, scope, parameters }
  const made = { client, authorization, body, uses: uses?.next }
  const whole = server.openid ? await server.openid.respond(server, made) : body
  const response = server.tokenResponse ? await shapeResponse(server, whole, context) : whole
  if (before) await before()
  if (uses) {
    const used = server.storage.grants.transition(uses.id, uses.from, uses.next, credentials, grant)
    if (!(isPromise(used) ? await used : used)) return undefined
  } else await store(server, credentials, grant)
  if (after) await after()
  if (server.openid && uses) await server.openid.requireSession(server, made)
  server.emit({
    type: 'token.issued',
    grantType,
    clientId,
    ...(userId !== undefined && { userId }),
    ...(grantId !== undefined && { grantId }),
    scope,
    ...(details && { authorizationDetailsTypes: typesOf(details) }),
    ...(confirmation && { confirmation }),
  })
  return response
}

/** The last step of grants that use nothing up. */
export async function issueNew(
  server: AuthorizationServer,
  request: IssueRequest,
  authorization: Authorization,
  refreshToken = false,
): Promise<TokenResponse> {
  const tokens = await prepareTokens(server, authorization, { request, refreshToken })
  // new ids: no other request can be faster
  return (await issue(server, request, tokens)) as TokenResponse
}

/**
 * Creates an access token, a refresh token if requested, and their grant: `authorization.grantId` or a new one. Tokens
 * without user and refresh token (client credentials) have no grant: only revoking the client ends them.
 */
export async function prepareTokens(
  server: AuthorizationServer,
  asked: Authorization,
  { request, refreshToken = false, accessAudience, accessDetails, ttl, derived }: TokenOptions,
): Promise<PreparedTokens> {
  const { client, confirmation } = request
  // also where no proof is possible, as for the host's own code
  if (client.dpopBoundAccessTokens || client.tlsClientCertificateBoundAccessTokens)
    requireBound(server, client, confirmation)
  const { session = '', until = Number.POSITIVE_INFINITY } = derived ?? {}
  const { grantId = newGrantId() } = asked
  const now = server.now()
  const { stateless, ttl: most } = server.accessTokens
  const refreshUntil = refreshToken
    ? refreshTokenExpiry(server.refreshTokens as RefreshTokenSettings, asked.startedAt, now, until, client.refreshToken)
    : 0
  const hasRefreshToken = refreshUntil > now
  const isKnown = asked.userId !== undefined && (!stateless || asked.authentication?.until !== undefined)
  const isGrant = derived !== undefined || hasRefreshToken || isKnown
  const authorization = isGrant ? { ...asked, grantId } : asked.grantId === undefined ? asked : withoutGrant(asked)
  const access = confirmation ? { ...authorization, confirmation } : authorization
  // RFC 9449 §5: a client without authentication is identified by its key alone
  const kept = confirmation && mayOmitAuthentication(client) ? access : authorization
  const narrowed = accessAudience?.length ? { ...access, ...audienceMember(accessAudience) } : access
  const limits =
    server.resourceLimits && limitsOf(server.resourceLimits, heldAudience(server, narrowed.audience), asked.scope)
  const accessTtl = Math.min(ttl ?? most, client.accessTokenTtl ?? most, limits?.ttl ?? most, most)
  const limited = limits ? { ...narrowed, scope: limits.scope } : narrowed
  const prepared = prepareAccessToken(
    server,
    lookupId(grantId, lookupSuffix.access_token[0], session),
    accessDetails ? { ...limited, authorizationDetails: accessDetails } : limited,
    { issuedAt: now, expiresAt: Math.min(now + accessTtl, until) },
  )
  const { credential, body } = isPromise(prepared) ? await prepared : prepared
  const all = [credential]
  if (hasRefreshToken) {
    const refreshId = lookupId(grantId, lookupSuffix.refresh_token, session)
    const lifetime = { issuedAt: now, expiresAt: refreshUntil }
    const refresh = prepareRefreshToken(refreshId, kept, lifetime, accessAudience)
    all.push(refresh.credential)
    body.refresh_token = refresh.token
  }
  const credentials = stateless ? all.slice(1) : all
  // an existing grant belongs to another client: its row does not change
  const grant = isGrant && !derived ? grantOf(kept, all) : undefined
  return { authorization: limits ? { ...access, scope: limits.scope } : access, body, credentials, grant }
}

function withoutGrant({ grantId: _, ...authorization }: Authorization): Authorization {
  return authorization
}

type Lifetime = Pick<Credential, 'issuedAt' | 'expiresAt'>

/**
 * The row of a grant. It lives as long as its last credential, or `until`. A refresh makes it again from what the
 * refresh token is bound to; members without a column are in `data`.
 */
export function grantOf(authorization: Authorization, credentials: readonly Credential[]): Grant {
  const { clientId, userId, grantId, scope, startedAt, ...data } = authorization
  const expiresAt = Math.max(data.authentication?.until ?? 0, ...credentials.map((credential) => credential.expiresAt))
  const grant: Writable<Grant> = { id: grantId as string, clientId, scope, startedAt, expiresAt, data }
  if (userId !== undefined) grant.userId = userId
  return grant
}

/** An access token, its row and its response. */
interface PreparedAccessToken {
  readonly credential: Credential
  readonly body: TokenResponse
}

/** Creates an access token's row and its response. The secret is `chosen`, if the format allows that. */
export function prepareAccessToken(
  server: AuthorizationServer,
  id: string,
  authorization: Authorization,
  lifetime: Lifetime,
  chosen?: string,
): Awaitable<PreparedAccessToken> {
  const { tokenOf, create } = server.accessTokens
  const made =
    tokenOf && chosen !== undefined
      ? { token: tokenOf(id, chosen), secret: chosen }
      : create(server, { id, authorization, ...lifetime })
  if (!isPromise(made)) return withRow(id, authorization, lifetime, made)
  return toPromise(made).then((signed) => withRow(id, authorization, lifetime, signed))
}

function withRow(
  id: string,
  authorization: Authorization,
  lifetime: Lifetime,
  { token, secret }: { token: string; secret: string },
): PreparedAccessToken {
  // its state is its digest, so that a revocation cannot overwrite the next token of this row
  const credential = credentialOf({ id, kind: 'access_token', secret }, authorization, lifetime)
  return { credential, body: responseOf(token, lifetime.expiresAt - lifetime.issuedAt, authorization) }
}

/** RFC 6749 §5.1. */
export function responseOf(
  accessToken: string,
  expiresIn: number,
  { scope, authorizationDetails, confirmation }: Pick<Authorization, 'scope' | 'authorizationDetails' | 'confirmation'>,
): TokenResponse {
  const token_type = confirmation ? tokenTypeOf(confirmation) : 'Bearer'
  const body: TokenResponse = { access_token: accessToken, token_type, expires_in: expiresIn }
  // required if it differs from the requested scope; always sent, which every client accepts
  if (scope.length > 0) body.scope = formatScope(scope)
  // RFC 9396 §7
  if (authorizationDetails?.length) body.authorization_details = authorizationDetails
  return body
}

/** Stores rows with new ids. */
export async function store(
  server: AuthorizationServer,
  credentials: readonly Credential[],
  grant?: Grant,
): Promise<void> {
  // empty: stateless tokens without a refresh token, which cannot be looked up or revoked
  if (credentials.length === 0 && !grant) return
  const stored = server.storage.grants.insert(credentials, grant)
  if (isPromise(stored) ? await stored : stored) return
  throw storageFailure(new Error('storage.grants.insert returned false for new ids'))
}
