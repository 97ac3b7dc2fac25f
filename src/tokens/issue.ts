/** Makes the records and the response of an issue of tokens. Stores nothing: the grants do, in one step. */

import { type Binding, boundDigest } from '../credentials/bound'
import { lookupId, lookupSuffix } from '../credentials/split-token'
import { newGrantId, newSecret, sha256 } from '../crypto'
import { OAuthError, storageFailure } from '../errors'
import { type Audience, audienceData } from '../rules/resource'
import { formatScope, type Scope } from '../rules/scope'
import type { Credential, Grant, Writable } from '../storage'
import type { AuthorizationServer, RefreshTokenSettings } from '../types/authorization-server'
import type { TokenResponse, TokenResponseContext } from '../types/token'

export interface TokenIssue {
  clientId: string
  userId?: string | undefined
  scope: Scope
  /** The resources of the authorization (RFC 8707). Empty where the server has none. */
  audience: Audience
  /** Those of the access token, where it is for fewer. */
  accessAudience?: Audience
  startedAt: number
  /** The id of the grant to begin. Left out: a new one. */
  grantId?: string
  refreshToken: boolean
  /** Lifetime of the access token in seconds, where it is shorter than that of all others. */
  ttl?: number | undefined
  /** The session below `grantId`, which is there already, and when it ends at the latest. Left out: the grant's own. */
  derived?: { session: string; until: number } | undefined
}

/** The records and the response of one issue of tokens, made but not stored. */
export interface PreparedTokens {
  readonly body: TokenResponse
  readonly credentials: readonly Credential[]
  /** The grant that begins. */
  readonly grant?: Grant
}

/**
 * An access token, with a refresh token when asked, and the grant that they are of. Tokens without a user and without
 * a refresh token (client credentials) stand alone: there is no authorization to revoke, only the client.
 */
export async function prepareTokens(server: AuthorizationServer, issue: TokenIssue): Promise<PreparedTokens> {
  const { clientId, userId, scope, startedAt, derived } = issue
  const { session = '', until = Number.POSITIVE_INFINITY } = derived ?? {}
  const newId = issue.grantId ?? newGrantId()
  const now = server.now()
  const { stateless } = server.accessTokens
  const refreshUntil = issue.refreshToken ? refreshTokenExpiry(settingsOf(server), startedAt, now, until) : 0
  const hasRefreshToken = refreshUntil > now
  // an authorization that there is a row of
  const grantId = derived || hasRefreshToken || (userId !== undefined && !stateless) ? newId : undefined
  const ttl = Math.min(issue.ttl ?? server.accessTokens.ttl, server.accessTokens.ttl)
  const data = audienceData(issue.accessAudience ?? issue.audience)
  const bound = { clientId, userId, grantId, scope, startedAt, data }
  const lifetime = { issuedAt: now, expiresAt: Math.min(now + ttl, until) }
  const accessId = lookupId(newId, lookupSuffix.access_token[0], session)
  const access = await prepareAccessToken(server, accessId, bound, lifetime)
  const all = [access.credential]
  if (hasRefreshToken) {
    const refreshId = lookupId(newId, lookupSuffix.refresh_token, session)
    const refresh = prepareRefreshToken(refreshId, bound, issue.audience, { issuedAt: now, expiresAt: refreshUntil })
    all.push(refresh.credential)
    access.body.refresh_token = refresh.token
  }
  const credentials = stateless ? all.slice(1) : all
  // a grant that is there already is another client's: its row stays what it is
  if (grantId === undefined || derived) return { body: access.body, credentials }
  return { body: access.body, credentials, grant: grantOf(grantId, bound, all) }
}

/** The first refresh token of a grant. Its secret has two halves: one for the life of the grant, one that rotates. */
function prepareRefreshToken(
  id: string,
  subject: Binding,
  audience: Audience,
  lifetime: Lifetime,
): { token: string; credential: Credential } {
  const stable = newSecret()
  const rotating = newSecret()
  const bound = { ...subject, data: { slot: 0, ...audienceData(audience) } }
  const half = { id, kind: 'refresh_token', state: sha256(rotating), digest: boundDigest(stable, bound) }
  return { token: `${id}.${stable}${rotating}`, credential: credentialOf(half, bound, lifetime) }
}

function settingsOf({ refreshTokens }: AuthorizationServer): RefreshTokenSettings {
  return refreshTokens as RefreshTokenSettings
}

/** `ttl` slides with each refresh, `maxAge` counts from the authorization and does not; nor does `until`, where there is one. */
export function refreshTokenExpiry(
  { ttl, maxAge = Number.POSITIVE_INFINITY }: RefreshTokenSettings,
  startedAt: number,
  now: number,
  until = Number.POSITIVE_INFINITY,
): number {
  return Math.min(now + ttl, startedAt + maxAge, until)
}

/** The grant's row; it lives as long as the last of its credentials. */
export function grantOf(
  id: string,
  { clientId, userId, scope, startedAt }: Omit<Binding, 'data'>,
  credentials: readonly Credential[],
): Grant {
  const expiresAt = Math.max(...credentials.map((credential) => credential.expiresAt))
  const grant: Writable<Grant> = { id, clientId, scope, startedAt, expiresAt, data: {} }
  if (userId !== undefined) grant.userId = userId
  return grant
}

type Lifetime = Pick<Credential, 'issuedAt' | 'expiresAt'>

/** A row, without the members that have no value: not every database keeps an undefined one apart from null. */
export function credentialOf(
  { id, kind, state, digest }: Pick<Credential, 'id' | 'kind' | 'state' | 'digest'>,
  { clientId, userId, grantId, scope, startedAt, data }: Binding,
  { issuedAt, expiresAt }: Lifetime,
): Credential {
  const row: Writable<Credential> = { id, kind, state, digest, clientId, scope, startedAt, issuedAt, expiresAt, data }
  if (userId !== undefined) row.userId = userId
  if (grantId !== undefined) row.grantId = grantId
  return row
}

/** An access token's row and the response that hands it out. Its secret is the `chosen` one where its format allows that. */
export async function prepareAccessToken(
  server: AuthorizationServer,
  id: string,
  bound: Binding,
  lifetime: Lifetime,
  chosen?: string,
): Promise<{ credential: Credential; body: TokenResponse }> {
  const row: Writable<Credential> = credentialOf({ id, kind: 'access_token', state: '', digest: '' }, bound, lifetime)
  const { tokenOf } = server.accessTokens
  const { token, secret } =
    tokenOf && chosen !== undefined
      ? { token: tokenOf(id, chosen), secret: chosen }
      : await server.accessTokens.create(server, row)
  row.digest = boundDigest(secret, bound)
  // as different as the digest: a revocation must not overwrite the next token of the same row
  row.state = row.digest
  return { credential: row, body: responseOf(token, lifetime.expiresAt - lifetime.issuedAt, bound.scope) }
}

/** RFC 6749 §5.1. */
export function responseOf(accessToken: string, expiresIn: number, scope: Scope): TokenResponse {
  const body: TokenResponse = { access_token: accessToken, token_type: 'Bearer', expires_in: expiresIn }
  // required when it differs from what was asked; sent always, which every client takes
  if (scope.length > 0) body.scope = formatScope(scope)
  return body
}

/** The response as the host wants it on the wire, without members that have no value. */
export async function shapeResponse(
  server: AuthorizationServer,
  body: TokenResponse,
  context: TokenResponseContext,
): Promise<TokenResponse> {
  if (!server.tokenResponse) return body
  const shaped: unknown = await server.tokenResponse({ ...body }, context)
  try {
    if (typeof shaped !== 'object' || shaped === null || Array.isArray(shaped)) throw new TypeError('not an object')
    const response = Object.fromEntries(
      Object.entries(shaped).filter(([, value]) => value !== undefined && value !== null),
    )
    // before anything is used up: a cycle or a BigInt would be found out when the code is gone
    JSON.stringify(response)
    return response as unknown as TokenResponse
  } catch (problem) {
    throw new OAuthError('server_error', 'The server could not complete the request.', {
      cause: new TypeError('The tokenResponse option must return an object that JSON can carry', { cause: problem }),
    })
  }
}

/** Stores what was made for new ids. */
export async function store(
  server: AuthorizationServer,
  credentials: readonly Credential[],
  grant?: Grant,
): Promise<void> {
  // none: stateless tokens without a refresh token, which cannot be looked up or revoked
  if (credentials.length === 0 || (await server.storage.grants.insert(credentials, grant))) return
  throw storageFailure(new Error('storage.grants.insert answered false for ids that are new'))
}
