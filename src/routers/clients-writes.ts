/** The rules for user changes of client records, shared by the clients API and the developer pages. */
import { isBeingDeleted } from '../clients/client'
import { parseClientMetadata } from '../clients/metadata'
import { type MayReplace, withChanges } from '../clients/records'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMetadata } from '../types/client-metadata'
import { type ClientsCaller, type clientQuota, noSuchClient, verifyOwner } from './clients-access'

/** The limits that a router sets, in addition to the caller's own. */
export interface ClientsPolicy {
  readonly server: AuthorizationServer
  readonly defaults: ClientMetadata
  readonly grantTypes: readonly string[]
  readonly quota: ReturnType<typeof clientQuota>
}

/** Throws if the change is not allowed. Called early, so that a refused secret costs no bcrypt. */
export function verifyChanges(
  server: AuthorizationServer,
  mayReplace: MayReplace,
  current: Client,
  metadata: ClientMetadata,
  removed: readonly (keyof ClientMetadata)[],
): void {
  const next = withChanges(current, metadata, removed)
  mayReplace(current, next)
  parseClientMetadata(next, server, 'wire')
}

/** Returns the client. Another user's client gives the same error as a missing one. */
export async function requireOwned(server: AuthorizationServer, who: ClientsCaller, clientId: string): Promise<Client> {
  const client = verifyOwner(who, await server.storage.clients.find(clientId))
  if (isBeingDeleted(client)) throw noSuchClient()
  return client
}
