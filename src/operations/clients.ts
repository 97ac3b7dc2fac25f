/** What hosts do with client records from their own code: register, update, delete, give a new secret. */

import { grantTypesOf } from '../clients/client'
import { endClient } from '../clients/deletion'
import { metadataNames } from '../clients/metadata'
import { changeMembers, insertClient, rotateSecret } from '../clients/records'
import { requireKnown, requireNoMore } from '../options/known'
import { requireSeconds } from '../options/seconds'
import type { Client } from '../storage'
import { allPages, pages, requireFilter } from '../storage/paging'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMetadata } from '../types/client-metadata'
import { listGrants } from './grants'

/** A client to be: what is left out has a safe default. */
export interface RegisterClientOptions extends ClientMetadata {
  /** Its name to the protocol: 1 to 255 printable ASCII characters. @default a generated one */
  clientId?: string
  /** 8 to 72 bytes, kept as a bcrypt hash. @default a generated one of 256 bits, kept as its SHA-256 */
  clientSecret?: string
}

/**
 * Adds a client. `clientSecret` is in the answer when there is one, and nowhere else ever again. Throws an `OAuthError`
 * `invalid_client_metadata` or `invalid_redirect_uri` that names the member, with status 409 when the id is taken.
 */
export async function registerClient(
  server: AuthorizationServer,
  options: RegisterClientOptions = {},
): Promise<{ client: Client; clientSecret?: string }> {
  requireNoMore('registerClient', arguments, 2)
  requireKnown('registerClient option', options, ['clientId', 'clientSecret', ...metadataNames(server)])
  return insertClient(server, options)
}

/** The members of a client record that change; those left out stay as they are. */
export interface ClientChanges extends ClientMetadata {
  /** Replaces every secret of the client. 8 to 72 bytes. */
  clientSecret?: string
}

/** Changes the members named, and no other, also when somebody else changes the record at the same time. */
export async function updateClient(
  server: AuthorizationServer,
  clientId: string,
  changes: ClientChanges,
): Promise<Client> {
  requireNoMore('updateClient', arguments, 3)
  requireKnown('updateClient member', changes, ['clientSecret', ...metadataNames(server)])
  return changeMembers(server, clientId, changes)
}

/** A new generated secret. The old ones stay valid for `overlap` seconds. @default 0 */
export async function rotateClientSecret(
  server: AuthorizationServer,
  clientId: string,
  { overlap = 0 }: { overlap?: number } = {},
): Promise<{ clientSecret: string }> {
  requireNoMore('rotateClientSecret', arguments, 3)
  requireSeconds('rotateClientSecret({ overlap })', overlap, Number.MAX_SAFE_INTEGER, 0)
  const { clientSecret } = await rotateSecret(server, clientId, { overlap })
  return { clientSecret }
}

/** Deletes a client and ends everything that was ever issued to it. Returns false when there was none. */
export async function deleteClient(server: AuthorizationServer, clientId: string): Promise<boolean> {
  requireNoMore('deleteClient', arguments, 2)
  return endClient(server, clientId)
}

/** Every client, or those of one user, ordered by id. Throws a TypeError for a `username` that is not a string. */
export async function listClients(server: AuthorizationServer, query: { username?: string } = {}): Promise<Client[]> {
  requireNoMore('listClients', arguments, 2)
  requireFilter('listClients', query, ['username'])
  return allPages(
    (page) => server.storage.clients.list({ ...query, ...page }),
    (client) => client.clientId,
  )
}

/**
 * Deletes the clients that registered themselves, were not changed for `unusedFor` seconds, and have no authorization in
 * force; where registration is open, those are many. Without a refresh token an authorization is in force as long as its
 * access token, and with stateless ones it leaves no trace: such clients go although somebody used them, and register again.
 * Not those that get tokens of their own by client credentials, of which nothing could be seen. Answers how many went.
 */
export async function deleteUnusedClients(
  server: AuthorizationServer,
  { unusedFor }: { unusedFor: number },
): Promise<number> {
  requireNoMore('deleteUnusedClients', arguments, 2)
  requireSeconds('deleteUnusedClients({ unusedFor })', unusedFor)
  const before = server.now() - unusedFor
  let deleted = 0
  for await (const clients of pages(
    (page) => server.storage.clients.list(page),
    ({ clientId }) => clientId,
  )) {
    for (const client of clients) {
      if (client.origin !== 'registration' || client.updatedAt > before) continue
      if (grantTypesOf(client).includes('client_credentials')) continue
      const { clientId } = client
      if ((await listGrants(server, { clientId })).length > 0) continue
      if (await endClient(server, clientId)) deleted++
    }
  }
  return deleted
}
