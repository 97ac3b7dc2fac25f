/** The input of the script `store`: the rows, their lifetimes, and their indexes. */
import { misuse } from '../../options/misuse'
import type { Credential, Grant } from '../../storage'
import { graceOf, REVOCATION_MEMORY } from '../retention'
import { ALL, encodeCredential, encodeGrant, type Keys, restOf, shardOf, subjectsOf } from './rows'

/** A change of a subject's index, so that a mark of the subject outlives everything that it covers. */
export interface Touch {
  readonly subject: string
  /** The id of the stored grant. Empty if only the lifetime of the index changes. */
  id: string
  expiresAt: number
  life: number
  indexed: boolean
  /** When the latest of the rows began. Omitted for the index of all grants. */
  startedAt?: number
}

export interface Job {
  readonly keys: string[]
  /** The credentials and then the grant, as stored. */
  readonly rows: string[]
  readonly touches: readonly Touch[]
  /** The input as JSON. Lifetimes are in milliseconds. */
  readonly told: {
    /** The number of keys for stored rows. */
    readonly own: number
    readonly prefix: string
    readonly base: string
    readonly from: string | undefined
    readonly grant: string | undefined
    readonly revoked: boolean
    readonly life: number
    readonly lives: readonly number[]
    readonly clock: number
  }
}

export function jobOf(keys: Keys, credentials: readonly Credential[], grant?: Grant, from?: string): Job {
  const ids = [...credentials, ...(grant ? [grant] : [])].map(({ id }) => id)
  const named = new Set(credentials.flatMap(({ grantId }) => (grantId === grant?.id ? [] : (grantId ?? []))))
  const first = ids[0] as string
  const stray = ids.find((id) => shardOf(id) !== shardOf(first))
  if (stray !== undefined) {
    throw misuse(
      'broken_storage_contract',
      `${first} and ${stray} are of two shards: the text before the first ~ must be the same`,
    )
  }
  // lifetimes count from the write, by the writing server's clock: Redis only measures durations
  const clock = Math.max(...(credentials.length > 0 ? credentials.map((row) => row.issuedAt) : [grant?.startedAt ?? 0]))
  const lifeOf = (row: { expiresAt: number }) => Math.ceil((Math.max(0, row.expiresAt - clock) + graceOf(row)) * 1000)
  return {
    // includes keys that are only read: while a cluster moves them, it then reports that instead of not finding them
    keys: [
      ...credentials.map(({ id }) => keys.credential(id)),
      ...(grant ? [keys.grant(grant.id)] : []),
      ...[...named].map((id) => keys.grant(id)),
    ],
    rows: [...credentials.map(encodeCredential), ...(grant ? [encodeGrant(grant)] : [])],
    touches: touchesOf(credentials, grant, lifeOf),
    told: {
      own: ids.length,
      prefix: keys.prefix,
      base: keys.shard(first),
      from,
      grant: grant && restOf(grant.id),
      revoked: grant?.revokedAt !== undefined,
      life: grant ? lifeOf(grant) : 0,
      lives: credentials.map(lifeOf),
      clock,
    },
  }
}

/** Whether the index must be written too. */
function isIndexed({ id, life }: Touch): boolean {
  return id !== '' || life > REVOCATION_MEMORY * 1000
}

function touchesOf(
  credentials: readonly Credential[],
  grant: Grant | undefined,
  lifeOf: (row: { expiresAt: number }) => number,
): Touch[] {
  const touches = new Map<string, Touch>()
  const add = (subject: string, row: Credential | Grant, id: string) => {
    const touch = touches.get(subject) ?? { subject, id: '', expiresAt: row.expiresAt, life: 0, indexed: false }
    if (id !== '') touch.id = id
    touch.expiresAt = Math.max(touch.expiresAt, row.expiresAt)
    touch.life = Math.max(touch.life, lifeOf(row))
    touch.indexed = isIndexed(touch)
    if (subject !== ALL) touch.startedAt = Math.max(touch.startedAt ?? row.startedAt, row.startedAt)
    touches.set(subject, touch)
  }
  for (const row of credentials) for (const subject of subjectsOf(row)) add(subject, row, '')
  if (grant) for (const subject of [...subjectsOf(grant), ALL]) add(subject, grant, grant.id)
  return [...touches.values()]
}
