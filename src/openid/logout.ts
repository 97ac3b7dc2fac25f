/** Ending sessions: their authorizations first, and then their clients are told (OpenID Connect Back-Channel Logout 1.0). */
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
import { revoke } from '../tokens/revocation'
import type { Authentication } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import { signerOf } from './id-token'
import { endCodes, sidOf } from './sessions'
import { requireSettings, type Settings } from './settings'

/**
 * Ends the sign-ins of a user at other apps: those of one session of your app, or all. Call it where your app ends a
 * session by itself, such as after a new password. Each authorization of theirs is dead before the first client is told,
 * refresh tokens and codes included, but for those granted `offline_access` (OpenID Connect Back-Channel Logout 1.0 §2.7).
 * Resolves when each client with a `backchannelLogoutUri` was told, or given up: within 20 seconds. What became of it
 * are the events `logout.sent` and `logout.failed`.
 *
 * @throws TypeError for a server without `openid`, and for a member that is not an id, so that a session that was not
 * found never ends all of them.
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

/** Ends what belongs to that session, or to each of the user, and returns who is to be told. */
export async function endSessions(
  server: AuthorizationServer,
  userId: string,
  sessionId: string | undefined,
): Promise<EndedSession[]> {
  const ended = new Map<string, EndedSession>()
  // first, so that a code which is exchanged meanwhile is refused, or has a grant that is listed
  await endCodes(server, userId, sessionId)
  for (const { id, clientId, scope, data } of await listGrants(server, { userId })) {
    const authentication = data.authentication as Authentication | undefined
    // an authorization without a sign-in has no session to end with
    if (!authentication) continue
    const { sid } = authentication
    if (sessionId !== undefined && sid !== sidOf(server, clientId, sessionId)) continue
    if (!scope.includes(OFFLINE_ACCESS)) await revoke(server, { grantId: id })
    ended.set(JSON.stringify([clientId, sid]), { clientId, userId, ...(sid !== undefined && { sid }) })
  }
  return [...ended.values()]
}

/** What has ended: a session, by the name that its client knows; without `sid` each one of the user there. */
export interface EndedSession {
  readonly clientId: string
  readonly userId: string
  readonly sid?: string
}

/** §2.4: what no id_token and no access token has (RFC 8725 §3.11). */
const TYPE = 'logout+jwt'
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** Seconds. §2.4: two minutes at most, for clocks that are apart. */
const LIFETIME = 120
/** Milliseconds before a second and a third attempt. */
const PAUSES = [200, 1000]
/** How many are told at once: in all, and at one host. Those beyond wait for their next attempt. */
const PLACES = { all: 500, ofHost: 50 }
/** How many of one call. */
const AT_ONCE = 20

/** The requests under way, of every server in the process. */
const underWay = new Set<{ readonly url: string }>()

/** Tells them in parallel. Resolves when each has answered, or is given up; never rejects. */
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

/** Throws where the client could not be told, and says why: for the host alone. */
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
        // a token of its own each time: one that has arrived already would be a replay (§2.6)
        const logout_token = await logoutToken(settings, server, client, session)
        return postForm(url, mayConnectTo, { logout_token })
      })
      // §2.8: 200, and 204 where a framework makes that of it
      if (status === 200 || status === 204) return
      if (!isBusy(status)) throw new Refused(`it answered ${status}`)
      problem = `it answered ${status}`
    } catch (error) {
      // no answer in time: it may have understood, and would keep this waiting again
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

/** Beside at most so many others, so that clients that are away do not use up the sockets of the process. */
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

/** §2.4. It has no `nonce`, or it could be taken for an id_token. */
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
