/** Client metadata: read from JSON, written as JSON, checked, and compared with what its owner may give. */
import type { Client } from '../storage'
import type { ClientMetadata } from '../types/client-metadata'
import { defaultGrantTypes, isPublic } from './client'
import { type ClientMetadataRules, invalid, isAbsent, requireType } from './member-checks'
import { type Authority, type BroughtMembers, forAdministrators, membersOf } from './members'

type Name = keyof ClientMetadata

export function metadataNames(rules: BroughtMembers): readonly Name[] {
  return membersOf(rules).map(([name]) => name)
}

/** The view of a record: a client sees and sets its own members, the owner all members. */
type View = 'self' | 'owner'

function membersSeen(view: View, rules: BroughtMembers) {
  const members = membersOf(rules)
  return view === 'owner' ? members : members.filter(([, { setBy }]) => setBy === 'self')
}

/** Reads the members that a JSON object names. Unknown names are ignored. */
export function readMembers(
  json: Readonly<Record<string, unknown>>,
  view: View,
  rules: BroughtMembers,
): ClientMetadata {
  const metadata: Record<string, unknown> = {}
  for (const [name, { wire, type }] of membersSeen(view, rules)) {
    const sent = json[wire]
    if (isAbsent(sent)) continue
    const value = type.read ? type.read(wire, sent) : sent
    requireType(type, wire, value)
    metadata[name] = value
  }
  return metadata
}

/** Writes the members as JSON. Members that the record lacks are omitted. */
export function writeMembers(record: ClientMetadata, view: View, rules: BroughtMembers): Record<string, unknown> {
  const json: Record<string, unknown> = {}
  for (const [name, { wire, type }] of membersSeen(view, rules)) {
    const value = record[name]
    if (value !== undefined) json[wire] = type.write ? type.write(value as never) : value
  }
  return json
}

/** Throws if a member has another type, and names it as JSON does. */
export function requireTypes(metadata: { readonly [N in Name]?: unknown }, rules: BroughtMembers): void {
  for (const [name, { wire, type }] of membersOf(rules)) {
    if (metadata[name] !== undefined) requireType(type, wire, metadata[name])
  }
}

// RFC 6749 Appendix A.1: client-id = *VSCHAR
export const clientIdSyntax = /^[\x20-\x7e]{1,255}$/

export function verifyClientId(clientId: unknown): void {
  if (typeof clientId === 'string' && clientIdSyntax.test(clientId)) return
  throw invalid('clientId must be 1 to 255 printable ASCII characters')
}

type Checked = Omit<ClientMetadata, 'redirectUris' | 'tokenEndpointAuthMethods'> &
  Pick<Client, 'redirectUris' | 'tokenEndpointAuthMethods'>

/**
 * Returns the validated members. Throws `invalid_client_metadata` or `invalid_redirect_uri` with the member's name, in
 * records or in JSON. Ignores unknown members, so that nothing else enters a record.
 */
export function parseClientMetadata(
  metadata: ClientMetadata,
  rules: ClientMetadataRules,
  names: 'record' | 'wire' = 'record',
): Checked {
  const checked: Record<string, unknown> = {}
  for (const [name, member] of membersOf(rules)) {
    // defaults are checked too: the server may lack what they name
    const value = metadata[name] === undefined ? member.default : metadata[name]
    if (value === undefined) continue
    const shown = names === 'record' ? name : member.wire
    requireType(member.type, shown, value)
    checked[name] = member.check ? member.check(shown, value as never, rules, metadata) : value
  }
  const record = checked as unknown as Checked
  if (isPublic(record)) verifyPublicClient(record)
  return record
}

// RFC 6749 §4.4, RFC 7662 §2.1: both require client authentication
function verifyPublicClient({ grantTypes, resourceServer }: ClientMetadata): void {
  if (grantTypes?.includes('client_credentials')) throw invalid('a public client may not use client_credentials')
  if (resourceServer) throw invalid('a public client cannot be a resource server')
}

/**
 * Throws if this owner could not create such a record. Also checks the current record before a change, a new secret or
 * a deletion.
 */
export function verifyWithin(
  owner: Authority,
  record: ClientMetadata,
  rules: ClientMetadataRules,
  before: ClientMetadata = {},
): void {
  const whole: ClientMetadata = {
    ...record,
    // an omitted member counts as its default: a client without an owner does not belong to the caller
    username: record.username ?? '',
    grantTypes: record.grantTypes ?? defaultGrantTypes.filter((grantType) => rules.grants.has(grantType)),
    resources: record.resources ?? rules.resources,
    // removing it would lift it
    ...(before.requirePkce && { requirePkce: record.requirePkce ?? false }),
  }
  for (const [name, { wire, setBy, removedBy, verify }] of membersOf(rules)) {
    const value = whole[name]
    if (removedBy && value === undefined && before[name] !== undefined) throw forAdministrators(`remove ${wire}`)
    if (value !== undefined) verify?.(value as never, owner, before[name] as never)
    if (setBy === 'admin' && (value ?? false) !== false) throw forAdministrators(`set ${wire}`)
  }
}
