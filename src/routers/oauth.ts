/** All routers in one, at conventional paths, with the endpoints that other options add. */
import { type Request, type RequestHandler, Router } from 'express'
import type { AuthorizationResponseStyle } from '../authorization/response'
import { comparable, prefixFix, warnOfPlace } from '../host/requests'
import { type CorsOptions, requireServer } from '../http/endpoint'
import { onFirstRequest } from '../http/router'
import { requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { arrivesAt, prefixOf } from '../rules/proxy-prefix'
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
   * Decides about authorization requests: `consentPage()`, `approve()`, or your own function. Required if a grant asks
   * users.
   * @default none
   */
  decide?: Decide
  /** How the authorization response reaches the client: `'redirect'`, `'location'` or `'json'`. @default 'redirect' */
  response?: AuthorizationResponseStyle
  /** The middleware that admits callers of the clients API at `/oauth2/clients`; `false` omits that router. */
  protect: RequestHandler | false
  /** Options of the clients API: `{ admin, caller, … }`, as in `clientsRouter`; `false` omits it. @default {} */
  clients?: Omit<ClientsRouterOptions, 'protect'> | false
  /** Options of introspection: `{ resourceServersOnly }`, as in `introspectRouter`; `false` omits it. @default {} */
  introspect?: IntrospectRouterOptions | false
  /** Lets clients register themselves (RFC 7591): `{ protect, scopes, … }`, as in `registerRouter`. @default false */
  register?: RegisterRouterOptions | false
  /**
   * The web pages that may call all endpoints except the authorization endpoint and the clients API (CORS).
   * @default none of another origin
   */
  cors?: CorsOptions
  /**
   * Whether to also serve the metadata as `openid-configuration`, as in `metadataRouter`.
   * @default whether the server has `openid`
   */
  openidConfiguration?: boolean
}

const optionNames: readonly string[] = [
  'decide',
  'response',
  'protect',
  'clients',
  'introspect',
  'register',
  'cors',
  'openidConfiguration',
] satisfies (keyof OAuthRouterOptions)[]

type Mount = (server: AuthorizationServer) => Router

/**
 * Creates all routers in one: `app.use(oauthRouter(server, { decide, protect }))`. It includes the endpoints that the
 * server's options add. Paths in the option `endpoints` replace the conventional ones.
 */
export function oauthRouter(server: AuthorizationServer, options: OAuthRouterOptions): Router {
  requireNoMore('oauthRouter', arguments, 2)
  requireServer(server)
  requireKnown('oauthRouter option', options, optionNames, ['decide', 'protect'])
  verifyOptions(options ?? {})
  const { cors, openidConfiguration } = options
  const mounts = new Map([...ofCore(server, options), ...ofCapabilities(server, options)])
  const paths = pathsOf(server, [...mounts.keys()])
  // from here on the server names these paths: in metadata, registrations and warnings
  const { authorize, ...stated } = { ...server.endpoints, ...paths }
  const endpoints = Object.freeze({ ...stated, ...(mounts.has('authorize') && { authorize }) })
  requireDistinct(endpoints)
  const mounted: AuthorizationServer = Object.freeze({ ...server, endpoints })
  const router = Router()
  onFirstRequest(router, ({ baseUrl }) => baseUrl !== '' && warnOfPlace(server, 'oauthRouter', baseUrl))
  for (const [name, mount] of mounts) router.use(arrivals(mounted, paths[name] as string), mount(mounted))
  router.use(
    metadataRouter(mounted, {
      ...(cors && { cors }),
      ...(openidConfiguration !== undefined && { openidConfiguration }),
    }),
  )
  const astray = pathsAstray(mounted, paths)
  if (astray.size > 0) router.use((req, _res, next) => next(warnOfAstray(server, astray, req)))
  return router
}

/** The paths where requests arrive: the path itself, and what a proxy leaves of it. */
function arrivals(server: AuthorizationServer, path: string): string[] {
  const left = arrivesAt(path, prefixOf(server))
  const isTaken = Object.values(server.endpoints).some((other) => left !== undefined && isSame(other ?? '', left))
  return left === undefined || isTaken ? [path] : [path, left]
}

/** The paths where requests would arrive if a proxy removed a prefix and the host did not set `proxyPrefix`. */
function pathsAstray(server: AuthorizationServer, paths: Readonly<Record<string, string>>): Map<string, string> {
  const astray = Object.entries(paths).flatMap(([name, path]): [string, string][] => {
    const left = conventionalPath(server, name)
    return path !== left && path.endsWith(left) && !arrivals(server, path).includes(left) ? [[left, path]] : []
  })
  return new Map(astray)
}

function warnOfAstray(server: AuthorizationServer, astray: ReadonlyMap<string, string>, { path }: Request): void {
  const stated = astray.get(comparable(path))
  if (stated === undefined) return
  const fix = prefixFix(stated.slice(0, -path.length))
  server.warn('router_mounted_elsewhere', `a request came to ${path}, but metadata says ${stated}: ${fix}`)
}

function ofCore(server: AuthorizationServer, options: OAuthRouterOptions): [string, Mount][] {
  const { decide, response, protect, clients = {}, introspect = {}, register = false, cors } = options
  const withCors = cors ? { cors } : {}
  const styled = response === undefined ? {} : { response }
  const mounts: Record<keyof typeof coreEndpoints, Mount | false> = {
    authorize: server.responseTypes.size > 0 && ((at) => authorizeRouter(at, { decide: decide as Decide, ...styled })),
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
    Object.entries(endpoints).flatMap(([name, { router }]): [string, Mount][] =>
      router ? [[name, (at) => router(at, options)]] : [],
    ),
  )
}

/** The paths of these endpoints: as the server says, or by convention below the path of the issuer. */
function pathsOf(server: AuthorizationServer, names: readonly string[]): Record<string, string> {
  const { endpoints } = server
  const pathOf = (name: string) =>
    (Object.hasOwn(endpoints, name) && endpoints[name]) || `${prefixOf(server)}${conventionalPath(server, name)}`
  return Object.fromEntries(names.map((name) => [name, pathOf(name)]))
}

function conventionalPath({ capabilities }: AuthorizationServer, name: string): string {
  const rows = Object.assign({}, coreEndpoints, ...capabilities.map((value) => value.endpoints))
  return rows[name].path
}

function verifyOptions({ protect, clients, introspect, register }: OAuthRouterOptions): void {
  if (protect !== false && typeof protect !== 'function') {
    throw misuse(
      'missing_option',
      "oauthRouter needs protect: the guard of the clients API, such as bearerGuard(server, { scope: 'clients' }), or false",
    )
  }
  for (const [name, value] of Object.entries({ clients, introspect, register })) {
    if (value === undefined || value === false || (typeof value === 'object' && value !== null)) continue
    throw misuse('not_an_object', `oauthRouter's ${name} must be an object of options, or false`)
  }
  if (!clients) return
  if ('protect' in clients) throw misuse('unknown_option', 'oauthRouter accepts protect beside clients, not in it')
  if (!protect)
    throw misuse('conflicting_options', "oauthRouter's clients need protect: false turns the clients API off")
}

function isSame(one: string, other: string): boolean {
  return comparable(one) === comparable(other)
}

/** Throws if two routers have one path: the first would get all requests. */
function requireDistinct(paths: Readonly<Record<string, string>>): void {
  for (const [name, path] of Object.entries(paths)) {
    const other = Object.keys(paths).find((one) => one !== name && isSame(paths[one] as string, path))
    if (other)
      throw misuse('duplicate_name', `oauthRouter: endpoints.${name} and ${other} are both at ${path}: change one`)
  }
}
