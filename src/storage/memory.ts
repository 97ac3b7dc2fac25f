/**
 * The reference implementation of the storage contract: everything in the memory of this process, for development,
 * tests, and servers that may forget on a restart. It answers with plain values, never with promises.
 */
import type { Client, ClientStorage, Credential, Grant, GrantStorage, OAuthStorage } from '../storage'
import { expiringMap } from './expiring-map'

/** Seconds that a revocation is remembered at least: no request is under way for longer. */
const REVOCATION_MEMORY = 30 * 86_400

/** A revoked grant is its tombstone: the row without the grant. It lives as long as anything that names it. */
interface GrantRow {
  readonly grant: Grant | undefined
  expiresAt: number
}

/** Everything of one user or client that began `at` this second or before is dead. */
interface Mark {
  readonly at: number
  readonly expiresAt: number
}

/** More are forgotten: clients may ask in any order. */
const MAX_SCOPES = 1000
const NOTHING = Object.freeze({})

const stores = new WeakSet<object>()

/** An empty store. Rows leave as they expire, without being asked and without timers: each write removes a few. */
export function memoryStorage(): OAuthStorage {
  const store = { clients: memoryClients(), grants: memoryGrants() }
  stores.add(store)
  return store
}

/** Whether that is such a store, to warn of one in production. */
export function isMemoryStorage(storage: unknown): boolean {
  return typeof storage === 'object' && storage !== null && stores.has(storage)
}

function memoryClients(): ClientStorage {
  const clients = new Map<string, Client>()

  function put(client: Client): true {
    clients.set(client.clientId, frozenCopy(client))
    return true
  }

  return {
    find: (clientId) => clients.get(clientId),
    list({ username, after, limit }) {
      const chosen = [...clients.values()].filter((client) => username === undefined || client.username === username)
      return page(chosen, (client) => client.clientId, after, limit)
    },
    insert: (client) => !clients.has(client.clientId) && put(client),
    update(client, expectedVersion) {
      const stored = clients.get(client.clientId)
      return stored !== undefined && stored.version === expectedVersion && put(client)
    },
    delete: (clientId) => clients.delete(clientId),
  }
}

function memoryGrants(): GrantStorage {
  const credentials = expiringMap<Credential>()
  const grants = expiringMap<GrantRow>(unindex)
  const userMarks = expiringMap<Mark>()
  const clientMarks = expiringMap<Mark>()
  const grantIdsOfUser = new Map<string, Set<string>>()
  /** The latest `issuedAt` so far: the only clock here. It decides when rows leave and never whether they are alive. */
  let clock = Number.NEGATIVE_INFINITY
  let latestExpiry = Number.NEGATIVE_INFINITY

  const scopes = new Map<string, readonly string[]>()

  /** One list for the many rows of a scope: a quarter of what an access token takes up would be its own. */
  function kept(scope: readonly string[]): readonly string[] {
    const key = JSON.stringify(scope)
    const known = scopes.get(key)
    if (known) return known
    if (scopes.size === MAX_SCOPES) scopes.clear()
    const copy = frozenCopy(scope)
    scopes.set(key, copy)
    return copy
  }

  function copied<Row extends Credential | Grant>(row: Row): Row {
    const copy = { ...row } as { -readonly [Member in keyof Credential]: Credential[Member] }
    copy.scope = kept(row.scope)
    if ('data' in row) copy.data = frozenCopy(row.data)
    return Object.freeze(copy) as Credential & Row
  }

  // Liveness is judged when it is asked for, so that a revocation holds in whatever order it and the rows arrive.
  function isCovered({ userId, clientId, startedAt }: Credential | Grant): boolean {
    const covers = (mark: Mark | undefined) => mark !== undefined && mark.at >= startedAt
    return covers(userMarks.get(userId)) || covers(clientMarks.get(clientId))
  }
  function findGrant(id: string): Grant | undefined {
    const grant = grants.get(id)?.grant
    return grant === undefined || isCovered(grant) ? undefined : grant
  }
  function isAlive(credential: Credential): boolean {
    return !isCovered(credential) && (credential.grantId === undefined || findGrant(credential.grantId) !== undefined)
  }

  // Dead is more than not alive: a grant that is merely absent may still arrive.
  function isDeadGrant(id: string | undefined): boolean {
    return id !== undefined && grants.has(id) && findGrant(id) === undefined
  }
  function mayStand(grant: Grant): boolean {
    return grant.revokedAt === undefined && !isCovered(grant) && !isDeadGrant(grant.id)
  }

  function putGrantRow(id: string, grant: Grant | undefined, expiresAt: number): void {
    unindex(grants.get(id))
    grants.set(id, { grant, expiresAt })
    if (grant?.userId === undefined) return
    const ids = grantIdsOfUser.get(grant.userId) ?? new Set()
    grantIdsOfUser.set(grant.userId, ids.add(id))
  }
  function unindex(row: GrantRow | undefined): void {
    const { id, userId } = row?.grant ?? {}
    if (id === undefined || userId === undefined) return
    const ids = grantIdsOfUser.get(userId)
    ids?.delete(id)
    if (ids?.size === 0) grantIdsOfUser.delete(userId)
  }

  function putCredential(credential: Credential): void {
    // What is dead on arrival is not kept, or it would come to life when the mark that covers it is forgotten.
    if (isCovered(credential) || isDeadGrant(credential.grantId)) {
      credentials.delete(credential.id)
      return
    }
    credentials.set(credential.id, copied(credential))
    const row = grants.get(credential.grantId)
    if (row) row.expiresAt = Math.max(row.expiresAt, credential.expiresAt)
  }

  /** Everything that `insert` and `transition` write, once it is decided that they do. */
  function store(added: readonly Credential[], grant: Grant | undefined): true {
    if (grant) {
      const expiresAt = Math.max(grant.expiresAt, grants.get(grant.id)?.expiresAt ?? 0)
      putGrantRow(grant.id, mayStand(grant) ? copied(grant) : undefined, expiresAt)
      latestExpiry = Math.max(latestExpiry, expiresAt)
    }
    for (const credential of added) {
      putCredential(credential)
      latestExpiry = Math.max(latestExpiry, credential.expiresAt)
      clock = Math.max(clock, credential.issuedAt)
    }
    for (const rows of [credentials, grants, userMarks, clientMarks]) rows.sweep(clock)
    return true
  }

  return {
    insert(added, grant) {
      const ids = new Set(added.map(({ id }) => id))
      const isTaken = ids.size < added.length || added.some(({ id }) => credentials.has(id))
      return !isTaken && !(grant && grants.has(grant.id)) && store(added, grant)
    },
    find(id) {
      const credential = credentials.get(id)
      return credential !== undefined && isAlive(credential) ? credential : undefined
    },
    transition(id, from, next, additions, grant) {
      if (next.id !== id) throw new TypeError('transition keeps the id of its credential, or the old one would stay')
      const current = credentials.get(id)
      if (current === undefined || current.state !== from || !isAlive(current)) return false
      return (grant === undefined || mayStand(grant)) && store([next, ...additions], grant)
    },
    list({ userId, clientId, after, limit }) {
      const ids = userId === undefined ? grants.keys() : (grantIdsOfUser.get(userId) ?? [])
      const alive = [...ids].flatMap((id) => findGrant(id) ?? [])
      const chosen = alive.filter((grant) => clientId === undefined || grant.clientId === clientId)
      return page(chosen, (grant) => grant.id, after, limit)
    },
    revoke(target, now) {
      const remembered = Math.max(latestExpiry, now + REVOCATION_MEMORY)
      if ('grantId' in target) {
        return putGrantRow(target.grantId, undefined, grants.get(target.grantId)?.expiresAt ?? remembered)
      }
      const [marks, id] = 'userId' in target ? [userMarks, target.userId] : [clientMarks, target.clientId]
      const { at, expiresAt } = marks.get(id) ?? { at: now, expiresAt: remembered }
      marks.set(id, { at: Math.max(at, now), expiresAt: Math.max(expiresAt, remembered) })
    },
    deleteExpired(now, limit) {
      const removed = credentials.deleteExpired(now, limit)
      // A grant leaves after its last credential, so not while one that is due remains.
      if (removed < limit) for (const rows of [grants, userMarks, clientMarks]) rows.deleteExpired(now)
      return removed
    },
  }
}

/** The first `limit` rows after `after`, in the order of UTF-16 code units. */
function page<Row>(rows: Row[], idOf: (row: Row) => string, after: string | undefined, limit: number): Row[] {
  return rows
    .filter((row) => after === undefined || idOf(row) > after)
    .sort((left, right) => (idOf(left) < idOf(right) ? -1 : 1))
    .slice(0, limit)
}

/** A deep copy that nobody can change, so that nothing in the store is shared with its callers. */
function frozenCopy<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (!Array.isArray(value) && Object.keys(value).length === 0) return NOTHING as T
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as T & Record<string, unknown>
  for (const key of Object.keys(copy) as (keyof T)[]) {
    if (typeof copy[key] === 'object') copy[key] = frozenCopy(copy[key])
  }
  return Object.freeze(copy)
}
