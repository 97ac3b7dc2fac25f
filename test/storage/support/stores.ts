/** The durable stores, as a process of its own opens them: by a value that can be sent to it. */
import type { OAuthStorage } from '../../../src/storage'
import { openSqlite } from './open-sqlite'

export type Store =
  | { kind: 'sqlite'; file: string }
  | { kind: 'postgres'; connectionString: string }
  | { kind: 'mysql'; url: string }
  | { kind: 'redis'; url: string }

export interface OpenStore {
  storage: OAuthStorage
  close(): Promise<void>
}

/** Loads the driver of that kind and no other, and gives the function that opens the store. */
export async function loadDriver(kind: Store['kind']): Promise<(store: Store) => Promise<OpenStore>> {
  if (kind === 'sqlite') {
    const { sqliteStorage } = await import('express-authorization-server/sqlite')
    return async (store) => {
      const database = openSqlite(store.kind === 'sqlite' ? store.file : '')
      // `kill -9` takes nothing back that the system was given: only a power cut would, which these tests have not
      const storage = sqliteStorage(database, { synchronous: 'normal' })
      storage.migrate()
      return { storage, close: async () => void database.close() }
    }
  }
  if (kind === 'postgres') {
    const { Pool } = await import('pg')
    const { postgresStorage } = await import('express-authorization-server/postgres')
    return async (store) => {
      const connectionString = store.kind === 'postgres' ? store.connectionString : ''
      const pool = new Pool({ connectionString, max: 8, connectionTimeoutMillis: 2000 })
      const storage = postgresStorage(pool)
      await storage.migrate()
      return { storage, close: () => pool.end() }
    }
  }
  if (kind === 'mysql') {
    const { createPool } = await import('mysql2/promise')
    const { mysqlStorage } = await import('express-authorization-server/mysql')
    return async (store) => {
      const uri = store.kind === 'mysql' ? store.url : ''
      const pool = createPool({ uri, connectionLimit: 8, connectTimeout: 2000 })
      const storage = mysqlStorage(pool)
      await storage.migrate()
      return { storage, close: () => pool.end() }
    }
  }
  const { createClient } = await import('redis')
  const { redisStorage } = await import('express-authorization-server/redis')
  return async (store) => {
    const url = store.kind === 'redis' ? store.url : ''
    const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: 20 } })
    const storage = redisStorage(client)
    await client.connect()
    return { storage, close: async () => void client.destroy() }
  }
}
