/**
 * Sessions that began with an access token (`approve` behind a guard). They belong to the token's grant and end with
 * it. They never exceed the token's session, and each can end alone.
 */

import type { Awaitable } from '../awaitable'
import { findClient } from '../clients/client'
import { authorizationOf, boundOf, findCredential, isExpired, lockedRow } from '../credentials/bound'
import { lookupSuffix } from '../credentials/kinds'
import { firstOf, grantIdOf, isDerived, lookupId, sessionOf } from '../credentials/split-token'
import type { Credential } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { rotationOf, sessionEnd } from './rotation'

/** The limits of a code that began with an access token. Undefined for other codes. */
export async function derivedSession(
  server: AuthorizationServer,
  code: Credential,
): Promise<{ session: string; until: number; refreshable: boolean } | undefined> {
  const { source } = boundOf(code)
  if (!isDerived(code.id) || !source) return undefined
  return { session: sessionOf(code.id), ...(await sessionBelow(server, grantIdOf(code.id), ...source)) }
}

/**
 * When a session that begins with an access token of the session `source` must end, and whether it may be refreshed.
 */
export async function sessionBelow(
  server: AuthorizationServer,
  grantId: string,
  source: string,
  tokenExpiresAt: number,
): Promise<{ until: number; refreshable: boolean }> {
  const refresh = await findRefreshToken(server, grantId, source)
  const own = refresh ?? (await findOnlyAccessToken(server, grantId, source))
  const first = source === firstOf(source) ? own : await findCarrier(server, grantId, firstOf(source))
  const ends = [own, first].map((row) => (row ? endOf(server, row) : Number.POSITIVE_INFINITY))
  const refreshable = refresh !== undefined
  return { until: Math.min(refreshable ? Number.POSITIVE_INFINITY : tokenExpiresAt, ...ends), refreshable }
}

/**
 * The latest end of a refreshed session: the end of the session that it began from, and so on up to the grant. So a
 * session that a thief began with a stolen token ends with that token's session.
 */
export async function latestEnd(server: AuthorizationServer, found: Credential): Promise<number> {
  if (!isDerived(found.id)) return Number.POSITIVE_INFINITY
  const session = sessionOf(found.id)
  const first = firstOf(session)
  const source = await findRefreshToken(server, grantIdOf(found.id), session === first ? '' : first)
  const client = source && (await findClient(server, source.clientId))
  return source && client ? Math.min(endOf(server, source), sessionEnd(server, source.startedAt, client)) : 0
}

function findRefreshToken(
  server: AuthorizationServer,
  grantId: string,
  session: string,
): Awaitable<Credential | undefined> {
  return findCredential(server, lookupId(grantId, lookupSuffix.refresh_token, session), 'refresh_token')
}

/**
 * A session without a refresh token has one access token. The grant's own session ends with the grant and needs no
 * check.
 */
function findOnlyAccessToken(
  server: AuthorizationServer,
  grantId: string,
  session: string,
): Awaitable<Credential | undefined> {
  if (session === '' || server.accessTokens.stateless) return undefined
  return findCredential(server, lookupId(grantId, lookupSuffix.access_token[0], session), 'access_token')
}

/** The row that decides whether a session is alive: its refresh token, or else its access token. */
async function findCarrier(
  server: AuthorizationServer,
  grantId: string,
  session: string,
): Promise<Credential | undefined> {
  return (await findRefreshToken(server, grantId, session)) ?? (await findOnlyAccessToken(server, grantId, session))
}

/** The state of a session that ended early. The row stays for the sessions that began from it. */
const ENDED = 'ended'

function endOf(server: AuthorizationServer, { state, expiresAt, startedAt }: Credential): number {
  return state === ENDED ? 0 : Math.min(expiresAt, sessionEnd(server, startedAt))
}

/** The most times that ending a session may lose against a refresh. */
const MOST_LOST = 10

/** Replaces every token of a session in one step by rows without a secret. False: refreshes were faster each time. */
export async function endSession(server: AuthorizationServer, grantId: string, session: string): Promise<boolean> {
  for (let lost = 0; lost < MOST_LOST; lost++) {
    const current = await findCarrier(server, grantId, session)
    if (!current || current.state === ENDED) return true
    // an expired refresh token does not count: if its lifetime was shortened, its access tokens live longer
    if (current.kind === 'access_token' && isExpired(server, current)) return true
    const { id, state, kind, clientId, userId } = current
    const authorization = authorizationOf(current)
    const ended = lockedRow({ id, kind, state: ENDED }, authorization, current)
    const lifetime = { issuedAt: current.issuedAt, expiresAt: server.now() }
    const others = server.accessTokens.stateless ? [] : accessIdsOf(current).filter((other) => other !== id)
    const additions = others.map((other) =>
      lockedRow({ id: other, kind: 'access_token', state: ENDED }, authorization, lifetime),
    )
    if (!(await server.storage.grants.transition(id, state, ended, additions))) continue
    server.emit({ type: 'token.revoked', clientId, userId, grantId })
    return true
  }
  return false
}

/** The ids of all access tokens that the session can have. */
function accessIdsOf(current: Credential): string[] {
  const { id } = current
  const places = current.kind === 'refresh_token' ? rotationOf(current).places : [undefined]
  return places.flatMap((_, place) =>
    lookupSuffix.access_token.map((suffix) => lookupId(grantIdOf(id), suffix, sessionOf(id), place)),
  )
}
