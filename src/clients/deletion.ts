/** The end of a client record: nothing that was issued to it outlives it. */

import { orElse } from '../awaitable'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { isBeingDeleted } from './client'
import { changeClient, type MayReplace } from './records'

/**
 * Deletes a client and ends everything that was ever issued to it. Returns false when there was none. Revoked before
 * and after, so that neither a failure in between nor a request under way leaves a token alive; and after a failure it can
 * be asked for again at once: an answer that the client is gone would be taken for a deletion.
 */
export async function endClient(
  server: AuthorizationServer,
  clientId: string,
  mayReplace?: MayReplace,
): Promise<boolean> {
  if (!mayReplace) return (await server.storage.clients.find(clientId)) !== undefined && end(server, clientId)
  const closed = await closeClient(server, clientId, mayReplace)
  try {
    return await end(server, clientId)
  } catch (error) {
    await abandon(server, closed)
    throw error
  }
}

async function end(server: AuthorizationServer, clientId: string): Promise<boolean> {
  await server.storage.grants.revoke({ clientId }, server.now())
  const deleted = await server.storage.clients.delete(clientId)
  await server.storage.grants.revoke({ clientId }, server.now())
  if (deleted) server.emit({ type: 'client.deleted', clientId })
  return deleted
}

/** Seconds after which a deletion that was cut short may be begun again. */
const LONGEST_DELETION = 60

/**
 * A deletion cannot say which version of the record it means; a change can. So the record that was looked at becomes one
 * that can do nothing and that nobody changes any more, and whoever made it so deletes it.
 */
async function closeClient(server: AuthorizationServer, clientId: string, mayReplace: MayReplace): Promise<Client> {
  const isOpen = (current: Client) => !isBeingDeleted(current) || current.updatedAt <= server.now() - LONGEST_DELETION
  const close = (current: Client): Client => {
    mayReplace(current, undefined)
    const { scopes: _, defaultScopes: __, resourceServer: ___, ...kept } = current
    return { ...kept, secrets: [], redirectUris: [], grantTypes: [], tokenEndpointAuthMethods: [] }
  }
  return changeClient(server, clientId, close, isOpen)
}

/** As if the deletion had been cut short long ago. Where that fails, too, it will have been in a while. */
async function abandon({ storage }: AuthorizationServer, closed: Client): Promise<void> {
  const { version } = closed
  const next = { ...closed, version: version + 1, updatedAt: 0 }
  await orElse(
    () => storage.clients.update(next, version),
    () => false,
  )
}
