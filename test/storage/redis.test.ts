// redisStorage on real servers: the contract on a single node and on a cluster, what it costs, and what it refuses.
import { checkRedis, type RedisClient, redisStorage } from 'express-authorization-server/redis'
import { storageContract } from 'express-authorization-server/storage-contract'
import { createClient, createCluster } from 'redis'
import type { OAuthStorage } from '../../src/storage'
import { client, code, credential, DAY, grant, HOUR, MINUTE, NOW, used } from '../../src/storage/contract/rows'
import { createHost } from '../support/host'
import { describeRedis, type RunningRedis, startRedis } from './support/redis'

const connect = (url: string) =>
  createClient({ url, disableOfflineQueue: true })
    .on('error', () => {})
    .connect()
async function connectCluster(url: string) {
  const cluster = createCluster({ rootNodes: [{ url }] })
  await cluster.connect()
  return cluster
}

/** Counts the commands that a client sends, and how many times it waits for answers. */
function counted(client: RedisClient) {
  const count = { commands: 0, roundTrips: 0 }
  let waiting = 0
  const counting =
    <Args extends unknown[]>(send: (...args: Args) => Promise<unknown>) =>
    async (...args: Args) => {
      count.commands++
      if (waiting++ === 0) count.roundTrips++
      return send(...args).finally(() => waiting--)
    }
  const cluster = 'nodeClient' in client && { nodeClient: client.nodeClient, withCommandOptions: () => {} }
  const watched: RedisClient = {
    eval: counting((...args) => client.eval(...args)),
    evalSha: counting((...args) => client.evalSha(...args)),
    ...cluster,
  }
  return { storage: redisStorage(watched), count }
}

const owner = { userId: 'ada', clientId: 'app' }
const granted = (id: string) => credential({ ...owner, id: `${id}~access`, grantId: id })

/** Every method once, in an order that leaves something to do for each. */
function everyCall({ clients, grants }: OAuthStorage): Record<string, () => unknown> {
  const [waiting, refresh] = [code(owner), { ...granted('g2'), id: 'g2~refresh', state: 'one' }]
  return {
    'clients.insert': () => clients.insert(client({ username: 'ada', name: 'App' })),
    'clients.find': () => clients.find('client-1'),
    'clients.list': () => clients.list({ username: 'ada', limit: 10 }),
    'clients.listByName': () => clients.listByName?.({ prefix: 'app', limit: 10 }),
    'clients.update': () => clients.update(client({ version: 2 }), 1),
    'clients.delete': () => clients.delete('client-1'),
    'grants.insert, a code': () => grants.insert([waiting]),
    'grants.insert, tokens': () => grants.insert([granted('g2'), refresh], grant({ ...owner, id: 'g2' })),
    'grants.find, a code': () => grants.find(waiting.id),
    'grants.find, a token': () => grants.find('g2~access'),
    'grants.transition, a code': () =>
      grants.transition(waiting.id, 'fresh', used(waiting), [granted('g1')], grant(owner)),
    'grants.transition, a refresh': () =>
      grants.transition(
        refresh.id,
        'one',
        { ...refresh, state: 'two' },
        [granted('g2')],
        grant({ ...owner, id: 'g2' }),
      ),
    'grants.list': () => grants.list({ userId: 'ada', limit: 10 }),
    'grants.list, all': () => grants.list({ limit: 10 }),
    'grants.revoke, a grant': () => grants.revoke({ grantId: 'g1' }, NOW),
    'grants.revoke, a user': () => grants.revoke({ userId: 'ada' }, NOW),
    'grants.deleteExpired': () => grants.deleteExpired(NOW, 10),
  }
}

async function cost(client: RedisClient, of: 'commands' | 'roundTrips'): Promise<Record<string, number>> {
  const { storage, count } = counted(client)
  // Once before: the first call of each script sends it
  for (const call of Object.values(everyCall(redisStorage(client, { prefix: 'warm-up:' })))) await call()
  await storage.clients.find('warm-up')
  const costs: Record<string, number> = {}
  for (const [name, call] of Object.entries(everyCall(storage))) {
    const before = count[of]
    const answer = await call()
    if (answer === false) throw new Error(`${name} answered false`)
    costs[name] = count[of] - before
  }
  return costs
}

describeRedis('redisStorage on a single node', () => {
  let redis: RunningRedis
  let clients: Awaited<ReturnType<typeof connect>>[]
  const db = () => clients[0] as (typeof clients)[0]

  beforeAll(async () => {
    redis = await startRedis({ config: { appendfsync: 'no' } })
    clients = [await connect(redis.url), await connect(redis.url)]
  })
  beforeEach(() => db().flushAll())
  afterAll(async () => {
    for (const client of clients) client.destroy()
    await redis.stop()
  })

  storageContract({
    describe,
    test,
    nativeExpiry: true,
    async create() {
      await db().flushAll()
      return clients.map((client) => redisStorage(client))
    },
  })

  it('makes one round trip of one command for every call', async () => {
    const costs = await cost(db(), 'commands')
    const { 'grants.deleteExpired': nothing, ...others } = costs
    expect(nothing).toBe(0)
    expect([...new Set(Object.values(others))]).toEqual([1])
  })

  it('lets every row expire an hour after its own end, counted from the write and not from a clock', async () => {
    const { grants } = redisStorage(db())
    const refresh = { ...granted('g1'), id: 'g1~refresh', expiresAt: NOW + 14 * DAY }
    await grants.insert([granted('g1'), refresh], grant({ ...owner, expiresAt: NOW + 14 * DAY }))
    const lives = async () =>
      Object.fromEntries(
        await Promise.all((await db().keys('*')).map(async (key) => [key, Math.ceil((await db().pTTL(key)) / 1000)])),
      )
    const index = { 'oauth:{u:ada}': 14 * DAY, 'oauth:{c:app}': 14 * DAY, 'oauth:{:grants}': 14 * DAY }
    const indexes = Object.entries(index).flatMap(([base, life]) => [`${base}i`, `${base}e`].map((key) => [key, life]))
    const starts = ['oauth:{u:ada}s', 'oauth:{c:app}s'].map((key) => [key, 0])
    // the version alone stays
    const { 'oauth:{:clients}v': version, ...rows } = await lives()
    expect(version).toBeLessThanOrEqual(0)
    expect(rows).toEqual(
      Object.fromEntries(
        [
          ['oauth:{g1}2~access', HOUR],
          ['oauth:{g1}2~refresh', 14 * DAY],
          ['oauth:{g1}2=', 14 * DAY],
          ...indexes,
          ...starts,
        ].map(([key, life]) => [key, Number(life) + HOUR]),
      ),
    )

    // used a day later: what has not been renewed keeps its end
    const later = { issuedAt: NOW + DAY, expiresAt: NOW + 15 * DAY }
    await grants.transition(refresh.id, 'valid', { ...refresh, ...later }, [], grant({ ...owner, ...later }))
    expect(await lives()).toMatchObject({ 'oauth:{g1}2~access': 2 * HOUR, 'oauth:{g1}2=': 14 * DAY + HOUR })

    await grants.revoke({ grantId: 'g1' }, NOW + DAY)
    expect((await lives())['oauth:{g1}2=']).toBe(14 * DAY + HOUR)
    await grants.revoke({ grantId: 'unknown' }, NOW + DAY)
    expect((await lives())['oauth:{unknown}2=']).toBe(30 * DAY)
  })

  it('never shortens the life of a grant, or of its place in an index', async () => {
    const { grants } = redisStorage(db())
    const life = async (key: string) => Math.ceil((await db().pTTL(key)) / 1000)
    await grants.insert([{ ...granted('g1'), expiresAt: NOW + MINUTE }], grant({ ...owner, expiresAt: NOW + MINUTE }))
    // without the grant: its credential lives longer now, and so must it
    const longer = { ...granted('g1'), expiresAt: NOW + DAY }
    expect(await grants.transition('g1~access', 'valid', longer, [])).toBe(true)
    expect(await life('oauth:{g1}2=')).toBe(DAY + HOUR)
    const shorter = grant({ ...owner, expiresAt: NOW + MINUTE })
    await grants.transition('g1~access', 'valid', longer, [], grant({ ...owner, expiresAt: NOW + 2 * DAY }))
    await grants.transition('g1~access', 'valid', longer, [], shorter)
    expect(await life('oauth:{g1}2=')).toBe(2 * DAY + HOUR)
    expect(await db().zScore('oauth:{u:ada}e', 'g1')).toBe(NOW + 2 * DAY)
    expect(await grants.list({ limit: 10 })).toEqual([shorter])
  })

  it('leaves a code alone that a mark covers, and a grant dead that arrives revoked', async () => {
    const { grants } = redisStorage(db())
    await grants.insert([code(owner)])
    await grants.revoke({ userId: 'ada' }, NOW)
    expect(await grants.transition('g1~code', 'fresh', code({ state: 'used', startedAt: NOW + 1 }), [])).toBe(false)
    await grants.insert([credential({ id: 'g2~access', grantId: 'g2' })], grant({ id: 'g2', revokedAt: NOW }))
    expect(await grants.find('g2~access')).toBeUndefined()
    expect(await grants.list({ limit: 10 })).toEqual([])
  })

  it('keeps a mark for 30 days, and longer where something that it covers lives longer', async () => {
    const { grants } = redisStorage(db())
    const life = async (subject: string) => Math.ceil((await db().pTTL(`oauth:{${subject}}m`)) / 1000)
    await grants.insert([granted('g1')], grant(owner))
    await grants.insert([credential({ id: 'g2~access', clientId: 'robot', expiresAt: NOW + 400 * DAY })])
    await grants.revoke({ userId: 'ada' }, NOW)
    await grants.revoke({ clientId: 'robot' }, NOW)
    expect(await life('u:ada')).toBe(30 * DAY)
    expect(await life('c:robot')).toBe(400 * DAY + HOUR)
  })

  it('stores nothing that a mark covers, so that nothing comes to life when the mark is forgotten', async () => {
    const { grants } = redisStorage(db())
    await grants.revoke({ userId: 'ada' }, NOW)
    await grants.insert([code(owner)])
    await grants.insert([granted('g2')], grant({ ...owner, id: 'g2' }))
    await db().del('oauth:{u:ada}m')
    expect([await grants.find('g1~code'), await grants.find('g2~access')]).toEqual([undefined, undefined])
    expect(await grants.list({ limit: 10 })).toEqual([])
  })

  it('keeps its indexes as small as what is alive', async () => {
    const { grants } = redisStorage(db())
    const size = async (subject: string) => [
      await db().zCard(`oauth:{${subject}}i`),
      await db().zCard(`oauth:{${subject}}e`),
    ]
    const issue = (n: number, issuedAt: number) => {
      const times = { startedAt: issuedAt, issuedAt, expiresAt: issuedAt + MINUTE }
      return grants.insert([{ ...granted(`g${n}`), ...times }], grant({ ...owner, ...times, id: `g${n}` }))
    }
    for (let n = 0; n < 100; n++) await issue(n, NOW)
    for (let n = 100; n < 140; n++) await issue(n, NOW + DAY)
    for (const subject of ['u:ada', 'c:app', ':grants']) expect(await size(subject)).toEqual([40, 40])

    // what is dead leaves an index that is read
    await grants.revoke({ grantId: 'g100' }, NOW)
    await grants.list({ userId: 'ada', limit: 100 })
    expect(await size('u:ada')).toEqual([39, 39])
  })

  it('sends its scripts again to a server that has forgotten them', async () => {
    const { grants } = redisStorage(db())
    await grants.insert([code()])
    await db().scriptFlush()
    expect(await grants.find('g1~code')).toEqual(code())
  })

  it('keeps several servers apart by their prefix', async () => {
    const [one, two] = [redisStorage(db(), { prefix: 'one:' }), redisStorage(db(), { prefix: '' })]
    await one.grants.insert([code()])
    expect(await two.grants.insert([code({ state: 'other' })])).toBe(true)
    await two.grants.revoke({ clientId: 'client-1' }, NOW)
    expect([await one.grants.find('g1~code'), await two.grants.find('g1~code')]).toEqual([code(), undefined])
  })

  it('serves a whole session over HTTP, also after the server was restarted', async () => {
    const host = await createHost({ storage: redisStorage(db()) })
    const tokens = await host.signIn()
    await redis.restart()
    while (!db().isReady) await new Promise((resolve) => setTimeout(resolve, 20))
    await host.me(tokens.access_token).expect(200)
    const refreshed = await host.refresh(host.web, tokens.refresh_token).expect(200)
    await host.revoke(host.web, refreshed.body.refresh_token).expect(200)
    expect(await host.isAlive(tokens)).toBe(false)
    expect(await host.isAlive(refreshed.body)).toBe(false)
    await host.refresh(host.web, refreshed.body.refresh_token).expect(400)
  })

  it('answers 503 while the server is away, and works as soon as it is back', async () => {
    const host = await createHost({ storage: redisStorage(db()) })
    const tokens = await host.signIn()
    await redis.kill()
    await host.me(tokens.access_token).expect(503)
    await redis.restart()
    while (!db().isReady) await new Promise((resolve) => setTimeout(resolve, 20))
    await host.me(tokens.access_token).expect(200)
  })

  it('refuses rows that are not of one shard', async () => {
    const { grants } = redisStorage(db())
    await expect(async () => grants.insert([code(), code({ id: 'g2~code' })])).rejects.toThrow('two shards')
    await expect(async () => grants.insert([code({ grantId: 'g2' })])).rejects.toThrow('another shard')
    await expect(async () => grants.transition('g1~code', 'fresh', code({ id: 'g1~x' }), [])).rejects.toThrow('g1~x')
  })

  it('refuses a server that evicts keys, naming the fix, and takes it once that is done', async () => {
    const { clients } = redisStorage(db())
    await db().configSet('maxmemory-policy', 'allkeys-lru')
    try {
      await expect(checkRedis(db())).rejects.toThrow('CONFIG SET maxmemory-policy noeviction')
      await expect(clients.find('client-1')).rejects.toThrow('CONFIG SET maxmemory-policy noeviction')
    } finally {
      await db().configSet('maxmemory-policy', 'noeviction')
    }
    await checkRedis(db())
    await expect(clients.find('client-1')).resolves.toBeUndefined()
  })

  it('warns once of a server that writes nothing to disk', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    await db().configSet('appendonly', 'no')
    for (let n = 0; n < 2; n++) await checkRedis(db())
    await db().configSet('appendonly', 'yes')
    expect(warned.mock.calls).toEqual([
      [expect.stringContaining('Fix: appendonly yes'), { code: 'EAS_REDIS_PERSISTENCE' }],
    ])
    warned.mockRestore()
  })
})

describeRedis('redisStorage on a cluster', () => {
  let redis: RunningRedis
  let clusters: Awaited<ReturnType<typeof connectCluster>>[]
  const db = () => clusters[0] as (typeof clusters)[0]
  const flush = async () => {
    for (const master of db().masters) await (await db().nodeClient(master)).flushAll()
  }

  beforeAll(async () => {
    redis = await startRedis({ cluster: 3, config: { appendfsync: 'no' } })
    clusters = [await connectCluster(redis.url), await connectCluster(redis.url)]
  }, 30_000)
  beforeEach(flush)
  afterAll(async () => {
    for (const cluster of clusters) cluster.destroy()
    await redis.stop()
  })

  storageContract({
    describe,
    test,
    nativeExpiry: true,
    async create() {
      await flush()
      return clusters.map((cluster) => redisStorage(cluster))
    },
  })

  it('makes one round trip where a script has all it needs on its slot, and two where marks are elsewhere', async () => {
    const { 'grants.list': list, 'grants.list, all': all, ...costs } = await cost(db(), 'roundTrips')
    // the index, the grants, their marks
    expect([list, all]).toEqual([3, 3])
    const two = Object.entries(costs).filter(([, roundTrips]) => roundTrips === 2)
    expect(two.map(([name]) => name.split(',')[0])).toEqual(
      ['insert', 'insert', 'find', 'find', 'transition', 'transition'].map((name) => `grants.${name}`),
    )
    expect(Math.max(...Object.values(costs))).toBe(2)
  })

  it('refuses the client of a single node', async () => {
    const single = await connect(redis.url)
    const refused = checkRedis(single).finally(() => single.destroy())
    await expect(refused).rejects.toThrow('createCluster()')
    await checkRedis(db())
  })

  it('never finds what a mark covers that arrived in the middle of a transition', async () => {
    const { grants } = redisStorage(db())
    const late = async (sha: string, options: { keys: string[]; arguments: string[] }) => {
      // the revocation is answered after the marks were read and before the script runs
      if (options.arguments[0]?.includes('"from":"fresh"')) await grants.revoke({ userId: 'ada' }, NOW)
      return db().evalSha(sha, options)
    }
    const racing = redisStorage(Object.assign(Object.create(db()), { evalSha: late })).grants
    await grants.insert([code(owner)])
    expect(await racing.transition('g1~code', 'fresh', used(code(owner)), [granted('g1')], grant(owner))).toBe(true)
    expect([await grants.find('g1~access'), await grants.find('g1~code')]).toEqual([undefined, undefined])
    expect(await grants.list({ limit: 10 })).toEqual([])
    expect(await grants.transition('g1~access', 'valid', granted('g1'), [])).toBe(false)
  })

  it('keeps a mark at least as long as a row that arrives in the middle of the revocation', async () => {
    const { grants } = redisStorage(db())
    const long = { expiresAt: NOW + 400 * DAY }
    const late = async (sha: string, options: { keys: string[]; arguments: string[] }) => {
      if (options.arguments[0]?.includes('"marks":{')) await grants.revoke({ userId: 'ada' }, NOW)
      return db().evalSha(sha, options)
    }
    const racing = redisStorage(Object.assign(Object.create(db()), { evalSha: late })).grants
    expect(await racing.insert([{ ...granted('g1'), ...long }], grant({ ...owner, ...long }))).toBe(true)
    const life = async (key: string) => Math.ceil((await db().pTTL(key)) / 1000)
    expect(await life('oauth:{u:ada}m')).toBeGreaterThanOrEqual(await life('oauth:{g1}2~access'))
    expect(await grants.find('g1~access')).toBeUndefined()
  })
})

describe('what redisStorage refuses', () => {
  const answering = (info: string): RedisClient => ({
    eval: async () => [info, []],
    evalSha: async () => null,
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'npm install redis'],
    ['a URL', 'redis://localhost', 'npm install redis'],
    ['an ioredis client', { eval() {}, evalsha() {} }, 'another package'],
    ['a cluster of redis 4', { eval() {}, evalSha() {}, nodeClient() {} }, 'redis 5 or newer'],
  ])('%s instead of a client', (_, given, message) => {
    expect(() => redisStorage(given as RedisClient)).toThrow(TypeError)
    expect(() => redisStorage(given as RedisClient)).toThrow(message)
  })

  it('a prefix with braces, which would put everything on one slot', () => {
    expect(() => redisStorage(answering(''), { prefix: '{oauth}:' })).toThrow('braces')
  })

  it.each(['5.0.14', '6.0.20'])('Redis %s', async (version) => {
    const old = answering(`# Server\r\nredis_version:${version}\r\nredis_mode:standalone\r\n`)
    await expect(checkRedis(old)).rejects.toThrow(`6.2 or newer (or Valkey). This server is ${version}: upgrade it`)
  })

  it.each(['6.2.0', '7.2.4', '10.0.0'])('nothing of Redis %s', async (version) => {
    await checkRedis(answering(`redis_version:${version}\r\n`))
  })

  it('nothing where the connection may not ask the server what it is', async () => {
    await checkRedis(answering(''))
  })
})
