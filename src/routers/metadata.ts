/** Authorization server metadata: RFC 8414. */
import { type Request, type RequestHandler, type Response, Router } from 'express'
import { type CorsOptions, endpoint, type Handler } from '../http/endpoint'
import type { AuthorizationServer, Endpoints } from '../types'

export interface MetadataRouterOptions {
  /** Where the routers are mounted. @default the `endpoints` of the server */
  endpoints?: Endpoints
  /** @default no web page of another origin may read it */
  cors?: CorsOptions
}

/**
 * The metadata document at its well-known place; mount it at the root of the host (`app.use(metadataRouter(server))`).
 *
 * @throws TypeError at start-up when `endpoints` lacks the path of an endpoint that a grant of the server needs.
 */
export function metadataRouter(
  server: AuthorizationServer,
  { endpoints = server.endpoints, cors }: MetadataRouterOptions = {},
): Router {
  const text = JSON.stringify(describeServer(server, endpoints))
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'public, max-age=3600',
  }
  const handler: Handler = (_req: Request, res: Response) => {
    res.writeHead(200, headers)
    res.end(text)
  }
  const methods = { GET: handler, HEAD: handler }
  // RFC 8414 §3.1: the well-known part goes before the path of the issuer
  const place = `/.well-known/oauth-authorization-server${new URL(server.issuer).pathname}`.replace(/\/$/, '')
  const router = Router()
  const handle: RequestHandler = endpoint(server, {
    router,
    methods,
    cors,
    below: (path) => (path === place ? methods : undefined),
  })
  // it is mounted at the root, and the root itself is the host's
  return router.use((req, res, next) => {
    const path = `${req.baseUrl}${req.path}`.replace(/\/$/, '')
    return path.endsWith(place) ? handle(req, res, next) : next()
  })
}

/** RFC 8414 §2. A member is present exactly when its path is known. */
function describeServer(server: AuthorizationServer, endpoints: Endpoints): Record<string, unknown> {
  const grants = [...server.grants.values()]
  const responses = [...server.responseTypes.values()]
  requirePath(endpoints, 'authorize', responses.length > 0)
  requirePath(
    endpoints,
    'token',
    grants.some((grant) => grant.handle),
  )
  const { origin } = new URL(server.issuer)
  const at = (member: string, path: string | undefined, more: object = {}) =>
    path === undefined ? {} : { [member]: `${origin}${path}`, ...more }
  const withSecret = ['client_secret_basic', 'client_secret_post']
  const methods = ['none', ...withSecret]
  return {
    issuer: server.issuer,
    ...at('authorization_endpoint', endpoints.authorize, { authorization_response_iss_parameter_supported: true }),
    ...at('token_endpoint', endpoints.token, { token_endpoint_auth_methods_supported: methods }),
    ...at('revocation_endpoint', endpoints.revoke, { revocation_endpoint_auth_methods_supported: methods }),
    ...at('introspection_endpoint', endpoints.introspect, {
      introspection_endpoint_auth_methods_supported: withSecret,
    }),
    scopes_supported: [...server.scopes.keys()],
    response_types_supported: [...server.responseTypes.keys()],
    response_modes_supported: [...new Set(responses.map((grant) => grant.responseMode ?? 'query'))],
    grant_types_supported: [...server.grants.keys()],
    ...(server.codes && { code_challenge_methods_supported: ['S256'] }),
  }
}

function requirePath(endpoints: Endpoints, name: keyof Endpoints, needed: boolean): void {
  if (!needed || endpoints[name] !== undefined) return
  throw new TypeError(
    `metadataRouter needs endpoints.${name}: say createAuthorizationServer({ endpoints: { ${name}: '/oauth2/${name}' } })`,
  )
}
