/** Finds credentials and judges them: kind, secret, expiry, and whether their user is still there. */

import type { AccessToken } from './access-token'
import { type Awaitable, whenReady } from './awaitable'
import { equalDigests } from './crypto'
import { OAuthError } from './errors'
import type { Client, Credential } from './storage'
import type { AuthorizationServer } from './types'

/** The credential of that id if it is of that kind: a refresh token is no access token, whatever its secret. */
export function findCredential(
  server: AuthorizationServer,
  id: string,
  kind: string,
): Awaitable<Credential | undefined> {
  return whenReady(server.storage.grants.find(id), (found) => (found?.kind === kind ? found : undefined))
}

/** A credential is dead in the second named by `expiresAt`. */
export function isExpired(server: AuthorizationServer, row: { expiresAt: number }): boolean {
  return row.expiresAt <= server.now()
}

/** The row of an access token that is alive and whose secret is right; undefined for everything else. */
export function findAccessToken(server: AuthorizationServer, token: string): Awaitable<Credential | undefined> {
  return whenReady(server.accessTokens.locate(server, token), (located) => {
    if (!located) return undefined
    return whenReady(findCredential(server, located.id, 'access_token'), (found) => {
      if (!found || !equalDigests(found.digest, located.digest)) return undefined
      // a token that was revoked by itself keeps its digest and has another state
      return found.state === found.digest && !isExpired(server, found) ? found : undefined
    })
  })
}

export interface AuthenticatedToken {
  accessToken: AccessToken
  /** The resource owner as `users.find` returned it, or `{ id }`; undefined where there is no user. */
  user: Express.User | undefined
}

/** Who calls with this access token. Throws `invalid_token` (RFC 6750 §3.1) unless it is alive and so is its user. */
export function authenticateToken(server: AuthorizationServer, token: string): Awaitable<AuthenticatedToken> {
  return whenReady(findAccessToken(server, token), (found) => {
    if (!found) throw invalidToken()
    const accessToken = asAccessToken(found)
    if (found.userId === undefined) return { accessToken, user: undefined }
    return whenReady(findUser(server, found.userId), (user) => {
      if (!user) throw invalidToken()
      return { accessToken, user }
    })
  })
}

function invalidToken(): OAuthError {
  return new OAuthError('invalid_token', 'The access token is unknown, expired or revoked.')
}

function asAccessToken({ clientId, userId, scope, expiresAt, grantId }: Credential): AccessToken {
  return {
    clientId,
    ...(userId !== undefined && { userId }),
    scope,
    expiresAt,
    ...(grantId !== undefined && { grantId }),
  }
}

/** The user, or nothing when the host does not have them any more. Without a `users` option every id is taken as it is. */
export function findUser(server: AuthorizationServer, userId: string): Awaitable<Express.User | null | undefined> {
  return server.users ? server.users.find(userId) : ({ id: userId } as Express.User)
}

/** RFC 6749 §5.2: a deleted or suspended user gets no new tokens out of old ones. */
export async function requireUser(server: AuthorizationServer, userId: string | undefined): Promise<void> {
  if (userId !== undefined && !(await findUser(server, userId))) {
    throw new OAuthError('invalid_grant', 'The authorization is no longer valid.')
  }
}

export async function requireClient(server: AuthorizationServer, clientId: string): Promise<Client> {
  const client = await server.storage.clients.find(clientId)
  if (!client) throw new OAuthError('invalid_client', 'There is no client of that id.')
  return client
}
