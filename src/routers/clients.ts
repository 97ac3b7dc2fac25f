/** The clients API: create, list, read, update and delete clients, and give them new secrets. */
import type { Request, RequestHandler, Response, Router } from 'express'
import type { Awaitable } from '../awaitable'
import { endClient } from '../clients/deletion'
import { verifyShownName } from '../clients/member-checks'
import { type ClientMetadata, isBeingDeleted, parseClientMetadata } from '../clients/members'
import { changeMembers, insertClient, rotateSecret } from '../clients/records'
import { describeClient, parseClientArguments } from '../clients/resource'
import { OAuthError } from '../errors'
import { bodyMembers, queryMembers, queryParameters } from '../http/body'
import { type Handler, type Methods, requireServer } from '../http/endpoint'
import { sendJson } from '../http/json'
import { endpointRouter } from '../http/router'
import { listClients } from '../operations/clients'
import { requireKnown, requireNoMore } from '../options/known'
import { inTurn } from '../passwords/concurrency'
import { networkOf } from '../rules/network'
import { requireUnrepeated, tryDecodeComponent } from '../rules/params'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import {
  type ClientsCaller,
  callerByToken,
  mayWrite,
  noSuchClient,
  refuseForeignForm,
  requireCaller,
  verifyOwner,
} from './clients-access'
import { clientQuota, ownGrantTypes } from './clients-limits'

/** Options of `clientsRouter`. */
export interface ClientsRouterOptions {
  /** Who gets in at all: usually `bearerGuard(server, { scope: 'clients' })`. */
  protect: RequestHandler
  /** The scope whose holders see and change every client; others only those of their own user. @default nobody */
  admin?: string
  /**
   * Who calls, where no access token says so: the user of a session, for example. What it throws means no. A form of
   * another origin is refused, also of a subdomain, because a browser would add the cookie of that session to it: a web app
   * elsewhere sends JSON, or a token of ours in the header.
   * @default what the access token says that `protect` (the guard, or `bearerStrategy`) let in
   */
  caller?: (req: Request) => Awaitable<ClientsCaller | undefined>
  /**
   * What a new client has where the request says nothing, for an API whose requests do not know these members. Whoever
   * gets in gets it: a grant or a method that you would not give to every client does not belong here.
   * @default the defaults of `registerClient`
   */
  defaults?: Pick<ClientMetadata, 'grantTypes' | 'tokenEndpointAuthMethods'>
  /**
   * The grants that clients of users who are no administrators may have. A user neither changes nor deletes a client that
   * has another one. `password` or a grant of your own lets such a client act for people who never agreed.
   * @default authorization_code and refresh_token, where the server has them, and those of `defaults`
   */
  grantTypes?: readonly string[]
  /** How many clients a user who is no administrator may own before a new one is refused. @default 100 */
  clientsPerUser?: number
}

const optionNames: readonly string[] = [
  'protect',
  'admin',
  'caller',
  'defaults',
  'grantTypes',
  'clientsPerUser',
] satisfies (keyof ClientsRouterOptions)[]

type ClientHandler = (caller: ClientsCaller, req: Request, res: Response) => Promise<void>

/** The clients API. Mount it with `app.use`. Throws at start-up without `protect`. */
export function clientsRouter(server: AuthorizationServer, options: ClientsRouterOptions): Router {
  requireNoMore('clientsRouter', arguments, 2)
  requireServer(server)
  requireKnown('clientsRouter option', options, optionNames)
  const { protect, admin, caller = callerByToken(admin), defaults = {} } = options ?? {}
  if (typeof protect !== 'function') {
    throw new TypeError("clientsRouter needs protect, such as bearerGuard(server, { scope: 'clients' })")
  }
  if (admin !== undefined && !server.scopes.has(admin)) {
    throw new TypeError(`clientsRouter's admin must be one of the server's scopes, not ${admin}`)
  }
  parseClientMetadata(defaults, server)
  const grantTypes = ownGrantTypes(server, options.grantTypes, defaults.grantTypes)
  const quota = clientQuota(server, options.clientsPerUser ?? 100)
  const by = (handle: ClientHandler): Handler => {
    return async (req, res) => {
      refuseForeignForm(server.issuer, req, !options.caller)
      return handle(requireCaller(await caller(req)), req, res)
    }
  }
  const all: Methods = { GET: by(list), POST: by(insert) }
  const below = (path: string): Methods | undefined => {
    const [, id = '', action, ...more] = path.split('/')
    const clientId = tryDecodeComponent(id.replaceAll('+', '%2B'))
    // no client has an id with NUL, and no store keeps it alike
    if (more.length > 0 || !clientId || clientId.includes('\0')) return undefined
    if (action === undefined) return one(clientId)
    return action === 'generateSecret' ? { POST: by(generateSecret(clientId)) } : undefined
  }
  const one = (clientId: string): Methods => ({
    GET: by(async (who, _req, res) => sendJson(res, 200, describeClient(await requireOwned(who, clientId)))),
    PUT: by(update(clientId)),
    DELETE: by(async (who, _req, res) => {
      const deleted = await endClient(server, clientId, mayWrite(server, who, grantTypes))
      sendJson(res, 200, { rows_deleted: deleted ? 1 : 0 })
    }),
  })

  async function list(who: ClientsCaller, req: Request, res: Response): Promise<void> {
    const asked = requireUnrepeated(queryParameters(req)).get('username')
    const username = who.admin ? asked : who.userId
    const isOthers = asked !== undefined && asked !== username
    const clients = isOthers ? [] : await listClients(server, username === undefined ? {} : { username })
    sendJson(res, 200, clients.map(describeClient))
  }

  async function insert(who: ClientsCaller, req: Request, res: Response): Promise<void> {
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

  function update(clientId: string): ClientHandler {
    return async (who, req, res) => {
      const current = await requireOwned(who, clientId)
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

  function generateSecret(clientId: string): ClientHandler {
    return async (who, _req, res) => {
      const clientSecret = await rotateSecret(server, clientId, 0, mayWrite(server, who, grantTypes))
      sendJson(res, 200, { client_id: clientId, client_secret: clientSecret })
    }
  }

  /** Another user's client is answered like one that does not exist. */
  async function requireOwned(who: ClientsCaller, clientId: string): Promise<Client> {
    const client = verifyOwner(who, await server.storage.clients.find(clientId))
    if (isBeingDeleted(client)) throw noSuchClient()
    return client
  }

  return endpointRouter(server, { methods: all, below, onError: sendClientsError }, protect)
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

/** The errors of this API have `err` and `desc` beside the members of RFC 6749. */
function sendClientsError(error: OAuthError, req: Request, res: Response): void {
  const id = req.path.split('/')[1] ?? ''
  const more =
    error.status === 404
      ? {
          // whatever found out that it is not there, or not the caller's
          ...noSuchClient().toJSON(),
          err: '404 Not Found',
          desc: `404 Not Found: class "oauth2\\clients" has no subclass <${tryDecodeComponent(id) ?? id}>`,
        }
      : { err: 'OAUTH2-EXCEPTION', desc: error.description }
  sendJson(res, error.status, { ...error.toJSON(), ...more }, error.headers)
}
