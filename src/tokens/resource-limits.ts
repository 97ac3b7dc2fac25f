/**
 * The limits of each API in the option `resources` (RFC 8707): the lifetime of its access tokens and the scopes it
 * accepts.
 */
import { kindOf, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import { requireSeconds } from '../options/seconds'
import {
  type Audience,
  findResource,
  isByUri,
  type ResourceLimit,
  type ResourceLimits,
  usableScope,
} from '../rules/resource'
import { OFFLINE_ACCESS, type Scope } from '../rules/scope'

/** The server's own limits. */
interface Most {
  readonly accessTokens: { readonly ttl: number; readonly audience?: Audience }
  readonly scopes: ReadonlyMap<string, string>
}

const memberNames: readonly string[] = ['ttl', 'scopes'] satisfies (keyof ResourceLimit)[]

/** Checks the option `resources`. Undefined for a list, or without any limit. `own` are the scopes of no API. */
export function resourceLimits(
  option: readonly string[] | Readonly<Record<string, ResourceLimit>> = [],
  most: Most,
  own: ReadonlyMap<string, string> = new Map(),
): ResourceLimits | undefined {
  if (!isByUri(option)) return undefined
  const limits = Object.entries(option).map(([uri, limit]) => [uri, verifiedLimit(uri, limit, most)] as const)
  const byResource = new Map(limits.filter(([, limit]) => Object.keys(limit).length > 0))
  if (byResource.size === 0) return undefined
  // a scope that one resource names belongs to it, and no other resource accepts it
  const named = new Set(limits.flatMap(([, { scopes = [] }]) => scopes))
  const ownScopes = [...own.keys(), OFFLINE_ACCESS].filter((scope) => !named.has(scope))
  return Object.freeze({ byResource, ownScopes: new Set(ownScopes) })
}

function verifiedLimit(uri: string, limit: ResourceLimit, { accessTokens, scopes: known }: Most): ResourceLimit {
  const option = `resources['${uri}']`
  requireKnown(`${option} member`, limit ?? null, memberNames)
  const { ttl, scopes } = limit
  // with two default resources, one would have no limit
  const { audience = [] } = accessTokens
  const spelled = audience.includes(uri) ? undefined : findResource(audience, uri)
  if (spelled !== undefined)
    throw misuse('conflicting_options', `${option} is ${spelled} in the audience of jwt(): spell both the same`)
  if (ttl !== undefined) requireSeconds(`${option}.ttl`, ttl)
  if (ttl !== undefined && ttl > accessTokens.ttl) {
    const fix = 'lower it, or raise the ttl of accessTokens'
    throw misuse(
      'conflicting_options',
      `${option}.ttl is ${ttl}, and the access tokens of the server live for ${accessTokens.ttl} seconds: ${fix}`,
    )
  }
  if (scopes === undefined) return Object.freeze({ ...limit })
  if (!Array.isArray(scopes) || scopes.length === 0) {
    const fix = "a list such as ['read']. Leave it out where every scope is accepted"
    throw misuse('wrong_list', `${option}.scopes must be ${fix}, not ${kindOf(scopes)}`)
  }
  const unknown = scopes.find((scope) => !known.has(scope))
  if (unknown !== undefined) {
    const fix = `add it there, or name some of ${[...known.keys()].join(', ') || '(none)'}`
    throw misuse(
      'unknown_to_server',
      `${option}.scopes has ${String(unknown)}, which is not in the server's scopes: ${fix}`,
    )
  }
  return Object.freeze({ ...limit, scopes: Object.freeze([...new Set(scopes)]) })
}

/** The scope and lifetime of an access token for this audience: the strictest of its resources. */
export function limitsOf(limits: ResourceLimits, audience: Audience, scope: Scope): { scope: Scope; ttl: number } {
  return { scope: usableScope(limits, audience, scope), ttl: ttlFor(limits, audience) }
}

/** Seconds. */
export function ttlFor({ byResource }: ResourceLimits, audience: Audience): number {
  const ttls = audience.map((resource) => byResource.get(resource)?.ttl ?? Number.POSITIVE_INFINITY)
  return Math.min(...ttls)
}
