/**
 * Sessions that began with an access token (`approve` behind a guard). They are of that token's grant, and so end with it;
 * they get nothing that its session does not have, and one of them ends without the others.
 */

import { isExpired } from '../credentials/bound'
import { firstOf, grantIdOf, lookupId, lookupSuffix, sessionOf } from '../credentials/split-token'
import type { Credential } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { findCredential } from './find'
import { credentialOf } from './issue'
import { MOST_LOST, sessionEnd } from './revocation'

/** Whether that is the id of such a session. */
export function isDerived({ id }: Pick<Credential, 'id'>): boolean {
  return sessionOf(id) !== ''
}

/** What may come of a code that began with an access token; undefined for every other. */
export async function derivedSession(
  server: AuthorizationServer,
  code: Credential,
): Promise<{ session: string; until: number; refreshable: boolean } | undefined> {
  if (!isDerived(code)) return undefined
  const [grantId, session] = [grantIdOf(code.id), sessionOf(code.id)]
  // the digest of the code covers it
  const [source, tokenExpiresAt] = code.data.source as [string, number]
  const refresh = await findRefreshToken(server, grantId, source)
  const first = source === firstOf(source) ? refresh : await findRefreshToken(server, grantId, firstOf(source))
  const ends = [refresh, first].map((row) => (row ? endOf(server, row) : Number.POSITIVE_INFINITY))
  const refreshable = refresh !== undefined
  return { session, until: Math.min(refreshable ? Number.POSITIVE_INFINITY : tokenExpiresAt, ...ends), refreshable }
}

/**
 * When a session that is refreshed ends at the latest: with the refresh token of the session that it goes back to, and that
 * one with the grant's own. What a thief began with a stolen token ends with that token's session so.
 */
export async function latestEnd(server: AuthorizationServer, found: Credential): Promise<number> {
  if (!isDerived(found)) return Number.POSITIVE_INFINITY
  const session = sessionOf(found.id)
  const first = firstOf(session)
  const source = await findRefreshToken(server, grantIdOf(found.id), session === first ? '' : first)
  return source ? endOf(server, source) : 0
}

async function findRefreshToken(server: AuthorizationServer, grantId: string, session: string) {
  return findCredential(server, lookupId(grantId, lookupSuffix.refresh_token, session), 'refresh_token')
}

/** The state of a session that ended before its time. Its row stays, for what goes back to it. */
const ENDED = 'ended'

function endOf(server: AuthorizationServer, { state, expiresAt, startedAt }: Credential): number {
  return state === ENDED ? 0 : Math.min(expiresAt, sessionEnd(server, startedAt))
}

/** Replaces every token of a session in one step by one without a secret. False: it was refreshed each time, meanwhile. */
export async function endSession(server: AuthorizationServer, grantId: string, session: string): Promise<boolean> {
  const accessIds = lookupSuffix.access_token.map((suffix) => lookupId(grantId, suffix, session))
  for (let lost = 0; lost < MOST_LOST; lost++) {
    // a session stands and falls with its refresh token, or where it has none with its access token
    const refresh = await findRefreshToken(server, grantId, session)
    const current = refresh ?? (await findCredential(server, accessIds[0] as string, 'access_token'))
    if (!current || current.state === ENDED || isExpired(server, current)) return true
    const { id, state, kind, clientId, userId } = current
    const ended = credentialOf({ id, kind, state: ENDED, digest: '' }, { ...current, data: {} }, current)
    const others = server.accessTokens.stateless ? [] : accessIds.filter((accessId) => accessId !== id)
    const additions = others.map((accessId) => ({
      ...ended,
      id: accessId,
      kind: 'access_token',
      expiresAt: server.now(),
    }))
    if (!(await server.storage.grants.transition(id, state, ended, additions))) continue
    server.emit({ type: 'token.revoked', clientId, userId, grantId })
    return true
  }
  return false
}
