/** Authorization server metadata (RFC 8414), and the server's public keys (RFC 7517). */
import type { Router } from 'express'
import { provingMethods } from '../clients/client'
import type { JsonWebKey } from '../crypto'
import { warnOfPlace } from '../host/requests'
import { type CorsOptions, requireServer } from '../http/endpoint'
import { onFirstRequest } from '../http/router'
import { signersOf } from '../jwt/server-signers'
import { requireFlags, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { responseModes } from '../rules/response-mode'
import { openIdConfigurationPaths, wellKnownPath, wellKnownUrl } from '../rules/well-known'
import type { AuthorizationServer } from '../types/authorization-server'
import { coreEndpoints } from '../types/endpoints'
import { type WellKnownDocument, wellKnownRouter } from './well-known'

const METADATA = 'oauth-authorization-server'
/** The conventional path of the keys. The metadata has their URL. */
const JWKS = 'jwks.json'

/** Options of `metadataRouter`. */
export interface MetadataRouterOptions {
  /** The web pages of other origins that may read it (CORS). @default none */
  cors?: CorsOptions
  /**
   * Whether to also serve the document as `openid-configuration`, which AWS, .NET and API gateways read.
   * @default whether the server has `openid`
   */
  openidConfiguration?: boolean
}

/**
 * The metadata document (RFC 8414) at its well-known path, and the server's public keys if it has any. It names the
 * `endpoints` of the server and the members that its options add. Mount it at the root of the host:
 * `app.use(metadataRouter(server))`.
 *
 * @throws TypeError at start-up when `endpoints` lacks the path of an endpoint that a grant of the server needs.
 */
export function metadataRouter(server: AuthorizationServer, options: MetadataRouterOptions = {}): Router {
  requireNoMore('metadataRouter', arguments, 2)
  requireServer(server)
  requireKnown('metadataRouter option', options, ['cors', 'openidConfiguration'])
  const { openidConfiguration = server.openid !== undefined } = options
  requireFlags('metadataRouter', { openidConfiguration })
  const jwks = publishedKeys(server)
  const description = withCapabilities(server, describeServer(server, jwks !== undefined))
  const documents: WellKnownDocument[] = [
    { path: wellKnownPath(METADATA, server.issuer), maxAge: 3600, content: () => description },
  ]
  if (openidConfiguration) {
    const places = openIdConfigurationPaths(server.issuer)
    documents.push(...places.map((path) => ({ path, maxAge: 3600, content: () => description })))
  }
  // shorter, so that APIs know a new key before it signs
  if (jwks) documents.push({ path: wellKnownPath(JWKS, server.issuer), maxAge: 300, content: jwks })
  const router = wellKnownRouter(server, documents, options.cors)
  onFirstRequest(router, ({ baseUrl }) => {
    if (baseUrl !== '' && !documents[0]?.path.startsWith(baseUrl)) warnOfPlace(server, 'metadataRouter', baseUrl)
  })
  return router
}

type Members = Record<string, unknown>

/** RFC 8414 §2. A member is present only if its path is known. */
function describeServer(server: AuthorizationServer, hasKeys: boolean): Members {
  const grants = [...server.grants.values()]
  const responses = [...server.responseTypes.values()]
  requirePath(server, 'authorize', responses.length > 0)
  requirePath(
    server,
    'token',
    grants.some((grant) => grant.handle),
  )
  const modes = new Set(responses.flatMap((grant) => responseModes(grant.responseMode ?? 'query')))
  const proving = provingMethods(server)
  const methods = ['none', ...proving]
  const signing = [...signersOf(server).keys()]
  const at = (name: keyof typeof coreEndpoints, more: Members) => (server.endpoints[name] === undefined ? {} : more)
  const urls = Object.entries(coreEndpoints).flatMap(([name, row]) => {
    return 'member' in row ? [[row.member, urlOf(server, name)] as const] : []
  })
  return {
    issuer: server.issuer,
    ...Object.fromEntries(urls.filter(([, url]) => url !== undefined)),
    ...at('authorize', {
      authorization_response_iss_parameter_supported: true,
      // OpenID Connect Discovery §3: if omitted, the second one would mean that the server fetches a client's URL
      request_parameter_supported: server.requests.some(({ parameter }) => parameter === 'request'),
      request_uri_parameter_supported: false,
    }),
    ...at('token', { token_endpoint_auth_methods_supported: methods }),
    ...at('revoke', { revocation_endpoint_auth_methods_supported: methods }),
    ...at('introspect', {
      introspection_endpoint_auth_methods_supported: proving,
      // RFC 9701 §7
      ...(signing.length > 0 && { introspection_signing_alg_values_supported: signing }),
    }),
    ...(server.clientDocuments && { client_id_metadata_document_supported: true }),
    ...(hasKeys && { jwks_uri: wellKnownUrl(JWKS, server.issuer) }),
    // RFC 8414 §3.2: empty lists are omitted, except required ones (§2)
    ...(server.scopes.size > 0 && { scopes_supported: [...server.scopes.keys()] }),
    response_types_supported: [...server.responseTypes.keys()],
    ...(modes.size > 0 && { response_modes_supported: [...modes] }),
    grant_types_supported: [...server.grants.keys()],
    ...(server.codes && { code_challenge_methods_supported: ['S256'] }),
  }
}

function urlOf({ issuer, endpoints }: AuthorizationServer, name: string): string | undefined {
  const path = Object.hasOwn(endpoints, name) ? endpoints[name] : undefined
  return path === undefined ? undefined : `${new URL(issuer).origin}${path}`
}

/** Duplicate members throw: they may contradict each other. */
function withCapabilities(server: AuthorizationServer, members: Members): Members {
  const all = { ...members }
  for (const value of server.capabilities) {
    const more = value.metadata?.(server, (name) => urlOf(server, name)) ?? {}
    for (const [member, said] of Object.entries(more)) {
      if (said === undefined) continue
      if (Object.hasOwn(all, member)) {
        throw misuse(
          'duplicate_name',
          `The metadata has ${member} already: a value in grants, clientAuthentication or requests must not set it again`,
        )
      }
      all[member] = said
    }
  }
  return all
}

/** RFC 7517 §5: the keys of access tokens and of other options. The same object until a list changes. */
function publishedKeys({ accessTokens, capabilities }: AuthorizationServer): (() => object) | undefined {
  const brought = capabilities.filter(({ jwks }) => jwks)
  const { jwks } = accessTokens
  if (brought.length === 0) return jwks
  let last: { lists: readonly unknown[]; content: object } | undefined
  return () => {
    const lists = [...(jwks ? [jwks().keys] : []), ...brought.map((value) => value.jwks?.() ?? [])] as JsonWebKey[][]
    if (!last || lists.some((list, at) => list !== last?.lists[at])) last = { lists, content: { keys: merged(lists) } }
    return last.content
  }
}

/** Lists a key with two purposes once. */
function merged(lists: readonly (readonly JsonWebKey[])[]): JsonWebKey[] {
  const keys = new Map(lists.flat().map((key) => [key.kid ?? key, key]))
  for (const key of keys.values()) {
    // RFC 7518 §6.2.2, §6.3.2, §6.4.1
    if ('d' in key || 'k' in key) throw misuse('wrong_key', 'jwks must return public keys: a private one is among them')
  }
  return [...keys.values()]
}

function requirePath({ endpoints }: AuthorizationServer, name: 'authorize' | 'token', needed: boolean): void {
  if (!needed || endpoints[name] !== undefined) return
  throw misuse(
    'missing_option',
    `metadataRouter needs endpoints.${name}: set createAuthorizationServer({ endpoints: { ${name}: '${coreEndpoints[name].path}' } })`,
  )
}
