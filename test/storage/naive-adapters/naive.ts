// How to make a naive adapter: memoryStorage with one mistake, and the rules that the mistake breaks.
import type { Awaitable } from '../../../src/awaitable'
import type { ClientStorage, Credential, Grant, GrantStorage, OAuthStorage } from '../../../src/storage'
import { memoryStorage } from '../../../src/storage/memory/memory'

export interface NaiveAdapter {
  mistake: string
  create: () => OAuthStorage
  breaks: string[]
}

/** Methods that replace those of `memory`, which they may call. */
type Change = (memory: OAuthStorage) => { clients?: Partial<ClientStorage>; grants?: Partial<GrantStorage> }

export function naive(mistake: string, change: Change, ...breaks: string[]): NaiveAdapter {
  const create = () => {
    const memory = memoryStorage()
    const { clients, grants } = change(memory)
    return { clients: { ...memory.clients, ...clients }, grants: { ...memory.grants, ...grants } }
  }
  return { mistake, create, breaks }
}

/** The time between a SELECT and an UPDATE. */
export const gap = () => new Promise((resolve) => setImmediate(resolve))

/** Stores these rows in place of whatever has their ids: an upsert without conditions. */
export async function upsert({ grants }: OAuthStorage, rows: readonly Credential[], grant?: Grant): Promise<true> {
  const template = rows[0] ?? { digest: '', scope: [], expiresAt: 9_999_999_999, data: {}, kind: '', issuedAt: 0 }
  const lever = { ...template, id: 'lever', state: 'x', clientId: 'lever', startedAt: 9_999_999_999 }
  const { grantId: _, userId: __, ...free } = lever as Credential
  await grants.insert([free])
  await grants.transition(free.id, free.state, free, rows, grant)
  return true
}

/** Everything that was stored, as it was given, dead or alive. */
export function recorder({ grants }: OAuthStorage) {
  const credentialsById = new Map<string, Credential>()
  const grantsById = new Map<string, Grant>()
  const record = async (answer: Awaitable<boolean>, added: readonly Credential[], grant?: Grant) => {
    if (!(await answer)) return false
    for (const row of added) credentialsById.set(row.id, row)
    if (grant) grantsById.set(grant.id, grant)
    return true
  }
  const recording: Partial<GrantStorage> = {
    insert: (added, grant) => record(grants.insert(added, grant), added, grant),
    transition: (id, from, next, additions, grant) =>
      record(grants.transition(id, from, next, additions, grant), [next, ...additions], grant),
  }
  return { credentialsById, grantsById, recording }
}

/** Revocation by own means: `dead` says what a revocation ended. Everything else is `memory`. */
export function revoking(memory: OAuthStorage, revoke: GrantStorage['revoke'], dead: (row: Credential) => boolean) {
  const find = async (id: string) => {
    const found = await memory.grants.find(id)
    return found && dead(found) ? undefined : found
  }
  return { revoke, find }
}
