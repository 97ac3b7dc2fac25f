/**
 * Protected resource metadata (RFC 9728): a client that knows only the URL of an API finds its authorization server.
 */
import type { Router } from 'express'
import type { TokenSource } from '../guard/options'
import { type CorsOptions, requireSource } from '../http/endpoint'
import { requireFlags, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { knownResource } from '../rules/resource'
import { type Scope, toScope } from '../rules/scope'
import { PROTECTED_RESOURCE, requireResourceUrl, wellKnownPath } from '../rules/well-known'
import type { SenderConstraint } from '../types/capability'
import { wellKnownRouter } from './well-known'

/** Options of `protectedResourceRouter`. */
export interface ProtectedResourceRouterOptions {
  /** The URL of the API, one of the `resources` of the server. */
  resource: string
  /**
   * The scopes that a client may need here.
   * @default the scopes of the resource or of the server, if it is in this process
   */
  scopes?: string | Scope
  /** Whether the guard of the API has `senderConstrained`. @default false */
  senderConstrained?: boolean
  /** The display name of the API. @default none */
  name?: string
  /**
   * More metadata members, by their names in RFC 9728: `{ resource_documentation: 'https://api.example.com/docs' }`.
   * @default none
   */
  metadata?: Readonly<Record<string, unknown>>
  /** The web pages of other origins that may read it (CORS). @default none */
  cors?: CorsOptions
}

const optionNames: readonly string[] = [
  'resource',
  'scopes',
  'senderConstrained',
  'name',
  'metadata',
  'cors',
] satisfies (keyof ProtectedResourceRouterOptions)[]

/** Members that clients rely on: only the library sets them. */
const ourMembers: readonly string[] = [
  'resource',
  'authorization_servers',
  'scopes_supported',
  'bearer_methods_supported',
  'resource_name',
  'dpop_signing_alg_values_supported',
  'dpop_bound_access_tokens_required',
  'tls_client_certificate_bound_access_tokens',
]

/**
 * The metadata of one API (RFC 9728), at its well-known path. Mount it at the root of the API's host. `server` issues
 * the tokens, in this process or another (`remoteServer`). With `resourceMetadata: true` the challenges of
 * `bearerGuard` name this document.
 *
 * @throws TypeError at start-up for a resource that the server does not have, or that is not a URL.
 */
export function protectedResourceRouter(server: TokenSource, options: ProtectedResourceRouterOptions): Router {
  requireNoMore('protectedResourceRouter', arguments, 2)
  requireSource(server)
  requireKnown('protectedResourceRouter option', options, optionNames, ['resource'])
  const resource = knownResource(server, options?.resource)
  if (resource === undefined)
    throw misuse('missing_option', 'protectedResourceRouter needs resource: the URL of the API')
  requireResourceUrl('protectedResourceRouter', resource)
  const { name, metadata = {}, senderConstrained = false, cors } = options
  requireFlags('protectedResourceRouter', { senderConstrained })
  const scopes = toScope(options.scopes ?? acceptedBy(server, resource))
  const types = 'authorizationDetails' in server ? server.authorizationDetails?.types : undefined
  // RFC 9728 §2; §3.2: empty lists are omitted
  const description = {
    resource,
    authorization_servers: [server.issuer],
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    ...(types && { authorization_details_types_supported: [...types.keys()] }),
    ...(name !== undefined && { resource_name: name }),
    ...boundTokens(server, senderConstrained),
  }
  if (typeof metadata !== 'object' || metadata === null) {
    throw misuse(
      'not_an_object',
      "protectedResourceRouter's metadata must be an object such as { resource_documentation: '…' }",
    )
  }
  const said = Object.keys(metadata).find((member) => ourMembers.includes(member))
  if (said !== undefined) {
    throw misuse(
      'conflicting_options',
      `protectedResourceRouter sets ${said} itself: use its options resource, scopes, name and senderConstrained`,
    )
  }
  const document = { ...description, ...metadata }
  const path = wellKnownPath(PROTECTED_RESOURCE, resource)
  return wellKnownRouter(server, [{ path, maxAge: 3600, content: () => document }], cors)
}

/** The scopes of the resource, if the server is in this process. */
function acceptedBy(server: TokenSource, resource: string): Scope {
  if (!('scopes' in server)) return []
  return server.resourceLimits?.byResource.get(resource)?.scopes ?? [...server.scopes.keys()]
}

/** RFC 9728 §2: how this API's tokens may be bound to a key, as the guard verifies it. */
function boundTokens({ senderConstraints }: TokenSource, required: boolean): Record<string, unknown> {
  const of = (member: SenderConstraint['member']) => senderConstraints.find((one) => one.member === member)
  const [proofs, certificates] = [of('jkt'), of('x5t#S256')]
  if (required && !proofs && !certificates) {
    throw misuse(
      'missing_capability',
      "protectedResourceRouter's senderConstrained needs senderConstraints: [dpop()] of the server",
    )
  }
  return {
    ...(proofs?.algorithms && { dpop_signing_alg_values_supported: proofs.algorithms }),
    // if certificates are accepted too, a proof is not required
    ...(required && !certificates && { dpop_bound_access_tokens_required: true }),
    ...(certificates && { tls_client_certificate_bound_access_tokens: true }),
  }
}
