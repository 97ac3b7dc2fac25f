// A database that hangs without closing its connections, as after SIGSTOP or in a network that drops packets. The drivers
// have no limits of their own here: the server's deadline alone answers.
import { mysqlStorage } from 'express-authorization-server/mysql'
import { postgresStorage } from 'express-authorization-server/postgres'
import { redisStorage } from 'express-authorization-server/redis'
import { createPool } from 'mysql2/promise'
import { Pool } from 'pg'
import { createClient } from 'redis'
import type { OAuthStorage } from '../../src'
import { createHost, type Host } from '../support/host'
import { describeMysql, startMysql } from './support/mysql'
import { describePostgres, startPostgres } from './support/postgres'
import { describeRedis, startRedis } from './support/redis'

interface Running {
  freeze(): () => void
  stop(): Promise<void>
}
interface Store {
  running: Running
  storage: OAuthStorage
  close(): Promise<void>
}

async function onPostgres(): Promise<Store> {
  const running = await startPostgres()
  const pool = new Pool({ connectionString: running.connectionString })
  const storage = postgresStorage(pool)
  await storage.migrate()
  return { running, storage, close: () => pool.end() }
}
async function onMysql(): Promise<Store> {
  const running = await startMysql()
  const pool = createPool(running.url)
  const storage = mysqlStorage(pool)
  await storage.migrate()
  return { running, storage, close: () => pool.end() }
}
async function onRedis(): Promise<Store> {
  const running = await startRedis()
  const client = createClient({ url: running.url })
  await client.connect()
  return { running, storage: redisStorage(client), close: async () => void client.destroy() }
}

const unhandled: unknown[] = []
const listener = (reason: unknown) => void unhandled.push(reason)
beforeAll(() => void process.on('unhandledRejection', listener))
afterAll(() => {
  process.off('unhandledRejection', listener)
  expect(unhandled).toEqual([])
})

describe.each([
  ['PostgreSQL', describePostgres, onPostgres],
  ['MariaDB', describeMysql, onMysql],
  ['Redis', describeRedis, onRedis],
] as const)('%s', (name, describeHere, begin) => {
  describeHere(name, () => {
    let store: Store
    let host: Host
    beforeAll(async () => {
      store = await begin()
      host = await createHost({ storage: store.storage, storageTimeout: 1 })
    }, 60_000)
    beforeEach(() => {
      host.events.length = 0
    })
    afterAll(async () => {
      await store.close()
      await store.running.stop()
    })

    it('that hangs is 503 with the name of the call, and the same requests work when it is back', async () => {
      const tokens = await host.signIn()
      const code = await host.code()

      const thaw = store.running.freeze()
      let answers: { status: number; headers: Record<string, string>; body: { error?: string } }[]
      try {
        answers = await Promise.all([
          host.me(tokens.access_token),
          host.refresh(host.web, tokens.refresh_token),
          host.exchange(host.web, code),
          host.revoke(host.web, 'x'),
          host.introspect(host.api, tokens.access_token),
        ])
      } finally {
        thaw()
      }
      expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503])
      const causes = host.reportedErrors().map(({ cause }) => String(cause))
      expect(causes).toHaveLength(answers.length)
      for (const cause of causes)
        expect(cause).toMatch(/storage\.(clients|grants)\.find did not answer within 1 second/)

      // what had been asked comes late, and is in the way of nothing
      for (;;) if ((await host.me(tokens.access_token)).status === 200) break
      const { body } = await host.refresh(host.web, tokens.refresh_token).expect(200)
      expect(await host.isAlive(body)).toBe(true)
      await host.exchange(host.web, code).expect(200)
    }, 60_000)

    it('that hangs in the middle of a refresh lets the retry have the tokens', async () => {
      const { refresh_token } = await host.signIn()
      let thaw = () => {}
      host.storage.replace('grants.transition', (call) => {
        thaw = store.running.freeze()
        return call()
      })
      try {
        await host.refresh(host.web, refresh_token).expect(503)
        expect(host.reportedErrors().map(({ cause }) => String(cause))).toEqual([
          expect.stringContaining('storage.grants.transition did not answer within 1 second'),
        ])
      } finally {
        thaw()
        host.storage.restore()
      }
      let retried = await host.refresh(host.web, refresh_token)
      while (retried.status === 503) retried = await host.refresh(host.web, refresh_token)
      expect(retried.status).toBe(200)
      expect(await host.isAlive(retried.body)).toBe(true)
      await host.refresh(host.web, retried.body.refresh_token).expect(200)
    }, 60_000)
  })
})
