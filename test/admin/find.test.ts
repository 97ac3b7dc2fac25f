// What administrators look for, page by page: no page reads more than it shows, and one row.
import Database from 'better-sqlite3'
import { findClients, findGrants } from 'express-authorization-server/admin'
import { sqliteStorage } from 'express-authorization-server/sqlite'
import * as oauth from '../../src/index'
import { client, credential, grant, NOW } from '../../src/storage/contract/rows'
import { observedStorage } from '../support/storage'

const scopes = { read: 'See your data' }
const serverOn = (storage: oauth.OAuthStorage) =>
  oauth.createAuthorizationServer({ issuer: 'https://auth.example.com', scopes, storage, now: () => NOW })

/** How many rows each call of the storage returned. */
function counted(real: oauth.OAuthStorage) {
  const storage = observedStorage(real)
  const rows: number[] = []
  for (const method of ['clients.list', 'clients.listByName', 'grants.list'] as const) {
    storage.replace(method, async (call) => {
      const found = (await call()) as unknown[]
      rows.push(found.length)
      return found
    })
  }
  return { storage, rows }
}
const sqlite = () => {
  const database = new Database(':memory:')
  const storage = sqliteStorage(database)
  storage.migrate()
  return { storage, database }
}

describe('100,000 clients', () => {
  const { storage: real, database } = sqlite()
  const { storage, rows } = counted(real)
  const server = serverOn(storage)
  const record = `'{"clientId":"c' || printf('%06d', n) || '","version":1,"secrets":[],"redirectUris":[],"tokenEndpointAuthMethods":["none"],"createdAt":1,"updatedAt":1' ||
    ',"name":"App ' || n || '","username":"user-' || (n % 50000) || '"}'`
  beforeAll(() => {
    database.exec(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)
      INSERT INTO oauth_clients SELECT 'c' || printf('%06d', n), 1, 'user-' || (n % 50000), ${record} FROM numbers`)
  })
  beforeEach(() => {
    rows.length = 0
    storage.calls.length = 0
  })

  it.each<[string, object, oauth.Client['clientId'][], string]>([
    ['all', {}, ['c000001', 'c000002'], 'clients.list'],
    ['of an owner', { username: 'user-7' }, ['c000007', 'c050007'], 'clients.list'],
    ['by name', { name: 'aPP 777' }, ['c000777', 'c007770'], 'clients.listByName'],
  ])('%s: one call, the page and one row', async (_, query, expected, method) => {
    const { clients } = await findClients(server, { ...query, limit: 2 })
    expect(clients.map(({ clientId }) => clientId)).toEqual(expected)
    expect(storage.calls).toEqual([method])
    expect(rows[0]).toBeLessThanOrEqual(3)
  })

  it('of an id: one look', async () => {
    expect((await findClients(server, { clientId: 'c099999' })).clients).toHaveLength(1)
    expect(await findClients(server, { clientId: 'C099999' })).toEqual({ clients: [] })
    expect(storage.calls).toEqual(['clients.find', 'clients.find'])
  })

  it('page after page comes each once, and the last has no next', async () => {
    const found: string[] = []
    let after: string | undefined
    do {
      const page = await findClients(server, { name: 'App 1234', limit: 3, ...(after !== undefined && { after }) })
      found.push(...page.clients.map(({ name }) => name as string))
      after = page.next
    } while (after !== undefined)
    expect(found).toHaveLength(11)
    expect(new Set(found).size).toBe(11)
    expect(rows).toEqual([4, 4, 4, 2])
  })
})

describe.each<[string, () => oauth.OAuthStorage]>([
  ['memory', () => oauth.memoryStorage()],
  ['SQLite', () => sqlite().storage],
])('long names in %s', (_, create) => {
  it.each(['z', '日', '😀'])('of %j that differ in what does not count come each once', async (character) => {
    const storage = create()
    const ids = ['a', 'b', 'c']
    for (const [n, clientId] of ids.entries()) {
      await storage.clients.insert(client({ clientId, name: `${character.repeat(200)}${9 - n}` }))
    }
    const found: string[] = []
    for (let after: string | undefined; found.length < 10; ) {
      const query = { name: character, limit: 1, ...(after !== undefined && { after }) }
      const page = await findClients(serverOn(storage), query)
      found.push(...page.clients.map(({ clientId }) => clientId))
      after = page.next
      if (after === undefined) break
      expect(Buffer.byteLength(after)).toBeLessThanOrEqual(1 + 1 + 800)
    }
    expect(found).toEqual(ids)
  })
})

describe('a user with 10,000 authorizations', () => {
  it('is shown page by page, one call and one row more each', async () => {
    const { storage, rows } = counted(oauth.memoryStorage())
    for (let n = 0; n < 10_000; n++) {
      const id = `g${String(n).padStart(5, '0')}`
      await storage.grants.insert(
        [credential({ id: `${id}~a`, grantId: id, userId: 'ada' })],
        grant({ id, userId: 'ada' }),
      )
    }
    storage.calls.length = 0
    const server = serverOn(storage)
    const first = await findGrants(server, { userId: 'ada', limit: 20 })
    expect([first.grants.length, first.next]).toEqual([20, 'g00019'])
    const second = await findGrants(server, {
      userId: 'ada',
      clientId: 'client-1',
      limit: 20,
      after: first.next as string,
    })
    expect(second.grants[0]?.id).toBe('g00020')
    expect([storage.calls, rows]).toEqual([
      ['grants.list', 'grants.list'],
      [21, 21],
    ])
    expect((await findGrants(server, { userId: 'bob' })).grants).toEqual([])
  })

  it('what has expired is not shown', async () => {
    const storage = oauth.memoryStorage()
    await storage.grants.insert([], grant({ expiresAt: NOW }))
    expect(await findGrants(serverOn(storage))).toEqual({ grants: [] })
  })
})

describe('a wrong query', () => {
  const server = serverOn(oauth.memoryStorage())
  it.each<[string, object]>([
    ['two at once', { clientId: 'a', username: 'b' }],
    ['an owner that was not found', { username: undefined }],
    ['an empty name', { name: '' }],
    ['a limit of none', { limit: 0 }],
    ['a limit beyond', { limit: 1001 }],
    ['an after that is no text', { after: 7 }],
    ['a misspelt member', { user: 'ada' }],
  ])('%s throws', async (_, query) => {
    await expect(findClients(server, query)).rejects.toThrow(TypeError)
  })

  it('a storage without listByName says so', async () => {
    const { clients, grants } = oauth.memoryStorage()
    const { listByName: _, ...without } = clients
    const old = serverOn({ clients: without, grants })
    await expect(findClients(old, { name: 'App' })).rejects.toThrow('cannot find clients by name')
    expect(await findClients(old, { username: 'ada' })).toEqual({ clients: [] })
  })

  it('what a storage returns beside the name is left out', async () => {
    const { clients, grants } = oauth.memoryStorage()
    const lying = serverOn({ clients: { ...clients, listByName: () => [client({ name: 'Other' })] }, grants })
    expect(await findClients(lying, { name: 'App' })).toEqual({ clients: [] })
  })
})
