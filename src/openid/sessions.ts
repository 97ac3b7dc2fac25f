/** The host's sessions that sign-ins belong to: their names, and when they ended. */
import { lockedRow } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { lookupId } from '../credentials/split-token'
import { sha256 } from '../crypto'
import { OAuthError, storageFailure } from '../errors'
import { OFFLINE_ACCESS } from '../rules/scope'
import type { Credential } from '../storage'
import { endSessionOf } from '../tokens/revocation'
import type { AuthorizationServer } from '../types/authorization-server'
import type { MadeResponse } from '../types/openid'

/**
 * The name of a session in the tokens of one client. The host's own id may be the secret of a cookie. One name for all
 * clients would reveal that two subjects are the same user.
 */
export function sidOf({ issuer }: AuthorizationServer, clientId: string, sessionId: string): string {
  return sha256(JSON.stringify(['sid', issuer, clientId, sessionId]))
}

/** The name of a session across all clients. Only storage has it. */
export function sessionOf({ issuer }: AuthorizationServer, sessionId: string): string {
  return sha256(JSON.stringify(['session', issuer, sessionId]))
}

/** The longest life of a code in seconds, with a minute for clock differences. */
const LONGEST_WAY = 660

/** The row that records the end of one session of a user, or of all. No secret opens it. */
function endOf({ now }: AuthorizationServer, userId: string, session = ''): Credential {
  const owner = sha256(JSON.stringify(['ended', userId]))
  const named = { id: lookupId(owner, `${lookupSuffix.jti}${sha256(session)}`), kind: 'jti', state: 'used' }
  const at = now()
  // this value is no client id, as in the rows of one-time proofs
  const columns = { clientId: `${owner}\n`, scope: [], startedAt: at }
  return lockedRow(named, columns, { issuedAt: at, expiresAt: at + LONGEST_WAY })
}

/** Ends unexchanged codes, which have no grant yet to end. */
export async function endCodes(server: AuthorizationServer, userId: string, sessionId?: string): Promise<void> {
  const end = endOf(server, userId, sessionId === undefined ? undefined : sessionOf(server, sessionId))
  const { grants } = server.storage
  // of two concurrent calls, the second finds the row of the first
  const isKept = (await grants.insert([end])) || (await grants.transition(end.id, 'used', end, []))
  if (!isKept && !(await grants.insert([end]))) throw storageFailure(new Error('storage.grants.insert returned false'))
}

/**
 * Throws if the session of a code ended after the server saw the user signed in, and ends the new tokens. This runs
 * after they are stored. Logout writes its row before it lists grants: so one of the two sees the other.
 */
export async function requireSession(
  server: AuthorizationServer,
  { uses, authorization }: Pick<MadeResponse, 'uses' | 'authorization'>,
): Promise<void> {
  const { authentication, userId, scope } = authorization
  if (uses?.kind !== 'authorization_code' || !authentication || userId === undefined) return
  if (scope.includes(OFFLINE_ACCESS)) return
  const { session, at = uses.issuedAt } = authentication
  const ends = [endOf(server, userId), ...(session === undefined ? [] : [endOf(server, userId, session)])]
  const found = await Promise.all(ends.map(({ id }) => server.storage.grants.find(id)))
  if (!found.some((end) => end && end.startedAt >= at)) return
  await endSessionOf(server, uses)
  throw new OAuthError('invalid_grant', 'The session of the authorization code has ended.')
}
