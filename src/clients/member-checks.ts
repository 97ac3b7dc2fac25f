/** The types of client metadata members, in records and in JSON, and their checks (RFC 7591 §2). */
import { OAuthError, type OAuthErrorCode } from '../errors'
import { type SigningRules, signersOf } from '../jwt/server-signers'
import { unshowable } from '../rules/keepable'
import { redirectUriProblem, shownUri } from '../rules/redirect-uri'
import { type Audience, findResource } from '../rules/resource'
import { OFFLINE_ACCESS, withoutOfflineAccess } from '../rules/scope'
import type { TokenEndpointAuthMethod } from '../storage'
import type { AccessTokenFormat } from '../types/access-token'
import type { RefreshTokenSettings } from '../types/authorization-server'
import type { ClientMember } from '../types/capability'
import type { ClientMetadata } from '../types/client-metadata'
import { type AuthenticationRules, needsDot, provingMethods, type SchemeRules } from './client'

/** The type of a member. `read` and `write` are set if JSON has another form than the record. */
export interface MemberType {
  /** The type in words, for errors. */
  readonly words: string
  /** Whether a record may have such a value. */
  readonly is: (value: unknown) => boolean
  /** The error of another value (RFC 7591 §3.2.2). @default invalid_client_metadata */
  readonly code?: OAuthErrorCode
  /** Reads the member from JSON. Throws an error that names it. @default unchanged */
  readonly read?: (member: string, value: unknown) => unknown
  /** Writes the member to JSON. Undefined omits it. @default unchanged */
  readonly write?: (value: never) => unknown
}

const isText = (value: unknown) => typeof value === 'string'
const isList = (value: unknown) => Array.isArray(value) && value.every(isText)

const LABEL = 'a string of 1 to 2000 characters without control characters'
export const text: MemberType = { words: LABEL, is: isText }

export const flag: MemberType = { words: 'true or false', is: (value) => typeof value === 'boolean' }

export const list: MemberType = { words: 'a list of strings', is: isList }

export const uris: MemberType = { ...list, code: 'invalid_redirect_uri' }

export const flagOrList: MemberType = {
  words: 'true or false, or a list of strings',
  is: (value) => flag.is(value) || isList(value),
}

/** RFC 6749 §3.3: a list in records; in JSON a string with spaces and at least one token. */
export const scope: MemberType = {
  ...list,
  read: (member, value) => requireText(member, value).split(' ').filter(Boolean),
  write: (tokens: readonly string[]) => (tokens.length > 0 ? tokens.join(' ') : undefined),
}

/** RFC 7591 §2: JSON has one method. A record can have several; JSON shows the first. */
export const method: MemberType = {
  ...list,
  read: (member, value) => [requireText(member, value)],
  write: ([first]: readonly string[]) => first,
}

/** As everywhere in OAuth, an empty value counts as absent. RFC 7592 §2.2 says the same of null. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

export function requireText(member: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw invalid(`${member} must be a string`)
}

/** Throws if a member has another type. */
export function requireType(type: MemberType, member: string, value: unknown): void {
  if (!type.is(value)) throw new OAuthError(type.code ?? 'invalid_client_metadata', `${member} must be ${type.words}.`)
}

export function invalid(problem: string): OAuthError {
  return new OAuthError('invalid_client_metadata', `${problem}.`)
}

/** The server options that limit what a record may name. */
export interface ClientMetadataRules extends AuthenticationRules, SchemeRules, SigningRules {
  readonly scopes: ReadonlyMap<string, string>
  readonly allowHttpRedirectUris: boolean
  readonly resources: Audience
  readonly accessTokens: Pick<AccessTokenFormat, 'ttl' | 'signers'>
  readonly refreshTokens: RefreshTokenSettings | undefined
  /** The members that the server's options add. */
  readonly clientMembers?: readonly ClientMember[]
}

export const MAX_REDIRECT_URIS = 20
const MAX_NAME = 60
const MAX_DESCRIPTION = 500
const MAX_LABEL = 2000

type Values = readonly string[]

const NO_COMMAS = ', with spaces and no commas between them'

export function redirectUris(member: string, uris: Values, rules: ClientMetadataRules, record: ClientMetadata): Values {
  const accepted = { allowHttp: rules.allowHttpRedirectUris, needsDot: () => needsDot(rules, record) }
  for (const [at, uri] of uris.entries()) {
    const problem = redirectUriProblem(uri, accepted)
    if (!problem) continue
    // names the wrong one, so that the host need not search a list
    const named = uri === '' ? '' : `, ${shownUri(uri)},`
    throw new OAuthError('invalid_redirect_uri', `${member}[${at}]${named} ${problem}.`)
  }
  return unique(uris)
}

export function scopes(member: string, tokens: Values, { scopes: all }: ClientMetadataRules): Values {
  const named = tokens.includes(OFFLINE_ACCESS) ? withoutOfflineAccess(tokens, [...all.keys()]) : tokens
  const hint = tokens.join(' ').includes(',') ? NO_COMMAS : ''
  return requireEach(member, named, (token) => all.has(token), `scopes that the server has${hint}`)
}

export function defaultScopes(
  member: string,
  tokens: Values,
  { scopes: all }: ClientMetadataRules,
  record: { readonly scopes?: Values },
): Values {
  const may = (record.scopes ?? []).filter((token) => all.has(token))
  const hint = tokens.join(' ').includes(',') ? NO_COMMAS : ''
  return requireEach(
    member,
    withoutOfflineAccess(tokens, may),
    (token) => may.includes(token),
    `a subset of scopes${hint}`,
  )
}

export function grantTypes(member: string, named: Values, { grants }: ClientMetadataRules): Values {
  return requireEach(member, named, (grantType) => grants.has(grantType), 'grants that the server has')
}

export function authenticationMethods(
  member: string,
  methods: Values,
  rules: ClientMetadataRules,
  record: ClientMetadata,
): readonly TokenEndpointAuthMethod[] {
  if (methods.length === 0) throw invalid(`${member} must not be empty`)
  const allowed: readonly string[] = ['none', ...provingMethods(rules)]
  const known = requireEach(member, methods, (method) => allowed.includes(method), allowed.join(', '))
  for (const { methods: own, verifyRecord } of rules.clientAuthentication) {
    for (const method of own) if (verifyRecord && known.includes(method)) verifyRecord(record)
  }
  return known as readonly TokenEndpointAuthMethod[]
}

/** The resources, spelled as the server spells them. */
export function resources(member: string, named: Values, { resources: all }: ClientMetadataRules): Values {
  requireEach(member, named, (uri) => findResource(all, uri) !== undefined, 'resources of the server')
  return unique(named.map((uri) => findResource(all, uri) as string))
}

export function resourceServer(member: string, value: boolean | Values, rules: ClientMetadataRules): boolean | Values {
  if (typeof value === 'boolean') return value
  if (value.length === 0) throw invalid(`${member} must name a resource, or be true or false`)
  return resources(member, value, rules)
}

/** RFC 9701 §6: an algorithm of the server's signing keys. An empty string removes the member. */
export function signingAlgorithm(member: string, value: string, rules: ClientMetadataRules): string | undefined {
  const known = [...signersOf(rules).keys()]
  if (value === '' || known.includes(value)) return value || undefined
  const fix = known.length > 0 ? known.join(', ') : 'left out: the server needs jwt({ keys }) or openid({ keys })'
  throw invalid(`${member} must be ${known.length > 1 ? 'one of ' : ''}${fix}`)
}

export function label(member: string, value: string): string {
  const isOfLength = value.length > 0 && value.length <= MAX_LABEL
  if (isOfLength && !unshowable.test(value) && value.isWellFormed()) return value
  throw invalid(`${member} must be ${LABEL}`)
}

/** Checks an unverified name for the consent page. Without a name the page shows the id. */
export function verifyShownName(member: string, name: string | undefined): void {
  // must be unchanged, because a stored name is not trimmed
  if (name === undefined || shownName(name) === name) return
  throw invalid(
    `${member} must have a letter or digit and at most ${MAX_NAME} characters, without surrounding spaces or invisible characters`,
  )
}

export function verifyShownDescription(member: string, description: string | undefined): void {
  if (description === undefined) return
  if (description.length <= MAX_DESCRIPTION && !hasUnseen(description.replace(/[\t\r\n]/g, ''))) return
  throw invalid(`${member} must have at most ${MAX_DESCRIPTION} characters, none of them invisible`)
}

/** An unverified name, or undefined if it is too long or invisible. */
export function shownName(text: string): string | undefined {
  const name = text.trim()
  if (name.length > MAX_NAME || !/[\p{L}\p{N}]/u.test(name)) return undefined
  return hasUnseen(name) ? undefined : name
}

/** Whether the text has characters that are invisible or cover other text. */
function hasUnseen(text: string): boolean {
  // joiners stand between letters of many scripts; text direction marks are refused elsewhere
  const seen = text.replaceAll(/\u200c|\u200d|[\u202a-\u202e\u2066-\u2069]/g, '')
  return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]|\p{M}{5}/u.test(seen)
}

function requireEach(member: string, values: Values, allowed: (value: string) => boolean, words: string): Values {
  const wrong = values.find((value) => !allowed(value))
  if (wrong === undefined) return unique(values)
  // shortened: a long value may be a secret in the wrong place, and errors are logged
  throw invalid(`${member} must be ${words}${wrong.length > 32 ? '' : `; ${wrong} is not`}`)
}

function unique(values: Values): Values {
  return [...new Set(values)]
}
