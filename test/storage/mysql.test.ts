// The MySQL adapter on a real server: the contract through two pools, its tables, its errors, lost connections.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MysqlPool, mysqlSchema, mysqlStorage } from 'express-authorization-server/mysql'
import { storageContract } from 'express-authorization-server/storage-contract'
import * as callbacks from 'mysql2'
import { createConnection, createPool, type Pool, type PoolOptions } from 'mysql2/promise'
import type { Client } from '../../src/storage'
import { client, code, credential, DAY, grant, NOW, used } from '../../src/storage/contract/rows'
import { nameColumn } from '../../src/storage/mysql/client-names'
import { createHost } from '../support/host'
import { areWaiting, describeMysql, recorded, startMysql, type TestMysql } from './support/mysql'

jest.setTimeout(60_000)

describeMysql('mysqlStorage', () => {
  let mysql: TestMysql
  const pools: Pool[] = []
  const newPool = (options: PoolOptions = {}) => {
    const pool = createPool({ uri: mysql.url, connectionLimit: 20, ...options })
    pools.push(pool)
    return pool
  }
  let pool: Pool
  let other: Pool

  beforeAll(async () => {
    mysql = await startMysql()
    pool = newPool()
    other = newPool()
    await mysqlStorage(pool).migrate()
  })
  afterAll(async () => {
    for (const pool of pools) await pool.end()
    await mysql.stop()
  })
  const empty = async (pool: Pool) => {
    for (const table of ['clients', 'grants', 'credentials', 'marks']) await pool.query(`DELETE FROM oauth_${table}`)
  }

  describe('with two pools on one database', () => {
    storageContract({
      describe,
      test,
      async create() {
        await empty(pool)
        return [mysqlStorage(pool), mysqlStorage(other)]
      },
    })
  })

  // What a host may have set: everything that changes what text and values look like, and how transactions see each other
  describe('with a pool of callbacks and settings of the host', () => {
    let odd: callbacks.Pool | undefined
    afterAll(() => odd?.promise().end())
    const oddPool = () => {
      const pool = callbacks.createPool({
        uri: mysql.url,
        charset: 'latin1_swedish_ci',
        rowsAsArray: true,
        nestTables: true,
        supportBigNumbers: true,
        bigNumberStrings: true,
        dateStrings: true,
        typeCast: () => 'wrong',
        flags: ['-FOUND_ROWS'],
      })
      return pool.on('connection', (connection) => {
        connection.query("SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH'")
        connection.query('SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE')
      })
    }
    storageContract({
      describe,
      test,
      async create() {
        await empty(pool)
        odd ??= oddPool()
        return mysqlStorage(odd)
      },
    })
  })

  it('serves the whole flow over HTTP: code, refresh, guard, revocation', async () => {
    await empty(pool)
    const host = await createHost({ storage: mysqlStorage(pool) })
    const first = await host.signIn()
    expect(await host.isAlive(first)).toBe(true)
    const second = await host.refresh(host.web, first.refresh_token).expect(200)
    expect(await host.isAlive(second.body)).toBe(true)
    await host.revoke(host.web, second.body.refresh_token).expect(200)
    for (const tokens of [first, second.body]) expect(await host.isAlive(tokens)).toBe(false)
    await host.refresh(host.web, second.body.refresh_token).expect(400)
  })

  describe('migrate', () => {
    const made = { from: 0, to: 2, sessionsEnded: false }
    const current = { from: 2, to: 2, sessionsEnded: false }

    it('may run in many processes at once, and again', async () => {
      const storages = Array.from({ length: 20 }, () =>
        mysqlStorage(newPool({ connectionLimit: 1 }), { prefix: 'parallel_' }),
      )
      const results = await Promise.all(storages.map((storage) => storage.migrate()))
      expect(results.filter(({ from }) => from === 0)).toEqual([made])
      expect(await storages[0]?.migrate()).toEqual(current)
      expect(await storages[1]?.clients.insert(client())).toBe(true)
      await storages[2]?.migrate()
      expect(await storages[2]?.clients.find('client-1')).toEqual(client())
    })

    it('makes what mysqlSchema() says, under the names that were asked for', async () => {
      const options = { prefix: 'my_' }
      for (let times = 0; times < 2; times++) for (const statement of mysqlSchema(options)) await pool.query(statement)
      const seen: string[] = []
      const storage = mysqlStorage(recorded(pool, seen), options)
      await storage.migrate()
      expect(seen.join()).not.toContain('CREATE')
      await storage.grants.insert([credential({ grantId: 'g1' })], grant())
      expect(await storage.grants.find('g1~access')).toEqual(credential({ grantId: 'g1' }))
      expect((await pool.query('SELECT count(*) AS number FROM my_grants'))[0]).toEqual([{ number: 1 }])
    })

    it('needs no right to create where nothing is missing', async () => {
      const { port } = new URL(mysql.url)
      await pool.query(`CREATE DATABASE granted`)
      await mysqlStorage(newPool({ database: 'granted' })).migrate()
      await pool.query(`CREATE USER lesser@'127.0.0.1' IDENTIFIED BY 'secret'`)
      await pool.query(`GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON granted.* TO lesser@'127.0.0.1'`)
      const lesser = () => newPool({ uri: `mysql://lesser:secret@127.0.0.1:${port}/granted` })
      const storage = mysqlStorage(lesser())
      await storage.migrate()
      expect(await storage.grants.insert([code()])).toBe(true)
      expect(await storage.grants.deleteExpired(NOW + DAY, 10)).toBe(1)
      await pool.query(`REVOKE EXECUTE ON granted.* FROM lesser@'127.0.0.1'`)
      await expect(mysqlStorage(lesser()).grants.insert([code()])).rejects.toThrow('GRANT EXECUTE on the database')
    })

    it('adds a procedure that is missing, strict whatever the mode of the pool, and leaves the mode as it is', async () => {
      const single = newPool({ connectionLimit: 1 })
      await single.query("SET SESSION sql_mode = 'ANSI_QUOTES'")
      const storage = mysqlStorage(single, { prefix: 'partly_' })
      await storage.migrate()
      const [before] = await pool.query('SHOW PROCEDURE STATUS WHERE Name LIKE "partly_%"')
      const names = (before as { Name: string }[]).map(({ Name }) => Name)
      await pool.query(`DROP PROCEDURE ${names[0]}`)
      await expect(storage.grants.deleteExpired(NOW, 10)).rejects.toThrow('a procedure is missing. Call `await')
      await storage.migrate()
      expect(await storage.grants.deleteExpired(NOW, 10)).toBe(0)
      const modes = `SELECT DISTINCT sql_mode AS mode FROM information_schema.routines WHERE routine_name LIKE 'partly_%'`
      expect((await pool.query(modes))[0]).toEqual([{ mode: 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION' }])
      expect((await single.query('SELECT @@SESSION.sql_mode AS mode'))[0]).toEqual([{ mode: 'ANSI_QUOTES' }])
    })

    it('leaves the procedures of another release to the processes that still call them', async () => {
      const storage = mysqlStorage(pool, { prefix: 'rolling_' })
      await storage.migrate()
      await pool.query('CREATE PROCEDURE rolling_insert_0123abcd() SELECT 1 AS done')
      await storage.migrate()
      expect((await pool.query('CALL rolling_insert_0123abcd()'))[0]).toMatchObject([[{ done: 1 }], {}])
    })

    describe('on tables that a release without names has made', () => {
      const sql = readFileSync(join(__dirname, 'data', 'before-names.mysql.sql'), 'utf8')
      const expected = { photo: ['six', 'one', 'two', 'five', 'seven'], 写: ['three'], 'photos "to\\G': ['two'] }
      let databases = 0
      async function tables(): Promise<Pool> {
        const database = `before_names_${databases++}`
        await pool.query(`CREATE DATABASE ${database} CHARACTER SET latin1`)
        const own = newPool({ database })
        for (const statement of sql.split(';\n')) await own.query(statement)
        return own
      }
      async function verifyNames(own: Pool): Promise<void> {
        const { clients } = mysqlStorage(own)
        for (const [prefix, ids] of Object.entries(expected)) {
          const found = (await clients.listByName?.({ prefix, limit: 100 })) as Client[]
          expect(found.map(({ clientId }) => clientId)).toEqual(ids)
        }
        expect((await clients.list({ limit: 100 })).length).toBeGreaterThanOrEqual(7)
      }
      const tableOf = async (own: Pool) =>
        JSON.stringify((await own.query('SHOW CREATE TABLE oauth_clients'))[0]).replace(
          /DEFAULT CHARSET=\w+( COLLATE=\w+)?/,
          '',
        )

      it('names them, keeps the version, and says what to do until then', async () => {
        const own = await tables()
        const storage = mysqlStorage(own)
        await expect(storage.clients.listByName?.({ prefix: 'photo', limit: 10 })).rejects.toThrow(
          'the table of clients is of an older release, and has no names. Call `await storage.migrate()`',
        )
        expect(await storage.clients.find('one')).toBeDefined()
        expect(await storage.migrate()).toEqual(current)
        await verifyNames(own)
        const fresh = newPool({ database: 'app' })
        expect(await tableOf(own)).toBe(await tableOf(fresh))
      })

      it.each(['mysqlSchema()', 'migrate()'])('%s is run again after it was interrupted', async (way) => {
        const own = await tables()
        await own.query(`ALTER TABLE oauth_clients ADD COLUMN ${nameColumn}`)
        if (way === 'mysqlSchema()') await own.query('CREATE PROCEDURE oauth_add_names() SELECT 1')
        if (way === 'migrate()') await mysqlStorage(own).migrate()
        else for (let times = 0; times < 2; times++) for (const statement of mysqlSchema()) await own.query(statement)
        await verifyNames(own)
        expect((await own.query(`SHOW INDEX FROM oauth_clients WHERE Key_name = 'by_name'`))[0]).toHaveLength(2)
        expect(
          (await own.query(`SHOW PROCEDURE STATUS WHERE Name = 'oauth_add_names' AND Db = DATABASE()`))[0],
        ).toEqual([])
      })

      it('by a user who may create and alter, and nothing else of that kind', async () => {
        const own = await tables()
        const database = `before_names_${databases - 1}`
        const user = `${database}@'127.0.0.1'`
        await own.query(`CREATE USER ${user} IDENTIFIED BY 'secret'`)
        const rights = 'SELECT, INSERT, UPDATE, DELETE, EXECUTE, CREATE, CREATE ROUTINE, ALTER'
        await own.query(`GRANT ${rights} ON ${database}.* TO ${user}`)
        const { port } = new URL(mysql.url)
        const migrating = newPool({ uri: `mysql://${database}:secret@127.0.0.1:${port}/${database}` })
        await mysqlStorage(migrating).migrate()
        await verifyNames(migrating)
      })

      it('by many processes at once', async () => {
        const own = await tables()
        const [[{ name }]] = (await own.query('SELECT DATABASE() AS name')) as unknown as [[{ name: string }]]
        const pools = Array.from({ length: 10 }, () => newPool({ database: name, connectionLimit: 1 }))
        const results = await Promise.all(pools.map((one) => mysqlStorage(one).migrate()))
        expect(results).toEqual(Array(10).fill(current))
        await verifyNames(own)
      })

      it('whose processes go on: what they write is found, and renamed', async () => {
        const own = await tables()
        await mysqlStorage(own).migrate()
        const { clients } = mysqlStorage(own)
        // as that release writes, which does not know the column
        const record = JSON.stringify(client({ clientId: 'late', name: 'Late riser' }))
        await own.query('INSERT INTO oauth_clients (client_id, version, username, record) VALUES (?, 1, NULL, ?)', [
          'late',
          record,
        ])
        expect(await clients.listByName?.({ prefix: 'late', limit: 2 })).toHaveLength(1)
        await own.query(
          'UPDATE oauth_clients SET version = 2, username = NULL, record = ? WHERE client_id = ? AND version = 1',
          [record.replace('Late riser', 'Early bird'), 'late'],
        )
        expect(await clients.listByName?.({ prefix: 'late', limit: 2 })).toEqual([])
        expect(await clients.listByName?.({ prefix: 'EARLY', limit: 2 })).toHaveLength(1)
      })
    })

    it('refuses a table of that name that is somebody else’s', async () => {
      await pool.query('CREATE TABLE theirs_grants (id INT PRIMARY KEY, client_id INT, delete_at INT)')
      const message = /a table of this name has other columns\. Choose another prefix \(.*Unknown column/
      await expect(mysqlStorage(pool, { prefix: 'theirs_' }).migrate()).rejects.toThrow(message)
    })

    it('refuses tables of another version, at the first call, too', async () => {
      const storage = mysqlStorage(pool, { prefix: 'newer_' })
      await storage.migrate()
      await pool.query('UPDATE newer_schema SET version = 3')
      const newer = /has version 3, and this release .* supports up to 2\. Install the release that upgraded the store/
      await expect(mysqlStorage(pool, { prefix: 'newer_' }).grants.find('g1~c')).rejects.toThrow(newer)
      await expect(storage.migrate()).rejects.toThrow(newer)
      await pool.query('UPDATE newer_schema SET version = 1')
      const older = mysqlStorage(pool, { prefix: 'newer_' })
      await expect(older.grants.find('g1~c')).rejects.toThrow(/has version 1, and this release .* needs 2\. Call/)
    })

    it.each(['5.7.44-log', '10.5.29-MariaDB', '5.5.5-10.5.1-MariaDB', '5.7.25-TiDB-v7.5.0', 'x'])(
      'refuses a server that says %s',
      async (version) => {
        await expect(mysqlStorage(serverOf(version)).migrate()).rejects.toThrow(
          `mysqlStorage needs MySQL 8.0 or MariaDB 10.6, or newer; this server reports ${version}`,
        )
      },
    )
    it.each(['8.0.36', '8.4.0-log', '9.1.0', '10.6.0-MariaDB', '5.5.5-10.11.2-MariaDB', '11.4.2-MariaDB-ubu2404'])(
      'takes a server that says %s',
      async (version) => {
        await expect(mysqlStorage(serverOf(version)).migrate()).rejects.toThrow('the pool has no database')
      },
    )
  })

  describe('wrong use', () => {
    it('says what to pass instead of what is no pool', async () => {
      const connection = await createConnection(mysql.url)
      const wrong = [undefined, null, 'mysql://localhost', {}, callbacks, connection]
      for (const value of wrong) {
        expect(() => mysqlStorage(value as unknown as MysqlPool)).toThrow(
          /^mysqlStorage needs a Pool of mysql2, as in createPool\(process\.env\.DATABASE_URL\): (this|a Connection) is/,
        )
      }
      await connection.end()
    })

    it.each([
      '',
      'Upper',
      'a-b',
      'a"b',
      'a;DROP TABLE x',
      "a'b",
      'a`b',
      '1a',
      'a b',
      'a.b',
      'é',
      'a'.repeat(32),
      7,
      null,
    ])('refuses %p as a prefix, which becomes SQL', (prefix) => {
      expect(() => mysqlStorage(pool, { prefix } as never)).toThrow('prefix must be a name')
      expect(() => mysqlSchema({ prefix } as never)).toThrow('prefix must be a name')
    })

    it('names migrate() where the tables are missing', async () => {
      const storage = mysqlStorage(pool, { prefix: 'absent_' })
      await expect(storage.grants.find('g1~code')).rejects.toThrow(
        /tables are missing\. Call `await storage\.migrate\(\)`.*absent_/,
      )
      await expect(storage.grants.insert([code()])).rejects.toThrow(
        /procedure is missing\. Call `await storage\.migrate/,
      )
      await expect(storage.clients.list({ limit: 10 })).rejects.toThrow('tables are missing')
    })

    it('refuses sessions without autocommit, whose reads would not see a revocation', async () => {
      const late = newPool()
      late.on('connection', (connection) => connection.query('SET autocommit = 0'))
      await expect(mysqlStorage(late).grants.find('g1~a')).rejects.toThrow('Set autocommit = 1')
    })

    it.each<[string, () => unknown]>([
      ['id', () => mysqlStorage(pool).grants.insert([credential({ id: `g1~${'a'.repeat(253)}` })])],
      ['state', () => mysqlStorage(pool).grants.insert([credential({ state: 'é'.repeat(128) })])],
      ['user_id', () => mysqlStorage(pool).grants.insert([credential({ userId: '日'.repeat(256) })])],
      ['user_id', () => mysqlStorage(pool).grants.revoke({ userId: '日'.repeat(256) }, NOW)],
      ['client_id', () => mysqlStorage(pool).clients.insert(client({ clientId: 'a'.repeat(766) }))],
      ['username', () => mysqlStorage(pool).clients.insert(client({ username: 'a'.repeat(766) }))],
    ])('refuses a longer %s than its column has, which would be cut without a word', async (column, call) => {
      await empty(pool)
      const message = new RegExp(`keeps at most (255|765) bytes of ${column}, and this one has `)
      await expect((async () => call())()).rejects.toThrow(message)
      expect(await mysqlStorage(pool).grants.find(`g1~${'a'.repeat(253)}`)).toBeUndefined()
    })

    it('stores nothing that has no time', async () => {
      const { grants } = mysqlStorage(pool)
      for (const expiresAt of [Number.NaN, Number.POSITIVE_INFINITY, 1.5]) {
        await expect(grants.insert([credential({ id: 'g9~access', expiresAt })])).rejects.toThrow('whole numbers only')
      }
      expect(await grants.find('g9~access')).toBeUndefined()
      for (const limit of [Number.NaN, -1, '1; DROP TABLE oauth_grants' as never]) {
        await expect(grants.list({ limit })).rejects.toThrow('limit must be a whole number')
      }
    })

    it('stores nothing of a call of which one row cannot be kept', async () => {
      await empty(pool)
      const { grants } = mysqlStorage(pool)
      const odd = { ...credential({ id: 'g1~odd' }), kind: null as never }
      await expect(grants.insert([code(), odd], grant())).rejects.toThrow(/kind/)
      await grants.insert([code()])
      await expect(grants.transition('g1~code', 'fresh', used(code()), [odd], grant())).rejects.toThrow(/kind/)
      expect(await grants.find('g1~code')).toEqual(code())
      expect(await grants.list({ limit: 10 })).toEqual([])
    })
  })

  it('removes what expired long ago with every so many inserts, without being asked', async () => {
    await empty(pool)
    const { grants } = mysqlStorage(pool)
    for (let n = 0; n < 300; n++) {
      const [id, at] = [`g${n}`, NOW + n * 300]
      const token = credential({ id: `${id}~access`, grantId: id, startedAt: at, issuedAt: at, expiresAt: at + 60 })
      await grants.insert([token], grant({ id, startedAt: at, expiresAt: at + 60 }))
    }
    // in an hour, and until the next sweep, 12 + 32 rows come
    for (const table of ['credentials', 'grants']) {
      const [rows] = await pool.query(`SELECT count(*) AS number FROM oauth_${table}`)
      expect((rows as { number: number }[])[0]?.number).toBeLessThan(60)
    }
    expect(await grants.find('g299~access')).toBeDefined()
  })

  describe('when connections are lost', () => {
    it('fails what is under way, and works again with the next call', async () => {
      await empty(pool)
      const victim = newPool({ connectionLimit: 2 })
      const { grants } = mysqlStorage(victim)
      await grants.insert([code()])
      const holder = await pool.getConnection()
      await holder.query('START TRANSACTION')
      await holder.query('SELECT * FROM oauth_credentials FOR UPDATE')
      const waiting = grants.transition('g1~code', 'fresh', used(code()), [], grant())
      const failed = expect(waiting).rejects.toThrow(/closed|lost|interrupted/i)
      await other.query(`KILL ${await idOfWaiting(other)}`)
      await failed
      await holder.query('ROLLBACK')
      holder.release()
      expect(await grants.find('g1~code')).toEqual(code())
      expect(await grants.transition('g1~code', 'fresh', used(code()), [], grant())).toBe(true)
    })

    it('answers 503 while the database is away, and recovers by itself', async () => {
      await empty(pool)
      const host = await createHost({ storage: mysqlStorage(pool) })
      const tokens = await host.signIn()
      await mysql.kill()
      await host.me(tokens.access_token).expect(503)
      await host.refresh(host.web, tokens.refresh_token).expect(503)
      await mysql.restart()
      await host.me(tokens.access_token).expect(200)
      await host.refresh(host.web, tokens.refresh_token).expect(200)
    })
  })
})

/** A server that says its version and has no database. */
function serverOf(version: string): MysqlPool {
  const query: MysqlPool['query'] = async () => [
    [{ version: Buffer.from(version), name: null, mode: Buffer.from('') }],
    [],
  ]
  return { query, getConnection: async () => ({ query, release() {} }) }
}

/** The connection whose statement waits for a lock of another one. */
async function idOfWaiting(pool: Pool): Promise<number> {
  await areWaiting(pool)
  const [rows] = await pool.query(
    `SELECT trx_mysql_thread_id AS id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'`,
  )
  return (rows as { id: number }[])[0]?.id as number
}
