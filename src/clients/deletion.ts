/** Deletes a client record and ends everything that was issued to it. */

import { orElse } from '../awaitable'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { isBeingDeleted } from './client'
import { changeClient, type MayReplace } from './records'

/**
 * Deletes a client and ends all its authorizations. Returns false if there was no client. Revokes before and after, so
 * that neither a failure in between nor a concurrent request leaves a live token. After a failure the deletion can be
 * repeated at once: until then the client is still there.
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

/** Seconds after which an interrupted deletion may be repeated. */
const LONGEST_DELETION = 60

/**
 * `delete` cannot name the version of the record that it means, but `update` can. So the checked record is replaced by
 * one that can do nothing and that no one changes. Whoever replaced it deletes it.
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

/**
 * Marks the deletion as interrupted long ago, so that it can be repeated. If that fails, it can be repeated a minute
 * later.
 */
async function abandon({ storage }: AuthorizationServer, closed: Client): Promise<void> {
  const { version } = closed
  const next = { ...closed, version: version + 1, updatedAt: 0 }
  await orElse(
    () => storage.clients.update(next, version),
    () => false,
  )
}
