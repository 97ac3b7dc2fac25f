/** The one way to a client. */

import type { Awaitable } from '../awaitable'
import { OAuthError } from '../errors'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { isBeingDeleted } from './members'

/**
 * @internal The client of that id: the one way to it for everything that a client does. An id that is a document's URL is
 * never looked up in storage, where another client could be stored under it. `network` is the sender's, where a request
 * asks: fetches for strangers have a pace.
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
