/**
 * Storage as tests look at it: every call is recorded, and any method can be made to fail, wait or lie. Reads answer in
 * the same turn where the store behind does, writes answer later.
 */
import type { Awaitable, ClientStorage, Credential, GrantStorage, OAuthStorage } from '../../src/index'
import { memoryStorage } from '../../src/index'

export const storageMethods = [
  'clients.find',
  'clients.list',
  'clients.listByName',
  'clients.insert',
  'clients.update',
  'clients.delete',
  'grants.insert',
  'grants.find',
  'grants.transition',
  'grants.list',
  'grants.revoke',
  'grants.deleteExpired',
] as const

export type StorageMethod = (typeof storageMethods)[number]

/** Stands in for a method: `call()` does what the method would have done. */
export type Stand = (call: () => unknown, args: readonly unknown[]) => unknown

interface Pause {
  /** Resolves when a request has arrived at the method. */
  reached: Promise<void>
  /** Lets it go on. */
  resume(): void
}

export interface ObservedStorage extends OAuthStorage {
  /** The methods called since the last `calls.length = 0`, in order. */
  readonly calls: StorageMethod[]
  /** The id of every credential that is stored right now, whether alive or not. */
  storedIds(): string[]
  /** The credential as it is stored, without the question whether it is alive; what a thief of the database sees. */
  stored(id: string): Credential | undefined
  /** From now on `stand` answers in the place of `method`. */
  replace(method: StorageMethod, stand: Stand): void
  /** Every method is itself again. */
  restore(): void
  /** The next call of `method` waits before it does anything; those after it do not. */
  pauseBefore(method: StorageMethod): Pause
}

/** A promise that somebody else resolves. */
export function gate(): { opened: Promise<void>; open(): void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

export function observedStorage(real: OAuthStorage = memoryStorage()): ObservedStorage {
  const calls: StorageMethod[] = []
  const stands = new Map<StorageMethod, Stand>()
  const rows = new Map<string, Credential>()

  const observe = <Args extends unknown[], Answer>(method: StorageMethod, act: (...args: Args) => Answer) => {
    return (...args: Args): Answer => {
      calls.push(method)
      const call = () => act(...args)
      const stand = stands.get(method)
      return stand ? (stand(call, args) as Answer) : call()
    }
  }
  const keep = async (answer: Awaitable<boolean>, written: readonly Credential[]) => {
    const done = await answer
    if (done) for (const credential of written) rows.set(credential.id, credential)
    return done
  }
  const { clients, grants } = real
  return {
    calls,
    clients: <ClientStorage>{
      find: observe('clients.find', clients.find.bind(clients)),
      list: observe('clients.list', clients.list.bind(clients)),
      ...(clients.listByName && { listByName: observe('clients.listByName', clients.listByName.bind(clients)) }),
      insert: observe('clients.insert', clients.insert.bind(clients)),
      update: observe('clients.update', clients.update.bind(clients)),
      delete: observe('clients.delete', clients.delete.bind(clients)),
    },
    grants: <GrantStorage>{
      insert: observe('grants.insert', (credentials, grant) => keep(grants.insert(credentials, grant), credentials)),
      find: observe('grants.find', grants.find.bind(grants)),
      transition: observe('grants.transition', (id, from, next, additions, grant) =>
        keep(grants.transition(id, from, next, additions, grant), [next, ...additions]),
      ),
      list: observe('grants.list', grants.list.bind(grants)),
      revoke: observe('grants.revoke', grants.revoke.bind(grants)),
      deleteExpired: observe('grants.deleteExpired', grants.deleteExpired.bind(grants)),
    },
    storedIds: () => [...rows.keys()],
    stored: (id) => rows.get(id),
    replace: (method, stand) => void stands.set(method, stand),
    restore: () => stands.clear(),
    pauseBefore(method) {
      const arrival = gate()
      const departure = gate()
      stands.set(method, async (call) => {
        stands.delete(method)
        arrival.open()
        await departure.opened
        return call()
      })
      return { reached: arrival.opened, resume: departure.open }
    },
  }
}

/** Every credential that `storage` gives back is what `rewrite` makes of it: an adapter that loses or changes members. */
export function rewriting(storage: ObservedStorage, rewrite: (row: Credential) => unknown): void {
  storage.replace('grants.find', async (call) => {
    const row = (await call()) as Credential | undefined
    return row && rewrite(row)
  })
}
