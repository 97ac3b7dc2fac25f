/** The ids of grants in order, by user, by client and in all, for lists. */
import type { Grant } from '../../storage'
import { addId, idsByOwner, type OrderedIds, removeId } from './ordered-ids'

export interface GrantIndex {
  add(grant: Grant): void
  remove(grant: Grant): void
  /** The ids of the user, or else of the client, or else all. */
  of(query: { userId?: string; clientId?: string }): OrderedIds
}

export function grantIndex(): GrantIndex {
  const all: OrderedIds = []
  const byUser = idsByOwner()
  const byClient = idsByOwner()
  return {
    add({ id, userId, clientId }) {
      addId(all, id)
      byUser.add(userId, id)
      byClient.add(clientId, id)
    },
    remove({ id, userId, clientId }) {
      removeId(all, id)
      byUser.remove(userId, id)
      byClient.remove(clientId, id)
    },
    of({ userId, clientId }) {
      if (userId !== undefined) return byUser.of(userId)
      return clientId === undefined ? all : byClient.of(clientId)
    },
  }
}
