/** The clients API: create, list, read, update and delete clients, and give them new secrets. */
import type { Request, RequestHandler, Response, Router } from 'express'
import type { Awaitable } from '../awaitable'
import { type ClientMetadata, parseClientMetadata } from '../clients/members'
import type { OAuthError } from '../errors'
import { type Handler, type Methods, requireServer } from '../http/endpoint'
import { sendJson } from '../http/json'
import { endpointRouter } from '../http/router'
import { requireKnown, requireNoMore } from '../options/known'
import { tryDecodeComponent } from '../rules/params'
import type { AuthorizationServer } from '../types/authorization-server'
import { type ClientsCaller, callerByToken, noSuchClient, refuseForeignForm, requireCaller } from './clients-access'
import { type ClientHandler, generateSecret, insert, list, remove, show, update } from './clients-handlers'
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
  const api = { server, defaults, grantTypes, quota }
  const by = (handle: ClientHandler): Handler => {
    return async (req, res) => {
      refuseForeignForm(server.issuer, req, !options.caller)
      return handle(api, requireCaller(await caller(req)), req, res)
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
    GET: by(show(clientId)),
    PUT: by(update(clientId)),
    DELETE: by(remove(clientId)),
  })
  return endpointRouter(server, { methods: all, below, onError: sendClientsError }, protect)
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
