/** Authorization server metadata (RFC 8414), and the keys of JWT access tokens (RFC 7517). */
import type { Router } from 'express'
import { provingMethods } from '../clients/client'
import { stateEndpoints } from '../host/requests'
import { verifiedEndpoints } from '../host/start-up'
import { type CorsOptions, requireServer } from '../http/endpoint'
import { requireKnown, requireNoMore } from '../options/known'
import { wellKnownPath, wellKnownUrl } from '../rules/well-known'
import type { AuthorizationServer } from '../types/authorization-server'
import type { Endpoints } from '../types/endpoints'
import { type WellKnownDocument, wellKnownRouter } from './well-known'

const METADATA = 'oauth-authorization-server'
/** Where keys are by convention. Its URL is in the metadata. */
const JWKS = 'jwks.json'

/** Options of `metadataRouter`. */
export interface MetadataRouterOptions {
  /** Where the routers are mounted. @default the `endpoints` of the server */
  endpoints?: Endpoints
  /** Which web pages of other origins may read it (CORS). @default none */
  cors?: CorsOptions
}

/**
 * The metadata document at its well-known place, and the keys where access tokens are JWTs. Mount it at the root of the
 * host: `app.use(metadataRouter(server))`.
 *
 * @throws TypeError at start-up when `endpoints` lacks the path of an endpoint that a grant of the server needs.
 */
export function metadataRouter(server: AuthorizationServer, options: MetadataRouterOptions = {}): Router {
  requireNoMore('metadataRouter', arguments, 2)
  requireServer(server)
  requireKnown('metadataRouter option', options, ['endpoints', 'cors'])
  const { cors } = options
  const endpoints = verifiedEndpoints(options.endpoints ?? server.endpoints)
  const description = describeServer(server, endpoints)
  stateEndpoints(server, endpoints)
  const documents: WellKnownDocument[] = [
    { path: wellKnownPath(METADATA, server.issuer), maxAge: 3600, content: () => description },
  ]
  const { jwks } = server.accessTokens
  // shorter, so that a new key is known everywhere before it signs
  if (jwks) documents.push({ path: wellKnownPath(JWKS, server.issuer), maxAge: 300, content: jwks })
  return wellKnownRouter(server, documents, cors)
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
  const modes = new Set(responses.map((grant) => grant.responseMode ?? 'query'))
  const proving = provingMethods(server)
  const methods = ['none', ...proving]
  return {
    issuer: server.issuer,
    ...at('authorization_endpoint', endpoints.authorize, { authorization_response_iss_parameter_supported: true }),
    ...at('token_endpoint', endpoints.token, { token_endpoint_auth_methods_supported: methods }),
    ...at('revocation_endpoint', endpoints.revoke, { revocation_endpoint_auth_methods_supported: methods }),
    ...at('introspection_endpoint', endpoints.introspect, {
      introspection_endpoint_auth_methods_supported: proving,
    }),
    ...at('registration_endpoint', endpoints.register),
    ...(server.clientDocuments && { client_id_metadata_document_supported: true }),
    ...(server.accessTokens.jwks && { jwks_uri: wellKnownUrl(JWKS, server.issuer) }),
    // RFC 8414 §3.2: what has no elements is left out, but for what is required (§2)
    ...(server.scopes.size > 0 && { scopes_supported: [...server.scopes.keys()] }),
    response_types_supported: [...server.responseTypes.keys()],
    ...(modes.size > 0 && { response_modes_supported: [...modes] }),
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
