/**
 * Resource indicators (RFC 8707): a client names the API that it wants a token for. The token has it as its audience.
 */
import { OAuthError } from '../errors'
import { misuse } from '../options/misuse'
import type { Client } from '../storage'

/** The audience of a token: URIs of APIs (RFC 8707 §2, RFC 9068 §3). */
export type Audience = readonly string[]

/** The resources of a server. */
export interface ResourceRules {
  /** Every resource that may be named. If empty, `resource` is ignored, like any unknown parameter. */
  readonly resources: Audience
  /** The audience of a token if the request names no resource. */
  readonly audience: Audience
}

/** The limits of one resource. */
export interface ResourceLimit {
  /** Lifetime of its access tokens in seconds, at most that of `accessTokens`. */
  readonly ttl?: number
  /** The scopes that it accepts. If omitted: every scope of the server. */
  readonly scopes?: readonly string[]
}

/** The limits of the server's resources. */
export interface ResourceLimits {
  readonly byResource: ReadonlyMap<string, ResourceLimit>
  /** The scopes of the server itself and of no API: those of its userinfo endpoint, and `offline_access`. */
  readonly ownScopes: ReadonlySet<string>
}

/** RFC 8707 §2: an absolute URI without a fragment. */
export function isResourceUri(text: unknown): text is string {
  return typeof text === 'string' && /^[\x21\x23-\x7e]+$/.test(text) && !text.includes('#') && URL.canParse(text)
}

/** RFC 8707: the resources that may be requested, and the default. `audience` is the audience of the token format. */
export function resourceRules(
  given: readonly string[] | Readonly<Record<string, ResourceLimit>> = [],
  audience: Audience = [],
): ResourceRules {
  const resources: unknown = isByUri(given) ? Object.keys(given) : given
  if (!Array.isArray(resources) || !resources.every(isResourceUri)) {
    throw misuse(
      'wrong_url',
      "resources must be a list of absolute URIs without fragment, such as ['https://api.example.com']",
    )
  }
  return {
    resources: Object.freeze([...new Set([...audience, ...resources])]),
    audience: Object.freeze(audience.length > 0 ? [...audience] : resources.slice(0, 1)),
  }
}

/** Whether resources are given with limits. */
export function isByUri<Named extends object>(given: readonly string[] | Named): given is Named {
  // a Map or a Set has no members by URI
  return typeof given === 'object' && given !== null && !(Symbol.iterator in given)
}

/** The part of a scope that at least one resource of the audience accepts. A resource without limits accepts all. */
export function acceptedScope(
  { byResource, ownScopes }: ResourceLimits,
  audience: Audience,
  scope: readonly string[],
): readonly string[] {
  const limits = audience.map((resource) => byResource.get(resource)?.scopes)
  if (limits.includes(undefined)) return scope
  return scope.filter((token) => ownScopes.has(token) || limits.some((scopes) => scopes?.includes(token)))
}

/**
 * The same for a new token. Throws if nothing remains: a response without `scope` would mean the whole requested scope
 * (RFC 6749 §5.1).
 */
export function usableScope(
  limits: ResourceLimits | undefined,
  audience: Audience,
  scope: readonly string[],
): readonly string[] {
  const usable = limits ? acceptedScope(limits, audience, scope) : scope
  if (usable.length > 0 || scope.length === 0) return usable
  throw new OAuthError('invalid_scope', 'The resource accepts none of the scope.')
}

/**
 * Finds a resource of the server, as the server spells it. A URI has several spellings (RFC 3986 §6.2.3), and clients
 * add or omit the final slash. An exact match comes first, because the server may have both. Search all resources of
 * the server, then check whether the result is allowed: among a part of them, the slash could select another API.
 */
export function findResource(resources: Audience, uri: string): string | undefined {
  if (resources.includes(uri)) return uri
  if (!isResourceUri(uri)) return undefined
  const known = spellingsOf(resources)
  const { href, bare } = spellingOf(uri)
  const same = known.findIndex((one) => one?.href === href)
  return resources[same < 0 ? known.findIndex((one) => one?.bare === bare) : same]
}

interface Spelling {
  /** As the URL parser writes it. */
  readonly href: string
  /** The same without the final slash of an http path. Two final slashes are not removed. */
  readonly bare: string
}

function spellingOf(uri: string): Spelling {
  const url = new URL(uri)
  const { href, protocol, pathname } = url
  if ((protocol === 'https:' || protocol === 'http:') && /[^/]\/$/.test(pathname)) url.pathname = pathname.slice(0, -1)
  return { href, bare: url.href }
}

const spellings = new WeakMap<Audience, readonly (Spelling | undefined)[]>()

/** Cached: a request that names a thousand resources would parse all of these for each. */
function spellingsOf(resources: Audience): readonly (Spelling | undefined)[] {
  const known = spellings.get(resources)
  if (known) return known
  const found = resources.map((resource) => (isResourceUri(resource) ? spellingOf(resource) : undefined))
  spellings.set(resources, found)
  return found
}

/** The resources of one client, whose record may list some. Without the server's default, the first one is the default. */
function resourcesFor(server: ResourceRules, client: Pick<Client, 'resources'>): ResourceRules {
  const { resources: named } = client
  if (named === undefined) return server
  const resources = server.resources.filter((resource) => named.includes(resource))
  // an empty list would mean that resources are not used here
  if (resources.length === 0) throw invalidTarget()
  const audience = server.audience.filter((resource) => resources.includes(resource))
  return { resources, audience: audience.length > 0 ? audience : resources.slice(0, 1) }
}

/** The audience of an authorization: the requested resources, or the client's default (RFC 8707 §2). */
export function resolveAudience(
  server: ResourceRules,
  client: Pick<Client, 'resources'>,
  asked: string | undefined,
): Audience {
  if (server.resources.length === 0) return server.audience
  const { resources, audience } = resourcesFor(server, client)
  return asked === undefined ? audience : requireResources(server.resources, resources, asked)
}

/** The audience of one token: a token request may narrow the authorization's, and never widen it (RFC 8707 §2.2). */
export function narrowAudience(
  server: ResourceRules,
  client: Pick<Client, 'resources'>,
  granted: Audience,
  asked: string | undefined,
): Audience {
  if (server.resources.length === 0) return []
  const { resources } = resourcesFor(server, client)
  // resources that the server no longer has are removed
  const held = granted.filter((resource) => resources.includes(resource))
  if (held.length === 0) throw invalidTarget()
  return asked === undefined ? held : requireResources(server.resources, held, asked)
}

/** The values of `resource`, which may be repeated: one string with spaces, which no URI contains. */
function requireResources(known: Audience, allowed: Audience, asked: string): Audience {
  const named = asked.split(' ').filter((uri) => uri !== '')
  if (named.length === 0) throw invalidTarget()
  const found = named.map((uri) => {
    const resource = findResource(known, uri)
    if (resource === undefined || !allowed.includes(resource)) throw invalidTarget()
    return resource
  })
  return allowed.filter((resource) => found.includes(resource))
}

/** Joins several into one string, as in a `resource` parameter. */
export function formatResource(audience: Audience): string {
  return audience.join(' ')
}

/** The host's value in the form of a `resource` parameter (RFC 8707 §2). */
export function resourceParameter(resource: string | readonly string[] | undefined): string | undefined {
  return typeof resource === 'object' ? formatResource(resource) : resource
}

function invalidTarget(): OAuthError {
  return new OAuthError('invalid_target', 'The resource is unknown or not allowed for this client.')
}

/** The member of an authorization for its audience. */
export function audienceMember(audience: Audience): { audience?: Audience } {
  return audience.length === 0 ? {} : { audience }
}

/** The audience of an authorization, or the server's own if it was made before the server had resources. */
export function heldAudience({ resources, audience }: ResourceRules, held: Audience | undefined): Audience {
  return resources.length > 0 && held ? held : audience
}

/** The resource of a guard, as the server spells it. Throws a TypeError if the server does not have it. */
export function knownResource({ resources }: ResourceRules, resource: string | undefined): string | undefined {
  const known = resource === undefined ? undefined : findResource(resources, resource)
  if (resource === undefined || known !== undefined) return known
  throw misuse(
    'unknown_to_server',
    `resource ${resource} is not in the server's resources: ${resources.join(', ') || '(none)'}`,
  )
}

/**
 * RFC 9068 §4: refuses a token for another resource, which could otherwise use tokens that it received against this
 * one.
 */
export function verifyAudience({ audience }: Pick<ResourceRules, 'audience'>, held: Audience, resource?: string): void {
  const accepted = resource === undefined ? audience : [resource]
  if (held.some((one) => accepted.includes(one))) return
  throw new OAuthError('invalid_token', 'The access token is for another resource.')
}
