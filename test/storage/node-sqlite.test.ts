// The SQLite adapter on `node:sqlite`, which Node has since 22.13, and Bun and Deno, too: test/runtimes/jest.config.js.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SqliteDatabase, sqliteStorage } from 'express-authorization-server/sqlite'
import { storageContract } from 'express-authorization-server/storage-contract'
import { client, code, credential, DAY, grant, NOW, used } from '../../src/storage/contract/rows'
import { createHost } from '../support/host'

jest.setTimeout(120_000)

interface DatabaseSync extends SqliteDatabase {
  close(): void
}
type DatabaseClass = new (file: string) => DatabaseSync

/** Jest knows the modules of Node 20 only. */
const builtin = process.getBuiltinModule?.('node:sqlite') as { DatabaseSync: DatabaseClass } | undefined
if (!builtin) {
  console.warn('This Node has no node:sqlite: its tests are skipped. In CI they run on each line of Node that has it')
  describe.skip('sqliteStorage on node:sqlite', () => it('is skipped', () => {}))
}

if (builtin) {
  const { DatabaseSync } = builtin
  const folder = mkdtempSync(join(tmpdir(), 'node-sqlite-'))
  const opened: DatabaseSync[] = []
  const open = (name: string) => {
    const database = new DatabaseSync(name === ':memory:' ? name : join(folder, name))
    opened.push(database)
    return database
  }
  const ready = (database = open(':memory:')) => {
    const storage = sqliteStorage(database)
    storage.migrate()
    return storage
  }
  afterAll(() => {
    for (const database of opened) {
      try {
        database.close()
      } catch {
        // the test has
      }
    }
    rmSync(folder, { recursive: true })
  })

  describe('sqliteStorage on two connections of node:sqlite to one file', () => {
    const databases = [open('contract.db'), open('contract.db')]
    const storages = databases.map((database) => sqliteStorage(database, { synchronous: 'normal' }))
    beforeAll(() => void storages[0]?.migrate())

    storageContract({
      describe,
      test,
      create() {
        for (const table of ['clients', 'grants', 'credentials', 'marks']) {
          databases[0]?.exec(`DELETE FROM oauth_${table}`)
        }
        return storages
      },
    })
  })

  describe('sqliteStorage on node:sqlite', () => {
    it('answers with values, not with promises, so that a guard goes on in the same turn', () => {
      const { clients, grants } = ready()
      expect(clients.insert(client())).toBe(true)
      expect(clients.find('client-1')).toEqual(client())
      expect(grants.insert([code()])).toBe(true)
      expect(grants.transition('g1~code', 'fresh', used(code()), [], grant())).toBe(true)
      expect(grants.find('g1~code')).toEqual(used(code()))
      expect(grants.list({ limit: 10 })).toEqual([grant()])
      expect(grants.revoke({ grantId: 'g1' }, NOW)).toBeUndefined()
      expect(grants.deleteExpired(NOW + DAY, 10)).toBe(1)
    })

    it('serves the whole flow over HTTP: code, refresh, guard, revocation', async () => {
      const host = await createHost({ storage: ready(open('flow.db')) })
      const first = await host.signIn()
      const second = await host.refresh(host.web, first.refresh_token).expect(200)
      expect(await host.isAlive(second.body)).toBe(true)
      await host.revoke(host.web, second.body.refresh_token).expect(200)
      for (const tokens of [first, second.body]) expect(await host.isAlive(tokens)).toBe(false)
    })

    it('refuses a transaction of the host, whose rollback would take back what a client was told', () => {
      const database = open(':memory:')
      const { grants } = ready(database)
      database.exec('BEGIN')
      expect(() => grants.insert([code()])).toThrow(
        'is in a transaction of the host. Give the storage a Database of its own',
      )
      database.exec('ROLLBACK')
      expect(grants.insert([code()])).toBe(true)
    })

    it('does so where Node is too old to say that a transaction is open', () => {
      const database = open(':memory:')
      const silent = { prepare: (sql: string) => database.prepare(sql), exec: (sql: string) => database.exec(sql) }
      const storage = sqliteStorage(silent)
      storage.migrate()
      database.exec('BEGIN')
      expect(() => storage.grants.insert([code()])).toThrow('is in a transaction of the host')
      database.exec('ROLLBACK')
      const odd = { ...credential({ id: 'g1~odd' }), kind: null as never }
      expect(() => storage.grants.insert([code(), odd])).toThrow('NOT NULL constraint failed')
      expect(storage.grants.find(code().id)).toBeUndefined()
      expect(storage.grants.insert([code()])).toBe(true)
    })

    it('stores nothing of a call of which it cannot store everything', () => {
      const { grants } = ready()
      const odd = { ...credential({ id: 'g1~odd' }), kind: null as never }
      expect(() => grants.insert([code(), odd], grant())).toThrow('NOT NULL constraint failed')
      expect(grants.find(code().id)).toBeUndefined()
      expect(grants.list({ limit: 10 })).toEqual([])
    })

    it('waits for another writer without SQLite, which would stop the whole process', async () => {
      const timeoutOf = (database: DatabaseSync) =>
        Object.values(database.prepare('PRAGMA busy_timeout').get({}) as object)[0]
      const patient = open('patient.db')
      ready(patient)
      expect(timeoutOf(patient)).toBe(1)
      const hasty = open('hasty.db')
      hasty.exec('PRAGMA busy_timeout = 200')
      const { grants } = ready(hasty)
      const theirs = open('hasty.db')
      theirs.exec('BEGIN IMMEDIATE')
      await expect(grants.insert([code()])).rejects.toThrow('another connection has had the lock for 200 ms')
      const waiting = grants.insert([code()])
      theirs.exec('COMMIT')
      expect(await waiting).toBe(true)
    })

    it('refuses a database that is closed', () => {
      const database = open(':memory:')
      database.close()
      expect(() => sqliteStorage(database)).toThrow(/closed|not open/)
    })

    it('names migrate() where the tables are missing', () => {
      expect(() => sqliteStorage(open(':memory:')).grants.find('g1~code')).toThrow(
        'Call `storage.migrate()` at start-up',
      )
    })
  })
}
