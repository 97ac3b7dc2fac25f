/**
 * Sessions that began with an access token (`approve` behind a guard). They are of that token's grant, and so end with it;
 * they get nothing that its session does not have, and one of them ends without the others.
 */
import { findCredential, isExpired, sessionEnd } from '../credentials'
import { credentialOf } from '../issue'
import { revokeGrants } from '../operations/grants'
import { grantIdOf, lookupId, lookupSuffix, sessionOf } from '../split-token'
import type { Credential } from '../storage'
import type { AuthorizationServer } from '../types'

/** Whether that is the id of such a session. */
export function isDerived({ id }: Pick<Credential, 'id'>): boolean {
  return sessionOf(id) !== ''
}

/** What may come of a code that began with an access token; undefined for every other, and where that session is over. */
export async function derivedSession(
  server: AuthorizationServer,
  code: Credential,
): Promise<{ session: string; until: number; refreshable: boolean } | undefined> {
  if (!isDerived(code)) return undefined
  const session = sessionOf(code.id)
  // the digest of the code covers it
  const [source, tokenExpiresAt] = code.data.source as [string, number]
  const refresh = await findRefreshToken(server, code.id, source)
  return { session, until: refresh ? endOf(server, refresh) : tokenExpiresAt, refreshable: refresh !== undefined }
}

/** When a session that is refreshed ends at the latest: with the refresh token that its grant began with, if it began so. */
export async function latestEnd(server: AuthorizationServer, found: Credential): Promise<number> {
  if (!isDerived(found)) return Number.POSITIVE_INFINITY
  const first = await findRefreshToken(server, found.id, '')
  return first && !isExpired(server, first) ? endOf(server, first) : 0
}

async function findRefreshToken(server: AuthorizationServer, id: string, session: string) {
  return findCredential(server, lookupId(grantIdOf(id), lookupSuffix.refresh_token, session), 'refresh_token')
}

function endOf(server: AuthorizationServer, { expiresAt, startedAt }: Credential): number {
  return Math.min(expiresAt, sessionEnd(server, startedAt))
}

/** How often ending a session may find that a refresh was faster. */
const MOST_LOST = 10

/**
 * Ends what a code or token is of: its grant. Where it began with an access token that is another client's, too, and only
 * the session ends: a client could otherwise sign a user out of everything by sending its own code twice.
 */
export async function endSessionOf(server: AuthorizationServer, row: Credential): Promise<void> {
  if (!isDerived(row)) return revokeGrants(server, { grantId: grantIdOf(row.id) })
  const { clientId, userId, grantId } = row
  for (let lost = 0; lost < MOST_LOST; lost++) {
    const current = await currentOf(server, row)
    if (!current || isExpired(server, current)) return
    if (!(await putOut(server, current))) continue
    server.emit({ type: 'token.revoked', clientId, userId, grantId })
    return
  }
  // refreshed as fast as it was looked at: nothing of it may stay
  await revokeGrants(server, { grantId: grantIdOf(row.id) })
}

/** What a session stands and falls with: its refresh token, or where it has none its access token. */
async function currentOf(server: AuthorizationServer, { id }: Credential): Promise<Credential | undefined> {
  const refresh = await findRefreshToken(server, id, sessionOf(id))
  return refresh ?? findCredential(server, accessIdsOf(id)[0] as string, 'access_token')
}

function accessIdsOf(id: string): string[] {
  return lookupSuffix.access_token.map((suffix) => lookupId(grantIdOf(id), suffix, sessionOf(id)))
}

/** Replaces every token of the session in one step by one that has expired. False: it was refreshed meanwhile. */
function putOut(server: AuthorizationServer, current: Credential): PromiseLike<boolean> | boolean {
  const lifetime = { issuedAt: current.issuedAt, expiresAt: server.now() }
  const bound = { ...current, data: {} }
  const dead = (id: string, kind: string) => credentialOf({ id, kind, state: 'revoked', digest: '' }, bound, lifetime)
  const others = server.accessTokens.stateless ? [] : accessIdsOf(current.id).filter((id) => id !== current.id)
  return server.storage.grants.transition(
    current.id,
    current.state,
    dead(current.id, current.kind),
    others.map((id) => dead(id, 'access_token')),
  )
}
