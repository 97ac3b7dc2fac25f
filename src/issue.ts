/** Makes the records and the response of an issue of tokens or of a code. Stores nothing: the grants do, in one step. */
import { boundDigest } from './credentials'
import { sha256 } from './crypto'
import { OAuthError, storageFailure } from './errors'
import { type Audience, audienceData } from './rules/resource'
import { formatScope, type Scope } from './rules/scope'
import { lookupId, lookupSuffix, newGrantId, newSecret } from './split-token'
import type { Client, Credential, Grant } from './storage'
import type {
  ApprovedAuthorization,
  AuthorizationServer,
  PreparedTokens,
  RefreshTokenSettings,
  TokenResponse,
  TokenResponseContext,
} from './types'

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
}

/**
 * An access token, with a refresh token when asked, and the grant that they are of. Tokens without a user and without
 * a refresh token (client credentials) stand alone: there is no authorization to revoke, only the client.
 */
export async function prepareTokens(server: AuthorizationServer, issue: TokenIssue): Promise<PreparedTokens> {
  const grantId = issue.grantId ?? newGrantId()
  const hasGrant = issue.refreshToken || issue.userId !== undefined
  const now = server.now()
  const subject = {
    clientId: issue.clientId,
    ...(issue.userId !== undefined && { userId: issue.userId }),
    ...(hasGrant && { grantId }),
    scope: issue.scope,
    startedAt: issue.startedAt,
    issuedAt: now,
  }
  const ttl = Math.min(issue.ttl ?? server.accessTokens.ttl, server.accessTokens.ttl)
  const id = lookupId(grantId, lookupSuffix.access_token[0])
  const audience = issue.accessAudience ?? issue.audience
  const access = await prepareAccessToken(server, { ...subject, id, expiresAt: now + ttl }, audience)
  const all = [access.credential]
  if (issue.refreshToken) {
    const settings = server.refreshTokens as RefreshTokenSettings
    const stable = newSecret()
    const rotating = newSecret()
    const id = lookupId(grantId, lookupSuffix.refresh_token)
    const data = { slot: 0, ...audienceData(issue.audience) }
    all.push({
      ...subject,
      id,
      kind: 'refresh_token',
      state: sha256(rotating),
      digest: boundDigest(sha256(stable), { ...subject, data }),
      expiresAt: refreshTokenExpiry(settings, issue.startedAt, now),
      data,
    })
    access.body.refresh_token = `${id}.${stable}${rotating}`
  }
  const credentials = all.filter((credential) => hasRow(server, credential))
  if (!hasGrant) return { body: access.body, credentials }
  return { body: access.body, credentials, grant: grantOf(grantId, subject, all) }
}

/** `ttl` slides with each refresh, `maxAge` counts from the authorization and does not. */
export function refreshTokenExpiry(settings: RefreshTokenSettings, startedAt: number, now: number): number {
  return Math.min(now + settings.ttl, startedAt + (settings.maxAge ?? Number.POSITIVE_INFINITY))
}

/** The grant's row; it lives as long as the last of its credentials. */
export function grantOf(
  id: string,
  subject: Pick<Credential, 'clientId' | 'userId' | 'scope' | 'startedAt'>,
  credentials: readonly Credential[],
): Grant {
  return {
    id,
    clientId: subject.clientId,
    ...(subject.userId !== undefined && { userId: subject.userId }),
    scope: subject.scope,
    startedAt: subject.startedAt,
    expiresAt: Math.max(...credentials.map((credential) => credential.expiresAt)),
  }
}

/** Whether a credential is stored: a stateless access token is not. */
export function hasRow({ accessTokens }: AuthorizationServer, { kind }: Credential): boolean {
  return kind !== 'access_token' || accessTokens.stateless !== true
}

/** An access token's row and the response that hands it out. */
export async function prepareAccessToken(
  server: AuthorizationServer,
  subject: Omit<Credential, 'kind' | 'state' | 'digest' | 'data'>,
  audience: Audience,
): Promise<{ credential: Credential; body: TokenResponse }> {
  const row = { ...subject, kind: 'access_token', data: { ...audienceData(audience) } }
  const { token, digest } = await server.accessTokens.create(server, row)
  const body: TokenResponse = { access_token: token, token_type: 'Bearer', expires_in: row.expiresAt - row.issuedAt }
  // RFC 6749 §5.1: required when it differs from what was asked; sent always, which every client takes
  if (subject.scope.length > 0) body.scope = formatScope(subject.scope)
  // the state is as different as the digest: a revocation must not overwrite the next token of the same row
  return { credential: { ...row, state: boundDigest(digest, row), digest }, body }
}

/** The response as the host wants it on the wire, without members that have no value. */
export async function shapeResponse(
  server: AuthorizationServer,
  body: TokenResponse,
  context: TokenResponseContext,
): Promise<TokenResponse> {
  const shaped: unknown = await server.tokenResponse({ ...body }, context)
  if (typeof shaped !== 'object' || shaped === null) {
    throw new OAuthError('server_error', 'The server could not complete the request.', {
      cause: new TypeError('The tokenResponse option must return an object'),
    })
  }
  const response: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(shaped)) {
    if (value !== undefined && value !== null) response[name] = value
  }
  return response as unknown as TokenResponse
}

/** An authorization code and its row. The row names no grant: there is none until the code is exchanged. */
export function prepareCode(
  server: AuthorizationServer,
  approved: ApprovedAuthorization,
  ttl: number,
): { code: string; credential: Credential } {
  const id = lookupId(newGrantId(), lookupSuffix.authorization_code)
  const secret = newSecret()
  const data = {
    ...(approved.codeChallenge !== undefined && { codeChallenge: approved.codeChallenge }),
    ...(approved.sentRedirectUri !== undefined && { redirectUri: approved.sentRedirectUri }),
    ...audienceData(approved.audience),
  }
  const { userId, scope, startedAt } = approved
  const bound = { clientId: approved.client.clientId, userId, scope, startedAt, data }
  const issuedAt = server.now()
  const credential: Credential = {
    id,
    kind: 'authorization_code',
    state: 'issued',
    digest: codeDigest(secret, bound),
    ...bound,
    issuedAt,
    expiresAt: issuedAt + ttl,
  }
  return { code: `${id}.${secret}`, credential }
}

/**
 * The digest of a code covers what the code is bound to as well: a storage adapter that loses the PKCE challenge, the
 * redirect URI or the audience makes the code unusable instead of unprotected.
 */
export function codeDigest(
  secret: string,
  code: Pick<Credential, 'clientId' | 'userId' | 'scope' | 'startedAt' | 'data'>,
): string {
  const { clientId, userId, scope, startedAt, data } = code
  const { codeChallenge = null, redirectUri = null } = data
  const digest = sha256(JSON.stringify([secret, codeChallenge, redirectUri]))
  // no grant: a code begins one when it is exchanged
  return boundDigest(digest, { clientId, scope, startedAt, data, ...(userId !== undefined && { userId }) })
}

/** Stores what was made for new ids. */
export async function store(
  server: AuthorizationServer,
  credentials: readonly Credential[],
  grant?: Grant,
): Promise<void> {
  // stateless tokens without a refresh token: nothing that could be looked up or revoked
  if (credentials.length === 0) return
  if (await server.storage.grants.insert(credentials, grant)) return
  throw storageFailure(new Error('storage.grants.insert answered false for ids that are new'))
}

/** A refresh token comes with every user's authorization whose client may use the refresh token grant. */
export function getsRefreshToken(server: AuthorizationServer, client: Client): boolean {
  return server.refreshTokens !== undefined && grantTypesOf(client).includes('refresh_token')
}

const defaultGrantTypes = ['authorization_code', 'refresh_token']

export function grantTypesOf(client: Client): readonly string[] {
  return client.grantTypes ?? defaultGrantTypes
}
