// `npm run bench:storage`: what `find` and `transition` take on each database with a thousand to a million live sessions in
// it, how much of that is the driver alone with the same statements, and what a session takes up after 1 and 100 refreshes.
// node:sqlite needs Node 22.13, and better-sqlite3 one that it was built for: what this Node has not is left out.
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { parseArgs } = require('node:util')
const { buildPackage } = require('./lib/build')
const { startMysql, startPostgres, startRedis } = require('./lib/databases')
const { clocked } = require('./lib/driver-time')
const { describeMachine, requirePeers } = require('./lib/machine')
const { table } = require('./lib/report')
const { quantile } = require('./lib/statistics')
const { load } = require('./servers/common')
const { adapterOf } = require('./servers/ours')

const { values } = parseArgs({
  options: {
    stores: { type: 'string', default: 'postgres,mysql,redis,better-sqlite3,node:sqlite' },
    sizes: { type: 'string', default: '1000,100000,1000000' },
    samples: { type: 'string', default: '3000' },
    // sessions whose bytes are counted
    counted: { type: 'string', default: '2000' },
    refreshes: { type: 'string', default: '100' },
  },
})
const sizes = values.sizes.split(',').map(Number)
const samples = Number(values.samples)
const counted = Number(values.counted)
const refreshes = Number(values.refreshes)

/**
 * @typedef {object} Store
 * @property {any} storage
 * @property {() => number} driverTime milliseconds of the driver since it was asked last
 * @property {() => Promise<number>} bytes that the database takes up
 * @property {() => Promise<unknown>} empty
 * @property {() => Promise<unknown>} settle what the database does by itself from time to time
 * @property {() => Promise<unknown>} close
 */

/** @type {Record<string, (folder: string) => Promise<Store | undefined>>} */
const stores = {
  async postgres(folder) {
    const connectionString = await startPostgres()
    if (!connectionString) return undefined
    const pool = new (load('pg').Pool)({ connectionString, max: 16 })
    const { driver, take } = clocked(pool)
    const storage = require(adapterOf(folder, 'postgres')).postgresStorage(driver)
    await storage.migrate()
    const tables = ['oauth_grants', 'oauth_credentials']
    return {
      storage,
      driverTime: take,
      async bytes() {
        const text = `SELECT ${tables.map((name) => `pg_total_relation_size('${name}')`).join(' + ')} AS bytes`
        return Number((await pool.query(text)).rows[0].bytes)
      },
      empty: () => pool.query(`TRUNCATE ${tables.join(', ')}, oauth_clients`),
      settle: () => pool.query('VACUUM ANALYZE'),
      close: () => pool.end(),
    }
  },
  async mysql(folder) {
    const uri = await startMysql()
    if (!uri) return undefined
    const pool = load('mysql2/promise').createPool({ uri, connectionLimit: 16 })
    const { driver, take } = clocked(pool)
    const storage = require(adapterOf(folder, 'mysql')).mysqlStorage(driver)
    await storage.migrate()
    const tables = ['oauth_grants', 'oauth_credentials']
    return {
      storage,
      driverTime: take,
      async bytes() {
        const text = `SELECT SUM(data_length + index_length) AS bytes FROM information_schema.tables
          WHERE table_schema = DATABASE() AND table_name IN ('${tables.join("', '")}')`
        return Number((await pool.query(text))[0][0].bytes)
      },
      async empty() {
        for (const table of [...tables, 'oauth_clients']) await pool.query(`TRUNCATE TABLE ${table}`)
      },
      settle: () => pool.query(`ANALYZE TABLE ${tables.join(', ')}`),
      close: () => pool.end(),
    }
  },
  async redis(folder) {
    const url = await startRedis()
    if (!url) return undefined
    const client = load('redis').createClient({ url })
    await client.connect()
    const { driver, take } = clocked(client)
    const storage = require(adapterOf(folder, 'redis')).redisStorage(driver)
    return {
      storage,
      driverTime: take,
      bytes: async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]),
      empty: () => client.flushAll(),
      settle: async () => {},
      close: () => client.close(),
    }
  },
  async 'better-sqlite3'(folder) {
    const Database = load('better-sqlite3')
    return sqlite(folder, (file) => new Database(file))
  },
  async 'node:sqlite'(folder) {
    const builtin = /** @type {any} */ (process.getBuiltinModule?.('node:sqlite'))
    return builtin && sqlite(folder, (file) => new builtin.DatabaseSync(file))
  },
}

/** Either driver of SQLite. @param {string} folder @param {(file: string) => any} open @returns {Store} */
function sqlite(folder, open) {
  const place = mkdtempSync(join(tmpdir(), 'eas-bench-sqlite-'))
  const database = open(join(place, 'oauth.db'))
  const { driver, take } = clocked(database)
  const storage = require(adapterOf(folder, 'sqlite')).sqliteStorage(driver)
  storage.migrate()
  const pragma = (/** @type {string} */ name) => Number(Object.values(database.prepare(`PRAGMA ${name}`).get())[0])
  return {
    storage,
    driverTime: take,
    bytes: async () => (pragma('page_count') - pragma('freelist_count')) * pragma('page_size'),
    empty: async () =>
      database.exec(['grants', 'credentials', 'clients'].map((name) => `DELETE FROM oauth_${name};`).join('')),
    settle: async () => pragma('wal_checkpoint(TRUNCATE)'),
    async close() {
      database.close()
      rmSync(place, { recursive: true, force: true })
    },
  }
}

/** A server on that store, and sessions as its users would have them. @param {any} library @param {any} storage */
async function sessionsOn(library, storage) {
  const server = library.createAuthorizationServer({ issuer: 'https://auth.example.com', storage, scopes: ['read'] })
  const clientId = 'bench'
  const redirectUris = ['https://client.example/callback']
  const { client } = await library.registerClient(server, { clientId, redirectUris, scopes: ['read'] })
  const { handle } = server.grants.get('refresh_token')
  return {
    /** @param {number} count @param {(tokens: any) => void} [each] */
    async begin(count, each = () => {}) {
      let begun = 0
      const one = async () => {
        while (begun < count) {
          const userId = `user-${begun++}`
          each(await library.issueTokens(server, { clientId, userId, scope: 'read' }))
        }
      }
      await Promise.all(Array.from({ length: 16 }, one))
    },
    /** @param {string} token @returns {Promise<string>} */
    async refresh(token) {
      const parameters = new Map([['refresh_token', token]])
      const startedAt = Math.floor(Date.now() / 1000)
      const request = { client, authenticated: true, grantType: 'refresh_token', parameters, startedAt, network: '' }
      return (await handle(server, request)).refresh_token
    },
  }
}

/** Notes how long the calls of two methods take, and the driver in them. @param {Store} store */
function timed({ storage, driverTime }) {
  /** @type {Record<'find' | 'transition' | 'findDriver' | 'transitionDriver', number[]>} */
  const times = { find: [], transition: [], findDriver: [], transitionDriver: [] }
  const timing =
    (/** @type {'find' | 'transition'} */ name) =>
    async (/** @type {any[]} */ ...args) => {
      driverTime()
      const started = process.hrtime.bigint()
      const answer = await storage.grants[name](...args)
      times[name].push(Number(process.hrtime.bigint() - started) / 1e6)
      times[`${name}Driver`].push(driverTime())
      return answer
    }
  const grants = { ...storage.grants, find: timing('find'), transition: timing('transition') }
  return { times, storage: { ...storage, grants } }
}

async function main() {
  requirePeers()
  const folder = buildPackage()
  const library = require(join(folder, 'dist', 'index.js'))
  const latencies = []
  const weights = []
  for (const name of values.stores.split(',')) {
    const store = await stores[name]?.(folder).catch((error) => void console.error(error.message))
    if (!store) {
      console.error(`${name}: not measured, it is not installed`)
      continue
    }
    const { storage, times } = timed(store)

    for (const size of sizes) {
      await store.empty()
      const sessions = await sessionsOn(library, storage)
      const step = Math.ceil(size / samples)
      /** @type {string[]} */
      const tokens = []
      let seen = 0
      await sessions.begin(size, ({ refresh_token }) => seen++ % step === 0 && tokens.push(refresh_token))
      await store.settle()
      for (const token of tokens.slice(0, 200)) await sessions.refresh(token)
      for (const all of Object.values(times)) all.length = 0
      for (const token of tokens.slice(200)) await sessions.refresh(token)
      const ms = (/** @type {number[]} */ all) =>
        [0.5, 0.99].map((share) => quantile(all, share).toFixed(3)).join(' / ')
      const { find, findDriver, transition, transitionDriver } = times
      latencies.push([name, size.toLocaleString('en'), ...[find, findDriver, transition, transitionDriver].map(ms)])
      console.error(latencies.at(-1)?.join(', '))
    }

    await store.empty()
    const sessions = await sessionsOn(library, storage)
    await store.settle()
    const before = await store.bytes()
    /** @type {string[]} */
    let tokens = []
    await sessions.begin(counted, ({ refresh_token }) => tokens.push(refresh_token))
    const row = [name]
    for (let n = 0; n <= refreshes; n++) {
      if (n === 0 || n === 1 || n === refreshes) {
        await store.settle()
        row.push(Math.round(((await store.bytes()) - before) / counted).toLocaleString('en'))
      }
      const next = []
      for (const token of tokens) next.push(await sessions.refresh(token))
      tokens = next
      // as often as autovacuum does it
      if (n % 10 === 9) await store.settle()
    }
    weights.push(row)
    console.error(row.join(', '))
    await store.close()
  }
  console.log(`${describeMachine()}. One call at a time, ${samples} sessions refreshed; p50 / p99 in ms.\n`)
  console.log(
    table(['store', 'live sessions', 'find', 'its driver', 'transition of a refresh', 'its driver'], latencies),
  )
  console.log(`\n${table(['store', 'bytes of a session', 'after 1 refresh', `after ${refreshes} refreshes`], weights)}`)
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
