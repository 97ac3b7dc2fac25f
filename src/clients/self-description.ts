/** What a client says of itself in a registration (RFC 7591 §2) or a metadata document: checked, and limited. */
import { OAuthError } from '../errors'
import { isPublicHost } from '../fetch/public-address'
import { isLoopbackHost } from '../rules/loopback'
import { commaHint, intersectScope, type Scope, withoutOfflineAccess } from '../rules/scope'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientMetadata } from '../types/client-metadata'
import { provingMethods, secretMethods } from './client'
import { type ClientMetadataRules, invalid, isAbsent, list, MAX_REDIRECT_URIS, shownName } from './member-checks'
import { membersOf } from './members'
import { parseClientMetadata, readMembers } from './metadata'

/** The most that a self-described client may have. */
export interface Permitted {
  readonly scopes: Scope
  readonly grantTypes: readonly string[]
}

export interface SelfDescriptionRules extends ClientMetadataRules {
  readonly responseTypes: ReadonlyMap<string, { readonly grantType: string }>
}

/** The members that a client may set. Without `scopes` the client asked for none. */
export interface SelfDescription extends Omit<ClientMetadata, 'defaultScopes'> {
  readonly redirectUris: readonly string[]
  readonly grantTypes: readonly string[]
}

type Json = Readonly<Record<string, unknown>>

/**
 * Reads the members that clients may set. Others are ignored (§2), except that their URIs are checked: a client that
 * sends `javascript:` is refused. Forbidden grant types and scopes are dropped, as §3.2.1 allows, and the response
 * shows the rest; if none remain, `invalid_client_metadata`. `methods` is the default authentication.
 */
export function parseSelfDescription(
  json: Json,
  permitted: Permitted,
  rules: SelfDescriptionRules,
  methods?: Client['tokenEndpointAuthMethods'],
): SelfDescription {
  refuseStatement(json.software_statement)
  requirePublicUris(json, rules)
  // the named `scope` is the default scope; no other member may set it here
  const { name, scopes: asked, ...read } = readMembers({ ...json, default_scope: undefined }, 'self', rules)
  const members = { ...(methods && { tokenEndpointAuthMethods: methods }), ...read }
  const shown = name === undefined ? undefined : shownName(name)
  const grantTypes = cutGrantTypes(json, members.grantTypes, permitted)
  const scopes = asked && cutScopes(asked, permitted)
  const described = {
    ...members,
    redirectUris: members.redirectUris ?? [],
    grantTypes,
    ...(shown !== undefined && { name: shown }),
    ...(scopes && { scopes }),
  }
  verifyRedirectUris(described, rules)
  // each client must use PKCE, as its record will say
  parseClientMetadata({ ...described, requirePkce: true }, rules, 'wire')
  return described
}

/** Reads a client from its document. Throws `invalid_client_metadata` for a forbidden member (draft §4.1). */
export function describedClient(
  url: string,
  json: Json,
  permitted: Permitted,
  source: SelfDescriptionRules & Pick<AuthorizationServer, 'now'>,
): Client {
  verifyDocument(url, json)
  const said = { ...json, token_endpoint_auth_method: documentMethod(json, source) }
  const { scopes, ...described } = parseSelfDescription(said, permitted, source)
  const metadata = {
    name: new URL(url).host,
    // as for a registration: the named scope is the default
    scopes: permitted.scopes,
    ...(scopes && { defaultScopes: scopes }),
    ...described,
    // anyone can use a public client's id: only the verifier ties a code to the client that asked
    requirePkce: true,
  }
  const times = { createdAt: source.now(), updatedAt: source.now() }
  const origin = 'metadata_document'
  return { clientId: url, version: 1, ...parseClientMetadata(metadata, source), secrets: [], origin, ...times }
}

/** §4.1 of the draft: the document must name its own URL, and cannot have a secret. */
function verifyDocument(url: string, json: Json): void {
  if (json.client_id !== url) throw invalid('its client_id is not its URL')
  if (json.client_secret !== undefined || json.client_secret_expires_at !== undefined) {
    throw invalid('it has a client_secret')
  }
}

/**
 * §4.1, §8.2 of the draft: keys or no authentication. A document may list more methods in
 * `token_endpoint_auth_methods_supported`; unsupported ones are ignored. If it prefers no supported method, its client
 * authenticates if it can, because the metadata of this server allows that.
 */
function documentMethod(json: Json, rules: SelfDescriptionRules): string {
  const { token_endpoint_auth_method: preferred, token_endpoint_auth_methods_supported: others } = json
  const proofs: readonly string[] = provingMethods(rules).filter((method) => !secretMethods.includes(method))
  const listed: unknown[] = Array.isArray(others) ? others : []
  if (isAbsent(preferred)) {
    const hasKeys = !isAbsent(json.jwks) || !isAbsent(json.jwks_uri)
    return (hasKeys && proofs.find((method) => listed.includes(method))) || 'none'
  }
  const open = ['none', ...proofs]
  const method = [preferred, ...listed].find((one) => open.includes(one as string))
  if (typeof method === 'string' && !secretMethods.some((one) => one === preferred)) return method
  throw invalid(`its token_endpoint_auth_method must be ${open.join(' or ')}`)
}

/** The response types of these grants. */
export function responseTypesOf({ responseTypes }: SelfDescriptionRules, grantTypes: readonly string[]): string[] {
  return [...responseTypes].filter(([, grant]) => grantTypes.includes(grant.grantType)).map(([name]) => name)
}

// §2.3 allows ignoring it, but the client would believe that its claims are registered
function refuseStatement(statement: unknown): void {
  if (isAbsent(statement)) return
  if (typeof statement !== 'string' || !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(statement)) {
    throw new OAuthError('invalid_software_statement', 'software_statement must be a JSON Web Token.')
  }
  throw new OAuthError('unapproved_software_statement', 'Software statements are not supported.')
}

/** Checks every member `…_uri`, in any language (§2.2). `redirect_uris` has its own rules; no other list is used. */
function requirePublicUris(members: Json, rules: SelfDescriptionRules): void {
  // the table checks its own members
  const checked = membersOf(rules).map(([, { wire }]) => wire)
  for (const [member, value] of Object.entries(members)) {
    if (!/^\w+_uri(#.*)?$/s.test(member) || isAbsent(value) || checked.includes(member)) continue
    // without the language tag, which can be any text: a built-in page shows this error
    const name = member.split('#', 1)[0] as string
    if (typeof value === 'string' && value.length <= 2048 && isPublicUri(value, pagesForPeople.includes(name))) continue
    throw invalid(`${name.slice(0, 40)} must be an https URL of a public host`)
  }
}

/** URLs of pages for users. Nothing is fetched from them, and an app under development has them on loopback. */
const pagesForPeople: readonly string[] = ['client_uri', 'logo_uri', 'tos_uri', 'policy_uri']

function isPublicUri(uri: string, orLoopback: boolean): boolean {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(uri) || !URL.canParse(uri)) return false
  const { protocol, username, password, hostname } = new URL(uri)
  if (username !== '' || password !== '') return false
  return (protocol === 'https:' && isPublicHost(hostname)) || (orLoopback && isLoopbackHost(hostname))
}

function cutGrantTypes(
  json: Json,
  asked: readonly string[] = ['authorization_code'],
  { grantTypes: permitted }: Permitted,
): string[] {
  const responseTypes = json.response_types
  if (!isAbsent(responseTypes)) {
    if (!list.is(responseTypes)) throw invalid(`response_types must be ${list.words}`)
    requireConsistent(asked, responseTypes as string[])
  }
  const grantTypes = [...new Set(asked)].filter((grantType) => permitted.includes(grantType))
  // a refresh token alone cannot begin a session
  if (grantTypes.some((grantType) => grantType !== 'refresh_token')) return grantTypes
  throw invalid(`grant_types must include at least one of those allowed here: ${permitted.join(', ')}`)
}

/** §2.1: grant types and response types must match. */
function requireConsistent(grantTypes: readonly string[], responseTypes: readonly string[]): void {
  const parts = responseTypes.flatMap((responseType) => responseType.split(' '))
  for (const [responseType, grantType] of [
    ['code', 'authorization_code'],
    ['token', 'implicit'],
  ] as const) {
    if (parts.includes(responseType) === grantTypes.includes(grantType)) continue
    throw invalid(
      `grant_types and response_types contradict each other: ${grantType} and ${responseType} belong together`,
    )
  }
}

/** Undefined if only `offline_access` was requested, which the grant types decide about. */
function cutScopes(asked: Scope, { scopes: permitted }: Permitted): string[] | undefined {
  const scopes = intersectScope([...new Set(asked)], permitted)
  if (scopes.length > 0 || asked.length === 0) return scopes
  const named = withoutOfflineAccess(asked, permitted)
  if (named.length === 0) return undefined
  throw invalid(`scope must include at least one of those allowed here: ${permitted.join(' ')}${commaHint(named)}`)
}

function verifyRedirectUris(
  { redirectUris, grantTypes }: SelfDescription,
  { responseTypes }: SelfDescriptionRules,
): void {
  const redirects = [...responseTypes.values()].some(({ grantType }) => grantTypes.includes(grantType))
  // §2: clients that use redirects must register their redirect URIs
  const problem =
    redirects && redirectUris.length === 0
      ? 'redirect_uris must not be empty for these grant_types.'
      : redirectUris.length > MAX_REDIRECT_URIS && `redirect_uris must have at most ${MAX_REDIRECT_URIS} entries.`
  if (problem) throw new OAuthError('invalid_redirect_uri', problem)
}
