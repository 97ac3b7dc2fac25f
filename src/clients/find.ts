/** The one way to a client. */

import type { Awaitable } from '../awaitable'
import { OAuthError } from '../errors'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { isBeingDeleted } from './members'

/**
 * The client of that id: the one way to it for everything that a client does. An id that is a document's URL is never
 * looked for in storage, where whoever may write records could put another client under it. `network` is whose request it
 * is, where it is one: what strangers make us fetch has a pace.
 */
export function findClient(
  { clientDocuments, storage }: AuthorizationServer,
  clientId: string,
  network?: string,
): Awaitable<Client | undefined> {
  if (!clientDocuments?.isDocumentUrl(clientId)) return storage.clients.find(clientId)
  return clientDocuments.find(clientId, network)
}

export async function requireClient(server: AuthorizationServer, clientId: string): Promise<Client> {
  const client = await findClient(server, clientId)
  // 404: it is no client that failed to authenticate
  if (!client || isBeingDeleted(client))
    throw new OAuthError('invalid_client', 'No client has this id.', { status: 404 })
  return client
}
