/** Protected resource metadata: RFC 9728. A client that knows only the URL of an API finds its authorization server. */
import type { Router } from 'express'
import type { TokenSource } from '../guard/strategy'
import { type CorsOptions, requireSource } from '../http/endpoint'
import { requireKnown, requireNoMore } from '../options/known'
import { knownResource } from '../rules/resource'
import { type Scope, toScope } from '../rules/scope'
import { PROTECTED_RESOURCE, requireResourceUrl, wellKnownPath } from '../rules/well-known'
import { wellKnownRouter } from './well-known'

/** Options of `protectedResourceRouter`. */
export interface ProtectedResourceRouterOptions {
  /** The URL of the API, among the `resources` of the server: what clients call, and what tokens are for. */
  resource: string
  /** What a client may need here. @default every scope of the server, where it is in this process */
  scopes?: string | Scope
  /** For people: what the API is called. @default left out */
  name?: string
  /** For people: the URL of its documentation. @default left out */
  documentation?: string
  /** For people: the URL of what it asks of those who use its data. @default left out */
  policy?: string
  /** For people: the URL of its terms of service. @default left out */
  terms?: string
  /** Which web pages of other origins may read it (CORS). @default none */
  cors?: CorsOptions
}

const optionNames: readonly string[] = [
  'resource',
  'scopes',
  'name',
  'documentation',
  'policy',
  'terms',
  'cors',
] satisfies (keyof ProtectedResourceRouterOptions)[]

/**
 * The document about one API, at its well-known place; mount it at the root of the host of that API. `server` issues its
 * tokens, here or (`remoteServer`) elsewhere. `bearerGuard(server, { resource, resourceMetadata: true })` names it.
 *
 * @throws TypeError at start-up for a resource that the server does not have, or that is no URL.
 */
export function protectedResourceRouter(server: TokenSource, options: ProtectedResourceRouterOptions): Router {
  requireNoMore('protectedResourceRouter', arguments, 2)
  requireSource(server)
  requireKnown('protectedResourceRouter option', options, optionNames)
  const resource = knownResource(server, options?.resource)
  if (resource === undefined) throw new TypeError('protectedResourceRouter needs resource: the URL of the API')
  requireResourceUrl('protectedResourceRouter', resource)
  const { name, documentation, policy, terms, cors } = options
  const scopes = toScope(options.scopes ?? ('scopes' in server ? [...server.scopes.keys()] : []))
  // RFC 9728 §2; §3.2: what has no elements is left out
  const description = {
    resource,
    authorization_servers: [server.issuer],
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    ...(name !== undefined && { resource_name: name }),
    ...(documentation !== undefined && { resource_documentation: documentation }),
    ...(policy !== undefined && { resource_policy_uri: policy }),
    ...(terms !== undefined && { resource_tos_uri: terms }),
  }
  const path = wellKnownPath(PROTECTED_RESOURCE, resource)
  return wellKnownRouter(server, [{ path, maxAge: 3600, content: () => description }], cors)
}
