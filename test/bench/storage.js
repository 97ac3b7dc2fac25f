// `npm run bench:storage`: what `find` and `transition` take on each database with a thousand to a million live sessions in
// it, and what a session takes up after 1 and after 100 refreshes.
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { parseArgs } = require('node:util')
const { buildPackage } = require('./lib/build')
const { startMysql, startPostgres, startRedis } = require('./lib/databases')
const { describeMachine, requirePeers } = require('./lib/machine')
const { table } = require('./lib/report')
const { quantile } = require('./lib/statistics')
const { load } = require('./servers/common')
const { adapterOf } = require('./servers/ours')

const { values } = parseArgs({
  options: {
    stores: { type: 'string', default: 'postgres,mysql,redis' },
    sizes: { type: 'string', default: '1000,100000,1000000' },
    samples: { type: 'string', default: '3000' },
  },
})
const sizes = values.sizes.split(',').map(Number)
const samples = Number(values.samples)
/** Sessions whose bytes are counted. */
const COUNTED = 2000

/**
 * @typedef {object} Store
 * @property {any} storage
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
    const storage = require(adapterOf(folder, 'postgres')).postgresStorage(pool)
    await storage.migrate()
    const tables = ['oauth_grants', 'oauth_credentials']
    return {
      storage,
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
    const storage = require(adapterOf(folder, 'mysql')).mysqlStorage(pool)
    await storage.migrate()
    const tables = ['oauth_grants', 'oauth_credentials']
    return {
      storage,
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
    const storage = require(adapterOf(folder, 'redis')).redisStorage(client)
    return {
      storage,
      bytes: async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]),
      empty: () => client.flushAll(),
      settle: async () => {},
      close: () => client.close(),
    }
  },
  async sqlite(folder) {
    const place = mkdtempSync(join(tmpdir(), 'eas-bench-sqlite-'))
    const database = new (load('better-sqlite3'))(join(place, 'oauth.db'))
    const storage = require(adapterOf(folder, 'sqlite')).sqliteStorage(database)
    storage.migrate()
    const pragma = (/** @type {string} */ name) => database.pragma(name, { simple: true })
    return {
      storage,
      bytes: async () => (pragma('page_count') - pragma('freelist_count')) * pragma('page_size'),
      empty: async () =>
        database.exec(['grants', 'credentials', 'clients'].map((name) => `DELETE FROM oauth_${name};`).join('')),
      settle: async () => pragma('wal_checkpoint(TRUNCATE)'),
      async close() {
        database.close()
        rmSync(place, { recursive: true, force: true })
      },
    }
  },
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

/** Notes how long the calls of two methods take. @param {any} storage */
function timed(storage) {
  /** @type {{ find: number[], transition: number[] }} */
  const times = { find: [], transition: [] }
  const timing =
    (/** @type {'find' | 'transition'} */ name) =>
    async (/** @type {any[]} */ ...args) => {
      const started = process.hrtime.bigint()
      const answer = await storage.grants[name](...args)
      times[name].push(Number(process.hrtime.bigint() - started) / 1e6)
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
    const store = await stores[name]?.(folder)
    if (!store) {
      console.error(`${name}: not measured, it is not installed`)
      continue
    }
    const { storage, times } = timed(store.storage)

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
      times.find.length = times.transition.length = 0
      for (const token of tokens.slice(200)) await sessions.refresh(token)
      const ms = (/** @type {number[]} */ all) =>
        [0.5, 0.99].map((share) => quantile(all, share).toFixed(2)).join(' / ')
      latencies.push([name, size.toLocaleString('en'), ms(times.find), ms(times.transition)])
      console.error(latencies.at(-1)?.join(', '))
    }

    await store.empty()
    const sessions = await sessionsOn(library, storage)
    await store.settle()
    const before = await store.bytes()
    /** @type {string[]} */
    let tokens = []
    await sessions.begin(COUNTED, ({ refresh_token }) => tokens.push(refresh_token))
    const row = [name]
    for (let n = 0; n <= 100; n++) {
      if (n === 0 || n === 1 || n === 100) {
        await store.settle()
        row.push(Math.round(((await store.bytes()) - before) / COUNTED).toLocaleString('en'))
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
  console.log(table(['store', 'live sessions', 'find', 'transition of a refresh'], latencies))
  console.log(`\n${table(['store', 'bytes of a session', 'after 1 refresh', 'after 100 refreshes'], weights)}`)
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
