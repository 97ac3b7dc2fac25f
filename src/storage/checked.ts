/** The host's storage, checked: errors and invalid results become a 503 with a cause. */
import { type Awaitable, isPromise, toPromise } from '../awaitable'
import type { InTime } from '../deadline'
import { storageFailure } from '../errors'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import type { Client, ClientStorage, Credential, Grant, GrantStorage, OAuthStorage } from '../storage'
import { isFrozen } from './frozen'

const clientMethods = ['find', 'list', 'insert', 'update', 'delete'] as const
const grantMethods = ['insert', 'find', 'transition', 'list', 'revoke', 'deleteExpired'] as const

/**
 * Wraps `storage` so that it fails closed. `isMetadata` checks the metadata in a client record. Asynchronous results
 * must arrive `inTime`. Throws at start-up if a method is missing.
 */
export function checkedStorage(
  storage: OAuthStorage,
  isMetadata: (row: object) => boolean,
  inTime: InTime,
): OAuthStorage {
  if (typeof storage?.clients !== 'object' || typeof storage.grants !== 'object') {
    const fix = 'set storage to memoryStorage() or an adapter such as postgresStorage(pool)'
    throw misuse('wrong_storage', `storage must be a store: ${fix}, not ${kindOf(storage)}`)
  }
  requireMethods('storage.clients', storage.clients, clientMethods)
  requireMethods('storage.grants', storage?.grants, grantMethods)
  const { clients, grants } = storage
  const isClient = clientCheck(isMetadata)
  const checked = checker(inTime)
  return Object.freeze({
    clients: Object.freeze<ClientStorage>({
      find: checked('clients', clients, 'find', (found, clientId) => isNothing(found) || isClient(found, { clientId })),
      list: checked('clients', clients, 'list', (found, query) => isListOf(found, query, isClient)),
      ...(clients.listByName && {
        listByName: checked('clients', clients as Required<ClientStorage>, 'listByName', (found) =>
          isListOf(found, {}, isClient),
        ),
      }),
      insert: checked('clients', clients, 'insert', isBoolean),
      update: checked('clients', clients, 'update', isBoolean),
      delete: checked('clients', clients, 'delete', isBoolean),
    }),
    grants: Object.freeze<GrantStorage>({
      insert: checked('grants', grants, 'insert', isBoolean),
      find: checked('grants', grants, 'find', (found, id) => isNothing(found) || isCredential(found, id)),
      transition: checked('grants', grants, 'transition', isBoolean),
      list: checked('grants', grants, 'list', (found, query) => isListOf(found, query, isGrant)),
      revoke: checked('grants', grants, 'revoke', () => true),
      deleteExpired: checked('grants', grants, 'deleteExpired', isCount),
    }),
    ...(storage.close && { close: () => storage.close?.() }),
  })
}

function requireMethods(name: string, collection: unknown, methods: readonly string[]): void {
  for (const method of methods) {
    if (typeof (collection as Record<string, unknown> | undefined)?.[method] !== 'function') {
      throw misuse(
        'wrong_storage',
        `${name}.${method} must be a function: set storage to memoryStorage() or an adapter`,
      )
    }
  }
}

type Method = (...asked: never[]) => unknown

/** Wraps a method of the host's storage. `isAnswer` checks its result. */
type Checked = <C extends object, N extends keyof C & string>(
  owner: string,
  collection: C,
  name: N,
  isAnswer: (value: unknown, asked: C[N] extends Method ? Parameters<C[N]>[0] : never) => boolean,
) => C[N]

const checker =
  (inTime: InTime): Checked =>
  (owner, collection, name, isAnswer) => {
    const called = collection as unknown as Record<typeof name, (...asked: unknown[]) => Awaitable<unknown>>
    const judge = isAnswer as (value: unknown, asked: unknown) => boolean
    const fail = (error: unknown): never => {
      throw storageFailure(error)
    }
    const answered = (value: unknown, asked: unknown): unknown => {
      try {
        if (judge(value, asked)) return value ?? undefined
      } catch {
        // an object that throws when it is read is invalid too
      }
      const fix = 'returned a value outside its contract: test the adapter with storageContract()'
      throw storageFailure(misuse('broken_storage_contract', `storage.${owner}.${name} ${fix}`))
    }
    const method = (...asked: unknown[]): Awaitable<unknown> => {
      let answer: Awaitable<unknown>
      let isLate: boolean
      try {
        answer = called[name](...asked)
        isLate = isPromise(answer)
      } catch (error) {
        return fail(error)
      }
      if (!isLate) return answered(answer, asked[0])
      const judged = toPromise(answer as Promise<unknown>).then((value) => answered(value, asked[0]), fail)
      return inTime(`storage.${owner}.${name}`, judged)
    }
    return method as never
  }

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Databases return null for no row. Any other value that is not a row is a defect. */
function isNothing(value: unknown): value is undefined | null {
  return value === undefined || value === null
}

function isListOf<Q>(value: unknown, query: Q, isRow: (row: unknown, query: Q) => boolean): boolean {
  return Array.isArray(value) && value.every((row) => isRow(row, query))
}

type Members<T> = { [K in keyof T]?: unknown }

/**
 * Checks that rows match the request: an adapter that returns another row would grant another client's or user's
 * rights.
 */
function clientCheck(
  isMetadata: (row: object) => boolean,
): (row: unknown, query: { clientId?: string; username?: string }) => boolean {
  // a store in memory returns the same record each time
  const right = new WeakSet<object>()
  const isRecord = (row: Members<Client>): boolean => {
    const isRight =
      typeof row.clientId === 'string' &&
      Array.isArray(row.secrets) &&
      row.secrets.every(isSecret) &&
      isMetadata(row) &&
      isOptionalString(row.registrationTokenDigest) &&
      // a record with an unknown origin, or null, would pass as verified
      [undefined, 'registration', 'admitted_registration'].includes(row.origin as undefined) &&
      [row.createdAt, row.updatedAt].every(Number.isFinite) &&
      Number.isSafeInteger(row.version)
    if (isRight && isFrozen(row)) right.add(row)
    return isRight
  }
  return (found, { clientId, username }) => {
    const row = found as Members<Client>
    return (
      (right.has(row) || isRecord(row)) &&
      (clientId === undefined || row.clientId === clientId) &&
      (username === undefined || row.username === username)
    )
  }
}

function isSecret(secret: unknown): boolean {
  const { digest, bcrypt, expiresAt } = (secret ?? {}) as Members<{ digest: 0; bcrypt: 0; expiresAt: 0 }>
  return (
    [digest, bcrypt].every(isOptionalString) &&
    (digest ?? bcrypt) !== undefined &&
    (expiresAt === undefined || Number.isFinite(expiresAt))
  )
}

function isCredential(found: unknown, id: string): boolean {
  const row = found as Members<Credential>
  const { kind, state, digest, clientId, userId, grantId, scope, startedAt, issuedAt, expiresAt, data } = row
  return (
    row.id === id &&
    typeof kind === 'string' &&
    typeof state === 'string' &&
    typeof digest === 'string' &&
    typeof clientId === 'string' &&
    (userId === undefined || typeof userId === 'string') &&
    (grantId === undefined || typeof grantId === 'string') &&
    Array.isArray(scope) &&
    Number.isFinite(startedAt) &&
    Number.isFinite(issuedAt) &&
    Number.isFinite(expiresAt) &&
    isData(data)
  )
}

function isGrant(found: unknown, query: { userId?: string; clientId?: string }): boolean {
  const row = found as Members<Grant>
  return (
    typeof row.id === 'string' &&
    typeof row.clientId === 'string' &&
    (query.userId === undefined || row.userId === query.userId) &&
    (query.clientId === undefined || row.clientId === query.clientId) &&
    Array.isArray(row.scope) &&
    (row.revokedAt ?? undefined) === undefined &&
    [row.startedAt, row.expiresAt].every(Number.isFinite) &&
    isData(row.data)
  )
}

function isData(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOptionalString(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}
