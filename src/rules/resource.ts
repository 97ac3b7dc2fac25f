/** Resource indicators: RFC 8707. A client names the API that it wants a token for; in the token that is the audience. */
import { OAuthError } from '../errors'
import { misuse } from '../options/misuse'
import type { Client } from '../storage'

/** The audience of a token: URIs of APIs (RFC 8707 §2, RFC 9068 §3). */
export type Audience = readonly string[]

/** The resources of a server. */
export interface ResourceRules {
  /** Every resource that may be named. Empty: `resource` is ignored, like any unknown parameter. */
  readonly resources: Audience
  /** The audience of a token whose request names no resource. */
  readonly audience: Audience
}

/** What the server says of one resource. */
export interface ResourceLimit {
  /** Lifetime of its access tokens in seconds, at most that of `accessTokens`. */
  readonly ttl?: number
  /** The scopes that it accepts. Left out: every scope of the server. */
  readonly scopes?: readonly string[]
}

/** What the server says of its resources one by one. */
export interface ResourceLimits {
  readonly byResource: ReadonlyMap<string, ResourceLimit>
  /** The scopes that are for the server itself and no API: those of its userinfo endpoint, and `offline_access`. */
  readonly ownScopes: ReadonlySet<string>
}

/** RFC 8707 §2: an absolute URI without a fragment. */
export function isResourceUri(text: unknown): text is string {
  return typeof text === 'string' && /^[\x21\x23-\x7e]+$/.test(text) && !text.includes('#') && URL.canParse(text)
}

/** RFC 8707: what may be asked for, and what is meant when nothing is. `audience` is that of the tokens' format. */
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

/** Whether resources are named with what is said of each. */
export function isByUri<Named extends object>(given: readonly string[] | Named): given is Named {
  // a Map or a Set has no members that name anything
  return typeof given === 'object' && given !== null && !(Symbol.iterator in given)
}

/** What at least one resource of the audience accepts of a scope. One of which nothing is said accepts all of it. */
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
 * The same for a token that is made now. Where nothing is left the answer could not say so: without `scope` it would mean
 * all that was asked (RFC 6749 §5.1).
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
 * The one of the server's `resources` that is meant, as the server spells it. A URI has more than one spelling (RFC 3986
 * §6.2.3), and clients add a slash after the path, or not. What is spelled alike comes first: where the server has both,
 * they are two. Ask it of all that the server has, and then whether the one found is allowed: in a part of them the slash
 * could mean another API than it does in the whole.
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
  /** The same without the one slash at the end of an http path. Two of them are no spelling of one. */
  readonly bare: string
}

function spellingOf(uri: string): Spelling {
  const url = new URL(uri)
  const { href, protocol, pathname } = url
  if ((protocol === 'https:' || protocol === 'http:') && /[^/]\/$/.test(pathname)) url.pathname = pathname.slice(0, -1)
  return { href, bare: url.href }
}

const spellings = new WeakMap<Audience, readonly (Spelling | undefined)[]>()

/** Kept, because whoever names a thousand resources would have all of these parsed for each. */
function spellingsOf(resources: Audience): readonly (Spelling | undefined)[] {
  const known = spellings.get(resources)
  if (known) return known
  const found = resources.map((resource) => (isResourceUri(resource) ? spellingOf(resource) : undefined))
  spellings.set(resources, found)
  return found
}

/**
 * The same for one client, whose record may name what it may ask for. Where that is not the default of the server, it is
 * the first that it has.
 */
function resourcesFor(server: ResourceRules, client: Pick<Client, 'resources'>): ResourceRules {
  const { resources: named } = client
  if (named === undefined) return server
  const resources = server.resources.filter((resource) => named.includes(resource))
  // not empty: that would mean that resources mean nothing here
  if (resources.length === 0) throw invalidTarget()
  const audience = server.audience.filter((resource) => resources.includes(resource))
  return { resources, audience: audience.length > 0 ? audience : resources.slice(0, 1) }
}

/** Who the tokens of an authorization are for: what was asked, or the client's default (RFC 8707 §2). */
export function resolveAudience(
  server: ResourceRules,
  client: Pick<Client, 'resources'>,
  asked: string | undefined,
): Audience {
  if (server.resources.length === 0) return server.audience
  const { resources, audience } = resourcesFor(server, client)
  return asked === undefined ? audience : requireResources(server.resources, resources, asked)
}

/** Who one token is for: a token request may narrow what was authorized, and never widen it (RFC 8707 §2.2). */
export function narrowAudience(
  server: ResourceRules,
  client: Pick<Client, 'resources'>,
  granted: Audience,
  asked: string | undefined,
): Audience {
  if (server.resources.length === 0) return []
  const { resources } = resourcesFor(server, client)
  // what the server has no more is gone
  const held = granted.filter((resource) => resources.includes(resource))
  if (held.length === 0) throw invalidTarget()
  return asked === undefined ? held : requireResources(server.resources, held, asked)
}

/** The values of a `resource` parameter, which may be repeated: one string with spaces, which no URI has. */
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

/** One string for several, as a `resource` parameter has it. */
export function formatResource(audience: Audience): string {
  return audience.join(' ')
}

/** What a host says of resources, as a request would (RFC 8707 §2). */
export function resourceParameter(resource: string | readonly string[] | undefined): string | undefined {
  return typeof resource === 'object' ? formatResource(resource) : resource
}

function invalidTarget(): OAuthError {
  return new OAuthError('invalid_target', 'The resource is unknown or not allowed for this client.')
}

/** How an authorization carries its audience. */
export function audienceMember(audience: Audience): { audience?: Audience } {
  return audience.length === 0 ? {} : { audience }
}

/** The audience of an authorization; the server's own for one that was made when there were no resources. */
export function heldAudience({ resources, audience }: ResourceRules, held: Audience | undefined): Audience {
  return resources.length > 0 && held ? held : audience
}

/** The resource that a guard stands before, as the server spells it. Throws a TypeError where the server has none such. */
export function knownResource({ resources }: ResourceRules, resource: string | undefined): string | undefined {
  const known = resource === undefined ? undefined : findResource(resources, resource)
  if (resource === undefined || known !== undefined) return known
  throw misuse(
    'unknown_to_server',
    `resource ${resource} is not in the server's resources: ${resources.join(', ') || '(none)'}`,
  )
}

/** RFC 9068 §4: a token for another resource is refused, or that resource could use what it was sent against this one. */
export function verifyAudience({ audience }: Pick<ResourceRules, 'audience'>, held: Audience, resource?: string): void {
  const accepted = resource === undefined ? audience : [resource]
  if (held.some((one) => accepted.includes(one))) return
  throw new OAuthError('invalid_token', 'The access token is for another resource.')
}
