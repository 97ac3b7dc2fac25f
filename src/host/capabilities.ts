/** What the values in the server's lists bring along, collected and checked once, at start-up. */

import { kindOf, requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import { verifiedProxyPrefix } from '../rules/proxy-prefix'
import type { AccessTokenFormat } from '../types/access-token'
import type { AuthorizationServer } from '../types/authorization-server'
import type { Capability, ClientMember, RequestSource } from '../types/capability'
import { coreEndpoints, type Endpoints } from '../types/endpoints'
import type { OpenIdProvider } from '../types/openid'

/** Of the values of these lists, those that bring something along. One that is in two lists is one. */
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

/** What a record has beside its metadata, and the secret that it is made with. */
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

/** What JSON has beside the metadata of a record (RFC 7591 §2, §3.2.1), and what is not kept. */
const ofJson = [
  ...['client_id', 'client_id_issued_at', 'client_secret', 'client_secret_expires_at'],
  ...['registration_access_token', 'registration_client_uri', 'response_types', 'software_statement'],
]

/** The members of client metadata that they bring along; `taken` are the names that the table of members has. */
export function clientMembersOf(
  capabilities: readonly Capability[],
  taken: readonly string[],
  takenInJson: readonly string[],
): readonly ClientMember[] {
  // a row that several values share is one
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

/** Every object has `constructor` already, and a record with `__proto__` would be another one. */
function isMemberName(name: unknown): boolean {
  return typeof name === 'string' && /^[\x21-\x7e]+$/.test(name) && !(name in Object.prototype)
}

/** Throws for a path that metadata could not name, and for the name of an endpoint that nobody brings along. */
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

/** The option `requests` of the server, checked. */
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

/** The option `openid` of the server, checked, as a list of the values that bring something along. */
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

/** What a host says of its paths. */
interface PlaceOptions {
  endpoints?: Endpoints
  proxyPrefix?: string
}

/** Where clients see the endpoints, and what a proxy takes off their paths. */
export function placesOf(
  { endpoints = {}, proxyPrefix }: PlaceOptions,
  capabilities: readonly Capability[],
): Pick<AuthorizationServer, 'endpoints' | 'proxyPrefix'> {
  const verified = verifiedEndpoints(endpoints, capabilities)
  return { endpoints: verified, proxyPrefix: verifiedProxyPrefix(proxyPrefix, verified) }
}
