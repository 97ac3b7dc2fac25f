/** The table of client metadata members: their JSON names, types and checks, and who may set them. */
import { OAuthError } from '../errors'
import { type Audience, findResource } from '../rules/resource'
import { includesScope, type Scope } from '../rules/scope'
import type { CertificateClientMembers } from '../storage/certificate-client'
import type { OpenIdClientMembers } from '../storage/openid-client'
import type { ClientMember } from '../types/capability'
import type {
  ClientDetailsMetadata,
  ClientKeyMetadata,
  ClientMetadata,
  ClientProofMetadata,
  ClientRequestMetadata,
} from '../types/client-metadata'
import { secretMethods } from './client'
import * as limits from './limits'
import * as check from './member-checks'
import { type ClientMetadataRules, MAX_REDIRECT_URIS, type MemberType } from './member-checks'

/** The most that a user can give to a client. */
export interface Authority {
  readonly userId: string | undefined
  readonly scopes: Scope
  readonly grantTypes: readonly string[]
  /** Spelled as the server spells them. */
  readonly resources: Audience
  /** All resources of the server. */
  readonly known: Audience
}

/** The members of the core. The server's options add the others. */
type Name = Exclude<
  keyof ClientMetadata,
  | keyof (ClientKeyMetadata & ClientProofMetadata & CertificateClientMembers & ClientDetailsMetadata)
  | keyof (ClientRequestMetadata & OpenIdClientMembers)
>

interface Member<N extends Name> {
  /** The name in JSON: as in RFC 7591 §2, if that has it. */
  readonly wire: string
  readonly type: MemberType
  /** The default value. @default none */
  readonly default?: Required<ClientMetadata>[N]
  /** Returns the value to store. Throws an error that names `member` if no record may have the value. */
  readonly check?: (
    member: string,
    value: Required<ClientMetadata>[N],
    rules: ClientMetadataRules,
    record: ClientMetadata,
  ) => ClientMetadata[N]
  /**
   * Who may set it: `'self'` the client (RFC 7591, 7592), the owner and administrators; `'owner'` the last two;
   * `'admin'` administrators only. The host counts as an administrator.
   */
  readonly setBy: 'self' | 'owner' | 'admin'
  /** Set if removing the member lifts a limit. @default anyone who may set it */
  readonly removedBy?: 'admin'
  /** Throws if this owner may not set the value. `before` is the current value, which they may keep. */
  readonly verify?: (value: Required<ClientMetadata>[N], owner: Authority, before: ClientMetadata[N]) => void
}

/** Ordered as they are checked. Records of others than administrators have no `setBy: 'admin'` member, or false. */
export const clientMembers: { readonly [N in Name]-?: Member<N> } = {
  redirectUris: {
    wire: 'redirect_uris',
    type: check.uris,
    default: [],
    check: check.redirectUris,
    setBy: 'self',
    verify(uris, _owner, before = []) {
      if (uris.length <= Math.max(MAX_REDIRECT_URIS, before.length)) return
      throw new OAuthError('invalid_redirect_uri', `redirect_uris must have at most ${MAX_REDIRECT_URIS} entries.`)
    },
  },
  scopes: {
    wire: 'scope',
    type: check.scope,
    check: check.scopes,
    setBy: 'self',
    verify(scopes, owner) {
      if (includesScope(owner.scopes, scopes)) return
      throw new OAuthError('insufficient_scope', 'A client cannot be given a scope that the caller does not hold.')
    },
  },
  defaultScopes: { wire: 'default_scope', type: check.scope, check: check.defaultScopes, setBy: 'self' },
  grantTypes: {
    wire: 'grant_types',
    type: check.list,
    check: check.grantTypes,
    setBy: 'self',
    verify(grantTypes, owner) {
      const beyond = grantTypes.find((grantType) => !owner.grantTypes.includes(grantType))
      if (beyond !== undefined) throw forAdministrators(`give a client the grant type ${beyond}`)
    },
  },
  tokenEndpointAuthMethods: {
    wire: 'token_endpoint_auth_method',
    type: check.method,
    default: secretMethods,
    check: check.authenticationMethods,
    setBy: 'self',
  },
  name: {
    wire: 'client_name',
    type: check.text,
    check: check.label,
    setBy: 'self',
    verify: (name, _owner, before) => check.verifyShownName('client_name', name === before ? undefined : name),
  },
  description: {
    wire: 'description',
    type: check.text,
    check: check.label,
    setBy: 'owner',
    verify: (text, _owner, before) => check.verifyShownDescription('description', text === before ? undefined : text),
  },
  username: {
    wire: 'username',
    type: check.text,
    check: check.label,
    setBy: 'owner',
    verify(username, owner) {
      if (username !== owner.userId) throw forAdministrators('set another user as the owner')
    },
  },
  requirePkce: {
    wire: 'require_pkce',
    type: check.flag,
    setBy: 'owner',
    verify(requirePkce) {
      if (!requirePkce) throw forAdministrators('turn off PKCE')
    },
  },
  resources: {
    wire: 'resources',
    type: check.list,
    check: check.resources,
    setBy: 'owner',
    verify(resources, owner) {
      const may = (resource: string | undefined) => resource !== undefined && owner.resources.includes(resource)
      if (resources.every((resource) => may(findResource(owner.known, resource)))) return
      throw new OAuthError('access_denied', "A client cannot have a resource that the caller's token is not for.")
    },
  },
  accessTokenTtl: {
    wire: 'access_token_ttl',
    type: limits.seconds,
    check: limits.accessTokenTtl,
    setBy: 'owner',
    removedBy: 'admin',
    verify(ttl, _owner, before) {
      if (before !== undefined && ttl > before) throw forAdministrators('raise access_token_ttl')
    },
  },
  refreshToken: {
    wire: 'refresh_token_limits',
    type: limits.refreshToken,
    check: limits.refreshTokenLimits,
    setBy: 'owner',
    removedBy: 'admin',
    verify(next, _owner, before) {
      if (limits.isLooser(next, before)) throw forAdministrators('loosen refresh_token_limits')
    },
  },
  corsOrigins: { wire: 'cors_origins', type: check.list, check: limits.corsOrigins, setBy: 'owner' },
  disabled: { wire: 'disabled', type: check.flag, setBy: 'admin' },
  resourceServer: { wire: 'resource_server', type: check.flagOrList, check: check.resourceServer, setBy: 'admin' },
  introspectionSignedResponseAlg: {
    wire: 'introspection_signed_response_alg',
    type: check.text,
    check: check.signingAlgorithm,
    setBy: 'owner',
  },
}

type Row = readonly [name: Name, member: Member<Name>]

const memberEntries = Object.entries(clientMembers) as unknown as readonly Row[]

/** The members that the server's options add. */
export interface BroughtMembers {
  readonly clientMembers?: readonly ClientMember[]
}

const none: readonly ClientMember[] = Object.freeze([])
/** The table of each server, built once. */
const tables = new WeakMap<readonly ClientMember[], readonly Row[]>([[none, memberEntries]])

/** The rows of the table, and those that the server's options add. */
export function membersOf({ clientMembers: brought = none }: BroughtMembers): readonly Row[] {
  let rows = tables.get(brought)
  if (!rows) {
    rows = [...memberEntries, ...brought.map(broughtRow)]
    tables.set(brought, rows)
  }
  return rows
}

function broughtRow({ check: checked, ...row }: ClientMember): Row {
  const check = (member: string, value: unknown, _rules: ClientMetadataRules, record: ClientMetadata) =>
    checked ? checked(member, value, record) : value
  return [row.name, { ...row, check }] as unknown as Row
}

export const tableNames: readonly string[] = memberEntries.map(([name]) => name)
export const tableWireNames: readonly string[] = memberEntries.map(([, { wire }]) => wire)

/** Whether storage may return this as metadata: null or 0 for a flag would lift a limit. */
export function isClientMetadata(row: { readonly [N in Name]?: unknown }, rules: BroughtMembers): boolean {
  for (const [name, member] of membersOf(rules)) {
    const value = row[name]
    if (value === undefined ? member.default !== undefined : !member.type.is(value)) return false
  }
  return true
}

export function forAdministrators(what: string): OAuthError {
  return new OAuthError('access_denied', `Only an administrator may ${what}.`)
}
