/** Approval without a question, for first-party apps where a session or a guard in front says who the user is. */

import type { Request } from 'express'
import type { Awaitable } from '../awaitable'
import { mayOmitAuthentication } from '../clients/client'
import { OAuthError } from '../errors'
import { requireKnown, requireNoMore } from '../options/known'
import { staysOnDevice } from '../rules/redirect-uri'
import type { Client } from '../storage'
import type { AuthorizationRequest, AuthorizationServer, Decide } from '../types/authorization-server'
import { pageUsers } from './sign-in'

/** Options of `approve`. */
export interface ApproveOptions {
  /** The signed-in user: an id, or a value with an `id`. @default `users.current` of the server */
  user?: (req: Request) => Awaitable<unknown>
  /**
   * Who may be approved in silence: client ids, or a predicate. A public client with a loopback or private-use redirect
   * URI must be named by its id, because every program on the user's machine can pose as it (RFC 8252 §8.6); so must a
   * client that introduced itself, because it may say whatever a predicate looks for. What a user made in the clients
   * API says whatever that user likes, and has their id as `username`. Name only ids that are registered: with the clients
   * API mounted, a user could take one that is free.
   */
  clients: readonly string[] | ((client: Client) => Awaitable<boolean>)
  /**
   * Clients whose access tokens, where a guard is in front, may begin a session of *another* client of `clients`: such as a
   * launcher that hands its user on. Each of them can sign its user in everywhere in `clients`, so name only your own. A
   * token of any client may do so for that client itself. What begins so is of the token's grant, and ends with it.
   * @default none
   */
  fromTokensOf?: readonly string[] | undefined
}

/** Decides yes for the clients named, without asking the user. Throws at start-up without `clients`. */
export function approve(options: ApproveOptions): Decide {
  requireNoMore('approve', arguments, 1)
  requireKnown('approve option', options, ['user', 'clients', 'fromTokensOf'])
  const { user, clients, fromTokensOf = [] } = options ?? {}
  if (typeof clients !== 'function' && !Array.isArray(clients)) {
    throw new TypeError(
      'approve needs clients: a list of client ids, or a predicate. It approves them without asking the user',
    )
  }
  if (!Array.isArray(fromTokensOf) || !fromTokensOf.every((id) => typeof id === 'string')) {
    throw new TypeError("approve's fromTokensOf must be a list of client ids")
  }
  const usersAt = (server: AuthorizationServer) => pageUsers('approve', user === undefined ? {} : { user }, server)
  const decide = async (request: AuthorizationRequest, req: Request) => {
    const userId = (await usersAt(request.server).signedIn(req))?.id
    if (userId === undefined) throw new OAuthError('access_denied', 'No user is signed in.')
    if (await isApproved(clients, request)) return { allow: true as const, userId, fromTokensOf }
    // RFC 9700 §4.11.2: no user has decided, so a stranger's link must not lead through here to a stranger's page
    if (request.client.origin !== undefined) {
      throw new OAuthError('unauthorized_client', 'This client cannot be approved without asking the user.')
    }
    return { allow: false as const }
  }
  return Object.assign(decide, { usersAt })
}

async function isApproved(clients: ApproveOptions['clients'], request: AuthorizationRequest): Promise<boolean> {
  const { client, redirectUri } = request
  if (typeof clients !== 'function') return clients.includes(client.clientId)
  if (client.origin !== undefined) return false
  if (staysOnDevice(redirectUri) && mayOmitAuthentication(client)) return false
  return (await clients(client)) === true
}
