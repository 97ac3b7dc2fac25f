/** Clients that register themselves (RFC 7591), and change or delete that registration with its access token (RFC 7592). */

import { equalDigests, newGrantId, newSecret, sha256 } from '../crypto'
import { invalidToken, OAuthError } from '../errors'
import { intersectScope, scopesOfClient } from '../rules/scope'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { grantTypesOf, hasClientSecret, isPublic } from './client'
import { endClient } from './deletion'
import { invalid } from './member-checks'
import { membersOf } from './members'
import { parseClientMetadata } from './metadata'
import { changeClient, insertClient } from './records'
import { type Permitted, parseSelfDescription, type SelfDescription } from './self-description'

type Members = Readonly<Record<string, unknown>>

export interface NewRegistration {
  client: Client
  clientSecret?: string
  registrationToken: string
}

/** A new client as it describes itself; `isOpen`: anybody may. Its id and secrets are of our making. */
export async function registerItself(
  server: AuthorizationServer,
  { scopes, ...described }: SelfDescription,
  permitted: Permitted,
  isOpen: boolean,
): Promise<NewRegistration> {
  const clientId = newGrantId()
  const registrationToken = newSecret()
  const metadata = {
    clientId,
    // what it asked for is what it begins with. Less than is open would keep nobody safe who can register again, and keep a
    // client from asking its user for more when it needs it (RFC 6750 §3.1, insufficient_scope)
    scopes: permitted.scopes,
    ...(scopes && { defaultScopes: scopes }),
    ...described,
    // whatever `pkce` is for the clients that the host knows: no unknown one is so old that it cannot (RFC 9700 §2.1.1)
    requirePkce: true,
  }
  const registrationTokenDigest = digestOf(clientId, registrationToken)
  const origin = isOpen ? 'registration' : 'admitted_registration'
  const registered = await insertClient(server, metadata, { origin, registrationTokenDigest })
  return { ...registered, registrationToken }
}

/** The client whose registration access token this is. A client that is gone is answered like a wrong token (§2). */
export async function requireRegistration(
  server: AuthorizationServer,
  clientId: string,
  registrationToken: string,
): Promise<Client> {
  const client = await server.storage.clients.find(clientId)
  if (!client) throw invalidToken()
  verifyToken(client, registrationToken)
  return client
}

/**
 * RFC 7592 §2.2: the members replace those that were registered, and what is left out is gone. What only the host or an
 * administrator decides about stays, and so do the secret and the way to present it. What they gave, it may keep.
 */
export async function replaceRegistration(
  server: AuthorizationServer,
  clientId: string,
  registrationToken: string,
  members: Members,
): Promise<Client> {
  const client = await changeClient(server, clientId, (current) => {
    // once more of the very record that is replaced
    verifyToken(current, registrationToken)
    verifyReplacement(current, members)
    // never more than it has: an administrator may have taken the rest away
    const may = { scopes: scopesOfClient(server.scopes, current), grantTypes: grantTypesOf(current) }
    const described = parseSelfDescription(members, may, server, current.tokenEndpointAuthMethods)
    const methods = described.tokenEndpointAuthMethods ?? current.tokenEndpointAuthMethods
    const next = { tokenEndpointAuthMethods: methods }
    // a proof is never dropped, and no secret is made here
    if (isPublic(next) !== isPublic(current) || hasClientSecret(next) !== hasClientSecret(current)) {
      throw invalid('token_endpoint_auth_method cannot change between none and a secret: register again')
    }
    const { defaultScopes } = current
    const kept = withoutOwn(current, server)
    const scopes = described.scopes ?? current.scopes ?? []
    const metadata = {
      ...kept,
      ...described,
      scopes,
      ...(defaultScopes && { defaultScopes: intersectScope(defaultScopes, scopes) }),
      tokenEndpointAuthMethods: methods,
    }
    return { ...kept, ...parseClientMetadata(metadata, server) }
  }).catch(refuseGone)
  server.emit({ type: 'client.updated', clientId })
  return client
}

/** The record without the members that its client sets. */
function withoutOwn(current: Client, server: AuthorizationServer): Client {
  const own = membersOf(server).flatMap(([name, { setBy }]) => (setBy === 'self' ? [name as string] : []))
  return Object.fromEntries(Object.entries(current).filter(([name]) => !own.includes(name))) as unknown as Client
}

/** RFC 7592 §2.3. */
export async function deleteRegistration(
  server: AuthorizationServer,
  clientId: string,
  registrationToken: string,
): Promise<void> {
  const mayDelete = (current: Client) => verifyToken(current, registrationToken)
  await endClient(server, clientId, mayDelete).catch(refuseGone)
}

/** A client that is gone is answered like a wrong token. */
function refuseGone(error: unknown): never {
  throw error instanceof OAuthError && error.status === 404 ? invalidToken() : error
}

/** §2.2: members that only the server says, and a secret that is not the client's own. */
function verifyReplacement(current: Client, members: Members): void {
  if (members.client_id !== current.clientId) throw invalid('client_id must be the id of this client')
  const ours = [
    'registration_access_token',
    'registration_client_uri',
    'client_secret_expires_at',
    'client_id_issued_at',
  ]
  const sent = ours.find((member) => members[member] !== undefined)
  if (sent !== undefined) throw invalid(`${sent} must not be sent`)
  const { client_secret: secret } = members
  if (secret === undefined) return
  const digest = typeof secret === 'string' ? sha256(secret) : ''
  if (current.secrets.some((kept) => kept.digest !== undefined && equalDigests(kept.digest, digest))) return
  throw invalid('client_secret is not a secret of this client, and cannot be chosen')
}

/** A client that is disabled does not change or delete itself: what it was stays to be seen. */
function verifyToken({ clientId, registrationTokenDigest, disabled }: Client, registrationToken: string): void {
  const digest = digestOf(clientId, registrationToken)
  if (disabled || registrationTokenDigest === undefined || !equalDigests(registrationTokenDigest, digest))
    throw invalidToken()
}

/** Bound to the id: a digest that has found its way into another record opens nothing there. */
function digestOf(clientId: string, registrationToken: string): string {
  return sha256(JSON.stringify(['registration access token', clientId, registrationToken]))
}
