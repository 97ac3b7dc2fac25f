/** Finds credentials and judges them: kind, secret, expiry, and whether their user is still there. */

import { type Awaitable, whenReady } from './awaitable'
import { equalDigests, sha256 } from './crypto'
import { OAuthError } from './errors'
import { findUser } from './host-functions'
import { frozenList } from './rules/frozen'
import { audienceData, storedAudience, verifyAudience } from './rules/resource'
import { sessionOf } from './split-token'
import type { Client, Credential } from './storage'
import type { AccessToken } from './types/access-token'
import type { AuthorizationServer } from './types/authorization-server'

/** The credential of that id if it is of that kind: a refresh token is no access token, whatever its secret. */
export function findCredential(
  server: AuthorizationServer,
  id: string,
  kind: string,
): Awaitable<Credential | undefined> {
  return whenReady(server.storage.grants.find(id), (found) => (found?.kind === kind ? found : undefined))
}

/** What a credential is bound to: whose it is, for what, and since when. */
export type Binding = Pick<Credential, 'clientId' | 'scope' | 'startedAt' | 'data'> & {
  readonly userId?: string | undefined
  readonly grantId?: string | undefined
}

/**
 * The digest of a secret of 256 bits and of what it is bound to. A storage adapter that loses or changes one of these makes
 * the token unusable, instead of one of nobody, of more, without PKCE, or that no revocation reaches.
 */
export function boundDigest(secret: string, row: Binding): string {
  const { clientId, userId = null, grantId = null, scope, startedAt } = row
  const { audience = null, codeChallenge = null, redirectUri = null, source } = row.data
  const members = [secret, clientId, userId, grantId, scope, startedAt, audience, codeChallenge, redirectUri]
  // behind the others, whose digests stay what they are: only a code that began with an access token has it
  return sha256(JSON.stringify(source === undefined ? members : [...members, source]))
}

/** Whether this is the secret of the row, and the row bound to what it was when it was made. */
export function hasSecret(row: Binding & { readonly digest: string }, secret: string): boolean {
  return equalDigests(row.digest, boundDigest(secret, row))
}

/** A credential is dead in the second named by `expiresAt`. */
export function isExpired(server: AuthorizationServer, row: { expiresAt: number }): boolean {
  return row.expiresAt <= server.now()
}

export interface FoundAccessToken {
  row: Credential
  /** Those of a JWT. */
  claims?: AccessToken['claims']
}

/** An access token that is alive and whose secret is right; undefined for everything else. */
export function findAccessToken(server: AuthorizationServer, token: string): Awaitable<FoundAccessToken | undefined> {
  return whenReady(server.accessTokens.locate(server, token), (located) => {
    if (!located) return undefined
    const { id, secret, claims } = located
    return whenReady(located.row ?? findCredential(server, id, 'access_token'), (row) => {
      // a token that was revoked by itself keeps its digest and has another state; one without a row is never revoked
      const isWhole = row && (located.row !== undefined || (row.state === row.digest && hasSecret(row, secret)))
      if (!isWhole || isExpired(server, row)) return undefined
      return claims ? { row, claims } : { row }
    })
  })
}

export interface AuthenticatedToken {
  accessToken: AccessToken
  /** The resource owner as `users.find` returned it, or `{ id }`; undefined where there is no user. */
  user: Express.User | undefined
  /** When the user was there, which a `maxAge` and what was revoked since go by; undefined where another server knows. */
  startedAt?: number
  /** Which session of its grant the token is of. */
  session?: string
}

/**
 * Who calls `resource` with this access token. Throws `invalid_token` (RFC 6750 §3.1) unless the token is alive, so is its
 * user, and it is for that resource; without one, for the default audience of the server.
 */
export function authenticateToken(
  server: AuthorizationServer,
  token: string,
  resource?: string,
): Awaitable<AuthenticatedToken> {
  return whenReady(findAccessToken(server, token), (found) => {
    if (!found) throw invalidToken()
    const accessToken = asAccessToken(server, found)
    verifyAudience(server, accessToken.audience ?? [], resource)
    return whenReady(userOf(server, accessToken), (user) => {
      const { id, startedAt } = found.row
      return { accessToken, user, startedAt, session: sessionOf(id) }
    })
  })
}

/** The user of a token, who must still be there; undefined for a client's own. */
export function userOf(
  source: Pick<AuthorizationServer, 'users'>,
  { userId }: AccessToken,
): Awaitable<Express.User | undefined> {
  if (userId === undefined) return undefined
  return whenReady(findUser(source, userId), (user) => {
    if (!user) throw invalidToken()
    return user
  })
}

export function invalidToken(): OAuthError {
  return new OAuthError('invalid_token', 'The access token is unknown, expired or revoked.')
}

function asAccessToken(server: AuthorizationServer, { row, claims }: FoundAccessToken): AccessToken {
  const { clientId, userId, scope, expiresAt, grantId, data } = row
  return Object.freeze({
    clientId,
    ...(userId !== undefined && { userId }),
    scope: frozenList(scope),
    expiresAt,
    ...(grantId !== undefined && { grantId }),
    ...audienceData(frozenList(storedAudience(server, data))),
    ...(claims && { claims }),
  })
}

/** RFC 6749 §5.2: a deleted or suspended user gets no new tokens out of old ones. */
export async function requireUser(server: AuthorizationServer, userId: string | undefined): Promise<void> {
  if (userId !== undefined && !(await findUser(server, userId))) {
    throw new OAuthError('invalid_grant', 'The authorization is no longer valid.')
  }
}

/** What a user has made for themselves does not outlive them: RFC 6749 §5.2, a client that may not. */
export async function requireOwner(server: AuthorizationServer, { username }: Client): Promise<void> {
  if (username !== undefined && !(await findUser(server, username))) {
    throw new OAuthError('unauthorized_client', 'The user who owns this client is not there any more.')
  }
}

/** When a `maxAge` ends the session, also one that came later than the session. */
export function sessionEnd({ refreshTokens }: AuthorizationServer, startedAt: number): number {
  return startedAt + (refreshTokens?.maxAge ?? Number.POSITIVE_INFINITY)
}

/**
 * The client of that id: the one way to it for everything that a client does. An id that is a document's URL is never
 * looked for in storage, where whoever may write records could put another client under it. `network` is whose request it
 * is, where it is one: what strangers make us fetch has a pace.
 */
export function findClient(
  { clientDocuments, storage }: AuthorizationServer,
  clientId: string,
  network?: string,
): Awaitable<Client | undefined> {
  if (!clientDocuments?.isDocumentUrl(clientId)) return storage.clients.find(clientId)
  return clientDocuments.find(clientId, network)
}

export async function requireClient(server: AuthorizationServer, clientId: string): Promise<Client> {
  const client = await findClient(server, clientId)
  // 404: it is no client that failed to authenticate
  if (!client) throw new OAuthError('invalid_client', 'There is no client of that id.', { status: 404 })
  return client
}
