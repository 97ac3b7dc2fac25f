/** What a client says of itself, in a registration (RFC 7591 §2) or in the document at its id: checked, and cut to what it may have. */
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

/** What a client that introduces itself may have at most. */
export interface Permitted {
  readonly scopes: Scope
  readonly grantTypes: readonly string[]
}

export interface SelfDescriptionRules extends ClientMetadataRules {
  readonly responseTypes: ReadonlyMap<string, { readonly grantType: string }>
}

/** The members of a record that a client may set. `scopes` left out: nothing was asked. */
export interface SelfDescription extends Omit<ClientMetadata, 'defaultScopes'> {
  readonly redirectUris: readonly string[]
  readonly grantTypes: readonly string[]
}

type Json = Readonly<Record<string, unknown>>

/**
 * The members of the table that clients may set; all others are ignored (§2), but their URIs are looked at: who sends
 * `javascript:` is no client to have. Grant types and scopes that are not permitted are left out, as §3.2.1 allows, and the
 * answer says what is left; nothing left is `invalid_client_metadata`. `methods` is how it authenticates where it does not say.
 */
export function parseSelfDescription(
  json: Json,
  permitted: Permitted,
  rules: SelfDescriptionRules,
  methods?: Client['tokenEndpointAuthMethods'],
): SelfDescription {
  refuseStatement(json.software_statement)
  requirePublicUris(json, rules)
  // what it names as `scope` is what it begins with, and no other member says that here
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
  // each of them has to use PKCE: its record will say so
  parseClientMetadata({ ...described, requirePkce: true }, rules, 'wire')
  return described
}

/** Throws `invalid_client_metadata` for a document that says what it must not (draft-ietf-oauth-client-id-metadata-document §4.1). */
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
    // as for a registration: what it names is what it begins with
    scopes: permitted.scopes,
    ...(scopes && { defaultScopes: scopes }),
    ...described,
    // anybody can use a public client's id: the verifier alone ties a code to who asked for it
    requirePkce: true,
  }
  const times = { createdAt: source.now(), updatedAt: source.now() }
  const origin = 'metadata_document'
  return { clientId: url, version: 1, ...parseClientMetadata(metadata, source), secrets: [], origin, ...times }
}

/** §4.1 of the draft: the document is about this very URL, and there is nobody to share a secret with. */
function verifyDocument(url: string, json: Json): void {
  if (json.client_id !== url) throw invalid('its client_id is not its URL')
  if (json.client_secret !== undefined || json.client_secret_expires_at !== undefined) {
    throw invalid('it has a client_secret')
  }
}

/**
 * §4.1, §8.2 of the draft: by a key, or not at all. A document may list more methods than the one that it prefers
 * (`token_endpoint_auth_methods_supported`): then one that this server does not have is no reason to refuse it. Where it
 * prefers none of them, its client proves itself if it can, because the metadata of this server says that it may.
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

/** The response types that go with these grants. */
export function responseTypesOf({ responseTypes }: SelfDescriptionRules, grantTypes: readonly string[]): string[] {
  return [...responseTypes].filter(([, grant]) => grantTypes.includes(grant.grantType)).map(([name]) => name)
}

// §2.3 would let us ignore it, and the client would believe that what it vouches for is registered
function refuseStatement(statement: unknown): void {
  if (isAbsent(statement)) return
  if (typeof statement !== 'string' || !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(statement)) {
    throw new OAuthError('invalid_software_statement', 'software_statement must be a JSON Web Token.')
  }
  throw new OAuthError('unapproved_software_statement', 'Software statements are not supported.')
}

/** Every member `…_uri`, in whatever language (§2.2). `redirect_uris` has rules of its own; no other list is used. */
function requirePublicUris(members: Json, rules: SelfDescriptionRules): void {
  // what the table has is checked there
  const checked = membersOf(rules).map(([, { wire }]) => wire)
  for (const [member, value] of Object.entries(members)) {
    if (!/^\w+_uri(#.*)?$/s.test(member) || isAbsent(value) || checked.includes(member)) continue
    // without the language tag, which can be any text: what is wrong with a document is told on a page of ours
    const name = member.split('#', 1)[0] as string
    if (typeof value === 'string' && value.length <= 2048 && isPublicUri(value, pagesForPeople.includes(name))) continue
    throw invalid(`${name.slice(0, 40)} must be an https URL of a public host`)
  }
}

/** What people could be shown of a client. Nothing is fetched from there, and an app under development has it on loopback. */
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
  // a refresh token alone begins nothing
  if (grantTypes.some((grantType) => grantType !== 'refresh_token')) return grantTypes
  throw invalid(`grant_types must include at least one of those allowed here: ${permitted.join(', ')}`)
}

/** §2.1: what is said of grants and of response types must be the same. */
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

/** Undefined where nothing was asked but `offline_access`, which the grant types decide about. */
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
  // §2: clients using flows with redirection must register their redirection URI values
  const problem =
    redirects && redirectUris.length === 0
      ? 'redirect_uris must not be empty for these grant_types.'
      : redirectUris.length > MAX_REDIRECT_URIS && `redirect_uris must have at most ${MAX_REDIRECT_URIS} entries.`
  if (problem) throw new OAuthError('invalid_redirect_uri', problem)
}
