/**
 * Grants, credentials and marks in Redis. Everything of one grant is on one slot, where one script decides and writes.
 *
 * The marks of users and clients have slots of their own. On a single node the same script reads them, and each call is
 * one round trip. In a cluster a script cannot, so a call takes two: `find` reads the row, and then its grant and marks
 * in parallel. `insert` and `transition` first `join` the indexes of their subjects in parallel, which returns the marks,
 * and then run the script with them. A mark may arrive in between: then `transition` returns true although `revoke` has
 * just returned. That is safe:
 * - `find` and `list` read the marks after the row, each time, so they never return a row that such a mark covers. The
 *   tokens of that response are dead before their first use, as if it had been sent just before the revocation.
 * - Only the mark races. The number of winners is decided on the one slot, in one step.
 * - A mark outlives the rows that it covers. `join` and `revoke` both run on the slot of the subject, in some order:
 *   either the index lives as long as the new row, and the mark as long as the index, or `join` sees the mark.
 */
import { misuse } from '../../options/misuse'
import type { Credential, Grant, GrantStorage } from '../../storage'
import { isCluster, type RedisClient, type Run } from './client'
import { jobOf, type Touch } from './job'
import {
  ALL,
  clientSubject,
  decodeCredential,
  decodeGrant,
  isCovered,
  keysOf,
  type Marks,
  subjectsOf,
  userSubject,
} from './rows'
import type { grantScripts } from './scripts'

interface Page {
  ids: string[]
  /** In the same order: rows, empty for a tombstone, undefined if absent. */
  values: (string | undefined)[]
  marks: Marks
}

export function redisGrants(client: RedisClient, run: Run<keyof typeof grantScripts>, prefix: string): GrantStorage {
  const keys = keysOf(prefix)
  const cluster = isCluster(client)
  const indexOf = (base: string) => [`${base}i`, `${base}e`]

  async function get(key: string): Promise<string | undefined> {
    return text(await run('get', [key], []))
  }

  async function readMarks(rows: readonly (Credential | Grant)[]): Promise<Marks> {
    const subjects = [...new Set(rows.flatMap(subjectsOf))]
    const found = await Promise.all(subjects.map((subject) => get(`${keys.subject(subject)}m`)))
    return marksOf(subjects.flatMap((subject, n) => [subject, found[n]]))
  }

  /** Reads both separately: while a slot moves, a row and its grant may be on different nodes. */
  async function findInCluster(id: string): Promise<Credential | undefined> {
    const value = await get(keys.credential(id))
    if (value === undefined) return undefined
    const credential = decodeCredential(id, value)
    const { grantId } = credential
    const [granted, own] = await Promise.all([
      grantId === undefined ? undefined : get(keys.grant(grantId)),
      readMarks([credential]),
    ])
    // no row, or a tombstone
    if (grantId !== undefined && !granted) return undefined
    const [grant] = grantOf(credential, granted)
    const others = grant && subjectsOf(grant).some((subject) => !subjectsOf(credential).includes(subject))
    const marks = others ? new Map([...own, ...(await readMarks([grant]))]) : own
    return [credential, ...(grant ? [grant] : [])].some((row) => isCovered(row, marks)) ? undefined : credential
  }

  /** In a cluster, on the slot of the subject: writes its index and start before the grant, and reads its mark. */
  async function join(touch: Touch, clock: number): Promise<[string, number | false]> {
    const base = keys.subject(touch.subject)
    const subjectKeys = [`${base}m`, ...indexOf(base), `${base}s`]
    const mark = text(await run('join', subjectKeys, [base, JSON.stringify(touch), String(clock)]))
    return [touch.subject, mark === undefined ? false : Number(mark)]
  }

  /** Runs `insert`, or with `from` a `transition`. */
  async function store(credentials: readonly Credential[], grant?: Grant, from?: string): Promise<boolean> {
    const { told, touches, ...job } = jobOf(keys, credentials, grant, from)
    const here = cluster ? [] : touches
    const marks = new Map(cluster ? await Promise.all(touches.map((touch) => join(touch, told.clock))) : [])
    for (;;) {
      const task = { ...told, cluster, touches: here, marks: Object.fromEntries(marks) }
      const reply = await run('store', job.keys, [JSON.stringify(task), ...job.rows])
      if (!Array.isArray(reply)) return Number(reply) === 1
      // An existing row has an owner that the new rows do not have: repeat with that owner's marks
      for (const subject of reply.map(String)) {
        const mark = await get(`${keys.subject(subject)}m`)
        marks.set(subject, mark === undefined ? false : Number(mark))
      }
    }
  }

  async function readPage(index: string, start: string, limit: number): Promise<Page> {
    if (!cluster) {
      const reply = (await run('list', [index], [prefix, start, String(limit)])) as unknown[][]
      const [ids = [], values = [], marks = []] = reply
      return { ids: ids.map(String), values: values.map(text), marks: marksOf(marks) }
    }
    const ids = ((await run('page', [index], [start, String(limit)])) as unknown[]).map(String)
    const values = await Promise.all(ids.map((id) => get(keys.grant(id))))
    const marks = await readMarks(values.flatMap((value, n) => (value ? [decodeGrant(ids[n] as string, value)] : [])))
    return { ids, values, marks }
  }

  return {
    async insert(credentials, grant) {
      if (new Set(credentials.map(({ id }) => id)).size < credentials.length) return false
      return credentials.length === 0 && !grant ? true : store(credentials, grant)
    },

    async find(id) {
      if (cluster) return findInCluster(id)
      const [value, granted, found] = (await run('find', [keys.credential(id)], [keys.shard(id), prefix])) as unknown[]
      if (value === undefined) return undefined
      const credential = decodeCredential(id, String(value))
      const rows = [credential, ...grantOf(credential, granted)]
      const marks = marksOf(found as unknown[])
      return rows.some((row) => isCovered(row, marks)) ? undefined : credential
    },

    async transition(id, from, next, additions, grant) {
      if (next.id !== id)
        throw misuse('broken_storage_contract', `transition: ${id} cannot become another credential, ${next.id}`)
      return store([next, ...additions], grant, from)
    },

    async list({ userId, clientId, after = '', limit }) {
      const subject =
        userId !== undefined ? userSubject(userId) : clientId !== undefined ? clientSubject(clientId) : ALL
      const index = indexOf(keys.subject(subject))
      const alive: Grant[] = []
      const dead: string[] = []
      for (let start = after; ; ) {
        const { ids, values, marks } = await readPage(index[0] as string, `(${start}`, limit)
        for (const [n, id] of ids.entries()) {
          const value = values[n]
          const grant = value ? decodeGrant(id, value) : undefined
          // A missing row may be on its way: its index entry is written first, and removed when it would have expired
          if (value === '' || (grant && isCovered(grant, marks))) dead.push(id)
          const isWanted =
            (userId ?? grant?.userId) === grant?.userId && (clientId ?? grant?.clientId) === grant?.clientId
          if (grant && isWanted && !isCovered(grant, marks)) alive.push(grant)
        }
        start = ids.at(-1) ?? start
        if (alive.length >= limit || ids.length < limit) break
      }
      if (dead.length > 0) await run('forget', index, dead)
      return alive.slice(0, limit)
    },

    async revoke(target, now) {
      if ('grantId' in target) {
        await run('bury', [keys.grant(target.grantId)], [])
        return
      }
      const base = keys.subject('userId' in target ? userSubject(target.userId) : clientSubject(target.clientId))
      await run('mark', [`${base}m`, `${base}i`, `${base}s`], [String(now)])
    },

    // Redis removes what has expired
    deleteExpired: () => 0,
  }
}

function grantOf({ grantId }: Credential, value: unknown): Grant[] {
  return grantId === undefined ? [] : [decodeGrant(grantId, String(value))]
}

function text(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value)
}

/** From `subject, mark, subject, mark`. No mark is empty. */
function marksOf(parts: readonly unknown[]): Marks {
  const marks = new Map<string, number>()
  for (let n = 0; n < parts.length; n += 2) {
    const mark = text(parts[n + 1])
    if (mark) marks.set(String(parts[n]), Number(mark))
  }
  return marks
}
