// Row 30, slow work. The kind: work that grows faster than what a user owns, or that holds the loop until all of it is done.
import { type Client, type Grant, listClients, listGrants, memoryStorage, type OAuthStorage } from '../../src/index'
import { createHost } from '../support/host'
import { turnsDuring } from '../support/turns'

const OWNED = 4_000

/** How often a row is looked up, or an element handled by a method of lists; comparisons of a sort are many. */
async function workOf(run: () => unknown): Promise<number> {
  let work = 0
  const spies = [
    jest.spyOn(Map.prototype, 'get').mockImplementation(function (this: Map<unknown, unknown>, key) {
      work++
      return lookUp.call(this, key)
    }),
    ...(['sort', 'filter', 'map', 'flatMap', 'slice'] as const).map((name) => {
      const real = Array.prototype[name] as (...given: unknown[]) => unknown
      return jest.spyOn(Array.prototype, name as 'map').mockImplementation(function (
        this: unknown[],
        ...given: unknown[]
      ) {
        work += name === 'sort' ? this.length * Math.log2(this.length + 1) : this.length
        return real.apply(this, given) as never
      })
    }),
  ]
  try {
    await run()
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  return work
}
const lookUp = Map.prototype.get

const grantOf = (number: number): Grant => ({
  id: `grant-${(number * 7919) % 100_003}`,
  clientId: `client-${number % 10}`,
  userId: 'alice',
  data: {},
  scope: ['read'],
  startedAt: 1_800_000_000,
  expiresAt: 1_900_000_000,
})

const clientOf = (number: number): Client => ({
  clientId: `client-${(number * 7919) % 100_003}`,
  version: 1,
  username: 'alice',
  secrets: [],
  redirectUris: [],
  tokenEndpointAuthMethods: ['none'],
  createdAt: 0,
  updatedAt: 0,
})

function filled(storage: OAuthStorage): OAuthStorage {
  for (let number = 0; number < OWNED; number++) {
    storage.grants.insert([], grantOf(number))
    storage.clients.insert(clientOf(number))
  }
  return storage
}

interface Query {
  userId?: string
  clientId?: string
  username?: string
}

/** All pages one after the other, as an operation asks for them. */
async function walk(
  list: (page: Query & { after?: string; limit: number }) => unknown,
  query: Query = {},
): Promise<string[]> {
  const ids: string[] = []
  for (;;) {
    const after = ids.at(-1)
    const rows = (await list({ ...query, ...(after !== undefined && { after }), limit: 100 })) as (Grant | Client)[]
    for (const row of rows) ids.push('id' in row ? row.id : row.clientId)
    if (rows.length < 100) return ids
  }
}

const queries: [string, 'grants' | 'clients', Query][] = [
  ['grants of a user', 'grants', { userId: 'alice' }],
  ['grants of a user for a client', 'grants', { userId: 'alice', clientId: 'client-3' }],
  ['grants of a client', 'grants', { clientId: 'client-3' }],
  ['all grants', 'grants', {}],
  ['clients of a user', 'clients', { username: 'alice' }],
  ['all clients', 'clients', {}],
]

it.each(queries)(
  'a walk through the %s looks at each row once or twice, however many pages there are',
  async (_, kind, query) => {
    const storage = filled(memoryStorage())
    const list = (page: object) => storage[kind].list(page as never)
    let ids: string[] = []
    const work = await workOf(async () => {
      ids = await walk(list, query)
    })
    const expected = Array.from({ length: OWNED }, (_each, number) => number)
      .map((number) => (kind === 'grants' ? grantOf(number) : clientOf(number)))
      .filter((row) => kind === 'clients' || query.clientId === undefined || row.clientId === query.clientId)
      .map((row) => ('id' in row ? row.id : row.clientId))
    expect(ids).toEqual(expected.sort((a, b) => (a < b ? -1 : 1)))
    // a grant is judged by its row and two marks
    expect(work).toBeLessThan(8 * OWNED)
  },
)

it('a page in the midst of many costs what is on it, and a write not more for many than for few', async () => {
  const few = memoryStorage()
  const many = filled(memoryStorage())
  const page = () => many.grants.list({ userId: 'alice', after: 'grant-5', limit: 10 })
  // the first list puts what is there in order, once
  for (const storage of [few, many]) await storage.grants.list({ limit: 1 })
  expect(await workOf(page)).toBeLessThan(100)
  const write = (storage: OAuthStorage) => workOf(() => storage.grants.insert([], { ...grantOf(1), id: 'grant-5-new' }))
  expect(await write(many)).toBeLessThanOrEqual((await write(few)) + 2)
})

it.each(['before', 'after'])(
  'rows come and go, and lists stay in the order of their ids: first listed %s',
  async (first) => {
    const storage = memoryStorage()
    if (first === 'before') storage.grants.list({ limit: 1 })
    const alive = new Map<string, Grant>()
    for (let number = 0; number < 3_000; number++) {
      const grant = grantOf(number)
      storage.grants.insert([], grant)
      alive.set(grant.id, grant)
      if (number % 3 === 2) {
        const gone = grantOf(number - 2).id
        storage.grants.revoke({ grantId: gone }, 1_800_000_001)
        alive.delete(gone)
      }
    }
    const list = (page: object) => storage.grants.list(page as never)
    const ids = [...alive.keys()].sort((a, b) => (a < b ? -1 : 1))
    expect(await walk(list, { userId: 'alice' })).toEqual(ids)
    expect(await walk(list)).toEqual(ids)
    expect(await walk(list, { clientId: 'client-7' })).toEqual(
      ids.filter((id) => alive.get(id)?.clientId === 'client-7'),
    )
    await storage.grants.deleteExpired(2_000_000_000, 10_000)
    expect(await walk(list)).toEqual([])
  },
)

it('a client that changes hands is in the list of its new owner alone', () => {
  const { clients } = memoryStorage()
  clients.insert({ ...clientOf(1), username: 'alice' })
  clients.update({ ...clientOf(1), username: 'bob', version: 2 }, 1)
  expect(clients.list({ username: 'alice', limit: 10 })).toEqual([])
  expect(clients.list({ username: 'bob', limit: 10 })).toHaveLength(1)
  clients.delete(clientOf(1).clientId)
  expect(clients.list({ username: 'bob', limit: 10 })).toEqual([])
  expect(clients.list({ limit: 10 })).toEqual([])
})

it('between two pages of a synchronous store other work is done', async () => {
  const host = await createHost({ storage: filled(memoryStorage()) })
  for (const list of [() => listGrants(host.server, { userId: 'alice' }), () => listClients(host.server)]) {
    const turns = await turnsDuring(list)
    expect(turns).toBeGreaterThanOrEqual(OWNED / 100 - 1)
  }
})
