// Mistakes with what is in a row.
import type { Client } from '../../../src/storage'
import { type NaiveAdapter, naive, recorder } from './naive'

const fold = (text: string) => text.trim().toLowerCase()
const asNull = <T extends object>(row: T | undefined, ...members: string[]): T | undefined =>
  row && (Object.assign(Object.fromEntries(members.map((member) => [member, null])), row) as T)

export const valueMistakes: NaiveAdapter[] = [
  naive(
    'gives null for what was left out',
    ({ clients, grants }) => ({
      clients: { find: async (id) => asNull(await clients.find(id), 'name', 'scopes') },
      grants: {
        find: async (id) => asNull(await grants.find(id), 'grantId', 'userId'),
        list: async (query) => (await grants.list(query)).flatMap((row) => asNull(row, 'userId', 'revokedAt') ?? []),
      },
    }),
    'keeps every member of a client',
    'keeps every member of a credential',
    'keeps every member of a grant',
  ),
  naive(
    'has no column for the data of a grant',
    ({ grants }) => ({
      grants: { list: async (query) => (await grants.list(query)).map((row) => ({ ...row, data: {} })) },
    }),
    'keeps the data of a grant, and replaces it when a transition stores the grant again',
  ),
  naive(
    'updates a grant without its data',
    (memory) => {
      const { grantsById, recording } = recorder(memory)
      const list: typeof memory.grants.list = async (query) =>
        (await memory.grants.list(query)).map((row) => ({ ...row, data: grantsById.get(row.id)?.data ?? {} }))
      return { grants: { list, insert: recording.insert as typeof memory.grants.insert } }
    },
    'keeps the data of a grant, and replaces it when a transition stores the grant again',
  ),
  naive(
    'cuts long text',
    ({ clients, grants }) => ({
      clients: {
        insert: (client) =>
          clients.insert(client.description ? { ...client, description: client.description.slice(0, 255) } : client),
      },
      grants: { insert: (added) => grants.insert(added.map((row) => ({ ...row, data: { large: '' } }))) },
    }),
    'keeps values of 64 KiB',
  ),
  naive(
    'folds case and spaces of ids',
    ({ clients, grants }) => ({
      clients: {
        find: (id) => clients.find(fold(id)),
        insert: (client) => clients.insert({ ...client, clientId: fold(client.clientId) }),
      },
      grants: {
        async revoke(target, now) {
          await grants.revoke(target, now)
          const folded = Object.entries(target).map(([name, id]) => [name, fold(id)])
          await grants.revoke(Object.fromEntries(folded), now)
        },
      },
    }),
    'keeps all client ids apart, whatever characters they have',
    'keeps all values of userId apart when it lists and revokes, whatever characters they have',
    'keeps all values of clientId apart when it lists and revokes, whatever characters they have',
  ),
  naive(
    'keeps its rows in plain objects',
    ({ clients, grants }) => {
      const rows: Record<string, never> = {}
      return {
        clients: { find: (id) => rows[id] ?? clients.find(id) },
        grants: { find: (id) => rows[id] ?? grants.find(id) },
      }
    },
    'keeps all client ids apart, whatever characters they have',
    'accepts the names of inherited members as ids of credentials and grants',
  ),
  naive(
    'keeps and hands out the objects that it was given',
    (memory) => {
      const given = new Map<string, Client>()
      const { credentialsById, recording } = recorder(memory)
      return {
        clients: {
          insert(client) {
            given.set(client.clientId, client)
            return memory.clients.insert(client)
          },
          find: (id) => given.get(id),
        },
        grants: {
          ...recording,
          find: async (id) => (await memory.grants.find(id)) && credentialsById.get(id),
        },
      }
    },
    'does not share stored objects with its callers',
    'does not share found objects with its callers',
  ),
]
