/** The clients API: create, list, read, update and delete clients, and give them new secrets. */
import type { Request, RequestHandler, Response, Router } from 'express'
import type { Awaitable } from '../awaitable'
import { endClient } from '../clients/deletion'
import { verifyShownName } from '../clients/member-checks'
import { parseClientMetadata } from '../clients/metadata'
import { changeMembers, insertClient, rotateSecret } from '../clients/records'
import { OAuthError } from '../errors'
import { bearerGuard, requireScope } from '../guard/guard'
import { type Handler, type Methods, requireServer, sendEmpty, sendJson } from '../http/endpoint'
import { queryParameters } from '../http/request'
import { endpointRouter } from '../http/router'
import { requireCalled, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { inTurn } from '../passwords/concurrency'
import { networkOf } from '../rules/network'
import { requireUnrepeated, tryDecodeComponent } from '../rules/params'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMetadata } from '../types/client-metadata'
import {
  type ClientsCaller,
  callerFrom,
  clientQuota,
  mayWrite,
  noSuchClient,
  ownGrantTypes,
  refuseForeignForm,
  requireCaller,
} from './clients-access'
import {
  type ClientsFormat,
  type ClientsResult,
  type CompleteFormat,
  completeFormat,
  sendFormatted,
} from './clients-format'
import { allClients, pageOfClients } from './clients-page'
import { type ClientsPolicy, requireOwned, verifyChanges } from './clients-writes'

/** Options of `clientsRouter`. */
export interface ClientsRouterOptions {
  /** The middleware that admits callers: usually `bearerGuard(server, { scope: 'clients' })`. */
  protect: RequestHandler
  /**
   * The scope that lets its holder see and change every client. Other callers see only clients of their own user.
   * @default no caller is an administrator
   */
  admin?: string
  /**
   * Returns the caller if no access token identifies one, for example the user of a session. A thrown error refuses the
   * request. A cross-origin form is refused, also from a subdomain, because a browser would add the session cookie. Web
   * apps of other origins send JSON, or an access token in the header.
   * @default the access token that `protect` (the guard, or `bearerStrategy`) admitted
   */
  caller?: (req: Request) => Awaitable<ClientsCaller | undefined>
  /**
   * Members of a new client that its request omits, for an API whose requests do not have these members. They apply to
   * every caller: do not include grants and methods that only some clients may have.
   * @default the defaults of `registerClient`
   */
  defaults?: Pick<ClientMetadata, 'grantTypes' | 'tokenEndpointAuthMethods'>
  /**
   * The grants that clients of users without `admin` may have. Such a user cannot change or delete a client that has
   * another grant. `password` or a grant of your own lets such a client act for users who never agreed.
   * @default authorization_code and refresh_token, where the server has them, and those of `defaults`
   */
  grantTypes?: readonly string[]
  /** The maximum number of clients that a user without `admin` may own. @default 100 */
  clientsPerUser?: number
  /**
   * The format of requests and responses, for an API with existing callers.
   * @default JSON with the names of RFC 7591
   */
  format?: ClientsFormat
}

const optionNames: readonly string[] = [
  'protect',
  'admin',
  'caller',
  'defaults',
  'grantTypes',
  'clientsPerUser',
  'format',
] satisfies (keyof ClientsRouterOptions)[]

/** The checked options that every handler needs. */
interface Api extends ClientsPolicy {
  readonly format: CompleteFormat
}

type ClientHandler = (api: Api, caller: ClientsCaller, req: Request) => Promise<ClientsResult & { link?: string }>

/**
 * Creates the clients API. Mount it with `app.use`.
 *
 * @throws TypeError at start-up without `protect`.
 */
export function clientsRouter(server: AuthorizationServer, options: ClientsRouterOptions): Router {
  requireNoMore('clientsRouter', arguments, 2)
  requireServer(server)
  requireKnown('clientsRouter option', options, optionNames, ['protect'])
  const { protect, admin, defaults = {} } = options ?? {}
  requireCalled("clientsRouter's protect", protect, { bearerGuard, requireScope })
  if (typeof protect !== 'function') {
    throw misuse('missing_option', "clientsRouter needs protect, such as bearerGuard(server, { scope: 'clients' })")
  }
  if (admin !== undefined && !server.scopes.has(admin))
    throw misuse('unknown_to_server', `clientsRouter's admin must be one of the server's scopes, not ${admin}`)
  parseClientMetadata(defaults, server)
  const grantTypes = ownGrantTypes(server, options.grantTypes, defaults.grantTypes)
  const format = completeFormat(options.format, server)
  const callerOf = callerFrom(server, options.caller, admin)
  const api: Api = { server, format, defaults, grantTypes, quota: clientQuota(server, options.clientsPerUser ?? 100) }
  const by = (handle: ClientHandler): Handler => {
    return async (req, res) => {
      refuseForeignForm(server.issuer, req, !options.caller)
      const { link, ...result } = await handle(api, requireCaller(server, await callerOf(req)), req)
      const { status, body } = format.present(result)
      if (body === undefined) sendEmpty(res, status)
      else sendJson(res, status, body, link === undefined ? {} : { Link: link })
    }
  }
  const below = (path: string): Methods | undefined => {
    const [, id = '', action, ...more] = path.split('/')
    const clientId = tryDecodeComponent(id.replaceAll('+', '%2B'))
    // a client id never contains NUL
    if (more.length > 0 || !clientId || clientId.includes('\0')) return undefined
    if (action !== undefined) return action === format.secretPath ? { POST: by(giveSecret(clientId)) } : undefined
    return { GET: by(read(clientId)), [format.updateMethod]: by(update(clientId)), DELETE: by(remove(clientId)) }
  }
  // the client does not exist, or belongs to another user
  const onError = (error: OAuthError, req: Request, res: Response) =>
    sendFormatted(server, format, error.status === 404 ? noSuchClient() : error, req, res)
  return endpointRouter(server, { methods: { GET: by(list), POST: by(create) }, below, onError }, protect)
}

const list: ClientHandler = async ({ server, format }, who, req) => {
  const sent = requireUnrepeated(queryParameters(req))
  const asked = sent.get('username')
  const username = who.admin ? asked : who.userId
  const query = username === undefined ? {} : { username }
  if (asked !== undefined && asked !== username) return { action: 'list', clients: [] }
  return { action: 'list', ...(await (format.paged ? pageOfClients : allClients)(server, query, sent)) }
}

/** Also called with members from elsewhere than the request: `format.parse` returned them. */
export async function create(
  { server, format, defaults, grantTypes, quota }: ClientsPolicy & { readonly format: Pick<CompleteFormat, 'parse'> },
  who: ClientsCaller,
  req: Request,
): Promise<ClientsResult> {
  const { metadata, clientId, clientSecret } = await format.parse(req)
  if (metadata.username === undefined && who.userId !== undefined) metadata.username = who.userId
  // a client gets no resource that the token of its creator lacks
  const { admin, audience } = who
  const isBound = !admin && audience !== undefined && server.resources.length > 0
  const bound = isBound && { resources: server.resources.filter((resource) => audience.includes(resource)) }
  const record = { ...defaults, ...bound, ...metadata }
  // before the permission check: an unknown scope is a mistake, not a missing permission
  parseClientMetadata(record, server, 'wire')
  mayWrite(server, who, grantTypes)(undefined, record)
  if (!admin) verifyShownName('client_id', clientId)
  const insert = (network?: string) => insertClient(server, { ...record, clientId, clientSecret }, {}, network)
  const make = clientSecret === undefined ? insert : () => inTurnOf(req, insert)
  const { client, clientSecret: secret } = await (admin ? make() : quota(who.userId as string, make))
  return { action: 'create', clients: [client], clientSecret: secret }
}

const read =
  (clientId: string): ClientHandler =>
  async ({ server }, who) => ({ action: 'read', clients: [await requireOwned(server, who, clientId)] })

/** Changes only the named members, so that callers keep members they do not know, and parallel changes both succeed. */
function update(clientId: string): ClientHandler {
  return async ({ server, format, grantTypes }, who, req) => {
    const current = await requireOwned(server, who, clientId)
    const { clientId: named = clientId, clientSecret, metadata, removed } = await format.parse(req)
    if (named !== clientId) throw new OAuthError('invalid_client_metadata', 'client_id cannot be changed.')
    const mayReplace = mayWrite(server, who, grantTypes)
    verifyChanges(server, mayReplace, current, metadata, removed)
    const changes = { ...metadata, ...(clientSecret !== undefined && { clientSecret }) }
    const change = (network?: string) =>
      changeMembers(server, clientId, changes, { mayReplace, removed, ...(network !== undefined && { network }) })
    const client = await (clientSecret === undefined ? change() : inTurnOf(req, change))
    return { action: 'update', clients: [client] }
  }
}

function remove(clientId: string): ClientHandler {
  return async ({ server, grantTypes }, who) => {
    const isDeleted = await endClient(server, clientId, mayWrite(server, who, grantTypes))
    if (!isDeleted) throw noSuchClient()
    return { action: 'delete', clients: [] }
  }
}

function giveSecret(clientId: string): ClientHandler {
  return async ({ server, grantTypes }, who) => {
    const mayReplace = mayWrite(server, who, grantTypes)
    const { client, clientSecret } = await rotateSecret(server, clientId, { mayReplace })
    return { action: 'secret', clients: [client], clientSecret }
  }
}

/** A chosen secret waits for bcrypt, and one network cannot occupy it all. */
function inTurnOf<T>(req: Request, write: (network: string) => Promise<T>): Promise<T> {
  const network = networkOf(req.ip)
  return inTurn(network, () => write(network))
}
