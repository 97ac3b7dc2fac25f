/** What a client says of itself, in a registration (RFC 7591 §2) or in the document at its id: checked, and cut to what it may have. */
import { OAuthError } from '../errors'
import { isPublicHost } from '../fetch/public-address'
import { redirectUriProblem } from '../rules/redirect-uri'
import { intersectScope, type Scope } from '../rules/scope'
import type { TokenEndpointAuthMethod } from '../storage'
import type { ClientMember } from '../types/capability'
import { readBrought } from './brought-members'
import { type AuthenticationRules, provingMethods } from './client'

/** What a client that introduces itself may have at most. */
export interface Permitted {
  readonly scopes: Scope
  readonly grantTypes: readonly string[]
}

interface SelfDescriptionRules extends AuthenticationRules {
  readonly responseTypes: ReadonlyMap<string, { readonly grantType: string }>
  readonly allowHttpRedirectUris: boolean
  readonly clientMembers?: readonly ClientMember[]
}

export interface SelfDescription {
  readonly name?: string
  readonly redirectUris: readonly string[]
  readonly grantTypes: readonly string[]
  /** Left out: nothing was asked. */
  readonly scopes?: Scope
  readonly tokenEndpointAuthMethod?: TokenEndpointAuthMethod
}

export const MAX_REDIRECT_URIS = 20
export const MAX_NAME = 60

/**
 * The members that we use; all others are ignored (§2), but their URIs are looked at: who sends `javascript:` is no client
 * to have. Grant types and scopes that are not permitted are left out, as §3.2.1 allows, and the answer says what is left;
 * nothing left is `invalid_client_metadata`.
 */
export function parseSelfDescription(
  members: Readonly<Record<string, unknown>>,
  permitted: Permitted,
  rules: SelfDescriptionRules,
): SelfDescription {
  refuseStatement(members.software_statement)
  requirePublicUris(members)
  const name = describedName(members.client_name)
  const grantTypes = parseGrantTypes(members, permitted.grantTypes)
  const redirectUris = parseRedirectUris(members.redirect_uris, rules)
  const redirects = [...rules.responseTypes.values()].some(({ grantType }) => grantTypes.includes(grantType))
  // §2: clients using flows with redirection must register their redirection URI values
  if (redirects && redirectUris.length === 0) throw redirectUri('redirect_uris must name where answers go')
  const scopes = parseScopes(members.scope, permitted.scopes)
  const method = text('token_endpoint_auth_method', members.token_endpoint_auth_method)
  const methods: readonly string[] = ['none', ...provingMethods(rules)]
  if (method !== undefined && !methods.includes(method)) {
    throw invalid(`token_endpoint_auth_method must be one of ${methods.join(', ')}`)
  }
  return {
    ...readBrought(members, rules.clientMembers),
    redirectUris,
    grantTypes,
    ...(name !== undefined && { name }),
    ...(scopes && { scopes }),
    ...(method !== undefined && { tokenEndpointAuthMethod: method as TokenEndpointAuthMethod }),
  }
}

/** A name that nobody has checked. One that would fill a page, or cannot be seen on it, is left out like whatever we do not take. */
export function describedName(value: unknown): string | undefined {
  const name = text('client_name', value)?.trim()
  if (name === undefined || name.length > MAX_NAME || !/[\p{L}\p{N}]/u.test(name)) return undefined
  return hasUnseen(name) ? undefined : name
}

/** Whether there is something in a text that people do not see, or that covers what is around it. */
export function hasUnseen(text: string): boolean {
  // joiners stand between letters of many scripts, and what turns the text around is refused as in every name
  const seen = text.replaceAll(/\u200c|\u200d|[\u202a-\u202e\u2066-\u2069]/g, '')
  return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]|\p{M}{5}/u.test(seen)
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
  throw new OAuthError('unapproved_software_statement', 'This server takes no software statements.')
}

/** Every member `…_uri`, in whatever language (§2.2). `redirect_uris` has rules of its own; no other list is used. */
function requirePublicUris(members: Readonly<Record<string, unknown>>): void {
  for (const [member, value] of Object.entries(members)) {
    if (!/^\w+_uri(#.*)?$/s.test(member) || isAbsent(value)) continue
    if (typeof value === 'string' && value.length <= 2048 && isPublicUri(value)) continue
    // without the language tag, which can be any text: what is wrong with a document is told on a page of ours
    throw invalid(`${(member.split('#', 1)[0] as string).slice(0, 40)} must be an https URL of a public host`)
  }
}

function isPublicUri(uri: string): boolean {
  if (!/^https:\/\/[\x21-\x7e]+$/.test(uri) || !URL.canParse(uri)) return false
  const { username, password, hostname } = new URL(uri)
  return username === '' && password === '' && isPublicHost(hostname)
}

function parseGrantTypes(members: Readonly<Record<string, unknown>>, permitted: readonly string[]): string[] {
  const asked = strings('grant_types', members.grant_types) ?? ['authorization_code']
  const responseTypes = strings('response_types', members.response_types)
  if (responseTypes) requireConsistent(asked, responseTypes)
  const grantTypes = asked.filter((grantType) => permitted.includes(grantType))
  // a refresh token alone begins nothing
  if (grantTypes.some((grantType) => grantType !== 'refresh_token')) return grantTypes
  throw invalid(`grant_types must have one of those that are open to clients here: ${permitted.join(', ')}`)
}

/** §2.1: what is said of grants and of response types must be the same. */
function requireConsistent(grantTypes: readonly string[], responseTypes: readonly string[]): void {
  const parts = responseTypes.flatMap((responseType) => responseType.split(' '))
  for (const [responseType, grantType] of [
    ['code', 'authorization_code'],
    ['token', 'implicit'],
  ] as const) {
    if (parts.includes(responseType) === grantTypes.includes(grantType)) continue
    throw invalid(`grant_types and response_types contradict each other: ${grantType} goes with ${responseType}`)
  }
}

function parseRedirectUris(value: unknown, { allowHttpRedirectUris: allowHttp }: SelfDescriptionRules): string[] {
  const uris = strings('redirect_uris', value) ?? []
  if (uris.length > MAX_REDIRECT_URIS) throw redirectUri(`redirect_uris must be at most ${MAX_REDIRECT_URIS}`)
  for (const uri of uris) {
    const problem = redirectUriProblem(uri, { allowHttp })
    if (problem) throw redirectUri(`A redirect URI ${problem}`)
  }
  return uris
}

function parseScopes(value: unknown, permitted: Scope): string[] | undefined {
  const scope = text('scope', value)
  if (scope === undefined) return undefined
  const asked = scope.split(' ').filter((token) => token !== '')
  const scopes = intersectScope([...new Set(asked)], permitted)
  if (scopes.length > 0 || asked.length === 0) return scopes
  throw invalid(`scope must have one of those that are open to clients here: ${permitted.join(' ')}`)
}

/** As everywhere in OAuth, what is empty is not there; RFC 7592 §2.2 says the same of null. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

function text(member: string, value: unknown): string | undefined {
  if (isAbsent(value)) return undefined
  if (typeof value === 'string') return value
  throw invalid(`${member} must be a string`)
}

function strings(member: string, value: unknown): string[] | undefined {
  if (isAbsent(value)) return undefined
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return [...new Set<string>(value)]
  throw member === 'redirect_uris'
    ? redirectUri('redirect_uris must be a list of strings')
    : invalid(`${member} must be a list of strings`)
}

function redirectUri(problem: string): OAuthError {
  return new OAuthError('invalid_redirect_uri', `${problem}.`)
}

function invalid(problem: string): OAuthError {
  return new OAuthError('invalid_client_metadata', `${problem}.`)
}
