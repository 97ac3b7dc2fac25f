// The PostgreSQL adapter on a real server: the contract through two pools, its tables, its errors, lost connections.
import { randomInt } from 'node:crypto'
import {
  type PostgresPool,
  type PostgresQuery,
  postgresSchema,
  postgresStorage,
} from 'express-authorization-server/postgres'
import { storageContract } from 'express-authorization-server/storage-contract'
import { Client, Pool, types } from 'pg'
import { client, code, credential, DAY, grant, NOW, used } from '../../src/storage/contract/rows'
import { createHost } from '../support/host'
import { describePostgres, startPostgres, type TestPostgres } from './support/postgres'

jest.setTimeout(60_000)

describePostgres('postgresStorage', () => {
  let postgres: TestPostgres
  const pools: Pool[] = []
  const newPool = (options: Record<string, unknown> = {}) => {
    const pool = new Pool({ connectionString: postgres.connectionString, max: 20, ...options })
    pools.push(pool)
    return pool
  }
  let pool: Pool
  let other: Pool

  beforeAll(async () => {
    postgres = await startPostgres()
    pool = newPool()
    other = newPool()
    await postgresStorage(pool).migrate()
  })
  afterAll(async () => {
    for (const pool of pools) await pool.end()
    await postgres.stop()
  })
  const empty = (pool: Pool) => pool.query('TRUNCATE oauth_clients, oauth_grants, oauth_credentials, oauth_marks')

  describe('with two pools on one database', () => {
    storageContract({
      describe,
      test,
      async create() {
        await empty(pool)
        return [postgresStorage(pool), postgresStorage(other)]
      },
    })
  })

  // What a host may have made its default: statements that lose are refused, and must be tried again
  describe('under SERIALIZABLE, without prepared statements', () => {
    let strict: Pool | undefined
    storageContract({
      describe,
      test,
      async create() {
        await empty(pool)
        strict ??= newPool({ max: 10, options: '-c default_transaction_isolation=serializable' })
        return postgresStorage(strict, { prepare: false })
      },
    })
  })

  it('serves the whole flow over HTTP: code, refresh, guard, revocation', async () => {
    await empty(pool)
    const host = await createHost({ storage: postgresStorage(pool) })
    const first = await host.signIn()
    expect(await host.isAlive(first)).toBe(true)
    const second = await host.refresh(host.web, first.refresh_token).expect(200)
    expect(await host.isAlive(second.body)).toBe(true)
    await host.revoke(host.web, second.body.refresh_token).expect(200)
    for (const tokens of [first, second.body]) expect(await host.isAlive(tokens)).toBe(false)
    await host.refresh(host.web, second.body.refresh_token).expect(400)
  })

  describe('migrate', () => {
    it('gives tables their index of names, however long the names are that stand there', async () => {
      const storage = postgresStorage(pool, { prefix: 'long_' })
      await storage.migrate()
      await pool.query('DROP INDEX long_clients_by_name')
      // random, because a row of an index is compressed
      const name = Array.from({ length: 2000 }, () => String.fromCodePoint(randomInt(0x4e00, 0x9fff))).join('')
      await storage.clients.insert(client({ name }))
      await storage.migrate()
      expect(await storage.clients.listByName?.({ prefix: name, limit: 2 })).toEqual([client({ name })])
    })

    it('may run in many processes at once, and again', async () => {
      const storages = Array.from({ length: 20 }, () => postgresStorage(newPool({ max: 1 }), { schema: 'parallel' }))
      await Promise.all(storages.map((storage) => storage.migrate()))
      await storages[0]?.migrate()
      expect(await storages[1]?.clients.insert(client())).toBe(true)
      await storages[2]?.migrate()
      expect(await storages[2]?.clients.find('client-1')).toEqual(client())
    })

    it('makes the tables that postgresSchema() prints, under the names that were asked for', async () => {
      const options = { schema: 'user', prefix: 'my_' }
      await pool.query(postgresSchema(options))
      const seen: string[] = []
      const storage = postgresStorage(recorded(pool, seen), options)
      await storage.migrate()
      expect(seen.join()).not.toContain('CREATE')
      await storage.grants.insert([credential({ grantId: 'g1' })], grant())
      expect(await storage.grants.find('g1~access')).toEqual(credential({ grantId: 'g1' }))
      expect((await pool.query('SELECT count(*)::int AS rows FROM "user".my_grants')).rows).toEqual([{ rows: 1 }])
    })

    it('needs no right to create where nothing is missing', async () => {
      await pool.query(`CREATE ROLE app LOGIN; CREATE SCHEMA granted; GRANT USAGE ON SCHEMA granted TO app`)
      await postgresStorage(pool, { schema: 'granted' }).migrate()
      await pool.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA granted TO app`)
      const storage = postgresStorage(newPool({ user: 'app', connectionString: undefined, ...addressOf(postgres) }), {
        schema: 'granted',
      })
      await storage.migrate()
      expect(await storage.grants.insert([code()])).toBe(true)
      expect(await storage.grants.deleteExpired(NOW + DAY, 10)).toBe(1)
    })

    it('adds an index that is missing', async () => {
      await pool.query('DROP INDEX oauth_credentials_by_expires_at')
      await postgresStorage(pool).migrate()
      const { rows } = await pool.query(`SELECT to_regclass('oauth_credentials_by_expires_at') AS found`)
      expect(rows).toEqual([{ found: 'oauth_credentials_by_expires_at' }])
    })

    it('refuses a table of that name that is somebody else’s', async () => {
      await pool.query(
        'CREATE TABLE theirs_grants (id text, client_id text, user_id text, delete_at bigint, revoked_at int)',
      )
      const message = /other columns\. Choose another prefix or schema \(.*does not exist\)/
      await expect(postgresStorage(pool, { prefix: 'theirs_' }).migrate()).rejects.toThrow(message)
    })

    it('refuses a server that is too old, or no PostgreSQL', async () => {
      const old = { query: async () => ({ rows: [{ version: '110022', missing: '10', schemas: '0' }] }) }
      await expect(postgresStorage(old).migrate()).rejects.toThrow(
        'needs PostgreSQL 12 or newer; this server reports 110022',
      )
      const mysql = { query: async () => [[], []] } as unknown as PostgresPool
      await expect(postgresStorage(mysql).migrate()).rejects.toThrow('this pool returned no rows')
    })
  })

  describe('wrong use', () => {
    it('says what to pass instead of what is no pool', () => {
      const wrong = [undefined, null, 'postgres://localhost', {}, { Pool, Client }, new Client()]
      for (const value of wrong) {
        expect(() => postgresStorage(value as unknown as PostgresPool)).toThrow(
          /^postgresStorage needs a Pool of pg, as in new Pool\(\{ connectionString \}\): (this|a Client) is/,
        )
      }
    })

    it.each([
      '',
      'Upper',
      'a-b',
      'a"b',
      'a;DROP TABLE x',
      "a'b",
      '1a',
      'a b',
      'a.b',
      'pg_temp',
      'é',
      'a'.repeat(32),
      7,
      null,
      ['a'],
    ])('refuses %p as a schema and as a prefix, which become SQL', (name) => {
      for (const option of ['schema', 'prefix']) {
        const options = { [option]: name } as { schema: string }
        expect(() => postgresStorage(pool, options)).toThrow(`${option} must be a name`)
        expect(() => postgresSchema(options)).toThrow(`${option} must be a name`)
      }
    })

    it('refuses prepare as text, of which "false" would be true', () => {
      expect(() => postgresStorage(pool, { prepare: 'false' as never })).toThrow(/prepare must be true or false/)
    })

    it('names migrate() where the tables are missing', async () => {
      const storage = postgresStorage(pool, { prefix: 'absent_' })
      const message = /tables are missing\. Call `await storage\.migrate\(\)`.*absent_/
      await expect(storage.grants.find('g1~code')).rejects.toThrow(message)
      await expect(storage.grants.insert([code()])).rejects.toThrow(message)
      await expect(storage.clients.list({ limit: 10 })).rejects.toThrow(message)
    })

    it('names the fix where a pooler loses prepared statements', async () => {
      const pooler = { query: () => Promise.reject(Object.assign(new Error('no such statement'), { code: '26000' })) }
      await expect(postgresStorage(pooler).grants.find('g1~code')).rejects.toThrow('{ prepare: false }')
    })

    it('stores nothing of a call with a character that PostgreSQL cannot keep', async () => {
      await empty(pool)
      const { grants } = postgresStorage(pool)
      const odd = credential({ id: 'g1~\0' })
      await expect(grants.insert([code(), odd], grant())).rejects.toThrow()
      await grants.insert([code()])
      await expect(grants.transition('g1~code', 'fresh', used(code()), [odd], grant())).rejects.toThrow()
      expect(await grants.find('g1~code')).toEqual(code())
      expect(await grants.list({ limit: 10 })).toEqual([])
      const data = { nul: 'a\0b', half: '\ud83d', '\0': 1 }
      await grants.insert([credential({ data })])
      expect(await grants.find('g1~access')).toEqual(credential({ data }))
    })

    it('stores nothing that has no time', async () => {
      const { grants } = postgresStorage(pool)
      for (const expiresAt of [Number.NaN, Number.POSITIVE_INFINITY, 1.5]) {
        await expect(grants.insert([credential({ id: 'g9~access', expiresAt })])).rejects.toThrow()
      }
      expect(await grants.find('g9~access')).toBeUndefined()
      await expect(grants.list({ limit: Number.NaN })).rejects.toThrow('limit must be a whole number')
    })
  })

  it('reads its rows whatever parsers the host has set', async () => {
    await empty(pool)
    const { grants, clients } = postgresStorage(pool)
    const [int8, text] = [types.getTypeParser(20), types.getTypeParser(25)]
    types.setTypeParser(20, BigInt)
    types.setTypeParser(25, () => 'wrong')
    try {
      await grants.insert([credential({ grantId: 'g1' })], grant())
      await clients.insert(client())
      expect(await grants.find('g1~access')).toEqual(credential({ grantId: 'g1' }))
      expect(await grants.list({ limit: 10 })).toEqual([grant()])
      expect(await clients.find('client-1')).toEqual(client())
      expect(await grants.deleteExpired(NOW + DAY, 10)).toBe(1)
    } finally {
      types.setTypeParser(20, int8)
      types.setTypeParser(25, text)
    }
  })

  it('removes what expired long ago with every so many inserts, without being asked', async () => {
    await empty(pool)
    const { grants } = postgresStorage(pool)
    for (let n = 0; n < 300; n++) {
      const [id, at] = [`g${n}`, NOW + n * 300]
      const token = credential({ id: `${id}~access`, grantId: id, startedAt: at, issuedAt: at, expiresAt: at + 60 })
      await grants.insert([token], grant({ id, startedAt: at, expiresAt: at + 60 }))
    }
    // in an hour, and until the next sweep, 12 + 32 rows come
    for (const table of ['credentials', 'grants']) {
      const { rows } = await pool.query(`SELECT count(*)::int AS rows FROM oauth_${table}`)
      expect(rows[0].rows).toBeLessThan(60)
    }
    expect(await grants.find('g299~access')).toBeDefined()
  })

  describe('when connections are lost', () => {
    const cut = () =>
      other.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'`)

    it('fails what is under way, and works again with the next call', async () => {
      await empty(pool)
      const victim = newPool({ application_name: 'victim', max: 2 })
      const { grants } = postgresStorage(victim)
      await grants.insert([code()])
      const holder = await pool.connect()
      await holder.query('BEGIN; SELECT FROM oauth_credentials FOR UPDATE')
      const waiting = grants.transition('g1~code', 'fresh', used(code()), [], grant())
      const failed = expect(waiting).rejects.toThrow(/terminat/)
      await isWaiting(other)
      await cut()
      await failed
      await holder.query('ROLLBACK')
      holder.release()
      expect(await grants.find('g1~code')).toEqual(code())
      expect(await grants.transition('g1~code', 'fresh', used(code()), [], grant())).toBe(true)
    })

    it('survives that idle connections are cut, also where the host does not listen', async () => {
      const victim = newPool({ application_name: 'victim' })
      const { grants } = postgresStorage(victim)
      postgresStorage(victim)
      expect(victim.listenerCount('error')).toBe(1)
      await grants.find('g1~code')
      const cutOff = new Promise((resolve) => victim.once('remove', resolve))
      await cut()
      await cutOff
      expect(await grants.find('g1~access')).toBeUndefined()
    })

    it('answers 503 while the database is away, and recovers by itself', async () => {
      await empty(pool)
      const host = await createHost({ storage: postgresStorage(pool) })
      const tokens = await host.signIn()
      await postgres.kill()
      await host.me(tokens.access_token).expect(503)
      await host.refresh(host.web, tokens.refresh_token).expect(503)
      await postgres.restart()
      await host.me(tokens.access_token).expect(200)
      await host.refresh(host.web, tokens.refresh_token).expect(200)
    })
  })
})

function recorded(pool: Pool, seen: string[]): PostgresPool {
  return {
    query(query: PostgresQuery) {
      seen.push(query.text)
      return pool.query(query)
    },
  }
}

function addressOf({ port }: TestPostgres) {
  return { host: '127.0.0.1', port, database: 'postgres' }
}

async function isWaiting(pool: Pool): Promise<void> {
  for (;;) {
    const { rows } = await pool.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)
    if (rows.length > 0) return
  }
}
