/** Ends sessions: first their authorizations, then notifies their clients (OpenID Connect Back-Channel Logout 1.0). */
import { setTimeout as wait } from 'node:timers/promises'
import { findClient } from '../clients/client'
import { newSecret } from '../crypto'
import { messageOf } from '../errors'
import { isLoopbackAddress, isPublicAddress } from '../fetch/public-address'
import { hasPlace, isBusy, postForm } from '../fetch/untrusted'
import { requireServer } from '../http/endpoint'
import { signJwt } from '../jwt/sign'
import { listGrants } from '../operations/grants'
import { kindOf, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { OFFLINE_ACCESS } from '../rules/scope'
import { requireId } from '../rules/subject'
import type { Client } from '../storage'
import { oneByOne } from '../storage/paging'
import { revoke } from '../tokens/revocation'
import type { Authentication } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import { signerOf } from './id-token'
import { endCodes, sidOf } from './sessions'
import { requireSettings, type Settings } from './settings'

/**
 * Ends the sign-ins of a user at other apps, for one session of your app or all. Call it when your app ends a session
 * itself, for example after a password change. It first ends their authorizations with all codes and refresh tokens,
 * except those with `offline_access` (OpenID Connect Back-Channel Logout 1.0 §2.7). Then it notifies each client with a
 * `backchannelLogoutUri`. Resolves within 20 seconds, when all are notified or given up. The events `logout.sent` and
 * `logout.failed` report the results.
 *
 * @throws TypeError for a server without `openid`, and for a member that is not an id. Otherwise an unknown session
 * would end all sessions.
 */
export async function logoutSessions(
  server: AuthorizationServer,
  target: { userId: string | number; sessionId?: string },
): Promise<void> {
  requireNoMore('logoutSessions', arguments, 2)
  requireServer(server)
  requireKnown('logoutSessions member', target ?? null, ['userId', 'sessionId'], ['userId'])
  const { sessionId } = target
  if (sessionId !== undefined && (typeof sessionId !== 'string' || sessionId === '')) {
    const came = sessionId === '' ? 'an empty one' : kindOf(sessionId)
    throw misuse('wrong_id', `logoutSessions: sessionId must be a non-empty string, not ${came}`)
  }
  const settings = requireSettings('logoutSessions', server)
  const userId = requireId('logoutSessions: userId', target.userId)
  await tellClients(settings, server, await endSessions(server, userId, sessionId))
}

/** Ends the authorizations of this session, or of all sessions of the user. Returns the clients to notify. */
export async function endSessions(
  server: AuthorizationServer,
  userId: string,
  sessionId: string | undefined,
): Promise<EndedSession[]> {
  const ended = new Map<string, EndedSession>()
  // first, so that a code that is being exchanged is refused, or its grant is in the list
  await endCodes(server, userId, sessionId)
  await oneByOne(await listGrants(server, { userId }), async ({ id, clientId, scope, data }) => {
    const authentication = data.authentication as Authentication | undefined
    // an authorization without a sign-in belongs to no session
    if (!authentication) return
    const { sid } = authentication
    if (sessionId !== undefined && sid !== sidOf(server, clientId, sessionId)) return
    if (!scope.includes(OFFLINE_ACCESS)) await revoke(server, { grantId: id })
    ended.set(JSON.stringify([clientId, sid]), { clientId, userId, ...(sid !== undefined && { sid }) })
  })
  return [...ended.values()]
}

/** An ended session, with the client's name for it. Without `sid`: all of the user's sessions at the client. */
export interface EndedSession {
  readonly clientId: string
  readonly userId: string
  readonly sid?: string
}

/** §2.4: the type of no id_token and no access token (RFC 8725 §3.11). */
const TYPE = 'logout+jwt'
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** Seconds. §2.4: at most two minutes, including clock differences. */
const LIFETIME = 120
/** Milliseconds before the second and the third attempt. */
const PAUSES = [200, 1000]
/** The most parallel notifications, in all and for one host. Others wait for their next attempt. */
const PLACES = { all: 500, ofHost: 50 }
/** The most parallel notifications of one call. */
const AT_ONCE = 20

/** The pending requests of all servers in the process. */
const underWay = new Set<{ readonly url: string }>()

/** Notifies the clients in parallel. Resolves when each is notified or given up. Never rejects. */
export async function tellClients(
  settings: Settings,
  server: AuthorizationServer,
  sessions: readonly EndedSession[],
): Promise<void> {
  const left = [...sessions]
  const work = async () => {
    for (let next = left.pop(); next; next = left.pop()) await tell(settings, server, next)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, work))
}

async function tell(settings: Settings, server: AuthorizationServer, session: EndedSession): Promise<void> {
  const { clientId, userId } = session
  try {
    const client = await findClient(server, clientId)
    if (client?.backchannelLogoutUri === undefined) return
    if (client.backchannelLogoutSessionRequired && session.sid === undefined) {
      throw new Error('it wants a sid, and openid({ authentication }) returned no sessionId when its user signed in')
    }
    await post(settings, server, client, client.backchannelLogoutUri, session)
    server.emit({ type: 'logout.sent', clientId, userId })
  } catch (error) {
    server.emit({ type: 'logout.failed', clientId, userId, reason: messageOf(error) })
  }
}

/** Throws if the client could not be notified. Only the host learns why. */
async function post(
  settings: Settings,
  server: AuthorizationServer,
  client: Client,
  url: string,
  session: EndedSession,
): Promise<void> {
  const { withLoopback } = settings
  const mayConnectTo = (address: string) => isPublicAddress(address) || (withLoopback && isLoopbackAddress(address))
  for (const pause of [...PAUSES, undefined]) {
    let problem: string
    try {
      const status = await inPlace(url, async () => {
        // a new token for each attempt: one that already arrived would be a replay (§2.6)
        const logout_token = await logoutToken(settings, server, client, session)
        return postForm(url, mayConnectTo, { logout_token })
      })
      // §2.8: 200; some frameworks send 204
      if (status === 200 || status === 204) return
      if (!isBusy(status)) throw new Refused(`it answered ${status}`)
      problem = `it answered ${status}`
    } catch (error) {
      // a timeout: the client may have received it, and would keep this waiting again
      if (error instanceof Refused || isTimeout(error)) throw error
      problem = messageOf(error)
    }
    if (pause === undefined) throw new Error(problem)
    await wait(pause)
  }
}

class Refused extends Error {}

function isTimeout(error: unknown): boolean {
  return ['AbortError', 'TimeoutError'].includes((error as Error).name)
}

/** Limits the parallel requests, so that unreachable clients do not use up the process's sockets. */
async function inPlace(url: string, send: () => Promise<number>): Promise<number> {
  const others = [...underWay].map((other) => other.url)
  if (!hasPlace(others, url, PLACES)) throw new Error('too many clients are being told at once')
  const place = { url }
  underWay.add(place)
  try {
    return await send()
  } finally {
    underWay.delete(place)
  }
}

/** §2.4. Without `nonce`, so that it cannot pass as an id_token. */
async function logoutToken(
  { ring, subjects }: Settings,
  server: AuthorizationServer,
  client: Client,
  { userId, sid }: EndedSession,
): Promise<string> {
  const iat = server.now()
  const claims = {
    iss: server.issuer,
    sub: await subjects.subjectOf(server, client, userId),
    aud: client.clientId,
    iat,
    exp: iat + LIFETIME,
    jti: newSecret(),
    events: { [EVENT]: {} },
    ...(sid !== undefined && { sid }),
  }
  return signJwt(TYPE, claims, signerOf(ring(), client.idTokenSignedResponseAlg, client.clientId))
}
