/** How users write records of clients, by the clients API and on the developer pages: the same rules, at the same moments. */
import { isBeingDeleted } from '../clients/client'
import { parseClientMetadata } from '../clients/metadata'
import { type MayReplace, withChanges } from '../clients/records'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMetadata } from '../types/client-metadata'
import { type ClientsCaller, type clientQuota, noSuchClient, verifyOwner } from './clients-access'

/** What a router lets its callers do, beside what their own authority says. */
export interface ClientsPolicy {
  readonly server: AuthorizationServer
  readonly defaults: ClientMetadata
  readonly grantTypes: readonly string[]
  readonly quota: ReturnType<typeof clientQuota>
}

/** Throws where the record may not be changed so; at once, so that a secret that is refused costs no bcrypt. */
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

/** Another user's client is answered like one that does not exist. */
export async function requireOwned(server: AuthorizationServer, who: ClientsCaller, clientId: string): Promise<Client> {
  const client = verifyOwner(who, await server.storage.clients.find(clientId))
  if (isBeingDeleted(client)) throw noSuchClient()
  return client
}
