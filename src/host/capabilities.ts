/** Collects what the values of the server's options add, and checks it once at start-up. */

import { kindOf, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import { verifiedProxyPrefix } from '../rules/proxy-prefix'
import type { AccessTokenFormat } from '../types/access-token'
import type { AuthorizationServer } from '../types/authorization-server'
import type { Capability, ClientMember, RequestSource } from '../types/capability'
import { coreEndpoints, type Endpoints } from '../types/endpoints'
import type { OpenIdProvider } from '../types/openid'

/** The capabilities in these lists. A value in two lists counts once. */
export function capabilitiesOf(...lists: (readonly Capability[])[]): readonly Capability[] {
  const values = [...new Set(lists.flat())]
  const found = values.filter((value) => value.metadata ?? value.endpoints ?? value.clientMembers ?? value.jwks)
  for (const { metadata, jwks } of found) {
    requireFunction('metadata', metadata)
    requireFunction('jwks', jwks)
  }
  requireUnique('endpoint', [
    ...Object.keys(coreEndpoints),
    ...found.flatMap(({ endpoints }) => Object.keys(endpoints ?? {})),
  ])
  for (const [name, { path, router }] of found.flatMap(({ endpoints }) => Object.entries(endpoints ?? {}))) {
    requirePath(`the path of the endpoint ${name}`, name, path)
    requireFunction(`router of the endpoint ${name}`, router)
  }
  return Object.freeze(found)
}

/** The members of a record beside its metadata, and the secret it is created with. */
const ofRecords = [
  'clientId',
  'clientSecret',
  'version',
  'secrets',
  'origin',
  'registrationTokenDigest',
  'createdAt',
  'updatedAt',
]

/** The JSON members beside the metadata (RFC 7591 §2, §3.2.1), and those that are not stored. */
const ofJson = [
  ...['client_id', 'client_id_issued_at', 'client_secret', 'client_secret_expires_at'],
  ...['registration_access_token', 'registration_client_uri', 'response_types', 'software_statement'],
]

/** The client members of these values. `taken` are the names of the core's members. */
export function clientMembersOf(
  capabilities: readonly Capability[],
  taken: readonly string[],
  takenInJson: readonly string[],
): readonly ClientMember[] {
  // values that share a member count once
  const members = [...new Set(capabilities.flatMap(({ clientMembers = [] }) => clientMembers))]
  requireUnique('client member', [...ofRecords, ...taken, ...members.map(({ name }) => name)])
  requireUnique('client member', [...ofJson, ...takenInJson, ...members.map(({ wire }) => wire)])
  for (const { name, wire, type, setBy } of members) {
    const isNamed = [name, wire].every(isMemberName)
    if (isNamed && typeof type?.is === 'function' && ['self', 'owner', 'admin'].includes(setBy)) continue
    throw misuse(
      'wrong_capability',
      `The client member ${name} must be { name, wire, type: { words, is }, setBy: 'self' | 'owner' | 'admin' }`,
    )
  }
  return Object.freeze(members)
}

/** Every object inherits `constructor`, and `__proto__` would change the record. */
function isMemberName(name: unknown): boolean {
  return typeof name === 'string' && /^[\x21-\x7e]+$/.test(name) && !(name in Object.prototype)
}

/** Throws for an invalid path, and for the name of an unknown endpoint. */
function verifiedEndpoints(endpoints: Endpoints, capabilities: readonly Capability[]): Endpoints {
  const brought = capabilities.flatMap((value) => Object.keys(value.endpoints ?? {}))
  requireKnown('endpoints member', endpoints, [...Object.keys(coreEndpoints), ...brought])
  for (const [name, path] of Object.entries(endpoints)) requirePath(`endpoints.${name}`, name, path)
  return Object.freeze({ ...endpoints })
}

function requirePath(what: string, name: string, path: unknown): void {
  if (typeof path === 'string' && /^\/(?!\/)[\x21\x24-\x3e\x40-\x7e]*$/.test(path)) return
  throw misuse('wrong_url', `${what} must be an absolute path such as '/oauth2/${name}'`)
}

function requireUnique(kind: string, names: readonly string[]): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined)
    throw misuse(
      'duplicate_name',
      `Two of grants, clientAuthentication, requests and the server declare the ${kind} ${twice}: rename one`,
    )
}

function requireFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') {
    throw misuse(
      'wrong_capability',
      `The ${name} of a value in grants, clientAuthentication or requests must be a function`,
    )
  }
}

/** Checks the option `requests`. */
export function verifiedRequests(
  values: readonly RequestSource[] = [],
  server: Pick<AuthorizationServer, 'clientAuthentication'>,
): readonly RequestSource[] {
  const fix = 'requests must be a list such as [pushedAuthorizationRequests()]'
  if (!Array.isArray(values)) throw misuse('wrong_list', fix)
  for (const value of values as (RequestSource | undefined)[]) {
    if (!['request_uri', 'request'].includes(value?.parameter as string) || typeof value?.parametersOf !== 'function')
      throw misuse('wrong_capability', `${fix}; a value has parameter ('request_uri' or 'request') and parametersOf`)
    if (values.some((other) => other !== value && other?.parameter === value.parameter))
      throw misuse('duplicate_name', `requests has two for the parameter ${value.parameter}: name one`)
    value.verifyServer?.(server)
  }
  return Object.freeze([...values])
}

/** Checks the option `openid`. Returns it as a list of capabilities. */
export function verifiedOpenId(
  value: OpenIdProvider | undefined,
  accessTokens: AccessTokenFormat | undefined,
): readonly OpenIdProvider[] {
  if (value === undefined) return []
  if (value?.subjectFor && accessTokens?.stateless) {
    const fix = 'leave stateless out, or use opaque()'
    throw misuse(
      'conflicting_options',
      `jwt({ stateless: true }) tells clients the ids of users, which pairwise() keeps from them: ${fix}`,
    )
  }
  if (typeof value?.respond === 'function') return [value]
  throw misuse('wrong_capability', `openid must be what openid({ keys, authentication }) returns, not ${kindOf(value)}`)
}

/** The path options of a host. */
interface PlaceOptions {
  endpoints?: Endpoints
  proxyPrefix?: string
}

/** The paths of the endpoints as clients see them, and the prefix that a proxy removes. */
export function placesOf(
  { endpoints = {}, proxyPrefix }: PlaceOptions,
  capabilities: readonly Capability[],
): Pick<AuthorizationServer, 'endpoints' | 'proxyPrefix'> {
  const verified = verifiedEndpoints(endpoints, capabilities)
  return { endpoints: verified, proxyPrefix: verifiedProxyPrefix(proxyPrefix, verified) }
}
