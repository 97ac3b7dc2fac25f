/**
 * The reference implementation of the storage contract: everything in the memory of this process, for development,
 * tests, and servers that may lose data on a restart. It returns plain values. Lists and clean-ups of many rows return
 * promises, so that they do not block the event loop.
 */

import { type Awaitable, whenReady } from '../../awaitable'
import { requireNoMore } from '../../options/known'
import { misuse } from '../../options/misuse'
import type { Credential, Grant, GrantStorage, OAuthStorage } from '../../storage'
import { BRIEF_KIND, REVOCATION_MEMORY } from '../retention'
import { eachInSlices } from '../slices'
import { removeExpired } from './cleanup'
import { memoryClients } from './clients'
import { expiringMap } from './expiring-map'
import { rowKeeper } from './frozen-rows'
import { type GrantIndex, grantIndex } from './grant-index'
import { page } from './ordered-ids'

/** A revoked grant is a tombstone: the row without the grant. It lives as long as its credentials. */
interface GrantRow {
  readonly grant: Grant | undefined
  expiresAt: number
}

/** Everything of one user or client that began at or before this second is dead. */
interface Mark {
  readonly at: number
  readonly expiresAt: number
}

const stores = new WeakSet<object>()

/** Creates an empty store in memory. Each write removes a few expired rows, without timers. */
export function memoryStorage(): OAuthStorage {
  requireNoMore('memoryStorage', arguments, 0)
  const store = { clients: memoryClients(), grants: memoryGrants() }
  stores.add(store)
  return store
}

/** Whether it is such a store, to warn of one in production. */
export function isMemoryStorage(storage: unknown): boolean {
  return typeof storage === 'object' && storage !== null && stores.has(storage)
}

function memoryGrants(): GrantStorage {
  const credentials = expiringMap<Credential>()
  /** Rows without a grace period, which the sweep of the others would remove too late. */
  const brief = expiringMap<Credential>(undefined, 0)
  const grants = expiringMap<GrantRow>(unindex)
  const userMarks = expiringMap<Mark>()
  const clientMarks = expiringMap<Mark>()
  /** Created at the first list, so that others cost nothing. */
  let index: GrantIndex | undefined
  /** The same index when it is complete. Writes update it while it is being built. */
  let whole: Awaitable<GrantIndex> | undefined
  let latestExpiry = Number.NEGATIVE_INFINITY
  /** The latest `startedAt` of any row. */
  let latestStart = Number.NEGATIVE_INFINITY

  const kept = rowKeeper()

  const credentialOf = (id: string) => credentials.get(id) ?? brief.get(id)
  /** An id stays in one place, even if its kind changes. */
  const placeOf = ({ id, kind }: Credential) =>
    brief.has(id) || (kind === BRIEF_KIND && !credentials.has(id)) ? brief : credentials

  // judged at each read, so that a revocation takes effect in whatever order it and the rows arrive
  function isCovered({ userId, clientId, startedAt }: Credential | Grant): boolean {
    // as before the first revocation by user or client
    if (userMarks.isEmpty() && clientMarks.isEmpty()) return false
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
  // not alive does not mean dead: an absent grant may still arrive
  function mayStand(grant: Grant, row: GrantRow | undefined): boolean {
    return grant.revokedAt === undefined && !isCovered(grant) && (!row || stands(row))
  }

  function putGrantRow(id: string, before: GrantRow | undefined, grant: Grant | undefined, expiresAt: number): void {
    grants.set(id, { grant, expiresAt })
    // a refresh stores the grant again, with the same user and client
    const { userId, clientId } = grant ?? {}
    if (before?.grant?.userId === userId && before?.grant?.clientId === clientId) return
    unindex(before)
    if (grant) index?.add(grant)
  }
  function unindex(row: GrantRow | undefined): void {
    if (row?.grant) index?.remove(row.grant)
  }
  function indexOfGrants(): Awaitable<GrantIndex> {
    if (whole) return whole
    const made = grantIndex()
    index = made
    const take = (id: string) => {
      const { grant } = grants.get(id) ?? {}
      if (grant) made.add(grant)
    }
    whole = whenReady(eachInSlices(grants.keys(), take), () => {
      whole = made
      return made
    })
    return whole
  }

  function putCredential(credential: Credential, row: GrantRow | undefined): void {
    const place = placeOf(credential)
    // a row that is dead on arrival is not kept: it would revive when the mark is forgotten
    if (isCovered(credential) || (row && !stands(row))) {
      place.delete(credential.id)
      return
    }
    place.set(credential.id, kept.credential(credential))
    if (row) row.expiresAt = Math.max(row.expiresAt, credential.expiresAt)
  }

  /** The time that a mark covers: existing rows are dead, even if a fast clock began them. */
  function markedUntil(isOwn: (row: Credential | Grant) => boolean, now: number): number {
    // the usual case: one process has one clock
    if (latestStart <= now) return now
    let latest = now
    for (const rows of [credentials, brief]) for (const id of rows.keys()) latest = laterOf(latest, rows.get(id))
    for (const id of grants.keys()) latest = laterOf(latest, grants.get(id)?.grant)
    return latest

    function laterOf(time: number, row: Credential | Grant | undefined): number {
      return row && row.startedAt > time && isOwn(row) ? row.startedAt : time
    }
  }

  /** Writes everything of `insert` and `transition`, after the decision. */
  function store(added: readonly Credential[], grant: Grant | undefined): true {
    // The latest `issuedAt` of the call is the only clock here. It decides when rows are removed, never whether they
    // are
    // alive. It is not kept beyond the call: a clock that leapt ahead would remove fresh rows after it is corrected
    let clock = Number.NEGATIVE_INFINITY
    if (grant) {
      const row = grants.get(grant.id)
      const expiresAt = Math.max(grant.expiresAt, row?.expiresAt ?? 0)
      putGrantRow(grant.id, row, mayStand(grant, row) ? kept.grant(grant) : undefined, expiresAt)
      latestExpiry = Math.max(latestExpiry, expiresAt)
      latestStart = Math.max(latestStart, grant.startedAt)
    }
    let row: GrantRow | undefined
    let grantId: string | undefined
    for (const credential of added) {
      // rows of one call have one grant, and a lookup in a large map costs as much as a digest
      if (credential.grantId !== grantId) row = grants.get(credential.grantId)
      grantId = credential.grantId
      putCredential(credential, row)
      latestExpiry = Math.max(latestExpiry, credential.expiresAt)
      latestStart = Math.max(latestStart, credential.startedAt)
      clock = Math.max(clock, credential.issuedAt)
    }
    for (const rows of [credentials, brief, grants, userMarks, clientMarks]) rows.sweep(clock)
    return true
  }

  return {
    insert(added, grant) {
      const isTwice = added.length > 1 && new Set(added.map(({ id }) => id)).size < added.length
      const isTaken = isTwice || added.some(({ id }) => credentialOf(id))
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
      const query = { ...(userId !== undefined && { userId }), ...(clientId !== undefined && { clientId }) }
      const find = (id: string) => {
        const row = grants.get(id)
        const isMeant = row && stands(row) && (clientId === undefined || row.grant?.clientId === clientId)
        return isMeant ? row.grant : undefined
      }
      return whenReady(indexOfGrants(), (index) => page(() => index.of(query), after, limit, find))
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
      return removeExpired([credentials, brief], [grants, userMarks, clientMarks], now, limit)
    },
  }
}
