/** All routers at conventional paths, in one, and what the values in the server's lists bring along. */
import { type RequestHandler, Router } from 'express'
import { comparable } from '../host/requests'
import { type CorsOptions, requireServer } from '../http/endpoint'
import { requireKnown, requireNoMore } from '../options/known'
import type { AuthorizationServer, Decide } from '../types/authorization-server'
import { coreEndpoints } from '../types/endpoints'
import { authorizeRouter } from './authorize'
import { type ClientsRouterOptions, clientsRouter } from './clients'
import { type IntrospectRouterOptions, introspectRouter } from './introspect'
import { metadataRouter } from './metadata'
import { type RegisterRouterOptions, registerRouter } from './register'
import { revokeRouter } from './revoke'
import { tokenRouter } from './token'

/** Options of `oauthRouter`. */
export interface OAuthRouterOptions {
  /**
   * Decides about authorization requests: `consentPage()`, `approve()`, or a function of the host. Required where a
   * grant asks users.
   * @default none
   */
  decide?: Decide
  /** The middleware that admits callers of the clients API at `/oauth2/clients`; `false` leaves that router out. */
  protect: RequestHandler | false
  /** Options of the clients API: `{ admin, caller, … }`, as in `clientsRouter`; `false` leaves it out. @default {} */
  clients?: Omit<ClientsRouterOptions, 'protect'> | false
  /**
   * Options of introspection: `{ resourceServersOnly }`, as in `introspectRouter`; `false` leaves it out.
   * @default {}
   */
  introspect?: IntrospectRouterOptions | false
  /** Lets clients register themselves (RFC 7591): `{ protect, scopes, … }`, as in `registerRouter`. @default false */
  register?: RegisterRouterOptions | false
  /**
   * Which web pages may call everything except the authorization endpoint and the clients API.
   * @default none of another origin
   */
  cors?: CorsOptions
}

const optionNames: readonly string[] = [
  'decide',
  'protect',
  'clients',
  'introspect',
  'register',
  'cors',
] satisfies (keyof OAuthRouterOptions)[]

type Mount = (server: AuthorizationServer) => Router

/**
 * All routers in one: `app.use(oauthRouter(server, { decide, protect }))`, with the endpoints that the values in the
 * server's lists add. Paths in the `endpoints` option replace the conventional ones.
 */
export function oauthRouter(server: AuthorizationServer, options: OAuthRouterOptions): Router {
  requireNoMore('oauthRouter', arguments, 2)
  requireServer(server)
  requireKnown('oauthRouter option', options, optionNames)
  verifyOptions(options ?? {})
  const { cors } = options
  const mounts = new Map([...ofCore(server, options), ...ofCapabilities(server, options)])
  const paths = pathsOf(server, [...mounts.keys()])
  // from here on the server says where all of this is, whoever asks it: metadata, registrations, warnings
  const { authorize, ...stated } = { ...server.endpoints, ...paths }
  const endpoints = Object.freeze({ ...stated, ...(mounts.has('authorize') && { authorize }) })
  requireDistinct(endpoints)
  const mounted: AuthorizationServer = Object.freeze({ ...server, endpoints })
  const router = Router()
  for (const [name, mount] of mounts) router.use(paths[name] as string, mount(mounted))
  return router.use(metadataRouter(mounted, cors ? { cors } : {}))
}

function ofCore(server: AuthorizationServer, options: OAuthRouterOptions): [string, Mount][] {
  const { decide, protect, clients = {}, introspect = {}, register = false, cors } = options
  const withCors = cors ? { cors } : {}
  const mounts: Record<keyof typeof coreEndpoints, Mount | false> = {
    authorize: server.responseTypes.size > 0 && ((at) => authorizeRouter(at, { decide: decide as Decide })),
    token: (at) => tokenRouter(at, withCors),
    revoke: (at) => revokeRouter(at, withCors),
    introspect: introspect && ((at) => introspectRouter(at, { ...withCors, ...introspect })),
    register: register && ((at) => registerRouter(at, { ...withCors, ...register })),
    clients: protect && clients && ((at) => clientsRouter(at, { ...clients, protect })),
  }
  return Object.entries(mounts).flatMap(([name, mount]) => (mount ? [[name, mount]] : []))
}

function ofCapabilities(
  { capabilities }: AuthorizationServer,
  { decide, cors }: OAuthRouterOptions,
): [string, Mount][] {
  const options = { ...(decide && { decide }), ...(cors && { cors }) }
  return capabilities.flatMap(({ endpoints = {} }) =>
    Object.entries(endpoints).map(([name, value]): [string, Mount] => [name, (at) => value.router(at, options)]),
  )
}

/** Where the endpoints of these names are: as the server says, else by convention. */
function pathsOf({ endpoints, capabilities }: AuthorizationServer, names: readonly string[]): Record<string, string> {
  const rows = Object.assign({}, coreEndpoints, ...capabilities.map((value) => value.endpoints))
  return Object.fromEntries(
    names.map((name) => [name, Object.hasOwn(endpoints, name) ? endpoints[name] : rows[name].path]),
  )
}

function verifyOptions({ protect, clients, introspect, register }: OAuthRouterOptions): void {
  if (protect !== false && typeof protect !== 'function') {
    throw new TypeError(
      "oauthRouter needs protect: the guard of the clients API, such as bearerGuard(server, { scope: 'clients' }), or false",
    )
  }
  for (const [name, value] of Object.entries({ clients, introspect, register })) {
    if (value === undefined || value === false || (typeof value === 'object' && value !== null)) continue
    throw new TypeError(`oauthRouter's ${name} must be an object of options, or false`)
  }
  if (!clients) return
  if ('protect' in clients) throw new TypeError('oauthRouter accepts protect beside clients, not in it')
  if (!protect) throw new TypeError("oauthRouter's clients need protect: false turns the clients API off")
}

/** The first router at a path answers everything there. */
function requireDistinct(paths: Readonly<Record<string, string>>): void {
  for (const [name, path] of Object.entries(paths)) {
    const other = Object.keys(paths).find(
      (one) => one !== name && comparable(paths[one] as string) === comparable(path),
    )
    if (other) throw new TypeError(`oauthRouter: endpoints.${name} and ${other} are both at ${path}: change one`)
  }
}
