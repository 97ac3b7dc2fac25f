/** The host's storage as the library uses it: what it throws, and what cannot be an answer, becomes one 503 with a cause. */
import { type Awaitable, orElse, whenReady } from '../awaitable'
import { storageFailure } from '../errors'
import type { Client, ClientStorage, Credential, Grant, GrantStorage, OAuthStorage } from '../storage'

const clientMethods = ['find', 'list', 'insert', 'update', 'delete'] as const
const grantMethods = ['insert', 'find', 'transition', 'list', 'revoke', 'deleteExpired'] as const

/**
 * Wraps `storage` so that it fails closed. `isMetadata` says of the metadata in the record of a client whether it can be such;
 * those who know its members stand above. Throws at start-up when a method is missing.
 */
export function checkedStorage(storage: OAuthStorage, isMetadata: (row: object) => boolean): OAuthStorage {
  requireMethods('storage.clients', storage?.clients, clientMethods)
  requireMethods('storage.grants', storage?.grants, grantMethods)
  const clients: ClientStorage = storage.clients
  const grants: GrantStorage = storage.grants
  return Object.freeze({
    clients: Object.freeze<ClientStorage>({
      find: (id) =>
        checked(
          'clients.find',
          () => clients.find(id),
          (found) => optional(found, isClient({ clientId: id }, isMetadata)),
        ),
      list: (query) =>
        checked(
          'clients.list',
          () => clients.list(query),
          (found) => listOf(found, isClient(query, isMetadata)),
        ),
      insert: (client) => checked('clients.insert', () => clients.insert(client), isBoolean),
      update: (client, version) => checked('clients.update', () => clients.update(client, version), isBoolean),
      delete: (id) => checked('clients.delete', () => clients.delete(id), isBoolean),
    }),
    grants: Object.freeze<GrantStorage>({
      insert: (credentials, grant) => checked('grants.insert', () => grants.insert(credentials, grant), isBoolean),
      find: (id) =>
        checked(
          'grants.find',
          () => grants.find(id),
          (found) => optional(found, isCredential(id)),
        ),
      transition: (id, from, next, additions, grant) =>
        checked('grants.transition', () => grants.transition(id, from, next, additions, grant), isBoolean),
      list: (query) =>
        checked(
          'grants.list',
          () => grants.list(query),
          (found) => listOf(found, isGrant(query)),
        ),
      revoke: (target, now) =>
        checked(
          'grants.revoke',
          () => grants.revoke(target, now),
          () => true,
        ),
      deleteExpired: (now, limit) =>
        checked(
          'grants.deleteExpired',
          () => grants.deleteExpired(now, limit),
          (count) => Number.isSafeInteger(count) && (count as number) >= 0,
        ),
    }),
    ...(storage.close && { close: () => storage.close?.() }),
  })
}

function requireMethods(name: string, collection: unknown, methods: readonly string[]): void {
  for (const method of methods) {
    if (typeof (collection as Record<string, unknown> | undefined)?.[method] !== 'function') {
      throw new TypeError(`${name}.${method} must be a function: set storage to memoryStorage() or an adapter`)
    }
  }
}

function checked<T>(method: string, call: () => Awaitable<T>, isAnswer: (value: unknown) => boolean): Awaitable<T> {
  const answer = orElse(call, (error) => {
    throw storageFailure(error)
  })
  return whenReady(answer, (value) => {
    if (isSafely(isAnswer, value)) return value ?? (undefined as T)
    throw storageFailure(
      new TypeError(`storage.${method} returned a value outside its contract: test the adapter with storageContract()`),
    )
  })
}

/** An object that throws when it is looked at is no answer either. */
function isSafely(isAnswer: (value: unknown) => boolean, value: unknown): boolean {
  try {
    return isAnswer(value)
  } catch {
    return false
  }
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

/** Databases say null for nothing; everything else that is no row is a defect. */
function optional(value: unknown, isRow: (row: Record<string, unknown>) => boolean): boolean {
  return value === undefined || value === null || (typeof value === 'object' && isRow(value as Record<string, unknown>))
}

function listOf(value: unknown, isRow: (row: Record<string, unknown>) => boolean): boolean {
  return Array.isArray(value) && value.every((row) => typeof row === 'object' && row !== null && isRow(row))
}

type Members<T> = { [K in keyof T]?: unknown }

/** Rows of what was asked for, because an adapter that answers with other ones would answer for somebody else. */
function isClient(
  query: { clientId?: string; username?: string },
  isMetadata: (row: object) => boolean,
): (row: Members<Client>) => boolean {
  return (row) =>
    typeof row.clientId === 'string' &&
    (query.clientId === undefined || row.clientId === query.clientId) &&
    (query.username === undefined || row.username === query.username) &&
    Array.isArray(row.secrets) &&
    row.secrets.every(isSecret) &&
    isMetadata(row) &&
    isOptionalString(row.registrationTokenDigest) &&
    // a row of another origin, or null, would be taken for a client that somebody has checked
    (row.origin === undefined || row.origin === 'registration') &&
    [row.createdAt, row.updatedAt].every(Number.isFinite) &&
    Number.isSafeInteger(row.version)
}

function isSecret(secret: unknown): boolean {
  const { digest, bcrypt, expiresAt } = (secret ?? {}) as Members<{ digest: 0; bcrypt: 0; expiresAt: 0 }>
  return (
    [digest, bcrypt].every(isOptionalString) &&
    (digest ?? bcrypt) !== undefined &&
    (expiresAt === undefined || Number.isFinite(expiresAt))
  )
}

function isCredential(id: string): (row: Members<Credential>) => boolean {
  return (row) =>
    row.id === id &&
    typeof row.kind === 'string' &&
    typeof row.state === 'string' &&
    typeof row.digest === 'string' &&
    typeof row.clientId === 'string' &&
    isOptionalString(row.userId) &&
    isOptionalString(row.grantId) &&
    Array.isArray(row.scope) &&
    Number.isFinite(row.startedAt) &&
    Number.isFinite(row.issuedAt) &&
    Number.isFinite(row.expiresAt) &&
    isData(row.data)
}

function isGrant(query: { userId?: string; clientId?: string }): (row: Members<Grant>) => boolean {
  return (row) =>
    typeof row.id === 'string' &&
    typeof row.clientId === 'string' &&
    (query.userId === undefined || row.userId === query.userId) &&
    (query.clientId === undefined || row.clientId === query.clientId) &&
    Array.isArray(row.scope) &&
    (row.revokedAt ?? undefined) === undefined &&
    [row.startedAt, row.expiresAt].every(Number.isFinite) &&
    isData(row.data)
}

function isData(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOptionalString(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}
