/** All routers at conventional paths, in one. */
import { type RequestHandler, Router } from 'express'
import { comparable } from '../host/requests'
import { type CorsOptions, requireServer } from '../http/endpoint'
import { requireKnown, requireNoMore } from '../options/known'
import type { AuthorizationServer, Decide } from '../types/authorization-server'
import type { Endpoints } from '../types/endpoints'
import { authorizeRouter } from './authorize'
import { type ClientsRouterOptions, clientsRouter } from './clients'
import { introspectRouter } from './introspect'
import { metadataRouter } from './metadata'
import { type RegisterRouterOptions, registerRouter } from './register'
import { revokeRouter } from './revoke'
import { tokenRouter } from './token'

/** Options of `oauthRouter`. */
export interface OAuthRouterOptions extends Partial<Omit<ClientsRouterOptions, 'protect'>> {
  /**
   * Who asks the user: `consentPage()`, `approve()`, or a function of the host. Required where a grant asks users.
   * @default none
   */
  decide?: Decide
  /** Who may administer clients at `/oauth2/clients`; `false` leaves that router out. */
  protect: RequestHandler | false
  /** As in `introspectRouter`. @default false */
  resourceServersOnly?: boolean
  /** Which web pages may call token, revocation, introspection, registration and metadata. @default none of another origin */
  cors?: CorsOptions
  /** Lets clients register themselves at `/oauth2/register` (RFC 7591). @default false */
  register?: RegisterRouterOptions | false
}

const optionNames: readonly string[] = [
  'decide',
  'protect',
  'resourceServersOnly',
  'cors',
  'register',
  'admin',
  'caller',
  'defaults',
  'grantTypes',
  'clientsPerUser',
] satisfies (keyof OAuthRouterOptions)[]

const conventional = {
  authorize: '/oauth2/authorize',
  token: '/oauth2/token',
  revoke: '/oauth2/revoke_token',
  introspect: '/oauth2/introspect',
  register: '/oauth2/register',
} as const satisfies Endpoints

/** Everything at once: `app.use(oauthRouter(server, { decide, protect }))`. Paths in the `endpoints` option come first. */
export function oauthRouter(server: AuthorizationServer, options: OAuthRouterOptions): Router {
  requireNoMore('oauthRouter', arguments, 2)
  requireServer(server)
  requireKnown('oauthRouter option', options, optionNames)
  const { decide, protect, resourceServersOnly = false, cors, register = false, ...clients } = options ?? {}
  if (protect !== false && typeof protect !== 'function') {
    throw new TypeError(
      "oauthRouter needs protect: who may administer clients, such as bearerGuard(server, { scope: 'clients' }), or false",
    )
  }
  const paths = { ...conventional, ...server.endpoints }
  const withCors = cors ? { cors } : {}
  const router = Router()
  const asksUsers = server.responseTypes.size > 0
  if (asksUsers) router.use(paths.authorize, authorizeRouter(server, { decide: decide as Decide }))
  router.use(paths.token, tokenRouter(server, withCors))
  router.use(paths.revoke, revokeRouter(server, withCors))
  router.use(paths.introspect, introspectRouter(server, { resourceServersOnly, ...withCors }))
  if (protect) router.use('/oauth2/clients', clientsRouter(server, { ...clients, protect }))
  if (register) router.use(paths.register, registerRouter(server, { ...withCors, ...register }))
  const { authorize, register: registration, ...others } = paths
  const endpoints = {
    ...others,
    ...(asksUsers && { authorize }),
    ...((register || server.endpoints.register) && { register: registration }),
  }
  requireDistinct({ ...endpoints, ...(protect && { clients: '/oauth2/clients' }) })
  router.use(metadataRouter(server, { endpoints, ...withCors }))
  return router
}

/** The first router at a path answers everything there. */
function requireDistinct(paths: Readonly<Record<string, string>>): void {
  for (const [name, path] of Object.entries(paths)) {
    const other = Object.keys(paths).find(
      (one) => one !== name && comparable(paths[one] as string) === comparable(path),
    )
    if (other) throw new TypeError(`oauthRouter: endpoints.${name} and ${other} are both at ${path}`)
  }
}
