/** Registers or updates a client at each start of the host, as its code says. */
import { metadataNames, parseClientMetadata } from '../clients/metadata'
import { equalDigests, sha256 } from '../crypto'
import { OAuthError } from '../errors'
import { requireServer } from '../http/endpoint'
import { kindOf, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMetadata } from '../types/client-metadata'
import { type RegisterClientOptions, registerClient, updateClient } from './clients'

/**
 * The options of `registerClient` with an id. The methods may be any strings, so that a plain list of records compiles.
 */
type ClientRecord<Grants extends string> = Omit<
  RegisterClientOptions<Grants>,
  'clientId' | 'tokenEndpointAuthMethods'
> & {
  readonly clientId: string
  readonly tokenEndpointAuthMethods?: readonly string[]
}

/**
 * Registers a client if it does not exist. Otherwise changes only the members that differ from the record. An unchanged
 * client is not written. The result has `clientSecret` if this call generated or set one. Throws the errors of
 * `registerClient` and `updateClient`.
 */
export async function ensureClient<Grants extends string>(
  server: AuthorizationServer,
  record: ClientRecord<Grants>,
): Promise<{ client: Client; clientSecret?: string }> {
  requireNoMore('ensureClient', arguments, 2)
  requireServer(server)
  const { clientId } = record ?? {}
  // without an id every start would register another client
  if (typeof clientId !== 'string') throw misuse('wrong_id', `ensureClient needs a clientId, not ${kindOf(clientId)}`)
  const options = record as RegisterClientOptions
  requireKnown('ensureClient option', options, ['clientId', 'clientSecret', ...metadataNames(server)])
  const found = await server.storage.clients.find(clientId)
  if (found) return updated(server, found, options)
  try {
    return await registerClient(server, options)
  } catch (error) {
    // another process was faster
    const other = error instanceof OAuthError && error.status === 409 && (await server.storage.clients.find(clientId))
    if (!other) throw error
    return updated(server, other, options)
  }
}

async function updated(
  server: AuthorizationServer,
  current: Client,
  { clientId, clientSecret, ...members }: RegisterClientOptions,
): Promise<{ client: Client; clientSecret?: string }> {
  const isNew = clientSecret !== undefined && !(await hasSecret(server, current, clientSecret))
  const changes = { ...members, ...(isNew && { clientSecret }) }
  if (!isNew && isAsNamed(server, current, members)) return { client: current }
  const client = await updateClient(server, current.clientId, changes)
  return isNew ? { client, clientSecret } : { client }
}

/** Compares the values as they would be stored. */
function isAsNamed(
  server: AuthorizationServer,
  current: Client,
  { username, ...members }: Omit<RegisterClientOptions, 'clientId' | 'clientSecret'>,
): boolean {
  const named: ClientMetadata = { ...members, ...(username !== undefined && { username: String(username) }) }
  const next: ClientMetadata = parseClientMetadata({ ...current, ...named }, server)
  const names = Object.keys(named) as (keyof ClientMetadata)[]
  return names.every((name) => JSON.stringify(next[name]) === JSON.stringify(current[name]))
}

async function hasSecret(server: AuthorizationServer, { clientId, secrets }: Client, secret: string): Promise<boolean> {
  for (const { bcrypt, digest, expiresAt } of secrets) {
    if (expiresAt !== undefined && expiresAt <= server.now()) continue
    if (digest !== undefined && equalDigests(digest, sha256(secret))) return true
    if (bcrypt !== undefined && (await server.verifiedSecrets.verify(clientId, secret, bcrypt, ''))) return true
  }
  return false
}
