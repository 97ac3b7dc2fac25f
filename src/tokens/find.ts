/** Finds credentials and judges them: kind, secret, expiry, and whether their user is still there. */

import { type Awaitable, whenReady } from '../awaitable'
import { hasSecret, isExpired } from '../credentials/bound'
import type { CredentialKind } from '../credentials/kinds'
import { sessionOf } from '../credentials/split-token'
import { invalidToken } from '../errors'
import { verifyAudience } from '../rules/resource'
import { type Call, verifyConfirmation } from '../sender-constraints/confirmation'
import type { Credential } from '../storage'
import type { AccessToken } from '../types/access-token'
import type { AuthorizationServer } from '../types/authorization-server'
import type { Users } from '../types/users'
import { findUser } from '../users'
import { accessTokenOfRow } from './claims'

/** The credential of that id if it is of that kind: a refresh token is no access token, whatever its secret. */
export function findCredential(
  server: AuthorizationServer,
  id: string,
  kind: CredentialKind,
): Awaitable<Credential | undefined> {
  return whenReady(server.storage.grants.find(id), (found) => (found?.kind === kind ? found : undefined))
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
 * user, and it is for that resource; without one, for the default audience of the server. A token that is bound to a key
 * needs a call that proves it.
 */
export function authenticateToken(
  server: AuthorizationServer,
  token: string,
  resource?: string,
  call?: Call,
): Awaitable<AuthenticatedToken> {
  return whenReady(findAccessToken(server, token), (found) => {
    if (!found) throw invalidToken()
    const accessToken = accessTokenOfRow(server, found.row, found.claims)
    if (server.resources.length > 0) verifyAudience(server, accessToken.audience ?? [], resource)
    const admitted = (user: Express.User | undefined): AuthenticatedToken => {
      const { id, startedAt } = found.row
      return { accessToken, user, startedAt, session: sessionOf(id) }
    }
    if (call || accessToken.confirmation) {
      const proven = verifyConfirmation(server, token, accessToken, call)
      return whenReady(proven, () => whenReady(userOf(server, accessToken), admitted))
    }
    return whenReady(userOf(server, accessToken), admitted)
  })
}

/** The user of a token, who must still be there; undefined for a client's own. */
export function userOf(
  source: { readonly users: Pick<Users, 'find'> | undefined },
  { userId }: AccessToken,
): Awaitable<Express.User | undefined> {
  if (userId === undefined) return undefined
  return whenReady(findUser(source, userId), (user) => {
    if (!user) throw invalidToken()
    return user
  })
}
