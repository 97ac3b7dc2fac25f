/** Functions for hosts to manage client records: register, update, delete, rotate secrets. */

import { grantTypesOf } from '../clients/client'
import { endClient } from '../clients/deletion'
import { metadataNames } from '../clients/metadata'
import { changeMembers, insertClient, rotateSecret } from '../clients/records'
import { requireServer } from '../http/endpoint'
import { requireKnown, requireNoMore } from '../options/known'
import { requireSeconds } from '../options/seconds'
import { filterBy, requireId } from '../rules/subject'
import type { Client } from '../storage'
import { allPages, oneByOne, pages } from '../storage/paging'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMetadata } from '../types/client-metadata'
import { listGrants } from './grants'

/** A client to register. Omitted members have a safe default. */
export interface RegisterClientOptions<Grants extends string = string>
  extends Omit<ClientMetadata<Grants>, 'username'> {
  /** The `client_id`: 1 to 255 printable ASCII characters. @default generated */
  clientId?: string
  /**
   * A chosen secret of 8 to 72 bytes, stored as a bcrypt hash.
   * @default a generated one of 256 bits, stored as its SHA-256
   */
  clientSecret?: string
  /**
   * The id of the user who owns this record in the clients API. If the user is deleted, the client gets no tokens.
   * @default no owner
   */
  username?: string | number
}

/**
 * Registers a client. The result has `clientSecret` if the client has a secret; it is not available later. Throws an
 * `OAuthError` `invalid_client_metadata` or `invalid_redirect_uri` that names the member. Its status is 409 if the id
 * already exists.
 */
export async function registerClient<Grants extends string>(
  server: AuthorizationServer,
  options: RegisterClientOptions<Grants> = {},
): Promise<{ client: Client; clientSecret?: string }> {
  requireNoMore('registerClient', arguments, 2)
  requireServer(server)
  requireKnown('registerClient option', options, ['clientId', 'clientSecret', ...metadataNames(server)])
  return insertClient(server, withOwner(options))
}

/** Converts a numeric id to a string. */
function withOwner<Options extends { username?: string | number }>({ username, ...members }: Options) {
  return { ...members, ...(username !== undefined && { username: requireId('username', username) }) }
}

/** The members of a client record to change. Omitted members stay as they are. */
export interface ClientChanges<Grants extends string = string> extends Omit<ClientMetadata<Grants>, 'username'> {
  /** Replaces all secrets of the client. 8 to 72 bytes. */
  clientSecret?: string
  /** The id of the user who owns this record in the clients API. */
  username?: string | number
}

/** Changes only the named members, even during concurrent changes of the record. */
export async function updateClient<Grants extends string>(
  server: AuthorizationServer,
  clientId: string,
  changes: ClientChanges<Grants>,
): Promise<Client> {
  requireNoMore('updateClient', arguments, 3)
  requireServer(server)
  requireKnown('updateClient member', changes ?? null, ['clientSecret', ...metadataNames(server)])
  return changeMembers(server, clientId, withOwner(changes))
}

/** Generates a new secret. The old secrets stay valid for `overlap` seconds. @default 0 */
export async function rotateClientSecret(
  server: AuthorizationServer,
  clientId: string,
  options: { overlap?: number } = {},
): Promise<{ clientSecret: string }> {
  requireNoMore('rotateClientSecret', arguments, 3)
  requireServer(server)
  requireKnown('rotateClientSecret option', options, ['overlap'])
  const { overlap = 0 } = options
  requireSeconds('rotateClientSecret({ overlap })', overlap, Number.MAX_SAFE_INTEGER, 0)
  const { clientSecret } = await rotateSecret(server, clientId, { overlap })
  return { clientSecret }
}

/** Deletes a client and revokes everything that was issued to it. Returns false for an unknown client. */
export async function deleteClient(server: AuthorizationServer, clientId: string): Promise<boolean> {
  requireNoMore('deleteClient', arguments, 2)
  requireServer(server)
  return endClient(server, clientId)
}

/** Returns all clients, or those of one user, ordered by id. Throws a TypeError for a `username` that is not an id. */
export async function listClients(
  server: AuthorizationServer,
  query: { username?: string | number } = {},
): Promise<Client[]> {
  requireNoMore('listClients', arguments, 2)
  requireServer(server)
  const filter = filterBy('listClients', query, ['username'])
  return allPages(
    (page) => server.storage.clients.list({ ...filter, ...page }),
    (client) => client.clientId,
  )
}

/**
 * Deletes clients that registered themselves, were not changed for `unusedFor` seconds, and have no live authorization.
 * Open registration leaves many of those. Without a refresh token, an authorization lives as long as its access token.
 * Stateless tokens are not stored: clients that use only these are deleted too, and must register again. Clients with
 * the client credentials grant are kept, because their use is not recorded. Returns the number of deleted clients.
 */
export async function deleteUnusedClients(
  server: AuthorizationServer,
  options: { unusedFor: number },
): Promise<number> {
  requireNoMore('deleteUnusedClients', arguments, 2)
  requireServer(server)
  requireKnown('deleteUnusedClients option', options ?? null, ['unusedFor'], ['unusedFor'])
  const { unusedFor } = options
  requireSeconds('deleteUnusedClients({ unusedFor })', unusedFor)
  const before = server.now() - unusedFor
  let deleted = 0
  for await (const clients of pages(
    (page) => server.storage.clients.list(page),
    ({ clientId }) => clientId,
  )) {
    await oneByOne(clients, async (client) => {
      if (client.origin === undefined || client.updatedAt > before) return
      if (grantTypesOf(client).includes('client_credentials')) return
      const { clientId } = client
      if ((await listGrants(server, { clientId })).length > 0) return
      if (await endClient(server, clientId)) deleted++
    })
  }
  return deleted
}
