/** Approves without asking the user, for first-party apps where a session or a guard identifies the user. */

import type { Request } from 'express'
import type { Awaitable } from '../awaitable'
import { mayOmitAuthentication } from '../clients/client'
import { OAuthError } from '../errors'
import { checkSession, sessionWatch } from '../host/session'
import { kindOf, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { schemeWithoutDot } from '../rules/private-use-scheme'
import { staysOnDevice } from '../rules/redirect-uri'
import type { Client } from '../storage'
import type { AuthorizationRequest, AuthorizationServer, Decide } from '../types/authorization-server'
import { pageUsers } from './sign-in'

/** Options of `approve`. */
export interface ApproveOptions {
  /** Returns the signed-in user: an id, or an object with an `id`. @default `users.current` of the server */
  user?: (req: Request) => Awaitable<unknown>
  /**
   * The clients to approve without asking the user: client ids, or a predicate. Two kinds must be listed by id. One is a
   * public client with a loopback or private-use redirect URI: any program on the device can pose as it (RFC 8252 §8.6).
   * The other is a client that registered or described itself: its record may say anything. A private-use scheme without
   * a dot is never approved. List only registered ids: with the clients API mounted, a user could register a free one. A
   * client that a user created there has the user's id as `username`.
   */
  clients: readonly string[] | ((client: Client) => Awaitable<boolean>)
  /**
   * Clients whose access tokens, admitted by a guard in front, may begin a session of *another* client of `clients`.
   * For example, a launcher that signs its user in to other apps. Each of them can sign its user in to every client of
   * `clients`, so list only your own. A client's own token may always begin its session. The session belongs to the
   * token's grant and ends with it.
   * @default none
   */
  fromTokensOf?: readonly string[] | undefined
}

/**
 * Approves requests of the listed clients without asking the user.
 *
 * @throws TypeError at start-up without `clients`.
 */
export function approve(options: ApproveOptions): Decide {
  requireNoMore('approve', arguments, 1)
  requireKnown('approve option', options, ['user', 'clients', 'fromTokensOf'], ['clients', 'fromTokensOf'])
  const { user, clients, fromTokensOf = [] } = options ?? {}
  if (typeof clients !== 'function' && !Array.isArray(clients)) {
    throw misuse(
      'missing_option',
      'approve needs clients: a list of client ids, or a predicate. It approves them without asking the user',
    )
  }
  if (!Array.isArray(fromTokensOf) || !fromTokensOf.every((id) => typeof id === 'string')) {
    throw misuse('wrong_list', "approve's fromTokensOf must be a list of client ids")
  }
  const usersAt = (server: AuthorizationServer) => pageUsers('approve', user === undefined ? {} : { user }, server)
  const checkNobody = sessionWatch()
  let hadUser = false
  const decide = async (request: AuthorizationRequest, req: Request) => {
    const userId = (await usersAt(request.server).signedIn(req))?.id
    if (userId === undefined) {
      const usesSession = user === undefined && request.server.users?.current === undefined
      if (usesSession && !hadUser) checkNobody(request.server, req)
      checkSession(request.server, req, req.originalUrl)
      throw new OAuthError('access_denied', 'No user is signed in.')
    }
    hadUser = true
    // §8.6 without any protection: not even a domain name identifies the app that gets the code
    if (schemeWithoutDot.test(request.redirectUri ?? '')) throw mustAsk(': its redirect URI has a scheme without a dot')
    if (await isApproved(clients, request)) return { allow: true as const, userId, fromTokensOf }
    // RFC 9700 §4.11.2: no user has decided, so a stranger's link must not redirect through this server to a stranger's
    // page
    if (request.client.origin !== undefined) throw mustAsk()
    return { allow: false as const }
  }
  return Object.assign(decide, { usersAt, silent: true })
}

function mustAsk(reason = ''): OAuthError {
  return new OAuthError('unauthorized_client', `This client cannot be approved without asking the user${reason}.`)
}

async function isApproved(clients: ApproveOptions['clients'], request: AuthorizationRequest): Promise<boolean> {
  const { client, redirectUri = '' } = request
  if (typeof clients !== 'function') return clients.includes(client.clientId)
  if (client.origin !== undefined) return false
  if (staysOnDevice(redirectUri) && mayOmitAuthentication(client)) return false
  const approved: unknown = await request.server.inTime('approve({ clients })', clients(client))
  if (typeof approved === 'boolean') return approved
  throw misuse('wrong_decision', `approve({ clients }) must return true or false, not ${kindOf(approved)}`)
}
