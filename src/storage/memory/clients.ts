/** Clients in memory, and pages of lists. */
import { type Awaitable, whenReady } from '../../awaitable'
import type { Client, ClientStorage } from '../../storage'
import { comparedName } from '../client-names'
import { frozenCopy } from '../frozen'
import { eachInSlices } from '../slices'
import { addId, idsAfter, idsByOwner, type OrderedIds, page, removeId } from './ordered-ids'

export function memoryClients(): ClientStorage {
  const clients = new Map<string, Client>()
  const allIds: OrderedIds = []
  const idsOfUser = idsByOwner()
  /** Names with their ids. Created at the first search by name, so that others cost nothing. */
  let names: OrderedIds | undefined
  /** The same index when it is complete. Writes update it while it is being built. */
  let whole: Awaitable<OrderedIds> | undefined

  function put(client: Client): true {
    const { clientId, username } = client
    const before = clients.get(clientId)
    clients.set(clientId, frozenCopy(client))
    addId(allIds, clientId)
    if (before?.username !== username) idsOfUser.remove(before?.username, clientId)
    idsOfUser.add(username, clientId)
    if (names) rename(names, clientId, before?.name, client.name)
    return true
  }

  function namesOfClients(): Awaitable<OrderedIds> {
    if (whole) return whole
    const made: OrderedIds = []
    names = made
    const take = ({ clientId, name }: Client) => rename(made, clientId, undefined, name)
    whole = whenReady(eachInSlices(clients.values(), take), () => {
      whole = made
      return made
    })
    return whole
  }

  return {
    find: (clientId) => clients.get(clientId),
    list({ username, after, limit }) {
      const ids = () => (username === undefined ? allIds : idsOfUser.of(username))
      return page(ids, after, limit, (id) => clients.get(id))
    },
    listByName({ prefix, after, limit }) {
      const begin = comparedName(prefix)
      return whenReady(namesOfClients(), (names) => {
        const found: Client[] = []
        // before all keys with this beginning, because an id has at least one character
        for (const key of idsAfter(names, after ? nameKey(after.name, after.clientId) : begin)) {
          if (found.length >= limit || !key.startsWith(begin)) break
          found.push(clients.get(key.slice(key.indexOf('\0') + 1)) as Client)
        }
        return found
      })
    },
    insert: (client) => !clients.has(client.clientId) && put(client),
    update(client, expectedVersion) {
      const stored = clients.get(client.clientId)
      return stored !== undefined && stored.version === expectedVersion && put(client)
    },
    delete(clientId) {
      removeId(allIds, clientId)
      const { username, name } = clients.get(clientId) ?? {}
      idsOfUser.remove(username, clientId)
      if (names) rename(names, clientId, name, undefined)
      return clients.delete(clientId)
    },
  }
}

function rename(names: OrderedIds, clientId: string, before: string | undefined, name: string | undefined): void {
  if (before !== undefined) removeId(names, nameKey(before, clientId))
  if (name !== undefined) addId(names, nameKey(name, clientId))
}

/** A key with NUL, which neither names nor ids contain, and which sorts before every other character. */
function nameKey(name: string, clientId: string): string {
  return `${comparedName(name)}\0${clientId}`
}
