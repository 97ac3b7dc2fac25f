/** Creates and changes client records, for hosts and over HTTP. */

import { firstVersion, newGrantId, newSecret, sha256 } from '../crypto'
import { OAuthError, storageFailure } from '../errors'
import { hashSecret } from '../passwords/bcrypt'
import type { Client, ClientSecret } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMetadata } from '../types/client-metadata'
import { isUserId } from '../users'
import { hasClientSecret, isBeingDeleted } from './client'
import { parseClientMetadata, requireTypes, verifyClientId } from './metadata'

/** A new client. Omitted members are generated, or have a safe default. */
export interface NewClient extends ClientMetadata {
  readonly clientId?: string | undefined
  readonly clientSecret?: string | undefined
}

/**
 * Adds a client. `introduced` has the members of a self-registered client beside its metadata. `network` is the network
 * whose turn for bcrypt it takes.
 */
export async function insertClient(
  server: AuthorizationServer,
  { clientId = newGrantId(), clientSecret, ...metadata }: NewClient,
  introduced: { origin?: 'registration' | 'admitted_registration'; registrationTokenDigest?: string } = {},
  network?: string,
): Promise<{ client: Client; clientSecret?: string }> {
  verifyClientId(clientId)
  if (server.clientDocuments?.isDocumentUrl(clientId)) {
    throw new OAuthError('invalid_client_metadata', 'clientId must not be the URL of a client metadata document.')
  }
  const checked = parseClientMetadata(metadata, server)
  await server.openid?.verifyRecord(checked)
  const hasSecret = hasClientSecret(checked)
  if (!hasSecret && clientSecret !== undefined) throw noSecret()
  const now = server.now()
  const made = hasSecret ? await makeSecret(clientSecret, now, network) : undefined
  const client: Client = {
    clientId,
    // a pending change of an earlier client with this id must not find the version that it expects
    version: firstVersion(),
    ...checked,
    secrets: made ? [made.kept] : [],
    ...introduced,
    createdAt: now,
    updatedAt: now,
  }
  if ((await isUser(server, clientId)) || !(await server.storage.clients.insert(client))) {
    const words = 'This clientId belongs to a client, which updateClient can change, or, with jwt(), to a user.'
    throw new OAuthError('invalid_client_metadata', words, { status: 409 })
  }
  const { origin } = introduced
  server.emit({ type: 'client.created', clientId, ...(origin && { origin }) })
  return made ? { client, clientSecret: made.clientSecret } : { client }
}

/**
 * RFC 9068 §5: in its own JWT, a client with a user's id would be that user to every API that reads `sub`. Asked last,
 * also for a taken id: strangers must not learn who is a user.
 */
async function isUser(server: AuthorizationServer, clientId: string): Promise<boolean> {
  if (!server.accessTokens.jwks || !(await isUserId(server, clientId))) return false
  // takes as long as an insert that finds the id taken
  await server.storage.clients.find(clientId)
  return true
}

/**
 * Checks the record that is about to be replaced, and the new one, in each attempt. Throw to refuse. An earlier check
 * could see another owner or fewer scopes than the record has by then.
 */
export type MayReplace = (current: Client, next: ClientMetadata | undefined) => void

interface ChangeOptions {
  readonly mayReplace?: MayReplace
  /** The network whose turn for bcrypt a chosen secret takes. */
  readonly network?: string
  /** Members to reset to their default. */
  readonly removed?: readonly (keyof ClientMetadata)[]
}

/** Changes only the named members, also if others change the record at the same time. */
export async function changeMembers(
  server: AuthorizationServer,
  clientId: string,
  { clientSecret, ...members }: ClientMetadata & { clientSecret?: string },
  { mayReplace = () => {}, network, removed = [] }: ChangeOptions = {},
): Promise<Client> {
  // an undefined member is not named: it must not reset a list of the record
  const changes = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
  const now = server.now()
  const made = clientSecret === undefined ? undefined : await makeSecret(clientSecret, now, network)
  // a record that no longer fits the server's options can still be disabled
  const isSwitch = !made && [...Object.keys(changes), ...removed].every((name) => name === 'disabled')
  if (isSwitch) requireTypes(changes, server)
  const changed = (current: Client): Client => {
    const next = withChanges(current, changes, removed)
    mayReplace(current, next)
    if (made && !hasClientSecret(next)) throw noSecret()
    if (isSwitch) return next
    return { ...next, ...parseClientMetadata(next, server), ...(made && { secrets: [made.kept] }) }
  }
  let before = changes.disabled === true ? await server.storage.clients.find(clientId) : undefined
  if (before) {
    // a refused change ends nothing, and a storage that fails here has changed nothing yet
    changed(before)
    await server.storage.grants.revoke({ clientId }, server.now())
  }
  const client = await changeClient(server, clientId, (current) => {
    before = current
    return changed(current)
  })
  server.emit({ type: 'client.updated', clientId })
  const isDisabled = client.disabled ?? false
  if (isDisabled !== (before?.disabled ?? false)) {
    server.emit({ type: isDisabled ? 'client.disabled' : 'client.enabled', clientId })
  }
  // after the record changed: requests that read the old record began before this mark. Repeated each time, because it
  // may have failed
  if (isDisabled) await server.storage.grants.revoke({ clientId }, server.now())
  return client
}

/** The record with the named members, and with the removed members reset when it is checked. */
export function withChanges(
  current: Client,
  changes: ClientMetadata,
  removed: readonly (keyof ClientMetadata)[],
): Client {
  const kept = Object.entries(current).filter(([name]) => !(removed as readonly string[]).includes(name))
  return { ...(Object.fromEntries(kept) as unknown as Client), ...changes }
}

/** Adds a generated secret. The old ones stay valid for `overlap` seconds; at most `keep` of them. */
export async function rotateSecret(
  server: AuthorizationServer,
  clientId: string,
  { overlap = 0, keep, mayReplace = () => {} }: { overlap?: number; keep?: number; mayReplace?: MayReplace },
): Promise<{ client: Client; clientSecret: string }> {
  const now = server.now()
  const { kept, clientSecret } = await makeSecret(undefined, now)
  const client = await changeClient(server, clientId, (current) => {
    mayReplace(current, current)
    if (!hasClientSecret(current)) throw noSecret()
    // one more, because times are whole seconds and the overlap would otherwise be shorter
    const until = overlap === 0 ? now : now + overlap + 1
    const old = current.secrets
      .map((secret) => ({ ...secret, expiresAt: Math.min(secret.expiresAt ?? until, until) }))
      .filter((secret) => secret.expiresAt > now)
      .slice(0, keep)
    return { ...current, secrets: [kept, ...old] }
  })
  server.emit({ type: 'client.secret_rotated', clientId })
  return { client, clientSecret }
}

const MAX_TRIES = 20

/** Reads, changes and writes a record until no one else wrote in between: a removed secret or URI cannot come back. */
export async function changeClient(
  server: AuthorizationServer,
  clientId: string,
  change: (current: Client) => Client,
  isOpen: (current: Client) => boolean = (current) => !isBeingDeleted(current),
): Promise<Client> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const current = await server.storage.clients.find(clientId)
    if (!current || !isOpen(current)) throw new OAuthError('invalid_client', 'No client has this id.', { status: 404 })
    const changed = change(current)
    if (placesOf(changed) !== placesOf(current)) await server.openid?.verifyRecord(changed)
    const next = { ...changed, version: current.version + 1, updatedAt: server.now() }
    if (await server.storage.clients.update(next, current.version)) return next
  }
  throw storageFailure(new Error(`storage.clients.update returned false ${MAX_TRIES} times in a row`))
}

async function makeSecret(
  chosen: string | undefined,
  now: number,
  network?: string,
): Promise<{ kept: ClientSecret; clientSecret: string }> {
  if (chosen === undefined) {
    const clientSecret = newSecret()
    return { kept: { digest: sha256(clientSecret), createdAt: now }, clientSecret }
  }
  // a template's text for an unset variable: anyone can guess it
  if (['undefined', 'null', '[object Object]'].includes(chosen)) {
    throw new OAuthError('invalid_client_metadata', `clientSecret must be a secret, and not the text ${chosen}.`)
  }
  const bytes = typeof chosen === 'string' ? Buffer.byteLength(chosen) : 0
  // bcrypt reads only 72 bytes: two longer secrets could be equal to it
  if (bytes < 8 || bytes > 72 || chosen.includes('\0')) {
    throw new OAuthError('invalid_client_metadata', 'clientSecret must be 8 to 72 bytes without NUL.')
  }
  return { kept: { bcrypt: await hashSecret(chosen, network), createdAt: now }, clientSecret: chosen }
}

function noSecret(): OAuthError {
  return new OAuthError(
    'invalid_client_metadata',
    'Only a client with client_secret_basic or client_secret_post can have a clientSecret.',
  )
}

/** The members of a record that other sites are asked about. */
function placesOf({ redirectUris, sectorIdentifierUri }: Client): string {
  return JSON.stringify([redirectUris, sectorIdentifierUri])
}
