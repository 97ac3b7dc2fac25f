/** Converts rows of the SQL adapters. Times are whole numbers; lists and data are JSON. */
import { misuse } from '../../options/misuse'
import type { Client, Credential, Grant } from '../../storage'
import { comparedName } from '../client-names'

/** A row as a driver returns it. Numbers may be text or BigInt, by a setting of the host. */
export type Row = Readonly<Record<string, unknown>>

export const credentialColumns = [
  'id',
  'kind',
  'state',
  'digest',
  'grant_id',
  'client_id',
  'user_id',
  'scope',
  'started_at',
  'issued_at',
  'expires_at',
  'data',
] as const

/** The tombstone of an absent grant has only `id`, `revoked_at` and `delete_at`. */
export const grantColumns = [
  'id',
  'client_id',
  'user_id',
  'scope',
  'started_at',
  'expires_at',
  'revoked_at',
  'delete_at',
  'data',
] as const

type Columns<Names extends readonly string[]> = Readonly<Record<Names[number], string | number | null>>
export type CredentialRow = Columns<typeof credentialColumns>
export type GrantRow = Columns<typeof grantColumns>

export function credentialRow(credential: Credential): CredentialRow {
  const { id, kind, state, digest, grantId, clientId, userId, scope, startedAt, issuedAt, expiresAt, data } = credential
  return {
    id,
    kind,
    state,
    digest,
    grant_id: grantId ?? null,
    client_id: clientId,
    user_id: userId ?? null,
    scope: JSON.stringify(scope),
    started_at: startedAt,
    issued_at: issuedAt,
    expires_at: expiresAt,
    data: JSON.stringify(data),
  }
}

export function toCredential(row: Row): Credential {
  return {
    id: text(row.id),
    kind: text(row.kind),
    state: text(row.state),
    digest: text(row.digest),
    ...(row.grant_id !== null && { grantId: text(row.grant_id) }),
    clientId: text(row.client_id),
    ...(row.user_id !== null && { userId: text(row.user_id) }),
    scope: JSON.parse(text(row.scope)),
    startedAt: Number(row.started_at),
    issuedAt: Number(row.issued_at),
    expiresAt: Number(row.expires_at),
    data: JSON.parse(text(row.data)),
  }
}

/** `delete_at` is when the cleanup first checks the grant. */
export function grantRow(grant: Grant): GrantRow {
  return {
    id: grant.id,
    client_id: grant.clientId,
    user_id: grant.userId ?? null,
    scope: JSON.stringify(grant.scope),
    started_at: grant.startedAt,
    expires_at: grant.expiresAt,
    revoked_at: grant.revokedAt ?? null,
    delete_at: grant.expiresAt,
    data: JSON.stringify(grant.data),
  }
}

/** Reads a live grant, which has no `revokedAt`. */
export function toGrant(row: Row): Grant {
  return {
    id: text(row.id),
    clientId: text(row.client_id),
    ...(row.user_id !== null && { userId: text(row.user_id) }),
    scope: JSON.parse(text(row.scope)),
    startedAt: Number(row.started_at),
    expiresAt: Number(row.expires_at),
    data: JSON.parse(text(row.data)),
  }
}

/**
 * A client is stored completely, as JSON, so that members of later versions are kept. Its name comes first: see
 * `nameInRecord`.
 */
export function clientRecord({ name, ...client }: Client): string {
  return JSON.stringify({ name, ...client })
}

/** A name in the form of `nameInRecord`. Undoes JSON's escapes of quotes and backslashes, which names may contain. */
export function nameAsWritten(name: string): string {
  const written = JSON.stringify(comparedName(name)).slice(1, -1)
  return comparedName(written.replaceAll(/\\(["\\])/g, '$1'))
}

export function toClient(row: Row): Client {
  return JSON.parse(text(row.record))
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw misuse(
    'wrong_storage',
    'A column of the storage tables has another type than migrate() gave it: choose another prefix',
  )
}

/** The rows of these credentials. Of several with one id, only the last. */
export function rowsById(credentials: readonly Credential[]): CredentialRow[] {
  return [...new Map(credentials.map((credential) => [credential.id, credentialRow(credential)])).values()]
}

export function hasRepeatedId(credentials: readonly Credential[]): boolean {
  return new Set(credentials.map(({ id }) => id)).size < credentials.length
}
