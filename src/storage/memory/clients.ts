/** Clients in memory, and pages of what is listed there. */
import type { Client, ClientStorage } from '../../storage'
import { frozenCopy } from '../frozen'
import { addId, idsAfter, idsByOwner, type OrderedIds, removeId } from './ordered-ids'

export function memoryClients(): ClientStorage {
  const clients = new Map<string, Client>()
  const allIds: OrderedIds = []
  const idsOfUser = idsByOwner()

  function put(client: Client): true {
    const { clientId, username } = client
    const before = clients.get(clientId)
    clients.set(clientId, frozenCopy(client))
    addId(allIds, clientId)
    if (before?.username !== username) idsOfUser.remove(before?.username, clientId)
    idsOfUser.add(username, clientId)
    return true
  }

  return {
    find: (clientId) => clients.get(clientId),
    list({ username, after, limit }) {
      const ids = username === undefined ? allIds : idsOfUser.of(username)
      return page(ids, after, limit, (id) => clients.get(id))
    },
    insert: (client) => !clients.has(client.clientId) && put(client),
    update(client, expectedVersion) {
      const stored = clients.get(client.clientId)
      return stored !== undefined && stored.version === expectedVersion && put(client)
    },
    delete(clientId) {
      removeId(allIds, clientId)
      idsOfUser.remove(clients.get(clientId)?.username, clientId)
      return clients.delete(clientId)
    },
  }
}

/** The first `limit` rows behind `after`, in the order of UTF-16 code units. What is not there any more is passed over. */
export function page<Row>(
  ids: OrderedIds,
  after: string | undefined,
  limit: number,
  find: (id: string) => Row | undefined,
) {
  const rows: Row[] = []
  for (const id of idsAfter(ids, after)) {
    if (rows.length >= limit) break
    const row = find(id)
    if (row !== undefined) rows.push(row)
  }
  return rows
}
