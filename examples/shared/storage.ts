/**
 * Where an example keeps its data: in PostgreSQL or MySQL when DATABASE_URL is set, in Redis when REDIS_URL is, else in a
 * SQLite file (SQLITE_FILE, or `quickstart.sqlite` in this folder), by the driver that Node has since 22.13; before that, in
 * memory. Only the driver that is needed is loaded.
 */
import type { Socket } from 'node:net'
import { resolve } from 'node:path'
import {
  type AuthorizationServer,
  type Client,
  memoryStorage,
  OAuthError,
  type OAuthStorage,
  type RegisterClientOptions,
  registerClient,
  updateClient,
} from 'express-authorization-server'
import type { SqliteDatabase } from 'express-authorization-server/sqlite'

const { DATABASE_URL, REDIS_URL, SQLITE_FILE = 'quickstart.sqlite' } = process.env
const file = SQLITE_FILE === ':memory:' ? SQLITE_FILE : resolve(SQLITE_FILE)

const isMysql = DATABASE_URL?.startsWith('mysql:')

/** Whose `node:sqlite` has no flag: Node 22.13 or newer. */
const builtin = process.getBuiltinModule?.('node:sqlite') as
  | { DatabaseSync: new (file: string) => SqliteDatabase }
  | undefined

/** For the lines that are printed at start-up. */
export const storagePlace = DATABASE_URL
  ? `${isMysql ? 'MySQL' : 'PostgreSQL'} (DATABASE_URL)`
  : REDIS_URL
    ? 'Redis (REDIS_URL)'
    : builtin
      ? `the SQLite file ${file}`
      : 'memory, until the server stops: a SQLite file needs Node 22.13 or newer'

/** The storage, with its tables made and its server checked. */
export async function openStorage(): Promise<OAuthStorage> {
  if (DATABASE_URL && isMysql) {
    const { createPool } = await import('mysql2/promise')
    const { mysqlStorage } = await import('express-authorization-server/mysql')
    const pool = createPool({ uri: DATABASE_URL, connectTimeout: 2000 })
    pool.on('connection', (connection: object) => {
      const { stream } = connection as { stream: Socket }
      stream.setTimeout(4000, () => stream.destroy())
    })
    const storage = mysqlStorage(pool)
    await storage.migrate()
    return storage
  }
  if (DATABASE_URL) {
    const { Pool } = await import('pg')
    const { postgresStorage } = await import('express-authorization-server/postgres')
    const storage = postgresStorage(
      new Pool({ connectionString: DATABASE_URL, connectionTimeoutMillis: 2000, query_timeout: 4000 }),
    )
    await storage.migrate()
    return storage
  }
  if (REDIS_URL) {
    const { createClient } = await import('redis')
    const { checkRedis, redisStorage } = await import('express-authorization-server/redis')
    // Without the queue a request is answered 503 while Redis is away, instead of waiting for it
    // one that hangs is left, and one that is idle is kept by its pings
    const socket = { connectTimeout: 2000, socketTimeout: 4000, reconnectStrategy: 500 }
    const client = createClient({ url: REDIS_URL, disableOfflineQueue: true, socket, pingInterval: 1000 })
    const storage = redisStorage(client)
    await client.connect()
    await checkRedis(client)
    return storage
  }
  if (!builtin) return memoryStorage()
  const { sqliteStorage } = await import('express-authorization-server/sqlite')
  const storage = sqliteStorage(new builtin.DatabaseSync(file))
  storage.migrate()
  return storage
}

/** `registerClient`, or `updateClient` for one that an earlier start has registered. */
export async function registerOnce(
  server: AuthorizationServer,
  options: RegisterClientOptions & { clientId: string },
): Promise<Client> {
  try {
    return (await registerClient(server, options)).client
  } catch (error) {
    if (!(error instanceof OAuthError && error.status === 409)) throw error
    const { clientId, ...changes } = options
    return updateClient(server, clientId, changes)
  }
}
