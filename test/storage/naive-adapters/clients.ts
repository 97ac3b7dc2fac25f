// Mistakes with client records.
import { gap, type NaiveAdapter, naive } from './naive'

export const clientMistakes: NaiveAdapter[] = [
  naive(
    'answers null where there is no row',
    ({ clients, grants }) => ({
      clients: { find: async (id) => (await clients.find(id)) ?? (null as unknown as undefined) },
      grants: { find: async (id) => (await grants.find(id)) ?? (null as unknown as undefined) },
    }),
    'finds a client by its id, and returns undefined for an unknown id',
    'finds each inserted credential, and returns undefined for an unknown id',
  ),
  naive(
    'replaces a client on insert',
    ({ clients }) => ({
      clients: {
        insert: async (client) => (await clients.delete(client.clientId)) || (await clients.insert(client)),
      },
    }),
    'refuses to insert a client id that is taken, and changes nothing',
  ),
  naive(
    'inserts a client after looking whether it is there',
    ({ clients }) => ({
      clients: {
        async insert(client) {
          if (await clients.find(client.clientId)) return false
          await gap()
          await clients.delete(client.clientId)
          return await clients.insert(client)
        },
      },
    }),
    'lets one of many parallel inserts of a client id win',
  ),
  naive(
    'merges a client on update',
    ({ clients }) => ({
      clients: {
        update: async (client, version) =>
          await clients.update({ ...(await clients.find(client.clientId)), ...client }, version),
      },
    }),
    'replaces the whole record on update',
  ),
  naive(
    'updates a client without looking at its version',
    ({ clients }) => ({
      clients: {
        async update(client) {
          const stored = await clients.find(client.clientId)
          return stored !== undefined && (await clients.update(client, stored.version))
        },
      },
    }),
    'refuses an update that expects another version, and changes nothing',
  ),
  naive(
    'updates a client after looking at its version',
    ({ clients }) => ({
      clients: {
        async update(client, expected) {
          if ((await clients.find(client.clientId))?.version !== expected) return false
          await gap()
          await clients.delete(client.clientId)
          return await clients.insert(client)
        },
      },
    }),
    'lets one of many parallel updates of a version win (no lost update)',
  ),
  naive(
    'upserts a client on update',
    ({ clients }) => ({
      clients: { update: async (client, version) => (await clients.insert(client)) || clients.update(client, version) },
    }),
    'never inserts on update',
  ),
  naive(
    'only flags a deleted client',
    ({ clients }) => ({
      clients: { delete: async (clientId) => (await clients.find(clientId)) !== undefined },
    }),
    'deletes a client, and returns whether it existed',
  ),
]
