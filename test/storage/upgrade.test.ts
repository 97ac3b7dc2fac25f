// Stores that the version before has made, opened by this one: clients and revocations are kept, sessions end once.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { postgresSchema, postgresStorage } from 'express-authorization-server/postgres'
import { redisStorage } from 'express-authorization-server/redis'
import { sqliteSchema, sqliteStorage } from 'express-authorization-server/sqlite'
import { Client, Pool } from 'pg'
import { createClient, createCluster } from 'redis'
import { listGrants, type OAuthStorage } from '../../src/index'
import { client, credential, grant } from '../../src/storage/contract/rows'
import { createHost, startOfTime, type TestClient, type Tokens } from '../support/host'
import { describePostgres, startPostgres, type TestPostgres } from './support/postgres'
import { describeRedis, type RunningRedis, startRedis } from './support/redis'
import { BetterSqlite3, describeBetterSqlite3 } from './support/sqlite'

jest.setTimeout(60_000)

const dataOf = (name: string) => readFileSync(join(__dirname, 'data', name), 'utf8')

/** What clients of the version before hold. */
interface Held {
  web: TestClient
  native: TestClient
  code: string
  live: Tokens
  revoked: Tokens
  marked: Tokens
  expired: Tokens
}
const held = JSON.parse(dataOf('version-1.tokens.json')) as Record<'sqlite' | 'postgres' | 'redis', Held>

let warnings: jest.SpyInstance
beforeEach(() => {
  warnings = jest.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => warnings.mockRestore())
const endings = () => warnings.mock.calls.flat().filter((line) => String(line).includes('sessions_ended'))

/** Over HTTP, a moment after the tokens were made. */
async function verifyUpgraded(storage: OAuthStorage, { web, native, code, live, revoked, marked, expired }: Held) {
  const host = await createHost({ storage })
  for (const tokens of [live, revoked, marked, expired]) expect(await host.isAlive(tokens)).toBe(false)
  for (const [owner, tokens] of [
    [web, live],
    [native, revoked],
    [web, marked],
    [native, expired],
  ] as const) {
    const refused = await host.refresh(owner, tokens.refresh_token).expect(400)
    expect(refused.body.error).toBe('invalid_grant')
    expect((await host.introspect(host.api, tokens.access_token).expect(200)).body).toEqual({ active: false })
    await host.revoke(owner, tokens.refresh_token).expect(200)
  }
  expect((await host.exchange(web, code).expect(400)).body.error).toBe('invalid_grant')
  expect(await listGrants(host.server)).toEqual([])
  expect(host.reportedErrors()).toEqual([])

  // what was revoked covers also what arrives now
  const at = { issuedAt: startOfTime, startedAt: startOfTime, expiresAt: startOfTime + 60 }
  const [covered, buried] = ['covered', revoked.access_token.split('~')[0] as string]
  const late = credential({ ...at, id: `${covered}~a`, grantId: covered, userId: 'bob' })
  await storage.grants.insert([late], grant({ ...at, id: covered, userId: 'bob' }))
  await storage.grants.insert([credential({ ...at, id: `${buried}~z`, grantId: buried })])
  for (const id of [`${covered}~a`, `${buried}~z`]) expect((await storage.grants.find(id)) ?? null).toBeNull()

  // the clients of before sign in as ever, and stay signed in
  host.clock.advance(1)
  for (const owner of [web, native]) {
    const tokens = await host.signIn(owner)
    const { body } = await host.refresh(owner, tokens.refresh_token).expect(200)
    expect(await host.isAlive(body)).toBe(true)
  }
  await host.token(web, { grant_type: 'client_credentials' }).expect(200)
  expect(await listGrants(host.server)).toHaveLength(2)
}

const newer = /has version 3, and this release .* supports up to 2\. Install the release that upgraded the store/
const older = /has version 1, and this release .* needs 2\. Call `(await )?storage\.migrate\(\)` at start-up/
const upgraded = { from: 1, to: 2, sessionsEnded: true }
const current = { from: 2, to: 2, sessionsEnded: false }
const made = { from: 0, to: 2, sessionsEnded: false }

describeBetterSqlite3('a SQLite file of version 1', () => {
  const folder = mkdtempSync(join(tmpdir(), 'upgrade-'))
  const opened: Database.Database[] = []
  const open = (name: string) => {
    const database = new BetterSqlite3(join(folder, name))
    opened.push(database)
    return database
  }
  const version1 = (name: string) => open(name).exec(dataOf('version-1.sqlite.sql'))
  const columns = (database: Database.Database) =>
    database.prepare(`SELECT t.name, c.* FROM sqlite_schema AS t, pragma_table_info(t.name) AS c ORDER BY 1, 2`).all()
  afterAll(() => {
    for (const database of opened) database.close()
    rmSync(folder, { recursive: true })
  })

  it('is refused at the first call, whichever it is, until migrate() was called', () => {
    const storage = sqliteStorage(version1('refused.db'))
    expect(() => storage.grants.find('g1~a')).toThrow(older)
    expect(() => storage.clients.find('old-web')).toThrow(older)
    expect(() => storage.clients.insert(client())).toThrow(older)
    expect(() => storage.grants.deleteExpired(1, 1)).toThrow(older)
    storage.migrate()
    expect(storage.clients.find('old-web')).toBeDefined()
  })

  it('keeps its clients and revocations, and ends its sessions', async () => {
    const storage = sqliteStorage(version1('kept.db'))
    expect(storage.migrate()).toEqual(upgraded)
    await verifyUpgraded(storage, held.sqlite)
  })

  it('ends sessions once, and says so once, also on the console', async () => {
    const storage = sqliteStorage(version1('once.db'))
    expect([storage.migrate(), storage.migrate()]).toEqual([upgraded, current])
    const host = await createHost({ storage })
    const tokens = await host.signIn()
    expect([storage.migrate(), sqliteStorage(open('once.db')).migrate()]).toEqual([current, current])
    expect(await host.isAlive(tokens)).toBe(true)
    expect(endings()).toEqual([expect.stringMatching(/from version 1 to 2.*Every session has ended/)])
  })

  it('is upgraded once by several processes at once', async () => {
    const file = join(folder, 'parallel.db')
    version1('parallel.db')
    const program = `
      const Database = require(${JSON.stringify(require.resolve('better-sqlite3'))})
      const { sqliteStorage } = require('./src/storage/sqlite/sqlite.ts')
      console.log('ready')
      process.stdin.once('data', () => {
        console.log(JSON.stringify(sqliteStorage(new Database(process.argv[1])).migrate()))
        process.exit(0)
      })`
    const processes = Array.from({ length: 3 }, () =>
      spawn(process.execPath, ['--require', 'tsx/cjs', '--eval', program, file], { cwd: join(__dirname, '..', '..') }),
    )
    const said = processes.map(() => '')
    for (const [n, { stdout }] of processes.entries()) stdout.on('data', (text) => (said[n] += String(text)))
    await Promise.all(processes.map(({ stdout }) => once(stdout, 'data')))
    const ended = processes.map((started) => once(started, 'exit'))
    for (const { stdin } of processes) stdin.write('go\n')
    expect((await Promise.all(ended)).map(([code]) => code)).toEqual([0, 0, 0])
    const results = said.map((text) => JSON.parse(text.split('\n')[1] as string))
    expect(results.sort((one, other) => one.from - other.from)).toEqual([upgraded, current, current])
  })

  it('is what a new file is, once it was upgraded by migrate() or by the SQL of sqliteSchema({ from: 1 })', async () => {
    const [migrated, byHand, fresh] = [version1('migrated.db'), version1('by-hand.db'), open('fresh.db')]
    sqliteStorage(migrated).migrate()
    byHand.exec(`BEGIN; ${sqliteSchema({ from: 1 })}; COMMIT`)
    expect(sqliteStorage(fresh).migrate()).toEqual(made)
    for (const database of [migrated, byHand]) expect(columns(database)).toEqual(columns(fresh))
    expect(sqliteStorage(byHand).migrate()).toEqual(current)
    await verifyUpgraded(sqliteStorage(byHand), held.sqlite)
    expect(() => byHand.exec(sqliteSchema({ from: 1 }))).toThrow('duplicate column')
    expect(sqliteStorage(byHand).clients.find('old-web')).toBeDefined()
  })

  it('stays version 1 where only the SQL for new files was run', () => {
    const database = version1('unchanged.db').exec(sqliteSchema())
    expect(() => sqliteStorage(database).grants.find('g1~a')).toThrow(older)
    expect(sqliteStorage(database).migrate()).toEqual(upgraded)
  })

  it('is left alone where a table of that name is somebody else’s', () => {
    const database = open('theirs.db')
    database.exec(`CREATE TABLE oauth_grants (id, revoked_at); INSERT INTO oauth_grants (id) VALUES (1)`)
    expect(() => sqliteStorage(database).migrate()).toThrow('other columns. Choose another prefix')
    expect(database.prepare('SELECT * FROM oauth_grants').all()).toEqual([{ id: 1, revoked_at: null }])
  })

  it('is refused where a newer release has upgraded it, and not changed', () => {
    const database = open('newer.db')
    sqliteStorage(database).migrate()
    database.exec('UPDATE oauth_schema SET version = 3; DROP INDEX oauth_grants_by_user')
    const storage = sqliteStorage(database)
    expect(() => storage.migrate()).toThrow(newer)
    expect(() => storage.grants.find('g1~a')).toThrow(newer)
    expect(database.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'oauth_grants_by_user'`).all()).toEqual([])
  })
})

describePostgres('a PostgreSQL of version 1', () => {
  let postgres: TestPostgres
  const pools: Pool[] = []
  let databases = 0
  /** A pool on a database of its own. */
  async function open(options: Record<string, unknown> = {}, database?: string): Promise<Pool> {
    const { connectionString } = postgres
    const name = database ?? `upgrade_${databases++}`
    if (database === undefined) {
      const admin = new Client({ connectionString })
      await admin.connect()
      await admin.query(`CREATE DATABASE ${name}`)
      await admin.end()
    }
    const pool = new Pool({ connectionString: connectionString.replace(/postgres$/, name), ...options })
    pools.push(pool)
    return pool
  }
  async function version1(options?: Record<string, unknown>): Promise<Pool> {
    const pool = await open(options)
    await pool.query(dataOf('version-1.postgres.sql'))
    return pool
  }
  const columns = async (pool: Pool) =>
    (
      await pool.query(`SELECT table_name, column_name, data_type, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`)
    ).rows
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(async () => {
    for (const pool of pools) await pool.end()
    await postgres.stop()
  })

  it('is refused at the first call, whichever it is, until migrate() was called', async () => {
    const storage = postgresStorage(await version1())
    await expect(storage.grants.find('g1~a')).rejects.toThrow(older)
    await expect(storage.clients.find('old-web')).rejects.toThrow(older)
    await expect(storage.clients.insert(client())).rejects.toThrow(older)
    await expect(storage.grants.deleteExpired(1, 1)).rejects.toThrow(older)
    await storage.migrate()
    expect(await storage.clients.find('old-web')).toBeDefined()
  })

  it('keeps its clients and revocations, and ends its sessions', async () => {
    const storage = postgresStorage(await version1())
    expect(await storage.migrate()).toEqual(upgraded)
    await verifyUpgraded(storage, held.postgres)
  })

  it('ends sessions once, and says so once, also on the console', async () => {
    const pool = await version1()
    const storage = postgresStorage(pool)
    expect([await storage.migrate(), await storage.migrate()]).toEqual([upgraded, current])
    const host = await createHost({ storage })
    const tokens = await host.signIn()
    await pool.query('DROP INDEX oauth_grants_by_user')
    expect([await storage.migrate(), await postgresStorage(pool).migrate()]).toEqual([current, current])
    expect(await host.isAlive(tokens)).toBe(true)
    expect(endings()).toEqual([expect.stringMatching(/from version 1 to 2.*Every session has ended/)])
  })

  it.each(['read committed', 'serializable'])('is upgraded once by many at once under %s', async (isolation) => {
    const first = await version1()
    const options = { max: 1, options: `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}` }
    const name = `upgrade_${databases - 1}`
    const others = await Promise.all(Array.from({ length: 10 }, () => open(options, name)))
    const results = await Promise.all(others.map((pool) => postgresStorage(pool).migrate()))
    expect(results.filter(({ sessionsEnded }) => sessionsEnded)).toEqual([upgraded])
    expect(results.filter(({ sessionsEnded }) => !sessionsEnded)).toEqual(Array(9).fill(current))
    await verifyUpgraded(postgresStorage(first), held.postgres)
  })

  it('is what a new one is, once it was upgraded by migrate() or by the SQL of postgresSchema({ from: 1 })', async () => {
    const [migrated, byHand, fresh] = [await version1(), await version1(), await open()]
    await postgresStorage(migrated).migrate()
    await byHand.query(postgresSchema({ from: 1 }))
    expect(await postgresStorage(fresh).migrate()).toEqual(made)
    for (const pool of [migrated, byHand]) expect(await columns(pool)).toEqual(await columns(fresh))
    expect(await postgresStorage(byHand).migrate()).toEqual(current)
    await verifyUpgraded(postgresStorage(byHand), held.postgres)
    await byHand.query(postgresSchema({ from: 1 }))
    expect(await postgresStorage(byHand).grants.list({ limit: 10 })).toHaveLength(2)
  })

  it('stays version 1 where only the SQL for new ones was run', async () => {
    const pool = await version1()
    await pool.query(postgresSchema())
    await expect(postgresStorage(pool).grants.find('g1~a')).rejects.toThrow(older)
    expect(await postgresStorage(pool).migrate()).toEqual(upgraded)
  })

  it('is left alone where a table of that name is somebody else’s', async () => {
    const pool = await open()
    await pool.query(`CREATE TABLE oauth_grants (id text, revoked_at bigint); INSERT INTO oauth_grants (id) VALUES (1)`)
    await expect(postgresStorage(pool).migrate()).rejects.toThrow('other columns. Choose another prefix')
    expect((await pool.query('SELECT * FROM oauth_grants')).rows).toEqual([{ id: '1', revoked_at: null }])
  })

  it('is refused where a newer release has upgraded it, and not changed', async () => {
    const pool = await open()
    await postgresStorage(pool).migrate()
    await pool.query('UPDATE oauth_schema SET version = 3; DROP INDEX oauth_grants_by_user')
    const storage = postgresStorage(pool)
    await expect(storage.migrate()).rejects.toThrow(newer)
    await expect(storage.grants.find('g1~a')).rejects.toThrow(newer)
    expect((await pool.query(`SELECT to_regclass('oauth_grants_by_user') AS found`)).rows).toEqual([{ found: null }])
  })
})

describeRedis('a Redis of version 1', () => {
  for (const nodes of [undefined, 3]) {
    describe(nodes ? 'cluster' : 'node', () => {
      let redis: RunningRedis
      const clients: { destroy(): void }[] = []
      async function open() {
        const database = nodes
          ? createCluster({ rootNodes: [{ url: redis.url }] })
          : createClient({ url: redis.url, disableOfflineQueue: true })
        clients.push(database)
        await database.connect()
        return database
      }
      async function version1() {
        const database = await open()
        for (const line of dataOf('version-1.redis.jsonl').trim().split('\n')) {
          const command = JSON.parse(line) as string[]
          if ('masters' in database) await database.sendCommand(command[1], false, command)
          else await database.sendCommand(command)
        }
        return database
      }
      beforeEach(async () => {
        redis = await startRedis({ ...(nodes && { cluster: nodes }), config: { appendfsync: 'no' } })
      })
      afterEach(async () => {
        for (const database of clients.splice(0)) database.destroy()
        await redis.stop()
      })

      it('keeps its clients and revocations, and ends its sessions', async () => {
        await verifyUpgraded(redisStorage(await version1()), held.redis)
      })

      it('is upgraded by the first call, once, and says so once on the console', async () => {
        const [one, other] = [redisStorage(await version1()), redisStorage(await open())]
        await Promise.all([one, other, one, other].map(({ clients }) => clients.find('old-web')))
        const host = await createHost({ storage: other })
        const tokens = await host.signIn()
        await redisStorage(await open()).clients.find('old-web')
        expect(await host.isAlive(tokens)).toBe(true)
        expect(endings()).toEqual([expect.stringMatching(/from version 1 to 2.*Every session has ended/)])
      })

      it('says nothing of sessions where it is new', async () => {
        expect(await redisStorage(await open()).clients.find('old-web')).toBeUndefined()
        expect(endings()).toEqual([])
      })

      it('is refused where a newer release has upgraded it', async () => {
        const database = await open()
        await redisStorage(database).clients.find('old-web')
        await database.set('oauth:{:clients}v', '3')
        const storage = redisStorage(await open())
        await expect(storage.clients.find('old-web')).rejects.toThrow(newer)
        await expect(storage.grants.find('g1~a')).rejects.toThrow(newer)
      })
    })
  }
})
