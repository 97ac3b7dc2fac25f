/** Client metadata: read from JSON and written as JSON, checked, and weighed against what its owner may hand on. */
import type { Client } from '../storage'
import type { ClientMetadata } from '../types/client-metadata'
import { defaultGrantTypes, isPublic } from './client'
import { type ClientMetadataRules, invalid, isAbsent, requireType } from './member-checks'
import { type Authority, type BroughtMembers, forAdministrators, membersOf } from './members'

type Name = keyof ClientMetadata

export function metadataNames(rules: BroughtMembers): readonly Name[] {
  return membersOf(rules).map(([name]) => name)
}

/** Whose view of a record: its client sees and sets the members that are its own, the owner all of them. */
type View = 'self' | 'owner'

function membersSeen(view: View, rules: BroughtMembers) {
  const members = membersOf(rules)
  return view === 'owner' ? members : members.filter(([, { setBy }]) => setBy === 'self')
}

/** The members that a JSON object names, as a record has them. What it says of others is not looked at. */
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

/** The same as JSON. Members that a record does not have are left out. */
export function writeMembers(record: ClientMetadata, view: View, rules: BroughtMembers): Record<string, unknown> {
  const json: Record<string, unknown> = {}
  for (const [name, { wire, type }] of membersSeen(view, rules)) {
    const value = record[name]
    if (value !== undefined) json[wire] = type.write ? type.write(value as never) : value
  }
  return json
}

/** Throws where a member is of another type, and names it as JSON does. */
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
 * The members of a record, checked; throws `invalid_client_metadata` or `invalid_redirect_uri` naming the member, as a record
 * or as JSON does. Takes only the members it knows, so that nothing else can find its way into a record.
 */
export function parseClientMetadata(
  metadata: ClientMetadata,
  rules: ClientMetadataRules,
  names: 'record' | 'wire' = 'record',
): Checked {
  const checked: Record<string, unknown> = {}
  for (const [name, member] of membersOf(rules)) {
    // a default is checked, too: the server may not have what it names
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
    // what stands for a member that is left out counts as if it were named: a client of nobody is not the caller's
    username: record.username ?? '',
    grantTypes: record.grantTypes ?? defaultGrantTypes.filter((grantType) => rules.grants.has(grantType)),
    resources: record.resources ?? rules.resources,
    // to take it away is to lift it
    ...(before.requirePkce && { requirePkce: record.requirePkce ?? false }),
  }
  for (const [name, { wire, setBy, removedBy, verify }] of membersOf(rules)) {
    const value = whole[name]
    if (removedBy && value === undefined && before[name] !== undefined) throw forAdministrators(`remove ${wire}`)
    if (value !== undefined) verify?.(value as never, owner, before[name] as never)
    if (setBy === 'admin' && (value ?? false) !== false) throw forAdministrators(`set ${wire}`)
  }
}
