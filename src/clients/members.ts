/** What may stand in a client record: RFC 7591 §2, with the library's rules for each member. */
import { OAuthError } from '../errors'
import type { Client, TokenEndpointAuthMethod } from '../storage'
import { redirectUriProblem } from './redirect-uri'
import { type Audience, findResource } from './resource'
import { isScopeToken } from './scope'

/** The members of a record that its owner decides about. */
export interface ClientMetadata {
  /** Shown to users on the consent page. @default the client id */
  name?: string
  /** Shown below the name. @default nothing */
  description?: string
  /** The user who owns this record in the clients API; once they are gone, it gets no tokens of its own. @default nobody */
  username?: string
  /**
   * Where codes may be sent; compared as they are, but for the port of a loopback IP address (RFC 8252 §7.3).
   * @default none
   */
  redirectUris?: readonly string[]
  /** Which grants it may use. @default authorization_code and refresh_token */
  grantTypes?: readonly string[]
  /** What the client may ask for. @default nothing */
  scopes?: readonly string[]
  /** What it gets when it asks for nothing. @default all of `scopes` */
  defaultScopes?: readonly string[]
  /**
   * How it authenticates (RFC 7591 §2): `['none']` for a public client.
   * @default client_secret_basic and client_secret_post
   */
  tokenEndpointAuthMethods?: readonly TokenEndpointAuthMethod[]
  /** Whether it must use PKCE, whatever the server's `pkce` says. @default what that says */
  requirePkce?: boolean
  /**
   * Whether it may introspect access tokens of other clients (RFC 7662 §2.1): `true` for all of them, or the `resources` of the server
   * that it stands for, and then only tokens for these. @default false
   */
  resourceServer?: boolean | readonly string[]
}

export const metadataNames: readonly string[] = [
  'name',
  'description',
  'username',
  'redirectUris',
  'grantTypes',
  'scopes',
  'defaultScopes',
  'tokenEndpointAuthMethods',
  'requirePkce',
  'resourceServer',
] satisfies (keyof ClientMetadata)[]

/** What a record may name is what the server has. */
export interface ClientMetadataRules {
  readonly scopes: ReadonlyMap<string, string>
  readonly grants: ReadonlyMap<string, unknown>
  readonly allowHttpRedirectUris: boolean
  readonly resources: Audience
}

const authMethods: readonly unknown[] = ['none', 'client_secret_basic', 'client_secret_post']
const defaultAuthMethods = ['client_secret_basic', 'client_secret_post'] as const
// RFC 6749 Appendix A.1: client-id = *VSCHAR
const clientIdSyntax = /^[\x20-\x7e]{1,255}$/
// U+202A to U+202E and U+2066 to U+2069 turn the text around them: on the consent page a name would rewrite its sentence
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that no label may have
const labelSyntax = /^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]{1,2000}$/

export function verifyClientId(clientId: unknown): void {
  if (typeof clientId === 'string' && clientIdSyntax.test(clientId)) return
  throw invalid('clientId must be 1 to 255 printable ASCII characters')
}

/**
 * The members of a record, checked; throws `invalid_client_metadata` or `invalid_redirect_uri` naming the member. Takes
 * only the members it knows, so that nothing else can find its way into a record.
 */
export function parseClientMetadata(
  metadata: ClientMetadata,
  rules: ClientMetadataRules,
): Omit<ClientMetadata, 'redirectUris' | 'tokenEndpointAuthMethods'> &
  Pick<Client, 'redirectUris' | 'tokenEndpointAuthMethods'> {
  const redirectUris = list('redirectUris', metadata.redirectUris) ?? []
  for (const uri of redirectUris) {
    const problem = redirectUriProblem(uri, { allowHttp: rules.allowHttpRedirectUris })
    if (problem) throw new OAuthError('invalid_redirect_uri', `A redirect URI ${problem}.`)
  }
  const scopes = list('scopes', metadata.scopes)
  requireEach('scopes', scopes, (scope) => isScopeToken(scope) && rules.scopes.has(scope), 'scopes that the server has')
  const defaultScopes = list('defaultScopes', metadata.defaultScopes)
  requireEach('defaultScopes', defaultScopes, (scope) => scopes?.includes(scope) ?? false, 'a subset of scopes')
  const grantTypes = list('grantTypes', metadata.grantTypes)
  requireEach('grantTypes', grantTypes, (grant) => rules.grants.has(grant), 'grants that the server has')
  const methods = list('tokenEndpointAuthMethods', metadata.tokenEndpointAuthMethods) ?? defaultAuthMethods
  requireEach('tokenEndpointAuthMethods', methods, (method) => authMethods.includes(method), authMethods.join(', '))
  if (methods.length === 0) throw invalid('tokenEndpointAuthMethods must not be empty')
  if (methods.every((method) => method === 'none')) requirePublicClient(grantTypes, metadata)
  return withoutUndefined({
    name: label('name', metadata.name),
    description: label('description', metadata.description),
    username: label('username', metadata.username),
    redirectUris,
    grantTypes,
    scopes,
    defaultScopes,
    tokenEndpointAuthMethods: methods as readonly TokenEndpointAuthMethod[],
    requirePkce: flag('requirePkce', metadata.requirePkce),
    resourceServer: resourceServer(metadata.resourceServer, rules),
  })
}

// RFC 6749 §4.4, RFC 7662 §2.1: both are for clients that can prove who they are
function requirePublicClient(grantTypes: readonly string[] | undefined, metadata: ClientMetadata): void {
  if (grantTypes?.includes('client_credentials')) throw invalid('a public client may not use client_credentials')
  if (metadata.resourceServer) throw invalid('a public client cannot be a resource server')
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
): void {
  const wrong = values?.find((value) => !allowed(value))
  // what is long may be a secret in the wrong place, and errors are logged
  if (wrong !== undefined) throw invalid(`${member} must be ${words}${wrong.length > 32 ? '' : `; ${wrong} is not`}`)
}

function resourceServer(value: unknown, rules: ClientMetadataRules): boolean | readonly string[] | undefined {
  if (!Array.isArray(value)) return flag('resourceServer', value)
  const named = list('resourceServer', value) as readonly string[]
  if (named.length === 0) throw invalid('resourceServer must name a resource, or be true or false')
  const known = named.map((uri) => findResource(rules.resources, uri))
  requireEach('resourceServer', named, (uri) => known[named.indexOf(uri)] !== undefined, 'resources of the server')
  return [...new Set(known as string[])]
}

function label(member: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && labelSyntax.test(value) && value.isWellFormed()) return value
  throw invalid(`${member} must be a string of 1 to 2000 characters without control characters`)
}

function flag(member: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value
  throw invalid(`${member} must be true or false`)
}

function invalid(problem: string): OAuthError {
  return new OAuthError('invalid_client_metadata', `${problem}.`)
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>
}
