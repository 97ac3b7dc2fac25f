/** How users write records of clients, by the clients API and on the developer pages: the same rules, at the same moments. */
import { isBeingDeleted } from '../clients/client'
import { verifyShownName } from '../clients/member-checks'
import { parseClientMetadata } from '../clients/metadata'
import { insertClient, type MayReplace, type NewClient, withChanges } from '../clients/records'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMetadata } from '../types/client-metadata'
import { type ClientsCaller, type clientQuota, mayWrite, noSuchClient, verifyOwner } from './clients-access'

/** What a router lets its callers do, beside what their own authority says. */
export interface ClientsPolicy {
  readonly server: AuthorizationServer
  readonly defaults: ClientMetadata
  readonly grantTypes: readonly string[]
  readonly quota: ReturnType<typeof clientQuota>
}

type Insert = (network?: string) => Promise<{ client: Client; clientSecret?: string }>

/** Makes a client of the caller. `inTurn` waits for a place at bcrypt, for a secret that was chosen. */
export async function createClient(
  { server, defaults, grantTypes, quota }: ClientsPolicy,
  who: ClientsCaller,
  { clientId, clientSecret, ...asked }: NewClient,
  inTurn: (insert: Insert) => ReturnType<Insert> = (insert) => insert(),
): ReturnType<Insert> {
  const { admin, audience, userId } = who
  const metadata = asked.username === undefined && userId !== undefined ? { ...asked, username: userId } : asked
  // a client opens no other resource than the token that made it
  const isBound = !admin && audience !== undefined && server.resources.length > 0
  const bound = isBound && { resources: server.resources.filter((resource) => audience.includes(resource)) }
  const record = { ...defaults, ...bound, ...metadata }
  // before the question who may write it: a scope that there is not is a mistake, and no offence
  parseClientMetadata(record, server, 'wire')
  mayWrite(server, who, grantTypes)(undefined, record)
  if (!admin) verifyShownName('client_id', clientId)
  const insert: Insert = (network) => insertClient(server, { ...record, clientId, clientSecret }, {}, network)
  const make = clientSecret === undefined ? () => insert() : () => inTurn(insert)
  return admin ? make() : quota(userId as string, make)
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
