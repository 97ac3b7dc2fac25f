// Clients by name in Redis beside processes of a release that kept no names, and what a page of 100,000 clients costs.
import { type RedisClient, redisStorage } from 'express-authorization-server/redis'
import { createClient, createCluster } from 'redis'
import type { Client, OAuthStorage } from '../../src/storage'
import type { NameQuery } from '../../src/storage/client-names'
import { client } from '../../src/storage/contract/rows'
import { describeRedis, type RunningRedis, startRedis } from './support/redis'

jest.setTimeout(120_000)

for (const nodes of [undefined, 3]) {
  describeRedis(`names in a Redis ${nodes ? 'cluster' : 'node'}`, () => {
    let redis: RunningRedis
    let database: ReturnType<typeof createClient> | ReturnType<typeof createCluster>
    let storage: OAuthStorage
    const base = 'oauth:{:clients}'
    const key = (clientId: string) => `${base}r:${clientId}`

    /** One command, on the node that has the clients. */
    async function send(...command: string[]): Promise<unknown> {
      if (nodes) return (database as ReturnType<typeof createCluster>).sendCommand(`${base}i`, false, command)
      return (database as ReturnType<typeof createClient>).sendCommand(command)
    }
    beforeAll(async () => {
      redis = await startRedis({ ...(nodes && { cluster: nodes }), config: { appendfsync: 'no' } })
      database = nodes ? createCluster({ rootNodes: [{ url: redis.url }] }) : createClient({ url: redis.url })
      await database.connect()
    })
    beforeEach(async () => {
      await send('FLUSHALL')
      await send('SET', `${base}v`, '2')
      storage = redisStorage(database)
    })
    afterAll(async () => {
      database?.destroy()
      await redis.stop()
    })

    /** What a process of that release writes: the record and the index of all. */
    const old = {
      put: (row: Client) =>
        send('SET', key(row.clientId), `${JSON.stringify([row.version, false])}\n${JSON.stringify(row)}`),
      async insert(row: Client) {
        await old.put(row)
        await send('ZADD', `${base}i`, '0', row.clientId)
      },
      async delete(clientId: string) {
        await send('DEL', key(clientId))
        await send('ZREM', `${base}i`, clientId)
      },
    }
    const named = (n: number, name = `App ${String(n).padStart(3, '0')}`) =>
      client({ clientId: `c${String(n).padStart(3, '0')}`, name })
    const look = async ({ clients }: OAuthStorage, query: NameQuery) => (await clients.listByName?.(query)) as Client[]
    const found = async (prefix: string, limit = 1000) =>
      (await look(storage, { prefix, limit })).map(({ clientId }) => clientId)
    const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => named(from + n).clientId)
    /** That nothing is left of what is gone: as many entries as there are clients. */
    async function verifyWhole(): Promise<void> {
      const counts = await Promise.all([send('ZCARD', `${base}i`), send('HLEN', `${base}e`)])
      expect(counts[1]).toBe(counts[0])
      const entries = (await send('HVALS', `${base}e`)) as string[]
      expect(entries.filter((entry) => entry !== '-').sort()).toEqual(
        ((await send('ZRANGE', `${base}n`, '0', '-1')) as string[]).sort(),
      )
    }

    it('are found that were there before, by all who look at once', async () => {
      for (let n = 0; n < 450; n++) await old.insert(n % 9 ? named(n) : client({ clientId: `nameless-${n}` }))
      const others = Array.from({ length: 5 }, () => redisStorage(database))
      const all = await Promise.all(
        [storage, storage, ...others].map((one) => look(one, { prefix: 'aPP', limit: 1000 })),
      )
      for (const rows of all) expect(rows.map(({ clientId }) => clientId)).toEqual(ids(0, 450).filter((_, n) => n % 9))
      await verifyWhole()
    })

    it('are found whoever adds them, and no longer whoever deletes them', async () => {
      for (let n = 0; n < 10; n++) await storage.clients.insert(named(n))
      for (let n = 10; n < 20; n++) await old.insert(named(n))
      expect(await found('app')).toEqual(ids(0, 20))
      for (let n = 0; n < 5; n++) await old.delete(named(n).clientId)
      expect(await found('app')).toEqual(ids(5, 20))
      await verifyWhole()
      // as many as went: the numbers are equal
      for (let n = 20; n < 25; n++) {
        await old.delete(named(n - 15).clientId)
        await old.insert(named(n))
      }
      expect(await found('app', 3)).toEqual(ids(10, 13))
      expect(await found('app')).toEqual(ids(10, 25))
      await verifyWhole()
    })

    it('that were changed by such a process are not found under the old name, and pages stay full', async () => {
      for (let n = 0; n < 20; n++) await storage.clients.insert(named(n))
      for (let n = 0; n < 10; n++) await old.put({ ...named(n, n % 2 ? 'Other' : `App 9${n}`), version: 2 })
      await old.put({ ...client({ clientId: 'c010' }), version: 2 })
      expect(await found('app', 5)).toEqual(ids(11, 16))
      expect(await found('other')).toEqual(['c001', 'c003', 'c005', 'c007', 'c009'])
      expect(await found('app')).toEqual([...ids(11, 20), 'c000', 'c002', 'c004', 'c006', 'c008'])
      await verifyWhole()
      // and changed once more by this one
      expect(await storage.clients.update({ ...named(0, 'Mine'), version: 3 }, 2)).toBe(true)
      expect([await found('app 90'), await found('mine')]).toEqual([[], ['c000']])
      expect(await storage.clients.delete('c000')).toBe(true)
      await verifyWhole()
    })

    it('that were deleted by such a process, and made anew by this one, have one entry', async () => {
      await storage.clients.insert(named(1, 'First'))
      await old.delete('c001')
      expect(await storage.clients.insert(named(1, 'Second'))).toBe(true)
      expect([await found('first'), await found('second')]).toEqual([[], ['c001']])
      await verifyWhole()
    })

    it.each<[string, string, () => unknown]>([
      ['renamed by such a process', 'other', () => old.put({ ...named(1, 'Other'), version: 2 })],
      [
        'renamed by this one',
        'other',
        () => redisStorage(database).clients.update({ ...named(1, 'Other'), version: 2 }, 1),
      ],
      [
        'deleted and made anew by this one',
        'other',
        async () => {
          const { clients } = redisStorage(database)
          await clients.delete('c001')
          await clients.insert(named(1, 'Other'))
        },
      ],
      ['deleted by such a process', 'none', () => old.delete('c001')],
    ])('that are %s in the middle of catching up are found as they are then', async (_, prefix, change) => {
      await old.insert(named(1))
      const meanwhile: RedisClient['evalSha'] = async (digest, options) => {
        // the step that enters what was read before
        if (options.arguments[1] === 'c001') await change()
        return database.evalSha(digest, options)
      }
      const nodeClient = 'nodeClient' in database && { nodeClient: database.nodeClient, withCommandOptions: () => {} }
      const slow = redisStorage({ evalSha: meanwhile, eval: (...sent) => database.eval(...sent), ...nodeClient })
      await slow.clients.find('c001')
      await look(slow, { prefix: 'nobody', limit: 10 })
      expect(await found(prefix)).toEqual(prefix === 'none' ? [] : ['c001'])
      expect(await found('app')).toEqual([])
      await verifyWhole()
    })

    it('begin with the prefix, whatever place a page begins at', async () => {
      for (const [n, name] of ['A', 'Photo', 'Q'].entries()) await storage.clients.insert(named(n, name))
      for (const place of ['', 'a', 'photo', 'q', '\u{10ffff}']) {
        const page = await look(storage, { prefix: 'photo', after: { name: place, clientId: '' }, limit: 10 })
        expect(page.every(({ name }) => name === 'Photo')).toBe(true)
      }
    })

    it('have one entry each, however often they change', async () => {
      await storage.clients.insert(named(1))
      for (let version = 2; version < 50; version++) {
        await storage.clients.update({ ...named(1, version % 3 ? `Name ${version}` : undefined), version }, version - 1)
      }
      expect(await send('ZCARD', `${base}n`)).toBe(1)
      await storage.clients.delete('c001')
      expect([await send('EXISTS', `${base}n`), await send('EXISTS', `${base}e`)]).toEqual([0, 0])
    })

    it('are all found that nobody changes, while processes of both releases write', async () => {
      for (let n = 0; n < 100; n++) await old.insert(named(n, `Stays ${n}`))
      let isOver = false
      const writing = [0, 1].map(async (who) => {
        for (let n = 0; n < 150; n++) {
          const row = client({ clientId: `moving-${n % 7}`, name: `Stays ${n}`, version: n })
          if (who) await old.insert(row)
          else if (!(await storage.clients.insert(row))) await storage.clients.update({ ...row, version: n + 1 }, n)
          await (n % 3 ? storage.clients.delete(row.clientId) : old.delete(row.clientId))
        }
      })
      const looking = Array.from({ length: 3 }, async () => {
        const other = redisStorage(database)
        while (!isOver) {
          const rows = await look(other, { prefix: 'stays', limit: 1000 })
          expect(rows.filter(({ clientId }) => clientId.startsWith('c'))).toHaveLength(100)
        }
      })
      await Promise.all(writing)
      isOver = true
      await Promise.all(looking)
      await found('stays')
      await found('stays')
      await verifyWhole()
    })

    if (nodes) return
    it('of 100,000 clients: a page reads as many records as it shows, in one command', async () => {
      const rows = 100_000
      const fill = `for n = tonumber(ARGV[1]), tonumber(ARGV[1]) + 999 do
        local id, record = string.format('c%06d', n), ARGV[2]
        redis.call('SET', '${base}r:' .. id, '[1,false]\\n' .. string.gsub(record, 'ID', id))
        redis.call('ZADD', '${base}i', 0, id)
      end`
      const record = JSON.stringify(client({ clientId: 'ID', name: 'App ID' }))
      for (let n = 0; n < rows; n += 1000) await send('EVAL', fill, '0', String(n), record)
      expect(await found('app c05', 3)).toEqual(['c050000', 'c050001', 'c050002'])
      await verifyWhole()
      const statistics = async (section: string) => String(await send('INFO', section))
      const hits = async () => Number(/keyspace_hits:(\d+)/.exec(await statistics('stats'))?.[1])
      const evaluated = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await statistics('commandstats'))?.[1])
      const after = { name: 'app c077777', clientId: 'c077777' }
      for (const limit of [1, 20, 1000]) {
        const [before, calls] = [await hits(), await evaluated()]
        const page = await look(storage, { prefix: 'APP', after, limit })
        expect([page.length, page[0]?.clientId]).toEqual([limit, 'c077778'])
        // three indexes beside the records
        expect((await hits()) - before).toBeLessThanOrEqual(limit + 3)
        expect((await evaluated()) - calls).toBe(1)
      }
    })
  })
}
