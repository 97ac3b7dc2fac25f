/** The sessions at the host that sign-ins are of: their names, and that they have ended. */
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
 * The name of a session in the tokens of a client. The host's own id may be the secret of a cookie, and one name for all
 * clients would tell them that two subjects are one.
 */
export function sidOf({ issuer }: AuthorizationServer, clientId: string, sessionId: string): string {
  return sha256(JSON.stringify(['sid', issuer, clientId, sessionId]))
}

/** The name of a session where all of its clients are meant: it stays in storage. */
export function sessionOf({ issuer }: AuthorizationServer, sessionId: string): string {
  return sha256(JSON.stringify(['session', issuer, sessionId]))
}

/** Seconds for which a code may be on its way, at most, and a minute for clocks that are apart. */
const LONGEST_WAY = 660

/** When that session of a user ended, or all of them; a row that no secret opens. */
function endOf({ now }: AuthorizationServer, userId: string, session = ''): Credential {
  const owner = sha256(JSON.stringify(['ended', userId]))
  const named = { id: lookupId(owner, `${lookupSuffix.jti}${sha256(session)}`), kind: 'jti', state: 'used' }
  const at = now()
  // the column has what is no client's id, as that of every proof that counts once
  const columns = { clientId: `${owner}\n`, scope: [], startedAt: at }
  return lockedRow(named, columns, { issuedAt: at, expiresAt: at + LONGEST_WAY })
}

/** Ends the codes that are on their way: they have no grant yet that could be ended. */
export async function endCodes(server: AuthorizationServer, userId: string, sessionId?: string): Promise<void> {
  const end = endOf(server, userId, sessionId === undefined ? undefined : sessionOf(server, sessionId))
  const { grants } = server.storage
  // of two at once the second finds the row of the first
  const isKept = (await grants.insert([end])) || (await grants.transition(end.id, 'used', end, []))
  if (!isKept && !(await grants.insert([end]))) throw storageFailure(new Error('storage.grants.insert returned false'))
}

/**
 * Throws where the session of a code has ended since its user was seen to be signed in, and ends what the code became. It
 * is looked at when that is stored, and a session that ends writes before it lists: one of the two sees the other.
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
