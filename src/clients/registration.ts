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

/** Creates a client as it describes itself. Its id and secrets are generated. `isOpen`: anyone may register. */
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
    // the requested scope is the default. A smaller limit would protect no one, since a client can register again, and
    // would stop a client from asking for more scope when needed (RFC 6750 §3.1, insufficient_scope)
    scopes: permitted.scopes,
    ...(scopes && { defaultScopes: scopes }),
    ...described,
    // whatever `pkce` says: no unknown client is too old for PKCE (RFC 9700 §2.1.1)
    requirePkce: true,
  }
  const registrationTokenDigest = digestOf(clientId, registrationToken)
  const origin = isOpen ? 'registration' : 'admitted_registration'
  const registered = await insertClient(server, metadata, { origin, registrationTokenDigest })
  return { ...registered, registrationToken }
}

/** Finds the client of a registration access token. A deleted client gives the same error as a wrong token (§2). */
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
 * RFC 7592 §2.2: the members replace the registered ones, and omitted ones are removed. Members that only the host or
 * an administrator sets stay, and so do the secret and its method. The client may keep what they gave.
 */
export async function replaceRegistration(
  server: AuthorizationServer,
  clientId: string,
  registrationToken: string,
  members: Members,
): Promise<Client> {
  const client = await changeClient(server, clientId, (current) => {
    // checked again for the record that is replaced
    verifyToken(current, registrationToken)
    verifyReplacement(current, members)
    // never more than it has: an administrator may have removed the rest
    const may = { scopes: scopesOfClient(server.scopes, current), grantTypes: grantTypesOf(current) }
    const described = parseSelfDescription(members, may, server, current.tokenEndpointAuthMethods)
    const methods = described.tokenEndpointAuthMethods ?? current.tokenEndpointAuthMethods
    const next = { tokenEndpointAuthMethods: methods }
    // the client cannot drop its authentication, and gets no secret here
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

/** A deleted client gives the same error as a wrong token. */
function refuseGone(error: unknown): never {
  throw error instanceof OAuthError && error.status === 404 ? invalidToken() : error
}

/** §2.2: members that only the server sets, and a secret that is not the client's. */
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

/** A disabled client cannot change or delete itself: its record stays as evidence. */
function verifyToken({ clientId, registrationTokenDigest, disabled }: Client, registrationToken: string): void {
  const digest = digestOf(clientId, registrationToken)
  if (disabled || registrationTokenDigest === undefined || !equalDigests(registrationTokenDigest, digest))
    throw invalidToken()
}

/** Bound to the id, so that a digest copied into another record is useless. */
function digestOf(clientId: string, registrationToken: string): string {
  return sha256(JSON.stringify(['registration access token', clientId, registrationToken]))
}
