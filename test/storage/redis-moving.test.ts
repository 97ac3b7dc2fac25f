// A real Redis cluster that moves a slot to another node: its keys go one by one, and for a while some are here and some there.
import { redisStorage } from 'express-authorization-server/redis'
import { createClient, createCluster } from 'redis'
import type { Client, OAuthStorage } from '../../src/storage'
import { client, credential, grant } from '../../src/storage/contract/rows'
import { describeRedis, type RunningRedis, startRedis } from './support/redis'

jest.setTimeout(60_000)

async function connectCluster(url: string) {
  const cluster = createCluster({ rootNodes: [{ url }] })
  await cluster.connect()
  return cluster
}

describeRedis('redisStorage while a cluster moves a slot', () => {
  let redis: RunningRedis
  let cluster: Awaited<ReturnType<typeof connectCluster>>
  let storage: OAuthStorage
  const nodes: { id: string; port: number; send(...args: string[]): Promise<unknown>; close(): void }[] = []
  beforeAll(async () => {
    redis = await startRedis({ cluster: 3, config: { appendfsync: 'no' } })
    cluster = await connectCluster(redis.url)
    storage = redisStorage(cluster)
    for (const { address } of cluster.masters) {
      const node = await createClient({ url: `redis://${address}` }).connect()
      const send = (...args: string[]) => node.sendCommand(args) as Promise<unknown>
      const port = Number(address.split(':')[1])
      nodes.push({ id: String(await send('CLUSTER', 'MYID')), port, send, close: () => node.destroy() })
    }
  })
  afterAll(async () => {
    cluster?.destroy()
    for (const node of nodes) node.close()
    await redis.stop()
  })

  const access = (id: string) => credential({ id: `${id}~access`, grantId: id, state: 'one' })
  const refresh = (id: string) => credential({ id: `${id}~refresh`, grantId: id, state: 'one' })

  /** Begins to move everything of a grant: its keys, the function that moves one of them, and the one that ends it. */
  async function moving(id: string) {
    await storage.grants.insert([access(id), refresh(id)], grant({ id }))
    return movingSlot(`*{${id}}*`)
  }
  async function movingSlot(pattern: string) {
    const held = await Promise.all(nodes.map(({ send }) => send('KEYS', pattern) as Promise<string[]>))
    const at = held.findIndex((keys) => keys.length > 0)
    const [from, to] = [nodes[at] as (typeof nodes)[0], nodes[(at + 1) % nodes.length] as (typeof nodes)[0]]
    const keys = (held[at] as string[]).sort()
    const slot = String(await from.send('CLUSTER', 'KEYSLOT', keys[0] as string))
    await to.send('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id)
    await from.send('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id)
    const move = (key: string) => from.send('MIGRATE', '127.0.0.1', String(to.port), key, '0', '5000')
    return {
      keys,
      move,
      async end() {
        for (const key of keys) await move(key)
        const others = nodes.filter((node) => node !== from && node !== to)
        for (const node of [to, from, ...others]) await node.send('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
      },
    }
  }

  it.each(['the grant first', 'the grant last'])('finds what is alive, however far it has come (%s)', async (order) => {
    const id = order.replaceAll(' ', '-')
    const { keys, move, end } = await moving(id)
    expect(keys).toHaveLength(3)
    for (const key of order === 'the grant first' ? keys : [...keys].reverse()) {
      expect(await storage.grants.find(`${id}~access`)).toEqual(access(id))
      expect(await storage.grants.find(`${id}~refresh`)).toEqual(refresh(id))
      await move(key)
    }
    await end()
    expect(await storage.grants.find(`${id}~access`)).toEqual(access(id))
  })

  it.each([0, 1, 2, 3])(
    'asks again where it was refused, and succeeds once the slot has moved (%i of 3)',
    async (moved) => {
      const id = `refused-${moved}`
      const { keys, move, end } = await moving(id)
      for (const key of keys.slice(0, moved)) await move(key)
      const next = { ...refresh(id), state: 'two' }
      const added = credential({ id: `${id}~added`, grantId: id })
      const asked = [
        storage.grants.transition(`${id}~refresh`, 'one', next, [added], grant({ id })),
        // the grant is only read here: it must not be taken for one that is gone
        storage.grants.transition(`${id}~access`, 'one', { ...access(id), state: 'revoked' }, []),
        storage.grants.insert([credential({ id: `${id}~inserted`, grantId: id })]),
      ]
      await new Promise((resolve) => setTimeout(resolve, 100))
      await end()
      expect(await Promise.all(asked)).toEqual([true, true, true])
      expect(await storage.grants.find(`${id}~refresh`)).toEqual(next)
      expect(await storage.grants.find(`${id}~access`)).toMatchObject({ state: 'revoked' })
      expect(await storage.grants.find(`${id}~inserted`)).toBeDefined()
    },
  )

  it.each(['index of its owner', 'index of the next owner', 'record', 'names in order', 'names by id'])(
    'changes a client whole or not at all, while its %s is elsewhere',
    async (part) => {
      const clientId = part.replaceAll(' ', '-')
      const [before, after] = [`before-${clientId}`, `after-${clientId}`]
      await storage.clients.insert(client({ clientId, username: before, name: before, version: 1 }))
      await storage.clients.insert(client({ clientId: `${clientId}-of-next`, username: after }))
      const { keys, move, end } = await movingSlot('*{:clients}*')
      const suffixes: Record<string, string> = {
        record: `r:${clientId}`,
        'index of its owner': `u:${before}`,
        'names in order': '}n',
        'names by id': '}e',
      }
      const suffix = suffixes[part] ?? `u:${after}`
      const elsewhere = keys.filter((key) => key.endsWith(suffix))
      expect(elsewhere).toHaveLength(1)
      for (const key of elsewhere) await move(key)
      const asked = storage.clients.update(client({ clientId, username: after, name: after, version: 2 }), 1)
      const looked = storage.clients.listByName?.({ prefix: `before-${clientId}`, limit: 10 })
      await new Promise((resolve) => setTimeout(resolve, 100))
      await end()
      expect(await asked).toBe(true)
      // before the change, or after it
      for (const { name } of (await looked) as Client[]) expect(name).toBe(before)
      const ofName = async (prefix: string) => {
        const found = (await storage.clients.listByName?.({ prefix, limit: 10 })) as Client[]
        return found.map(({ clientId }) => clientId)
      }
      expect([await ofName(before), await ofName(after)]).toEqual([[], [clientId]])
      const ofOwner = async (username: string) =>
        (await storage.clients.list({ username, limit: 10 })).map((found) => found.clientId)
      expect([await ofOwner(before), await ofOwner(after)]).toEqual([[], [clientId, `${clientId}-of-next`]])
      expect(await storage.clients.delete(clientId)).toBe(true)
      expect(await ofOwner(after)).toEqual([`${clientId}-of-next`])
    },
  )
})
