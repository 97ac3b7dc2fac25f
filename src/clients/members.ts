/** The members of a client record: one table of what each may be, and who may set it. */
import { OAuthError } from '../errors'
import { type Audience, findResource } from '../rules/resource'
import { includesScope, type Scope } from '../rules/scope'
import type { Client, TokenEndpointAuthMethod } from '../storage'
import { checkBrought, verifyBrought } from './brought-members'
import { defaultGrantTypes, isPublic } from './client'
import * as check from './member-checks'
import { type ClientMetadataRules, invalid } from './member-checks'
import { MAX_REDIRECT_URIS } from './self-description'

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
  /** Which resources of the server it may ask for (RFC 8707). @default all of them */
  resources?: readonly string[]
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

/** What a user may hand on to a client: the most that a record of theirs can have. */
export interface Authority {
  readonly userId: string | undefined
  readonly scopes: Scope
  readonly grantTypes: readonly string[]
  readonly resources: Audience
}

interface Member<Name extends keyof ClientMetadata> {
  /** The member as it is stored. Throws where no record may have it. */
  readonly check: (
    member: string,
    value: unknown,
    rules: ClientMetadataRules,
    record: ClientMetadata,
  ) => ClientMetadata[Name]
  /**
   * Who may set it: the client itself (RFC 7591, 7592) and the owner of the record and administrators, or without the
   * first, or administrators alone. The host is an administrator.
   */
  readonly setBy: 'self' | 'owner' | 'admin'
  /** Throws where an owner may not have it so. `before` is what the record has already, which nobody takes away. */
  readonly verify?: (value: ClientMetadata[Name], owner: Authority, before: ClientMetadata[Name]) => void
}

/** In the order in which a record is checked. A member of `setBy: 'admin'` is unset, or false, in every other record. */
export const clientMembers: { readonly [Name in keyof Required<ClientMetadata>]: Member<Name> } = {
  redirectUris: {
    check: check.redirectUris,
    setBy: 'self',
    verify(uris = [], _owner, before = []) {
      if (uris.length <= Math.max(MAX_REDIRECT_URIS, before.length)) return
      throw new OAuthError('invalid_redirect_uri', `redirect_uris must be at most ${MAX_REDIRECT_URIS}.`)
    },
  },
  scopes: {
    check: check.scopes,
    setBy: 'self',
    verify(scopes = [], owner) {
      if (includesScope(owner.scopes, scopes)) return
      throw new OAuthError('insufficient_scope', 'A client cannot be given a scope that the caller does not hold.')
    },
  },
  defaultScopes: { check: check.defaultScopes, setBy: 'self' },
  grantTypes: {
    check: check.grantTypes,
    setBy: 'self',
    verify(grantTypes = [], owner) {
      const beyond = grantTypes.find((grantType) => !owner.grantTypes.includes(grantType))
      if (beyond !== undefined) throw forAdministrators(`have a client use the grant type ${beyond}`)
    },
  },
  tokenEndpointAuthMethods: { check: check.authenticationMethods, setBy: 'self' },
  name: {
    check: check.label,
    setBy: 'self',
    verify: (name, _owner, before) => check.verifyShownName('client_name', name === before ? undefined : name),
  },
  description: {
    check: check.label,
    setBy: 'owner',
    verify: (text, _owner, before) => check.verifyShownDescription(text === before ? undefined : text),
  },
  username: {
    check: check.label,
    setBy: 'owner',
    verify(username, owner) {
      if (username === undefined || username !== owner.userId) throw forAdministrators('name another user')
    },
  },
  requirePkce: {
    check: check.flag,
    setBy: 'owner',
    verify(requirePkce) {
      if (requirePkce === false) throw forAdministrators('lift PKCE')
    },
  },
  resources: {
    check: check.resources,
    setBy: 'owner',
    verify(resources = [], owner) {
      if (resources.every((resource) => findResource(owner.resources, resource) !== undefined)) return
      throw new OAuthError('access_denied', "A client cannot have a resource that the caller's token is not for.")
    },
  },
  resourceServer: { check: check.resourceServer, setBy: 'admin' },
}

const members = Object.entries(clientMembers) as [keyof ClientMetadata, Member<keyof ClientMetadata>][]
export const metadataNames: readonly string[] = members.map(([name]) => name)

/** Whether a deletion has begun: no other record is without a method. */
export function isBeingDeleted({ tokenEndpointAuthMethods }: Pick<Client, 'tokenEndpointAuthMethods'>): boolean {
  return tokenEndpointAuthMethods.length === 0
}

// RFC 6749 Appendix A.1: client-id = *VSCHAR
const clientIdSyntax = /^[\x20-\x7e]{1,255}$/

export function verifyClientId(clientId: unknown): void {
  if (typeof clientId === 'string' && clientIdSyntax.test(clientId)) return
  throw invalid('clientId must be 1 to 255 printable ASCII characters')
}

type Checked = Omit<ClientMetadata, 'redirectUris' | 'tokenEndpointAuthMethods'> &
  Pick<Client, 'redirectUris' | 'tokenEndpointAuthMethods'>

/**
 * The members of a record, checked; throws `invalid_client_metadata` or `invalid_redirect_uri` naming the member. Takes
 * only the members it knows, so that nothing else can find its way into a record.
 */
export function parseClientMetadata(metadata: ClientMetadata, rules: ClientMetadataRules): Checked {
  const checked = members.map(([name, { check }]) => [name, check(name, metadata[name], rules, metadata)] as const)
  const known = Object.fromEntries(checked.filter(([, value]) => value !== undefined)) as unknown as Checked
  const { clientMembers: brought = [] } = rules
  const record = brought.length > 0 ? { ...known, ...checkBrought(metadata, brought) } : known
  if (isPublic(record)) verifyPublicClient(record)
  return record
}

// RFC 6749 §4.4, RFC 7662 §2.1: both are for clients that can prove who they are
function verifyPublicClient({ grantTypes, resourceServer }: ClientMetadata): void {
  if (grantTypes?.includes('client_credentials')) throw invalid('a public client may not use client_credentials')
  if (resourceServer) throw invalid('a public client cannot be a resource server')
}

/**
 * Whether this owner could make such a record: throws where not. Asked of the record that there is as well, before it is
 * changed, gets a new secret or is deleted; its words and its size are then what they were.
 */
export function verifyWithin(
  owner: Authority,
  record: ClientMetadata,
  rules: ClientMetadataRules,
  before: ClientMetadata = {},
): void {
  const whole: ClientMetadata = {
    ...record,
    // what stands for a member that is left out counts as if it were named
    grantTypes: record.grantTypes ?? defaultGrantTypes.filter((grantType) => rules.grants.has(grantType)),
    resources: record.resources ?? rules.resources,
  }
  for (const [name, { setBy, verify }] of members) {
    verify?.(whole[name] as never, owner, before[name] as never)
    if (setBy === 'admin' && (whole[name] ?? false) !== false) throw forAdministrators(`set ${name}`)
  }
  if (rules.clientMembers?.length) verifyBrought(record, rules.clientMembers)
}

function forAdministrators(what: string): OAuthError {
  return new OAuthError('access_denied', `Only an administrator may ${what}.`)
}
