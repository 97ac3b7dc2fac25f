/** Keys and values in Redis: the hash tag of each key, and rows as a header for scripts and a body. */
import { misuse } from '../../options/misuse'
import type { Credential, Grant } from '../../storage'

export interface Keys {
  readonly prefix: string
  /** The hash tag of everything in one grant, and so one slot: the part before the first `~` of its ids. */
  shard(id: string): string
  credential(id: string): string
  grant(id: string): string
  /**
   * The prefix of the keys of a user, a client or all grants: mark (m), index (i), index by expiry (e), latest start
   * (s).
   */
  subject(subject: string): string
}

/**
 * The part between the hash tag and the rest of a credential's or grant's key, since version 2. Version 1 had none: its
 * rows are no longer found, and expire. Keys of clients, marks and indexes are unchanged.
 */
export const ROWS = '2'

/** The index of all grants. */
export const ALL = ':grants'

export function keysOf(prefix: string): Keys {
  const shard = (id: string) => `${prefix}{${shardOf(id)}}${ROWS}`
  return {
    prefix,
    shard,
    credential: (id) => shard(id) + restOf(id),
    grant: (id) => `${shard(id)}=${restOf(id)}`,
    // a name may contain braces: the first ones determine the tag, which is the same for all its keys
    subject: (subject) => `${prefix}{${subject}}`,
  }
}

export function shardOf(id: string): string {
  return id.split('~', 1)[0] as string
}

export function restOf(id: string): string {
  return id.slice(shardOf(id).length)
}

export const userSubject = (userId: string): string => `u:${userId}`
export const clientSubject = (clientId: string): string => `c:${clientId}`

type Owned = { readonly userId?: string; readonly clientId: string; readonly startedAt: number }

/** The subjects whose marks cover a row. */
export function subjectsOf({ userId, clientId }: Owned): string[] {
  return [...(userId === undefined ? [] : [userSubject(userId)]), clientSubject(clientId)]
}

/** By subject: everything that began up to this second is dead. */
export type Marks = ReadonlyMap<string, number>

export function isCovered(row: Owned, marks: Marks): boolean {
  return subjectsOf(row).some((subject) => (marks.get(subject) ?? Number.NEGATIVE_INFINITY) >= row.startedAt)
}

export function encodeGrant({ id: _, userId, clientId, startedAt, ...rest }: Grant): string {
  return encode([userId ?? false, clientId, startedAt], rest)
}

export function decodeGrant(id: string, value: string): Grant {
  const { header, body } = decode(value)
  const [userId, clientId, startedAt] = header
  return { ...body, id, clientId, startedAt, ...(userId !== false && { userId }) } as Grant
}

export function encodeCredential({ id, userId, clientId, startedAt, grantId, state, ...rest }: Credential): string {
  const grant = grantId === undefined ? false : restOf(grantId)
  if (grantId !== undefined && shardOf(grantId) !== shardOf(id)) {
    throw misuse(
      'broken_storage_contract',
      `The credential ${id} names a grant of another shard: the text before the first ~ differs`,
    )
  }
  return encode([userId ?? false, clientId, startedAt, grant, state], rest)
}

export function decodeCredential(id: string, value: string): Credential {
  const { header, body } = decode(value)
  const [userId, clientId, startedAt, grant, state] = header
  return {
    ...body,
    id,
    state,
    clientId,
    startedAt,
    ...(userId !== false && { userId }),
    ...(grant !== false && { grantId: shardOf(id) + grant }),
  } as Credential
}

// JSON has no raw line breaks, so the header is the first line
function encode(header: readonly (string | number | false)[], body: object): string {
  // unpaired surrogates have no UTF-8: two ids would become equal
  if (header.some((part) => typeof part === 'string' && !part.isWellFormed())) {
    throw misuse(
      'unstorable_value',
      'redisStorage keeps well-formed text only: an id or state has half of a surrogate pair',
    )
  }
  return `${JSON.stringify(header)}\n${JSON.stringify(body)}`
}

function decode(value: string): { header: (string | number | false)[]; body: object } {
  const end = value.indexOf('\n')
  return { header: JSON.parse(value.slice(0, end)), body: JSON.parse(value.slice(end + 1)) }
}
