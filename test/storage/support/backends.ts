/** The durable stores as real servers: started, cut off, restarted. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { Client } from 'pg'
import { createClient } from 'redis'
import { describeMysql, startMysql } from './mysql'
import { describePostgres, startPostgres } from './postgres'
import { describeRedis, startRedis } from './redis'
import { describeSqlite } from './sqlite'
import type { Store } from './stores'

export interface RunningBackend {
  store: Store
  stop(): Promise<void>
  /** Only of servers: SQLite has no connections. */
  restart?: () => Promise<void>
  /** Cuts every connection of the apps. */
  cut?: () => Promise<void>
}

export interface Backend {
  name: string
  describe: (name: string, body: () => void) => void
  start(): Promise<RunningBackend>
}

export const sqlite: Backend = {
  name: 'one SQLite file',
  describe: describeSqlite,
  async start() {
    const folder = mkdtempSync(join(tmpdir(), 'sqlite-'))
    return {
      store: { kind: 'sqlite', file: join(folder, 'oauth.db') },
      stop: async () => rmSync(folder, { recursive: true, force: true }),
    }
  },
}

export const postgres: Backend = {
  name: 'one PostgreSQL',
  describe: describePostgres,
  async start() {
    // Nobody cuts the power: what was committed when the app or the server was ended is there without waiting for a disk
    const { connectionString, stop, restart } = await startPostgres()
    return {
      store: { kind: 'postgres', connectionString },
      stop,
      restart,
      async cut() {
        const admin = new Client({ connectionString })
        await admin.connect()
        await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')
        await admin.end()
      },
    }
  },
}

export const mysql: Backend = {
  name: 'one MariaDB',
  describe: describeMysql,
  async start() {
    const { url, stop, restart } = await startMysql()
    return {
      store: { kind: 'mysql', url },
      stop,
      restart,
      async cut() {
        const admin = await createConnection(url)
        const [rows] = await admin.query(
          `SELECT id FROM information_schema.processlist WHERE user = 'app' AND id <> CONNECTION_ID()`,
        )
        for (const { id } of rows as { id: number }[]) await admin.query(`KILL ${id}`).catch(() => {})
        await admin.end()
      },
    }
  },
}

export const redis: Backend = {
  name: 'one Redis',
  describe: describeRedis,
  async start() {
    const { url, stop, restart } = await startRedis({ config: { appendfsync: 'always' } })
    return {
      store: { kind: 'redis', url },
      stop,
      restart,
      async cut() {
        const admin = await createClient({ url }).connect()
        await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
        admin.destroy()
      },
    }
  },
}
