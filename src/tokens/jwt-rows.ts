/** The rows of JWT access tokens: which one a token names, or the one that it is itself where nothing is stored. */

import { lookupId, lookupSuffix, parseSplitToken, sessionOf } from '../credentials/split-token'
import { sha256 } from '../crypto'
import { type AccessTokenClaims, audienceOf } from '../jwt/verify'
import type { Credential } from '../storage'
import type { LocatedToken } from '../types/access-token'
import { accessTokenOf } from './claims'

export function namedRow(claims: AccessTokenClaims): LocatedToken | undefined {
  const named = parseSplitToken(claims.jti)
  return named && { id: named.id, secret: claims.jti, claims }
}

type UserRow = Pick<Credential, 'id' | 'userId' | 'grantId' | 'startedAt'>

/** What there is no row to say: a session that begins with this token is no younger, and is of this grant. */
export function sessionClaims({ id, userId, grantId, startedAt }: UserRow): Record<string, unknown> {
  if (userId === undefined) return {}
  return { started_at: startedAt, ...(grantId !== undefined && { grant_id: grantId + sessionOf(id) }) }
}

// a grant, and where the token began with another one, its session of that grant
const sessionSyntax = /^([A-Za-z0-9_-]{22})((?:\.[A-Za-z0-9_-]{22}){0,2})$/

/** A stateless token is its own row. One that names a row is not, or it would outlive its revocation. */
export function rowOf(claims: AccessTokenClaims): LocatedToken | undefined {
  const { jti, client_id: clientId, iat, exp, aud, started_at: startedAt, grant_id: named } = claims
  if (parseSplitToken(jti)) return undefined
  const { userId, scope } = accessTokenOf(claims)
  const [, grantId, session] = (typeof named === 'string' && sessionSyntax.exec(named)) || []
  const digest = sha256(jti)
  const row: Credential = {
    id: grantId === undefined ? jti : lookupId(grantId, lookupSuffix.access_token[0], session),
    kind: 'access_token',
    state: digest,
    digest,
    clientId,
    ...(userId !== undefined && { userId }),
    ...(grantId !== undefined && { grantId }),
    scope,
    startedAt: typeof startedAt === 'number' ? Math.min(startedAt, iat) : iat,
    issuedAt: iat,
    expiresAt: exp,
    data: { audience: audienceOf(aud) },
  }
  return { id: jti, secret: jti, claims, row }
}
