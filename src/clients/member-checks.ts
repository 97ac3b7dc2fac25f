/** How the members of a client record are checked, each alone: RFC 7591 §2, with the library's rules. */
import { OAuthError } from '../errors'
import { redirectUriProblem } from '../rules/redirect-uri'
import { type Audience, findResource } from '../rules/resource'
import { isScopeToken } from '../rules/scope'
import type { TokenEndpointAuthMethod } from '../storage'
import type { ClientMember } from '../types/capability'
import { type AuthenticationRules, provingMethods, secretMethods } from './client'
import { describedName, hasUnseen, MAX_NAME } from './self-description'

/** What a record may name is what the server has. */
export interface ClientMetadataRules extends AuthenticationRules {
  readonly scopes: ReadonlyMap<string, string>
  readonly grants: ReadonlyMap<string, unknown>
  readonly allowHttpRedirectUris: boolean
  readonly resources: Audience
  /** What the values in its lists bring along. */
  readonly clientMembers?: readonly ClientMember[]
}

const MAX_DESCRIPTION = 500
// U+202A to U+202E and U+2066 to U+2069 turn the text around them: on the consent page a name would rewrite its sentence
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that no label may have
const labelSyntax = /^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]{1,2000}$/

export function redirectUris(member: string, value: unknown, rules: ClientMetadataRules): readonly string[] {
  const uris = list(member, value) ?? []
  for (const uri of uris) {
    const problem = redirectUriProblem(uri, { allowHttp: rules.allowHttpRedirectUris })
    if (problem) throw new OAuthError('invalid_redirect_uri', `A redirect URI ${problem}.`)
  }
  return uris
}

export function scopes(member: string, value: unknown, rules: ClientMetadataRules): readonly string[] | undefined {
  const isKnown = (scope: string) => isScopeToken(scope) && rules.scopes.has(scope)
  return requireEach(member, list(member, value), isKnown, 'scopes that the server has')
}

export function defaultScopes(
  member: string,
  value: unknown,
  _rules: ClientMetadataRules,
  record: { readonly scopes?: readonly string[] },
): readonly string[] | undefined {
  const isOfScopes = (scope: string) => record.scopes?.includes(scope) ?? false
  return requireEach(member, list(member, value), isOfScopes, 'a subset of scopes')
}

export function grantTypes(member: string, value: unknown, rules: ClientMetadataRules): readonly string[] | undefined {
  return requireEach(member, list(member, value), (grant) => rules.grants.has(grant), 'grants that the server has')
}

export function authenticationMethods(
  member: string,
  value: unknown,
  rules: ClientMetadataRules,
): readonly TokenEndpointAuthMethod[] {
  const methods = list(member, value) ?? secretMethods
  const allowed: readonly string[] = ['none', ...provingMethods(rules)]
  requireEach(member, methods, (method) => allowed.includes(method), allowed.join(', '))
  if (methods.length === 0) throw invalid(`${member} must not be empty`)
  return methods as readonly TokenEndpointAuthMethod[]
}

/** As the server spells them. */
export function resources(
  member: string,
  value: unknown,
  { resources: all }: ClientMetadataRules,
): readonly string[] | undefined {
  const named = list(member, value)
  const isKnown = (uri: string) => findResource(all, uri) !== undefined
  requireEach(member, named, isKnown, 'resources of the server')
  return named && [...new Set(named.map((uri) => findResource(all, uri) as string))]
}

export function resourceServer(
  member: string,
  value: unknown,
  rules: ClientMetadataRules,
): boolean | readonly string[] | undefined {
  if (!Array.isArray(value)) return flag(member, value)
  if (value.length === 0) throw invalid(`${member} must name a resource, or be true or false`)
  return resources(member, value, rules)
}

export function label(member: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && labelSyntax.test(value) && value.isWellFormed()) return value
  throw invalid(`${member} must be a string of 1 to 2000 characters without control characters`)
}

export function flag(member: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value
  throw invalid(`${member} must be true or false`)
}

/** What others read on the consent page, written by somebody whom nobody has checked. The id stands where there is no name. */
export function verifyShownName(member: string, name: string | undefined): void {
  // the same, because what is stored here is not trimmed
  if (name === undefined || describedName(name) === name) return
  throw invalid(
    `${member} must have a letter or digit, at most ${MAX_NAME} characters, no space around it, and nothing that is not seen`,
  )
}

export function verifyShownDescription(description: string | undefined): void {
  if (description === undefined) return
  if (description.length <= MAX_DESCRIPTION && !hasUnseen(description.replace(/[\t\r\n]/g, ''))) return
  throw invalid(`client_description must have at most ${MAX_DESCRIPTION} characters, and nothing that is not seen`)
}

export function invalid(problem: string): OAuthError {
  return new OAuthError('invalid_client_metadata', `${problem}.`)
}

function list(member: string, value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw invalid(`${member} must be a list of strings`)
  }
  return [...new Set<string>(value)]
}

function requireEach(
  member: string,
  values: readonly string[] | undefined,
  allowed: (value: string) => boolean,
  words: string,
): readonly string[] | undefined {
  const wrong = values?.find((value) => !allowed(value))
  if (wrong === undefined) return values
  // what is long may be a secret in the wrong place, and errors are logged
  throw invalid(`${member} must be ${words}${wrong.length > 32 ? '' : `; ${wrong} is not`}`)
}
