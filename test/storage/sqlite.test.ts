import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { sqliteStorage } from 'express-authorization-server/sqlite'
import { storageContract } from 'express-authorization-server/storage-contract'

const folder = mkdtempSync(join(tmpdir(), 'sqlite-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('sqliteStorage', () => {
  const databases = [1, 2].map(() => new Database(join(folder, 'contract.db')))
  const storages = databases.map((database) => sqliteStorage(database, { synchronous: 'normal' }))
  beforeAll(() => storages[0]?.migrate())
  afterAll(() => {
    for (const database of databases) database.close()
  })

  storageContract({
    describe,
    test,
    create() {
      for (const table of ['clients', 'grants', 'credentials', 'marks'])
        databases[0]?.exec(`DELETE FROM oauth_${table}`)
      return storages
    },
  })
})
