// Mistakes of a schema: columns that pad, fold, cut and convert, lists and names that are taken apart, and columns that an
// update forgets.
import type { Client, Credential, Grant, OAuthStorage } from '../../../src/storage'
import { type NaiveAdapter, naive, recorder } from './naive'

const clientIds = 'keeps all client ids apart, whatever characters they have'
const userIds = 'keeps all values of userId apart when it lists and revokes, whatever characters they have'
const wide = 'keeps ids and states of 128 characters apart by the last of them'
const credentials = 'keeps every member of a credential'
const grants = 'keeps every member of a grant'
const grantData = 'keeps the data of a grant, and replaces it when a transition stores the grant again'

/** A column of ids in which those are the same that `same` maps to one. */
function idColumn(same: (id: string) => string) {
  return ({ clients, grants }: OAuthStorage) => {
    const given = new Map<string, string>()
    /** The first of those that are the same. */
    const kept = (id: string) => {
      const key = same(id)
      given.set(key, given.get(key) ?? id)
      return given.get(key) as string
    }
    return {
      clients: {
        find: (id: string) => clients.find(kept(id)),
        insert: (client: Client) => clients.insert({ ...client, clientId: kept(client.clientId) }),
      },
      grants: {
        insert: (added: readonly Credential[], grant?: Grant) => {
          const owned = <Row extends { userId?: string }>(row: Row): Row =>
            row.userId === undefined ? row : { ...row, userId: kept(row.userId) }
          return grants.insert(added.map(owned), grant && owned(grant))
        },
      },
    }
  }
}

/** Columns of credentials and grants that keep another value than they were given. */
function columns(kept: (row: Credential | Grant) => Partial<Credential & Grant>) {
  return ({ grants }: OAuthStorage) => {
    const convert = <Row extends Credential | Grant>(row: Row): Row => ({ ...row, ...kept(row) })
    return {
      grants: {
        insert: (added: readonly Credential[], grant?: Grant) =>
          grants.insert(added.map(convert), grant && convert(grant)),
        transition: (id: string, from: string, next: Credential, additions: readonly Credential[], grant?: Grant) =>
          grants.transition(id, from, convert(next), additions.map(convert), grant && convert(grant)),
      },
    }
  }
}

/** `data` as a database makes it of the members of each object; undefined is left out. */
function data(member: (name: string, value: unknown) => [string, unknown] | undefined) {
  const convert = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(convert)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, of]) => {
        const kept = member(name, convert(of))
        return kept ? [kept] : []
      }),
    )
  }
  return columns((row) => ({ data: convert(row.data) as Credential['data'] }))
}

export const columnMistakes: NaiveAdapter[] = [
  naive(
    'pads ids with spaces, as the collations of MySQL and SQL Server do',
    idColumn((id) => id.trimEnd()),
    clientIds,
    userIds,
  ),
  naive(
    'ignores accents',
    idColumn((id) => id.normalize('NFD').replaceAll(/\p{Mn}/gu, '')),
    clientIds,
    userIds,
  ),
  naive(
    'ignores what has no width, as collations of Unicode do',
    idColumn((id) => id.replaceAll(/\p{Cf}/gu, '')),
    clientIds,
    userIds,
  ),
  naive(
    'does not tell two scripts of one language apart',
    idColumn((id) => id.replaceAll('ア', 'あ')),
    clientIds,
    userIds,
  ),
  naive(
    'has three bytes for a character',
    idColumn((id) => id.replaceAll(/[\u{10000}-\u{10ffff}]/gu, '?')),
    clientIds,
    userIds,
  ),
  naive(
    'normalizes text',
    idColumn((id) => id.normalize('NFC')),
    clientIds,
    userIds,
  ),
  naive(
    'keeps ids of users as numbers where they are some',
    idColumn((id) => (/^\d+$/.test(id) ? String(Number(id)) : id)),
    clientIds,
    userIds,
  ),
  naive(
    'cuts states',
    columns((row) => ('state' in row ? { state: row.state.slice(0, 64) } : {})),
    wide,
  ),
  naive(
    'cuts ids of grants',
    columns((row) => ('state' in row ? {} : { id: row.id.slice(0, 64) })),
    wide,
  ),
  naive(
    'keeps versions in 16 bits',
    ({ clients }) => ({
      clients: {
        insert: (client) => clients.insert({ ...client, version: client.version % 2 ** 16 }),
        update: (client, expected) =>
          clients.update({ ...client, version: client.version % 2 ** 16 }, expected % 2 ** 16),
      },
    }),
    'counts versions beyond 2^30',
  ),
  naive(
    'joins lists with commas',
    columns(({ scope }) => ({ scope: scope.join(',').split(',') })),
    credentials,
    grants,
  ),
  naive(
    'joins lists with spaces',
    columns(({ scope }) => ({ scope: scope.join(' ').split(' ') })),
    credentials,
    grants,
  ),
  naive(
    'keeps lists as sets',
    columns(({ scope }) => ({ scope: [...scope].sort() })),
    credentials,
    grants,
  ),
  naive(
    'has no column for a member of a client that came later',
    ({ clients }) => ({
      clients: { insert: ({ disabled: _, ...client }) => clients.insert(client) },
    }),
    'keeps every member of a client',
  ),
  naive(
    'joins the redirect URIs of a client',
    ({ clients }) => ({
      clients: {
        insert: (client) => clients.insert({ ...client, redirectUris: client.redirectUris.join(',').split(',') }),
      },
    }),
    'keeps every member of a client',
  ),
  naive(
    'drops nulls from data',
    data((name, value) => (value === null ? undefined : [name, value])),
    credentials,
    grantData,
  ),
  naive(
    'drops empty text from data',
    data((name, value) => (value === '' ? undefined : [name, value])),
    credentials,
    grantData,
  ),
  naive(
    'drops empty objects and lists from data',
    data((name, value) =>
      typeof value === 'object' && value !== null && Object.keys(value).length === 0 ? undefined : [name, value],
    ),
    credentials,
    grantData,
  ),
  naive(
    'drops names with dollars, as operators',
    data((name, value) => (name.startsWith('$') ? undefined : [name, value])),
    credentials,
    grantData,
  ),
  naive(
    'takes names with dots apart',
    data((name, value) =>
      name.includes('.') ? [name.split('.')[0] as string, { [name.split('.')[1] as string]: value }] : [name, value],
    ),
    credentials,
    grantData,
  ),
  naive(
    'turns dates in data into those of the database',
    data((name, value) => [
      name,
      typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value).toISOString().slice(0, 19) : value,
    ]),
    credentials,
    grantData,
  ),
  naive(
    'gives fifty rows at most, whatever it was asked for',
    ({ clients, grants }) => ({
      clients: { list: (query) => clients.list({ ...query, limit: Math.min(query.limit, 50) }) },
      grants: { list: (query) => grants.list({ ...query, limit: Math.min(query.limit, 50) }) },
    }),
    'fills a page of a hundred clients and grants',
  ),
  naive(
    'updates the record of a client, and not the column of its owner',
    ({ clients }) => {
      const owners = new Map<string, string | undefined>()
      return {
        clients: {
          insert(client) {
            owners.set(client.clientId, client.username)
            return clients.insert(client)
          },
          async list({ username, ...query }) {
            const rows = await clients.list({ ...query, limit: 1000 })
            const own = rows.filter(({ clientId }) => username === undefined || owners.get(clientId) === username)
            return own.slice(0, query.limit)
          },
        },
      }
    },
    'lists a client under the username of its last update',
  ),
  naive(
    'keeps the owners of the first insert',
    (memory) => {
      const { credentialsById, grantsById, recording } = recorder(memory)
      const owned = <Row extends Credential | Grant>(row: Row, before: Row | undefined): Row =>
        before ? { ...row, clientId: before.clientId, userId: before.userId } : row
      return {
        grants: {
          insert: recording.insert as typeof memory.grants.insert,
          transition: (id, from, next, additions, grant) =>
            memory.grants.transition(
              id,
              from,
              owned(next, credentialsById.get(id)),
              additions,
              grant && owned(grant, grantsById.get(grant.id)),
            ),
        },
      }
    },
    'lists and revokes by the userId of the last transition',
    'lists and revokes by the clientId of the last transition',
  ),
  naive(
    'deletes what is used with what has expired',
    (memory) => {
      const { credentialsById, recording } = recorder(memory)
      const gone = new Set<string>()
      return {
        grants: {
          ...recording,
          find: (id) => (gone.has(id) ? undefined : memory.grants.find(id)),
          deleteExpired(now, limit) {
            for (const { id, state } of credentialsById.values()) if (state === 'used') gone.add(id)
            return memory.grants.deleteExpired(now, limit)
          },
        },
      }
    },
    'keeps a used credential until it expires',
  ),
  naive(
    'counts the grants that it deletes',
    ({ grants }) => ({
      grants: {
        async deleteExpired(now, limit) {
          const before = (await grants.list({ limit: 1000 })).length
          const removed = await grants.deleteExpired(now, limit)
          return removed + before - (await grants.list({ limit: 1000 })).length
        },
      },
    }),
    'counts the credentials that it deletes, and no grant, tombstone or mark',
  ),
]
