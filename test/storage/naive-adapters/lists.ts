// Mistakes with order, pages and filters.
import { type NaiveAdapter, naive, recorder } from './naive'

export const listMistakes: NaiveAdapter[] = [
  naive(
    'orders by the rules of a language',
    ({ clients, grants }) => {
      const page = <Row>(rows: Row[], id: (row: Row) => string, after: string | undefined, limit: number) =>
        rows
          .sort((left, right) => id(left).localeCompare(id(right)))
          .filter((row) => after === undefined || id(row).localeCompare(after) > 0)
          .slice(0, limit)
      return {
        clients: {
          list: async ({ after, limit, ...filter }) =>
            page(await clients.list({ ...filter, limit: 1000 }), (row) => row.clientId, after, limit),
        },
        grants: {
          list: async ({ after, limit, ...filter }) =>
            page(await grants.list({ ...filter, limit: 1000 }), (row) => row.id, after, limit),
        },
      }
    },
    'lists clients in pages, without gaps or repeats',
    'lists grants in pages, without gaps or repeats',
  ),
  naive(
    'begins each page with the last row of the one before',
    ({ clients, grants }) => {
      const earlier = (id: string | undefined) => (id === undefined ? {} : { after: id.slice(0, -1) })
      return {
        clients: { list: ({ after, ...query }) => clients.list({ ...query, ...earlier(after) }) },
        grants: { list: ({ after, ...query }) => grants.list({ ...query, ...earlier(after) }) },
      }
    },
    'lists clients in pages, without gaps or repeats',
    'lists grants in pages, without gaps or repeats',
  ),
  naive(
    'filters without case, and by the user alone',
    ({ clients, grants }) => ({
      clients: {
        async list({ username, ...query }) {
          const rows = await clients.list({ ...query, limit: 1000 })
          return rows
            .filter((row) => !username || row.username?.toLowerCase() === username.toLowerCase())
            .slice(0, query.limit)
        },
      },
      grants: {
        list: ({ clientId, ...query }) => grants.list(query.userId || !clientId ? query : { ...query, clientId }),
      },
    }),
    'lists the clients of one username, whole',
    'lists the grants of a user, of a client, and of both',
  ),
  naive(
    'cuts the page before it leaves out what is dead',
    (memory) => {
      const { grantsById, recording } = recorder(memory)
      return {
        grants: {
          ...recording,
          async list({ after = '', limit, ...filter }) {
            const ids = [...grantsById.keys()].sort().filter((id) => id > after)
            const alive = await memory.grants.list({ ...filter, limit: 1000 })
            return alive.filter((row) => ids.slice(0, limit).includes(row.id))
          },
        },
      }
    },
    'fills its pages although some grants are dead',
  ),
  naive(
    'finds names by a collation, which knows no accents, and takes the last character for the end',
    ({ clients }) => ({
      clients: {
        async listByName({ prefix, after, limit }) {
          const fold = (name: string) => name.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase().slice(0, 200)
          const key = ({ name = '', clientId }: { name?: string; clientId: string }) => `${fold(name)}\0${clientId}`
          const named = (await clients.list({ limit: 1000 })).filter(
            ({ name }) => name !== undefined && fold(name).startsWith(fold(prefix)) && !name.endsWith('\u{10ffff}'),
          )
          const sorted = named.sort((left, right) => (key(left) < key(right) ? -1 : 1))
          return sorted.filter((row) => !after || key(row) > key(after)).slice(0, limit)
        },
      },
    }),
    'lists clients by the beginning of their names, where it can, page by page',
  ),
  naive(
    'compares whole names, with their case',
    ({ clients }) => ({
      clients: {
        async listByName({ prefix, after, limit }) {
          const key = ({ name = '', clientId }: { name?: string; clientId: string }) => `${name}\0${clientId}`
          const named = (await clients.list({ limit: 1000 })).filter(({ name }) => name?.startsWith(prefix))
          const sorted = named.sort((left, right) => (key(left) < key(right) ? -1 : 1))
          return sorted.filter((row) => !after || key(row) > key(after)).slice(0, limit)
        },
      },
    }),
    'lists clients by the beginning of their names, where it can, page by page',
    'keeps names of two thousand characters, and lists them by the first two hundred',
  ),
]
