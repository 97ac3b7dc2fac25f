// The limits of the drivers, as examples/storage/README.md sets them, against a server that hangs without closing its
// connections. No deadline of an OAuth server is in the way here: it is the driver that gives up, and drops the connection.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mysqlStorage } from 'express-authorization-server/mysql'
import { postgresStorage } from 'express-authorization-server/postgres'
import { redisStorage } from 'express-authorization-server/redis'
import { createPool } from 'mysql2/promise'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { client } from '../../src/storage/contract/rows'
import { createHost } from '../support/host'
import { describeMysql, startMysql } from './support/mysql'
import { describePostgres, startPostgres } from './support/postgres'
import { describeRedis, startRedis } from './support/redis'

jest.setTimeout(120_000)

const page = readFileSync(join(__dirname, '../../examples/storage/README.md'), 'utf8')
/** Milliseconds that the page gives this option. */
const limit = (name: string) => Number(new RegExp(`${name}: (\\d+)`).exec(page)?.[1])
/** Nobody waits as long for an answer: a driver without a limit would. */
const FOREVER = Symbol('no answer')
const withinReason = (call: Promise<unknown>) => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, 45_000, FOREVER)
  })
  const settled = call.then(
    () => 'answered',
    (error) => error as Error,
  )
  return Promise.race([settled, late]).finally(() => clearTimeout(timer))
}

describePostgres('pg', () => {
  const limits = {
    connectionTimeoutMillis: limit('connectionTimeoutMillis'),
    query_timeout: limit('query_timeout'),
    max: 2,
  }

  it('gives a query up, drops its connection, and a new connection up; all is well afterwards', async () => {
    const postgres = await startPostgres()
    const pool = new Pool({ connectionString: postgres.connectionString, ...limits })
    // one that idles when the server ends
    pool.on('error', () => {})
    const storage = postgresStorage(pool)
    await storage.migrate()
    await storage.clients.insert(client())
    const pids = async () => (await pool.query('SELECT pg_backend_pid() AS pid')).rows[0].pid as number
    const before = await pids()
    const thaw = postgres.freeze()
    try {
      expect(await withinReason(storage.clients.find('client-1') as Promise<unknown>)).toMatchObject({
        message: 'Query read timeout',
      })
      // not given to the next call, which would wait behind what was asked before
      expect(pool.totalCount).toBe(0)
      expect(await withinReason(storage.clients.find('client-1') as Promise<unknown>)).toMatchObject({
        message: expect.stringMatching(/connection timeout|timeout expired/i),
      })
    } finally {
      thaw()
    }
    expect(await storage.clients.find('client-1')).toEqual(client())
    expect(await pids()).not.toBe(before)
    await pool.end()
    await postgres.stop()
  })

  it('is 503 where the driver is quicker than the deadline of the server', async () => {
    const postgres = await startPostgres()
    const pool = new Pool({ connectionString: postgres.connectionString, ...limits })
    pool.on('error', () => {})
    const storage = postgresStorage(pool)
    await storage.migrate()
    const host = await createHost({ storage, storageTimeout: 60 })
    const { access_token } = await host.signIn()
    const thaw = postgres.freeze()
    try {
      await host.me(access_token).expect(503)
    } finally {
      thaw()
    }
    expect(host.reportedErrors().map(({ cause }) => String(cause))).toEqual([
      expect.stringContaining('Query read timeout'),
    ])
    await host.me(access_token).expect(200)
    await pool.end()
    await postgres.stop()
  })
})

describeRedis('node-redis', () => {
  it('drops a connection that is silent, refuses what is asked meanwhile, and connects again', async () => {
    const redis = await startRedis()
    const driver = createClient({
      url: redis.url,
      disableOfflineQueue: true,
      socket: {
        connectTimeout: limit('connectTimeout'),
        socketTimeout: limit('socketTimeout'),
        // without one the client of node-redis stays closed after a socketTimeout
        reconnectStrategy: limit('reconnectStrategy'),
      },
      pingInterval: limit('pingInterval'),
    })
    const seen: string[] = []
    driver.on('error', (error) => seen.push(String(error)))
    await driver.connect()
    const storage = redisStorage(driver)
    await storage.clients.insert(client())
    const thaw = redis.freeze()
    try {
      expect(await withinReason(storage.clients.find('client-1') as Promise<unknown>)).toBeInstanceOf(Error)
      expect(seen.join()).toMatch(/Socket timeout/)
      // there is no queue to wait in
      expect(await withinReason(storage.clients.find('client-1') as Promise<unknown>)).toBeInstanceOf(Error)
    } finally {
      thaw()
    }
    while (!driver.isReady) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await storage.clients.find('client-1')).toEqual(client())
    driver.destroy()
    await redis.stop()
  })
})

describeMysql('mysql2', () => {
  it('gives a new connection up', async () => {
    const mysql = await startMysql()
    const pool = createPool({ uri: mysql.url, connectTimeout: limit('connectTimeout') })
    const thaw = mysql.freeze()
    try {
      expect(await withinReason(mysqlStorage(pool).clients.find('client-1') as Promise<unknown>)).toMatchObject({
        code: 'ETIMEDOUT',
      })
    } finally {
      thaw()
    }
    const storage = mysqlStorage(pool)
    await storage.migrate()
    expect(await storage.clients.find('client-1')).toBeUndefined()
    await pool.end()
    await mysql.stop()
  })

  it('drops a connection that is silent, by the line of the page, also one that idles', async () => {
    const mysql = await startMysql()
    const pool = createPool({ uri: mysql.url, connectTimeout: limit('connectTimeout') })
    const [, milliseconds] = /stream\.setTimeout\((\d+), \(\) => stream\.destroy\(\)\)/.exec(page) ?? []
    expect(milliseconds).toBeDefined()
    pool.on('connection', (connection) => {
      const { stream } = connection as unknown as { stream: import('node:net').Socket }
      stream.setTimeout(Number(milliseconds), () => stream.destroy())
    })
    const storage = mysqlStorage(pool)
    await storage.migrate()
    await storage.clients.insert(client())
    const thaw = mysql.freeze()
    try {
      expect(await withinReason(storage.clients.find('client-1') as Promise<unknown>)).toMatchObject({
        code: 'PROTOCOL_CONNECTION_LOST',
      })
    } finally {
      thaw()
    }
    expect(await storage.clients.find('client-1')).toEqual(client())
    await pool.end()
    await mysql.stop()
  })
})
