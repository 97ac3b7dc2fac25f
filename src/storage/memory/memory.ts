/**
 * The reference implementation of the storage contract: everything in the memory of this process, for development,
 * tests, and servers that may forget on a restart. It answers with plain values, never with promises.
 */

import { requireNoMore } from '../../options/known'
import { misuse } from '../../options/misuse'
import type { Credential, Grant, GrantStorage, OAuthStorage } from '../../storage'
import { BRIEF_KIND, REVOCATION_MEMORY } from '../retention'
import { memoryClients, page } from './clients'
import { expiringMap } from './expiring-map'
import { rowKeeper } from './frozen-rows'
import { type GrantIndex, grantIndex } from './grant-index'

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

const stores = new WeakSet<object>()

/** An empty store in memory. Each write removes a few expired rows, without timers. */
export function memoryStorage(): OAuthStorage {
  requireNoMore('memoryStorage', arguments, 0)
  const store = { clients: memoryClients(), grants: memoryGrants() }
  stores.add(store)
  return store
}

/** Whether that is such a store, to warn of one in production. */
export function isMemoryStorage(storage: unknown): boolean {
  return typeof storage === 'object' && storage !== null && stores.has(storage)
}

function memoryGrants(): GrantStorage {
  const credentials = expiringMap<Credential>()
  /** Those without a grace, by themselves: a walk over all would come by too seldom. */
  const brief = expiringMap<Credential>(undefined, 0)
  const grants = expiringMap<GrantRow>(unindex)
  const userMarks = expiringMap<Mark>()
  const clientMarks = expiringMap<Mark>()
  /** Made when something is listed for the first time: where nobody lists, nobody pays for it. */
  let index: GrantIndex | undefined
  let latestExpiry = Number.NEGATIVE_INFINITY
  /** The latest `startedAt` so far, of anybody. */
  let latestStart = Number.NEGATIVE_INFINITY

  const kept = rowKeeper()

  const credentialOf = (id: string) => credentials.get(id) ?? brief.get(id)
  /** An id has one place, whatever its kind becomes. */
  const placeOf = ({ id, kind }: Credential) =>
    brief.has(id) || (kind === BRIEF_KIND && !credentials.has(id)) ? brief : credentials

  // Liveness is judged when it is asked for, so that a revocation holds in whatever order it and the rows arrive.
  function isCovered({ userId, clientId, startedAt }: Credential | Grant): boolean {
    const covers = (mark: Mark | undefined) => mark !== undefined && mark.at >= startedAt
    return covers(userMarks.get(userId)) || covers(clientMarks.get(clientId))
  }
  function stands({ grant }: GrantRow): boolean {
    return grant !== undefined && !isCovered(grant)
  }
  function isAlive(credential: Credential): boolean {
    if (isCovered(credential)) return false
    const row = grants.get(credential.grantId)
    return row ? stands(row) : credential.grantId === undefined
  }
  // Not alive is less than dead: a grant that is merely absent may still arrive.
  function mayStand(grant: Grant, row: GrantRow | undefined): boolean {
    return grant.revokedAt === undefined && !isCovered(grant) && (!row || stands(row))
  }

  function putGrantRow(id: string, before: GrantRow | undefined, grant: Grant | undefined, expiresAt: number): void {
    grants.set(id, { grant, expiresAt })
    // a refresh stores the grant again, of the same user and client
    const { userId, clientId } = grant ?? {}
    if (before?.grant?.userId === userId && before?.grant?.clientId === clientId) return
    unindex(before)
    if (grant) index?.add(grant)
  }
  function unindex(row: GrantRow | undefined): void {
    if (row?.grant) index?.remove(row.grant)
  }
  function* storedGrants(): Generator<Grant> {
    for (const id of grants.keys()) {
      const { grant } = grants.get(id) ?? {}
      if (grant) yield grant
    }
  }

  function putCredential(credential: Credential): void {
    const row = grants.get(credential.grantId)
    const place = placeOf(credential)
    // What is dead on arrival is not kept, or it would come to life when the mark that covers it is forgotten.
    if (isCovered(credential) || (row && !stands(row))) {
      place.delete(credential.id)
      return
    }
    place.set(credential.id, kept.credential(credential))
    if (row) row.expiresAt = Math.max(row.expiresAt, credential.expiresAt)
  }

  /** Up to when a mark covers: what is there is dead, though a clock that is ahead has begun it. */
  function markedUntil(isOwn: (row: Credential | Grant) => boolean, now: number): number {
    // as good as always: one process has one clock
    if (latestStart <= now) return now
    let latest = now
    for (const rows of [credentials, brief]) for (const id of rows.keys()) latest = laterOf(latest, rows.get(id))
    for (const id of grants.keys()) latest = laterOf(latest, grants.get(id)?.grant)
    return latest

    function laterOf(time: number, row: Credential | Grant | undefined): number {
      return row && row.startedAt > time && isOwn(row) ? row.startedAt : time
    }
  }

  /** Everything that `insert` and `transition` write, once it is decided that they do. */
  function store(added: readonly Credential[], grant: Grant | undefined): true {
    // The latest `issuedAt` of the call is the only clock here. It decides when rows leave and never whether they are
    // alive. One that leapt ahead ends with its call: kept, it would remove fresh rows once it is right again
    let clock = Number.NEGATIVE_INFINITY
    if (grant) {
      const row = grants.get(grant.id)
      const expiresAt = Math.max(grant.expiresAt, row?.expiresAt ?? 0)
      putGrantRow(grant.id, row, mayStand(grant, row) ? kept.grant(grant) : undefined, expiresAt)
      latestExpiry = Math.max(latestExpiry, expiresAt)
      latestStart = Math.max(latestStart, grant.startedAt)
    }
    for (const credential of added) {
      putCredential(credential)
      latestExpiry = Math.max(latestExpiry, credential.expiresAt)
      latestStart = Math.max(latestStart, credential.startedAt)
      clock = Math.max(clock, credential.issuedAt)
    }
    for (const rows of [credentials, brief, grants, userMarks, clientMarks]) rows.sweep(clock)
    return true
  }

  return {
    insert(added, grant) {
      const ids = new Set(added.map(({ id }) => id))
      const isTaken = ids.size < added.length || added.some(({ id }) => credentialOf(id))
      return !isTaken && !(grant && grants.has(grant.id)) && store(added, grant)
    },
    find(id) {
      const credential = credentialOf(id)
      return credential !== undefined && isAlive(credential) ? credential : undefined
    },
    transition(id, from, next, additions, grant) {
      if (next.id !== id)
        throw misuse(
          'broken_storage_contract',
          'transition must not change the id of its credential: the old row would stay',
        )
      const current = credentialOf(id)
      if (current === undefined || current.state !== from || !isAlive(current)) return false
      return (!grant || mayStand(grant, grants.get(grant.id))) && store([next, ...additions], grant)
    },
    list({ userId, clientId, after, limit }) {
      index ??= grantIndex(storedGrants())
      const ids = index.of({ ...(userId !== undefined && { userId }), ...(clientId !== undefined && { clientId }) })
      return page(ids, after, limit, (id) => {
        const row = grants.get(id)
        const isMeant = row && stands(row) && (clientId === undefined || row.grant?.clientId === clientId)
        return isMeant ? row.grant : undefined
      })
    },
    revoke(target, now) {
      const remembered = Math.max(latestExpiry, now + REVOCATION_MEMORY)
      if ('grantId' in target) {
        const row = grants.get(target.grantId)
        return putGrantRow(target.grantId, row, undefined, row?.expiresAt ?? remembered)
      }
      const [marks, id] = 'userId' in target ? [userMarks, target.userId] : [clientMarks, target.clientId]
      const until = markedUntil((row) => ('userId' in target ? row.userId : row.clientId) === id, now)
      const { at, expiresAt } = marks.get(id) ?? { at: until, expiresAt: remembered }
      marks.set(id, { at: Math.max(at, until), expiresAt: Math.max(expiresAt, remembered) })
    },
    deleteExpired(now, limit) {
      const most = credentials.deleteExpired(now, limit)
      const removed = most + brief.deleteExpired(now, limit - most)
      // A grant leaves after its last credential, so not while one that is due remains.
      if (removed < limit) for (const rows of [grants, userMarks, clientMarks]) rows.deleteExpired(now)
      return removed
    },
  }
}
