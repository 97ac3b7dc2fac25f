/** What the requests of the clients API do. */
import type { Request, Response } from 'express'
import { endClient } from '../clients/deletion'
import { verifyShownName } from '../clients/member-checks'
import { type ClientMetadata, isBeingDeleted, parseClientMetadata } from '../clients/members'
import { changeMembers, insertClient, rotateSecret } from '../clients/records'
import { describeClient, parseClientArguments } from '../clients/resource'
import { OAuthError } from '../errors'
import { bodyMembers, queryMembers, queryParameters } from '../http/body'
import { sendJson } from '../http/json'
import { listClients } from '../operations/clients'
import { inTurn } from '../passwords/concurrency'
import { networkOf } from '../rules/network'
import { requireUnrepeated } from '../rules/params'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { type ClientsCaller, mayWrite, noSuchClient, verifyOwner } from './clients-access'
import type { clientQuota } from './clients-limits'

/** What the handlers share. */
export interface ClientsApi {
  readonly server: AuthorizationServer
  readonly defaults: Pick<ClientMetadata, 'grantTypes' | 'tokenEndpointAuthMethods'>
  readonly grantTypes: readonly string[]
  readonly quota: ReturnType<typeof clientQuota>
}

export type ClientHandler = (api: ClientsApi, caller: ClientsCaller, req: Request, res: Response) => Promise<void>

export async function list({ server }: ClientsApi, who: ClientsCaller, req: Request, res: Response): Promise<void> {
  const asked = requireUnrepeated(queryParameters(req)).get('username')
  const username = who.admin ? asked : who.userId
  const isOthers = asked !== undefined && asked !== username
  const clients = isOthers ? [] : await listClients(server, username === undefined ? {} : { username })
  sendJson(res, 200, clients.map(describeClient))
}

export function show(clientId: string): ClientHandler {
  return async ({ server }, who, _req, res) =>
    sendJson(res, 200, describeClient(await requireOwned(server, who, clientId)))
}

export async function insert(
  { server, defaults, grantTypes, quota }: ClientsApi,
  who: ClientsCaller,
  req: Request,
  res: Response,
): Promise<void> {
  try {
    const { metadata, ...credentials } = parseClientArguments(await argumentsOf(req))
    if (metadata.username === undefined && who.userId !== undefined) metadata.username = who.userId
    // a client opens no other resource than the token that made it
    const { admin, audience } = who
    const isBound = !admin && audience !== undefined && server.resources.length > 0
    const bound = isBound && { resources: server.resources.filter((resource) => audience.includes(resource)) }
    const record = { ...defaults, ...bound, ...metadata }
    // before the question who may write it: a scope that there is not is a mistake, and no offence
    parseClientMetadata(record, server)
    mayWrite(server, who, grantTypes)(undefined, record)
    if (!who.admin) verifyShownName('client_id', credentials.clientId)
    const make = () =>
      hashing(credentials.clientSecret, req, (network) =>
        insertClient(server, { ...record, ...credentials }, {}, network),
      )
    const { client, clientSecret } = await (who.admin ? make() : quota(who.userId as string, make))
    sendJson(res, 200, { inserted: { ...describeClient(client), client_secret: clientSecret } })
  } catch (error) {
    // documented so: 409 for whatever is wrong with the data
    if (!(error instanceof OAuthError) || error.status !== 400) throw error
    throw new OAuthError(error.code, error.description, { status: 409 })
  }
}

export function update(clientId: string): ClientHandler {
  return async ({ server, grantTypes }, who, req, res) => {
    const current = await requireOwned(server, who, clientId)
    const { clientId: named = clientId, clientSecret, metadata } = parseClientArguments(await argumentsOf(req))
    if (named !== clientId) throw new OAuthError('invalid_client_metadata', 'client_id cannot be changed.')
    // at once, too: a secret that is refused costs no bcrypt
    const mayReplace = mayWrite(server, who, grantTypes)
    mayReplace(current, { ...current, ...metadata })
    const changes = { ...metadata, ...(clientSecret !== undefined && { clientSecret }) }
    const client = await hashing(clientSecret, req, (network) =>
      changeMembers(server, clientId, changes, mayReplace, network),
    )
    const updated = describeClient(client)
    // the documentation of this API says `inserted`, and its web client reads `updated`
    sendJson(res, 200, { inserted: updated, updated })
  }
}

export function remove(clientId: string): ClientHandler {
  return async ({ server, grantTypes }, who, _req, res) => {
    const deleted = await endClient(server, clientId, mayWrite(server, who, grantTypes))
    sendJson(res, 200, { rows_deleted: deleted ? 1 : 0 })
  }
}

export function generateSecret(clientId: string): ClientHandler {
  return async ({ server, grantTypes }, who, _req, res) => {
    const clientSecret = await rotateSecret(server, clientId, 0, mayWrite(server, who, grantTypes))
    sendJson(res, 200, { client_id: clientId, client_secret: clientSecret })
  }
}

/** Another user's client is answered like one that does not exist. */
async function requireOwned(server: AuthorizationServer, who: ClientsCaller, clientId: string): Promise<Client> {
  const client = verifyOwner(who, await server.storage.clients.find(clientId))
  if (isBeingDeleted(client)) throw noSuchClient()
  return client
}

/** A secret that was chosen takes a place at bcrypt, of which one network cannot have all. */
function hashing<T>(secret: string | undefined, req: Request, write: (network: string) => Promise<T>): Promise<T> {
  const network = networkOf(req.ip)
  return secret === undefined ? write(network) : inTurn(network, () => write(network))
}

/** The arguments in the URI and in the body, as one. */
async function argumentsOf(req: Request): Promise<Record<string, unknown>> {
  const query = queryMembers(req)
  const body = await bodyMembers(req)
  const repeated = Object.keys(body).find((name) => Object.hasOwn(query, name))
  if (repeated !== undefined) throw new OAuthError('invalid_request', 'An argument is both in the URI and in the body.')
  return { ...query, ...body }
}
