// The SQLite adapter on real files: the contract through two connections, its tables, its settings, its errors.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { type SqliteDatabase, sqliteSchema, sqliteStorage } from 'express-authorization-server/sqlite'
import { storageContract } from 'express-authorization-server/storage-contract'
import type { OAuthStorage } from '../../src/storage'
import { client, code, credential, DAY, grant, HOUR, NOW, used } from '../../src/storage/contract/rows'
import { SLICE } from '../../src/storage/slices'
import { SWEEP_LIMIT } from '../../src/storage/sql/tables'
import { ROWS_AT_ONCE } from '../../src/storage/sqlite/cleanup'
import { createHost } from '../support/host'
import { turnsDuring } from '../support/turns'
import { BetterSqlite3, describeBetterSqlite3 } from './support/sqlite'

const folder = mkdtempSync(join(tmpdir(), 'sqlite-'))
const opened: Database.Database[] = []
const open = (name: string, options?: Database.Options) => {
  const database = new BetterSqlite3(name === ':memory:' ? name : join(folder, name), options)
  opened.push(database)
  return database
}
/** A storage with tables on a new file, or in memory. */
const ready = (database = open(':memory:')) => {
  const storage = sqliteStorage(database)
  storage.migrate()
  return storage
}
afterAll(() => {
  for (const database of opened) database.close()
  rmSync(folder, { recursive: true })
})

describeBetterSqlite3('sqliteStorage with two connections to one file', () => {
  const databases = [open('contract.db'), open('contract.db')]
  const storages = databases.map((database) => sqliteStorage(database, { synchronous: 'normal' }))
  beforeAll(() => storages[0]?.migrate())

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

describeBetterSqlite3('sqliteStorage', () => {
  it('answers with values, not with promises, so that a guard goes on in the same turn', () => {
    const { clients, grants } = ready()
    expect(clients.insert(client())).toBe(true)
    expect(clients.update(client({ version: 2 }), 1)).toBe(true)
    expect(clients.find('client-1')).toEqual(client({ version: 2 }))
    expect(clients.list({ limit: 10 })).toHaveLength(1)
    expect(clients.delete('client-1')).toBe(true)
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
    expect(await host.isAlive(first)).toBe(true)
    const second = await host.refresh(host.web, first.refresh_token).expect(200)
    expect(await host.isAlive(second.body)).toBe(true)
    await host.revoke(host.web, second.body.refresh_token).expect(200)
    for (const tokens of [first, second.body]) expect(await host.isAlive(tokens)).toBe(false)
    await host.refresh(host.web, second.body.refresh_token).expect(400)
  })

  it('keeps what it answered when the file is opened again', () => {
    const first = open('again.db')
    const { grants } = ready(first)
    grants.insert([credential({ grantId: 'g1' })], grant())
    grants.revoke({ userId: 'ada' }, NOW)
    first.close()
    expect(sqliteStorage(open('again.db')).grants.find('g1~access')).toEqual(credential({ grantId: 'g1' }))
  })

  it('removes what expired long ago with every so many inserts, without being asked', () => {
    const database = open(':memory:')
    const { grants } = ready(database)
    for (let n = 0; n < 300; n++) {
      const [id, at] = [`g${n}`, NOW + n * 300]
      const token = credential({ id: `${id}~access`, grantId: id, startedAt: at, issuedAt: at, expiresAt: at + 60 })
      grants.insert([token], grant({ id, startedAt: at, expiresAt: at + 60 }))
    }
    // in an hour, and until the next sweep, 12 + 32 rows come
    for (const table of ['credentials', 'grants']) {
      const { rows } = database.prepare(`SELECT count(*) AS rows FROM oauth_${table}`).get() as { rows: number }
      expect(rows).toBeLessThan(60)
    }
    expect(grants.find('g299~access')).toBeDefined()
  })

  it('forgets a revocation once no token under it can be alive any more', () => {
    const database = open(':memory:')
    const { grants } = ready(database)
    grants.insert([credential({ userId: 'ada', expiresAt: NOW + 90 * DAY })])
    grants.revoke({ userId: 'ada' }, NOW)
    grants.revoke({ clientId: 'client-1' }, NOW)
    grants.revoke({ grantId: 'g2' }, NOW)
    const left = () => ['marks', 'grants'].map((name) => database.prepare(`SELECT * FROM oauth_${name}`).all().length)
    for (const [days, expected] of [
      [29, [2, 1]],
      [31, [2, 0]],
      [89, [2, 0]],
      [90, [0, 0]],
    ] as const) {
      for (let call = 0; call < 2; call++) grants.deleteExpired(NOW + days * DAY, 10)
      expect(left()).toEqual(expected)
    }
  })

  it('reads its rows where the host asked for BigInt', () => {
    const database = open(':memory:')
    const { grants, clients } = ready(database.defaultSafeIntegers(true))
    grants.insert([credential({ grantId: 'g1' })], grant())
    clients.insert(client())
    expect(grants.find('g1~access')).toEqual(credential({ grantId: 'g1' }))
    expect(grants.list({ limit: 10 })).toEqual([grant()])
    expect(clients.update(client({ version: 2 }), 1)).toBe(true)
    expect(grants.deleteExpired(NOW + DAY, 10)).toBe(1)
    expect(grants.list({ limit: 10 })).toEqual([])
  })

  it('keeps NUL characters and halves of characters where JSON can carry them', () => {
    const { grants } = ready()
    const data = { nul: 'a\0b', half: '\ud83d', '\0': 1 }
    grants.insert([credential({ id: 'g1~\0', data })])
    expect(grants.find('g1~\0')).toEqual(credential({ id: 'g1~\0', data }))
    expect(grants.find('g1~')).toBeUndefined()
  })
})

describeBetterSqlite3('sqliteStorage and transactions', () => {
  it('stores nothing of a call of which it cannot store everything', () => {
    const { grants } = ready()
    grants.insert([code()])
    for (const expiresAt of [Number.NaN, Number.POSITIVE_INFINITY, 1.5]) {
      const broken = credential({ expiresAt })
      expect(() => grants.insert([credential({ id: 'g1~fine' }), broken], grant())).toThrow()
      expect(() => grants.transition('g1~code', 'fresh', used(code()), [broken], grant())).toThrow()
    }
    expect(grants.find('g1~code')).toEqual(code())
    expect(grants.find('g1~fine')).toBeUndefined()
    expect(grants.list({ limit: 10 })).toEqual([])
    expect(grants.insert([credential({ id: 'g1~fine' })])).toBe(true)
  })

  it('refuses to write in a transaction of the host, whose rollback would take back what a client was told', () => {
    const database = open(':memory:')
    const { grants, clients } = ready(database)
    const message = 'is in a transaction of the host'
    database.transaction(() => {
      expect(() => grants.insert([code()])).toThrow(message)
      expect(() => grants.revoke({ userId: 'ada' }, NOW)).toThrow(message)
      expect(() => clients.insert(client())).toThrow(message)
      expect(() => sqliteStorage(database)).toThrow('is in a transaction')
      expect(grants.find('g1~code')).toBeUndefined()
    })()
    expect(grants.insert([code()])).toBe(true)
  })

  it('waits for another writer as long as the host said, then rejects, and works again', async () => {
    const [ours, theirs] = [open('busy.db', { timeout: 200 }), open('busy.db')]
    const { grants } = ready(ours)
    theirs.exec('BEGIN IMMEDIATE')
    await expect(grants.insert([code()])).rejects.toThrow(
      'sqliteStorage: another connection has had the lock for 200 ms (database is locked)',
    )
    expect(grants.find('g1~code')).toBeUndefined()
    theirs.exec('COMMIT')
    expect(grants.insert([code()])).toBe(true)
  })

  it('does what waits for another writer in its order, once the lock is free, and what fails fails alone', async () => {
    const [ours, theirs] = [open('line.db'), open('line.db')]
    const { clients, grants } = ready(ours)
    theirs.exec('BEGIN IMMEDIATE')
    const odd = { ...credential({ id: 'g2~odd' }), kind: null as never }
    const waiting = [
      grants.insert([code()]),
      Promise.resolve(grants.insert([odd])).catch(({ message }: Error) => message),
      grants.insert([code()]),
      grants.transition('g1~code', 'fresh', used(code()), [], grant()),
      clients.insert(client()),
      grants.revoke({ grantId: 'g1' }, NOW),
    ]
    expect(grants.find('g1~code')).toBeUndefined()
    theirs.exec('COMMIT')
    const answers = await Promise.all(waiting)
    expect(answers).toEqual([true, expect.stringContaining('NOT NULL'), false, true, true, undefined])
    expect(grants.find('g1~code')).toBeUndefined()
    // nobody waits any more: in the same turn again
    expect(grants.insert([code({ id: 'g3~code' })])).toBe(true)
  })

  it('lets reads wait as well, where the file system has no write-ahead log', async () => {
    const [ours, theirs] = [open('journal.db'), open('journal.db')]
    const { clients, grants } = ready(ours)
    grants.insert([code()])
    ours.pragma('journal_mode = DELETE')
    theirs.exec('BEGIN EXCLUSIVE')
    const waiting = [grants.find('g1~code'), grants.list({ limit: 1 }), clients.find('a'), clients.list({ limit: 1 })]
    theirs.exec('COMMIT')
    expect(await Promise.all(waiting)).toEqual([code(), [], undefined, []])
  })

  it('finds a code used that another connection used in the meantime', () => {
    const [first, second] = [ready(open('two.db')), ready(open('two.db'))]
    first.grants.insert([code()])
    expect(second.grants.find('g1~code')).toEqual(code())
    expect(first.grants.transition('g1~code', 'fresh', used(code()), [], grant())).toBe(true)
    expect(second.grants.transition('g1~code', 'fresh', used(code()), [], grant())).toBe(false)
    second.grants.revoke({ grantId: 'g1' }, NOW)
    expect(first.grants.find('g1~code')).toBeUndefined()
  })
})

describeBetterSqlite3('the connection of sqliteStorage', () => {
  const pragma = (database: Database.Database, name: string) => database.pragma(name, { simple: true })

  it('syncs each commit to the disk, also with a write-ahead log, unless it is told not to', () => {
    const database = open('settings.db')
    database.pragma('synchronous = OFF')
    ready(database)
    expect([pragma(database, 'synchronous'), pragma(database, 'journal_mode')]).toEqual([2, 'wal'])
    sqliteStorage(database, { synchronous: 'normal' })
    expect(pragma(database, 'synchronous')).toBe(1)
  })

  it('never lets SQLite itself wait, which would stop the whole process', () => {
    const [hasty, patient] = [open('settings.db', { timeout: 0 }), open('settings.db', { timeout: 1234 })]
    ready(hasty)
    ready(patient)
    expect([pragma(hasty, 'busy_timeout'), pragma(patient, 'busy_timeout')]).toEqual([1, 1])
  })

  it('waits as long as the host said also in a second storage on it', async () => {
    const [ours, theirs] = [open('second.db', { timeout: 200 }), open('second.db')]
    ready(ours)
    const { grants } = sqliteStorage(ours)
    theirs.exec('BEGIN IMMEDIATE')
    await expect(grants.insert([code()])).rejects.toThrow('for 200 ms')
    theirs.exec('COMMIT')
  })
})

describeBetterSqlite3('migrate', () => {
  it('may run in many processes at once on a new file', async () => {
    const file = join(folder, 'parallel.db')
    const program = `
      const Database = require(${JSON.stringify(require.resolve('better-sqlite3'))})
      const { sqliteStorage } = require('./src/storage/sqlite/sqlite.ts')
      console.log('ready')
      process.stdin.once('data', () => {
        sqliteStorage(new Database(process.argv[1])).migrate()
        process.exit(0)
      })`
    const processes = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--require', 'tsx/cjs', '--eval', program, file], { cwd: join(__dirname, '..', '..') }),
    )
    const complaints: string[] = []
    for (const { stderr } of processes) stderr.on('data', (text) => complaints.push(String(text)))
    await Promise.all(processes.map(({ stdout }) => once(stdout, 'data')))
    const ended = processes.map((started) => once(started, 'exit'))
    for (const { stdin } of processes) stdin.write('go\n')
    const codes = (await Promise.all(ended)).map(([code]) => code)
    expect({ codes, complaints }).toEqual({ codes: [0, 0, 0, 0], complaints: [] })
    expect(sqliteStorage(open('parallel.db')).grants.list({ limit: 10 })).toEqual([])
  }, 30_000)

  it('makes what sqliteSchema() prints, and nothing where that is there', () => {
    const database = open('printed.db')
    database.exec(sqliteSchema({ prefix: 'my_' }))
    const schema = () => database.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()
    const printed = schema()
    const reader = open('printed.db')
    reader.exec('BEGIN IMMEDIATE')
    const storage = sqliteStorage(database, { prefix: 'my_' })
    storage.migrate()
    reader.exec('ROLLBACK')
    expect(schema()).toEqual(printed)
    database.exec('DROP INDEX my_grants_by_user')
    storage.migrate()
    expect(schema()).toEqual(printed)
    expect(storage.grants.insert([code()])).toBe(true)
  })

  it('refuses a table of that name that is somebody else’s', () => {
    const database = open(':memory:')
    database.exec(`CREATE TABLE oauth_clients (client_id, username, secret)`)
    expect(() => ready(database)).toThrow(/other columns\. Choose another prefix \(no such column/)
  })

  it.each(['migrate', 'first call'])('says what to do with tables that are older than versions: %s', (when) => {
    const database = open(':memory:')
    ready(database)
    database.exec(`DROP TABLE oauth_schema; DROP TABLE oauth_clients; ALTER TABLE oauth_grants DROP COLUMN data`)
    database.exec(`CREATE TABLE oauth_clients (client_id TEXT PRIMARY KEY, version INTEGER, record TEXT)`)
    const storage = sqliteStorage(database)
    if (when === 'migrate') {
      expect(() => storage.migrate()).toThrow(/other columns\. Choose another prefix \(no such column: username/)
    } else {
      expect(() => storage.clients.list({ username: 'ada', limit: 1 })).toThrow('Call `storage.migrate()` at start-up')
    }
    expect(database.prepare('SELECT name FROM sqlite_schema WHERE name = ?').get('oauth_schema')).toBeUndefined()
  })
})

describeBetterSqlite3('wrong use of sqliteStorage', () => {
  it('says what to pass instead of what is no open database', () => {
    const closed = new BetterSqlite3(':memory:')
    closed.close()
    const promising = { prepare: () => ({ get: async () => ({}) }), exec: async () => {} }
    const wrong: [unknown, string][] = [
      [undefined, 'undefined'],
      [null, 'null'],
      ['oauth.db', 'string'],
      [BetterSqlite3, 'function'],
      [{}, 'object'],
      [closed, 'closed'],
      [open('settings.db', { readonly: true }), 'read-only'],
      [promising, 'is asynchronous'],
    ]
    for (const [value, said] of wrong) {
      expect(() => sqliteStorage(value as SqliteDatabase)).toThrow(
        new RegExp(
          `^sqliteStorage needs a Database of better-sqlite3 or a DatabaseSync of node:sqlite, as in new Database\\('oauth.db'\\): .*${said}`,
        ),
      )
    }
  })

  it('refuses a SQLite that is too old', () => {
    const old = { prepare: () => ({ get: () => ({ version: '3.31.1' }) }), exec() {} } as unknown as SqliteDatabase
    expect(() => sqliteStorage(old)).toThrow('sqliteStorage needs SQLite 3.38 or newer; this is 3.31.1')
  })

  it.each(['', 'Upper', 'a-b', 'a"b', 'a;DROP TABLE x', "a'b", '1a', 'a b', 'sqlite_a', 'é', 'a'.repeat(32), 7, null])(
    'refuses %p as a prefix, which becomes SQL',
    (prefix) => {
      expect(() => sqliteStorage(open(':memory:'), { prefix: prefix as string })).toThrow('prefix must be a name')
      expect(() => sqliteSchema({ prefix: prefix as string })).toThrow('prefix must be a name')
    },
  )

  it('refuses another word for synchronous', () => {
    const options = { synchronous: 'off' } as unknown as { synchronous: 'full' }
    expect(() => sqliteStorage(open(':memory:'), options)).toThrow("must be 'full' or 'normal'")
  })

  it('names migrate() where the tables are missing, and works once they are there', () => {
    const storage = sqliteStorage(open(':memory:'))
    const message = /tables are missing\. Call `storage\.migrate\(\)` at start-up.*no such table: oauth_/
    expect(() => storage.grants.find('g1~code')).toThrow(message)
    expect(() => storage.grants.insert([code()])).toThrow(message)
    expect(() => storage.clients.list({ limit: 10 })).toThrow(message)
    storage.migrate()
    expect(storage.grants.insert([code()])).toBe(true)
  })
})

describeBetterSqlite3('sqliteStorage lets others have their turn', () => {
  const MANY = 3000

  /** Sessions, one after the other, and how many rows each statement changed or returned since. */
  function manySessions(database = open(':memory:'), prepared: (sql: string) => void = () => {}) {
    const sizes: number[] = []
    const storage = sqliteStorage({
      exec: (sql) => database.exec(sql),
      prepare(sql) {
        prepared(sql)
        const statement = database.prepare(sql)
        const noted = <T>(size: number, answer: T): T => {
          sizes.push(size)
          return answer
        }
        return {
          get: (values) => statement.get(values),
          all: (values) => {
            const rows = statement.all(values)
            return noted(rows.length, rows)
          },
          run: (values) => {
            const result = /^(BEGIN|COMMIT|ROLLBACK)/.test(sql) ? statement.run() : statement.run(values)
            return noted(result.changes, result)
          },
        }
      },
    })
    storage.migrate()
    // three thousand commits that no power cut comes between
    database.pragma('synchronous = OFF')
    for (let n = 0; n < MANY; n++) {
      storage.grants.insert([credential({ id: `g${n}~access`, grantId: `g${n}` })], grant({ id: `g${n}` }))
    }
    sizes.length = 0
    return { ...storage, sizes, database }
  }

  it('after a few hundred rows at most', () => {
    expect(SWEEP_LIMIT).toBeLessThanOrEqual(500)
    expect(ROWS_AT_ONCE).toBeLessThanOrEqual(50)
    expect(SLICE).toBeLessThanOrEqual(1000)
  })

  it('when expired rows are deleted, and all grants that only they needed', async () => {
    const { grants, sizes, database } = manySessions()
    let removed: unknown
    const remove = async () => {
      removed = await grants.deleteExpired(NOW + 90 * DAY, 2 * MANY)
    }
    // as many grants as credentials
    expect(await turnsDuring(remove)).toBeGreaterThanOrEqual((2 * MANY) / ROWS_AT_ONCE - 1)
    expect(removed).toBe(MANY)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(ROWS_AT_ONCE)
    expect(database.prepare('SELECT count(*) FROM oauth_grants').pluck().get()).toBe(0)
  })

  /** The most pages that the write-ahead log had while all rows were removed: a commit that copies them all takes that long. */
  async function pagesOfLog(name: string, autocheckpoint: number, prepared?: (sql: string) => void) {
    const database = open(name)
    const { grants } = manySessions(database, prepared)
    database.pragma('wal_checkpoint(TRUNCATE)')
    database.pragma(`wal_autocheckpoint = ${autocheckpoint}`)
    expect(await grants.deleteExpired(NOW + 90 * DAY, 2 * MANY)).toBe(MANY)
    expect(database.prepare('SELECT count(*) FROM oauth_grants').pluck().get()).toBe(0)
    return statSync(`${join(folder, name)}-wal`).size / (database.pragma('page_size', { simple: true }) as number)
  }

  it('and the write-ahead log is copied to the file after each slice, not a thousand pages in one commit', async () => {
    expect(await pagesOfLog('log.db', 1000)).toBeLessThan(500)
  })

  it('but never where the host has turned that off, because something else copies the log', async () => {
    expect(await pagesOfLog('replicated.db', 0)).toBeGreaterThan(1200)
  })

  it('and the rows are removed all the same where it cannot be copied, as while the host reads a result', async () => {
    let refused = 0
    const pages = await pagesOfLog('reading.db', 1000, (sql) => {
      if (!sql.includes('checkpoint') || sql.includes('auto')) return
      refused++
      throw Object.assign(new Error('database table is locked'), { code: 'SQLITE_LOCKED' })
    })
    expect(refused).toBeGreaterThanOrEqual((2 * MANY) / ROWS_AT_ONCE - 1)
    expect(pages).toBeGreaterThan(900)
  })

  it('and removes no more than it was asked to, in whatever slices', async () => {
    const { grants, database } = manySessions()
    expect(await grants.deleteExpired(NOW + 90 * DAY, 1000)).toBe(1000)
    expect(database.prepare('SELECT count(*) FROM oauth_grants').pluck().get()).toBe(MANY)
    expect(await grants.deleteExpired(NOW + 90 * DAY, MANY)).toBe(MANY - 1000)
  })

  it.each([{}, { userId: 'ada' }, { clientId: 'client-1' }, { userId: 'ada', clientId: 'client-1' }])(
    'when a list passes over what is revoked: %p',
    async (owner) => {
      const { grants, sizes } = manySessions()
      grants.revoke({ clientId: 'client-1' }, NOW + HOUR)
      for (let n = 0; n < MANY; n += 3) grants.revoke({ grantId: `g${n}` }, NOW + HOUR)
      const late = grant({ id: 'h', userId: 'ada', startedAt: NOW + 2 * HOUR })
      grants.insert([credential({ id: 'h~access', grantId: 'h', userId: 'ada', startedAt: late.startedAt })], late)
      sizes.length = 0
      let found: unknown
      const list = async () => {
        found = await grants.list({ ...owner, limit: 10 })
      }
      const isOfClient = Object.keys(owner).join() === 'clientId' || Object.keys(owner).length === 0
      expect(await turnsDuring(list)).toBeGreaterThanOrEqual(isOfClient ? ((2 / 3) * MANY) / SLICE : 0)
      expect(found).toEqual([late])
      expect(Math.max(...sizes)).toBeLessThanOrEqual(SLICE)
    },
  )

  it('when a page of any size is asked for', async () => {
    const { grants, sizes } = manySessions()
    let found: unknown[] = []
    const list = async () => {
      found = await grants.list({ limit: MANY })
    }
    expect(await turnsDuring(list)).toBeGreaterThanOrEqual(MANY / SLICE - 1)
    expect(found).toHaveLength(MANY)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(SLICE)
  })
})

describeBetterSqlite3('the statements of sqliteStorage', () => {
  const calls: Record<string, (storage: OAuthStorage) => unknown> = {
    'clients.find': ({ clients }) => clients.find('client-7'),
    'clients.list': ({ clients }) => clients.list({ after: 'client-5', limit: 100 }),
    'clients.listByName': ({ clients }) => clients.listByName?.({ prefix: 'app', limit: 100 }),
    'clients.list of a username': ({ clients }) => clients.list({ username: 'user-7', limit: 100 }),
    'clients.insert': ({ clients }) => clients.insert(client({ clientId: 'new' })),
    'clients.update': ({ clients }) => clients.update(client({ clientId: 'client-7', version: 2 }), 1),
    'clients.delete': ({ clients }) => clients.delete('client-8'),
    'grants.insert that sweeps': ({ grants }) => grants.insert([code({ issuedAt: NOW + 2 * HOUR })]),
    'grants.insert': ({ grants }) => grants.insert([credential({ grantId: 'g1' })], grant()),
    'grants.find': ({ grants }) => grants.find('g77~a'),
    'grants.transition': ({ grants }) => grants.transition('g1~code', 'fresh', used(code()), [credential()], grant()),
    'grants.list': ({ grants }) => grants.list({ after: 'g5', limit: 100 }),
    'grants.list of a user': ({ grants }) => grants.list({ userId: 'user-7', limit: 100 }),
    'grants.list of a client': ({ grants }) => grants.list({ clientId: 'client-7', limit: 100 }),
    'grants.list of both': ({ grants }) => grants.list({ userId: 'user-7', clientId: 'client-7', limit: 100 }),
    'grants.revoke of a grant': ({ grants }) => grants.revoke({ grantId: 'g9' }, NOW),
    'grants.revoke of a user': ({ grants }) => grants.revoke({ userId: 'user-99' }, NOW),
    'grants.deleteExpired': ({ grants }) => grants.deleteExpired(NOW + HOUR, 100),
  }
  const filling = `
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5000)
INSERT INTO oauth_credentials
SELECT 'f' || n || '~a', 'a', 's', 'd', 'f' || n, 'client-' || n % 9, 'user-' || n / 3, '[]', 1, 1, ${NOW} + n, '{}' FROM numbers;
INSERT INTO oauth_grants SELECT grant_id, client_id, user_id, '[]', 1, expires_at, NULL, expires_at, '{}' FROM oauth_credentials;
INSERT INTO oauth_marks SELECT 'user', 'old-' || id, 1, delete_at, 0 FROM oauth_grants;
ANALYZE`

  it('find their rows by an index', async () => {
    const database = open(':memory:')
    const prepared = new Set<string>()
    const watched = sqliteStorage({
      prepare(sql) {
        prepared.add(sql)
        return database.prepare(sql)
      },
      exec: (sql) => database.exec(sql),
    })
    watched.migrate()
    database.exec(filling)
    for (const call of Object.values(calls)) await call(watched)
    for (const sql of prepared) {
      if (/^(BEGIN|COMMIT|ROLLBACK|PRAGMA)/.test(sql) || /sqlite_(schema|version)/.test(sql)) continue
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      const names = [...new Set(sql.match(/@\w+/g))].map((name) => [name.slice(1), null])
      const details = (plan.all(Object.fromEntries(names)) as { detail: string }[]).map(({ detail }) => detail)
      expect({
        sql,
        details: details.filter((detail) => /^SCAN (?!CONSTANT|given|json_each|\(subquery)/.test(detail)),
      }).toEqual({
        sql,
        details: [],
      })
      expect(details.filter((detail) => /TEMP B-TREE/.test(detail))).toEqual([])
    }
  })

  it('are prepared once, and few for each call', async () => {
    const run: string[] = []
    const database = open(':memory:', { verbose: (sql) => run.push(String(sql)) })
    let prepared = 0
    const storage = sqliteStorage({
      prepare(sql) {
        // SQLite reads a setting when it prepares, and the host may have changed it
        if (sql !== 'PRAGMA wal_autocheckpoint') prepared++
        return database.prepare(sql)
      },
      exec: (sql) => database.exec(sql),
    })
    storage.migrate()
    const counts: Record<string, number> = {}
    for (const round of [1, 2]) {
      const before = prepared
      for (const [name, call] of Object.entries(calls)) {
        run.length = 0
        await call(storage)
        counts[name] = run.length
      }
      if (round === 2) expect(prepared).toBe(before)
    }
    // BEGIN IMMEDIATE and COMMIT around what writes
    expect(counts).toMatchObject({
      'clients.find': 1,
      'clients.update': 3,
      'grants.find': 1,
      'grants.list of both': 1,
      'grants.revoke of a user': 3,
    })
    expect(counts['grants.transition']).toBeLessThanOrEqual(7)
  })
})
