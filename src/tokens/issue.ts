/** The one end of all grants: makes tokens and their rows, lets the host shape the response, and stores all in one step. */

import { mayOmitAuthentication } from '../clients/client'
import { credentialOf } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { lookupId } from '../credentials/split-token'
import { newGrantId } from '../crypto'
import { storageFailure } from '../errors'
import { type AuthorizationDetails, typesOf } from '../rules/authorization-details'
import { type Audience, audienceMember, heldAudience } from '../rules/resource'
import { formatScope } from '../rules/scope'
import { requireBound } from '../sender-constraints/bound-keys'
import type { Credential, Grant, Writable } from '../storage'
import type { Authorization } from '../types/authorization'
import type { AuthorizationServer, RefreshTokenSettings } from '../types/authorization-server'
import type { TokenRequest, TokenResponse } from '../types/token'
import { tokenTypeOf } from './claims'
import { limitsOf } from './resource-limits'
import { shapeResponse } from './response'
import { prepareRefreshToken, refreshTokenExpiry } from './rotation'

/** What is asked for beside the authorization itself. */
export interface TokenOptions {
  /** Who asks, and with which key. */
  readonly request: Pick<TokenRequest, 'client' | 'confirmation'>
  /** Whether there is a refresh token among them. @default false */
  readonly refreshToken?: boolean
  /** The resources of the access token, where it is for fewer than the authorization. */
  readonly accessAudience?: Audience
  /** Its details, where those of the authorization are not all its own. */
  readonly accessDetails?: AuthorizationDetails | undefined
  /** Lifetime of the access token in seconds, where it is shorter than that of all others. */
  readonly ttl?: number | undefined
  /** The session below a grant that is there already, and when it ends at the latest. Left out: the grant's own. */
  readonly derived?: { readonly session: string; readonly until: number } | undefined
}

/** Tokens that are made, and not stored. */
export interface PreparedTokens {
  /** What the access token stands for. */
  readonly authorization: Authorization
  readonly body: TokenResponse
  readonly credentials: readonly Credential[]
  /** The grant that begins, or is made anew. */
  readonly grant?: Grant | undefined
}

/** The credential that tokens are issued for, and what it becomes in the same step. */
export interface Use {
  readonly id: string
  readonly from: string
  readonly next: Credential
}

/** What a token request says that the host's own code may say in its place. */
export type IssueRequest = Omit<TokenRequest, 'authenticated' | 'req'>

/**
 * Shapes the response, stores the rows with what is used up, and tells the host. Undefined where another request used it up
 * first: then nothing is stored. A hook that throws uses up nothing: what is used up by no transition is so `before` the rows
 * are stored. `after` that they may turn out to be dead. Each throws where nothing may be issued.
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
  if (!uses) await store(server, credentials, grant)
  else if (!(await server.storage.grants.transition(uses.id, uses.from, uses.next, credentials, grant))) {
    return undefined
  }
  await after?.()
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

/** The end of every grant that uses nothing up. */
export async function issueNew(
  server: AuthorizationServer,
  request: IssueRequest,
  authorization: Authorization,
  refreshToken = false,
): Promise<TokenResponse> {
  // its ids are new: no other request can be faster
  const tokens = await prepareTokens(server, authorization, { request, refreshToken })
  return (await issue(server, request, tokens)) as TokenResponse
}

/**
 * An access token, with a refresh token when asked, and the grant that they are of: `authorization.grantId`, or a new one.
 * Tokens without a user and without a refresh token (client credentials) stand alone: only the client can be revoked.
 */
export async function prepareTokens(
  server: AuthorizationServer,
  asked: Authorization,
  { request, refreshToken = false, accessAudience, accessDetails, ttl, derived }: TokenOptions,
): Promise<PreparedTokens> {
  const { client, confirmation } = request
  // also where no proof can come, as from the host's own code
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
  const authorization = isGrant ? { ...asked, grantId } : withoutGrant(asked)
  const access = confirmation ? { ...authorization, confirmation } : authorization
  // RFC 9449 §5: who may come without authentication is told by the key alone
  const kept = confirmation && mayOmitAuthentication(client) ? access : authorization
  const narrowed = accessAudience?.length ? { ...access, ...audienceMember(accessAudience) } : access
  const limits =
    server.resourceLimits && limitsOf(server.resourceLimits, heldAudience(server, narrowed.audience), asked.scope)
  const accessTtl = Math.min(ttl ?? most, client.accessTokenTtl ?? most, limits?.ttl ?? most, most)
  const limited = limits ? { ...narrowed, scope: limits.scope } : narrowed
  const { credential, body } = await prepareAccessToken(
    server,
    lookupId(grantId, lookupSuffix.access_token[0], session),
    accessDetails ? { ...limited, authorizationDetails: accessDetails } : limited,
    { issuedAt: now, expiresAt: Math.min(now + accessTtl, until) },
  )
  const all = [credential]
  if (hasRefreshToken) {
    const refreshId = lookupId(grantId, lookupSuffix.refresh_token, session)
    const lifetime = { issuedAt: now, expiresAt: refreshUntil }
    const refresh = prepareRefreshToken(refreshId, kept, lifetime, accessAudience)
    all.push(refresh.credential)
    body.refresh_token = refresh.token
  }
  const credentials = stateless ? all.slice(1) : all
  // a grant that is there already is another client's: its row stays what it is
  const grant = isGrant && !derived ? grantOf(kept, all) : undefined
  return { authorization: limits ? { ...access, scope: limits.scope } : access, body, credentials, grant }
}

function withoutGrant({ grantId: _, ...authorization }: Authorization): Authorization {
  return authorization
}

type Lifetime = Pick<Credential, 'issuedAt' | 'expiresAt'>

/**
 * The row of the grant that an authorization is; it lives as long as the last of its credentials, or `until`. A refresh
 * makes it anew from what its refresh token is bound to: what has no column stands in `data`.
 */
export function grantOf(authorization: Authorization, credentials: readonly Credential[]): Grant {
  const { clientId, userId, grantId, scope, startedAt, ...data } = authorization
  const expiresAt = Math.max(data.authentication?.until ?? 0, ...credentials.map((credential) => credential.expiresAt))
  const grant: Writable<Grant> = { id: grantId as string, clientId, scope, startedAt, expiresAt, data }
  if (userId !== undefined) grant.userId = userId
  return grant
}

/** An access token's row and the response that hands it out. Its secret is the `chosen` one where its format allows that. */
export async function prepareAccessToken(
  server: AuthorizationServer,
  id: string,
  authorization: Authorization,
  lifetime: Lifetime,
  chosen?: string,
): Promise<{ credential: Credential; body: TokenResponse }> {
  const { tokenOf, create } = server.accessTokens
  const { token, secret } =
    tokenOf && chosen !== undefined
      ? { token: tokenOf(id, chosen), secret: chosen }
      : await create(server, { id, authorization, ...lifetime })
  // its state is its digest: a revocation must not overwrite the next token of the same row
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
  // required when it differs from what was asked; sent always, which every client takes
  if (scope.length > 0) body.scope = formatScope(scope)
  // RFC 9396 §7
  if (authorizationDetails?.length) body.authorization_details = authorizationDetails
  return body
}

/** Stores what was made for new ids. */
export async function store(
  server: AuthorizationServer,
  credentials: readonly Credential[],
  grant?: Grant,
): Promise<void> {
  // none: stateless tokens without a refresh token, which cannot be looked up or revoked
  if ((credentials.length === 0 && !grant) || (await server.storage.grants.insert(credentials, grant))) return
  throw storageFailure(new Error('storage.grants.insert returned false for new ids'))
}
