/** Protected resource metadata: RFC 9728. A client that knows only the URL of an API finds its authorization server. */
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
  /** The URL of the API, among the `resources` of the server: clients call it, and tokens are for it. */
  resource: string
  /** The scopes that a client may need here. @default those of `resources` of the server, or every scope that it has, where it is in this process */
  scopes?: string | Scope
  /** Whether its guard has `senderConstrained`: that it takes no token which is bound to no key. @default false */
  senderConstrained?: boolean
  /** The name of the API, for people. @default left out */
  name?: string
  /**
   * More members, by RFC 9728's own names, such as `{ resource_documentation: 'https://api.example.com/docs' }`.
   * @default none
   */
  metadata?: Readonly<Record<string, unknown>>
  /** Which web pages of other origins may read it (CORS). @default none */
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

/** What clients go by. */
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
 * The metadata of one API (RFC 9728), at its well-known path. Mount it at the root of that API's host. `server` issues
 * its tokens, in this process or another (`remoteServer`). `bearerGuard(server, { resource, resourceMetadata: true })`
 * names this document.
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
  // RFC 9728 §2; §3.2: what has no elements is left out
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

/** What the server says of the resource, where it is in this process. */
function acceptedBy(server: TokenSource, resource: string): Scope {
  if (!('scopes' in server)) return []
  return server.resourceLimits?.byResource.get(resource)?.scopes ?? [...server.scopes.keys()]
}

/** RFC 9728 §2: how the tokens of this API may be bound to a key, as its guard verifies it. */
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
    // where a certificate does as well, a proof is not required
    ...(required && !certificates && { dpop_bound_access_tokens_required: true }),
    ...(certificates && { tls_client_certificate_bound_access_tokens: true }),
  }
}
