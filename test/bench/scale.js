// `npm run bench:scale`: what `find`, the `transition` of a refresh, an `insert` and a page of `list` take in PostgreSQL with a
// thousand, a hundred thousand and a million live sessions in it; and how deep its indexes are, and would be with ten
// million. The rows are made by SQL in the shape of one that the adapter has written; those that are measured, by the library.
const { join } = require('node:path')
const { parseArgs } = require('node:util')
const { buildPackage } = require('./lib/build')
const { startPostgres } = require('./lib/databases')
const { describeMachine, doubtsOfMachine, requirePeers } = require('./lib/machine')
const { table } = require('./lib/report')
const { beginSession, multiplied } = require('./lib/rows')
const { quantile } = require('./lib/statistics')
const { load } = require('./servers/common')
const { adapterOf } = require('./servers/ours')

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000,100000,1000000' },
    samples: { type: 'string', default: '3000' },
    // the size whose depth is computed
    computed: { type: 'string', default: '10000000' },
  },
})
const sizes = values.sizes.split(',').map(Number)
const samples = Number(values.samples)
const computed = Number(values.computed)
const WARM = 200

/** @typedef {{ index: string, height: number, pages: number, fanout: number }} Depth */

/** @param {any} pool @param {number} size */
async function measure(/** @type {any} */ library, /** @type {string} */ folder, pool, size) {
  const storage = require(adapterOf(folder, 'postgres')).postgresStorage(pool)
  await storage.migrate()
  await pool.query('TRUNCATE oauth_grants, oauth_credentials, oauth_clients')
  const server = library.createAuthorizationServer({ issuer: 'https://auth.example.com', storage, scopes: ['read'] })
  const options = { clientId: 'bench', redirectUris: ['https://client.example/callback'], scopes: ['read'] }
  const { client } = await library.registerClient(server, options)
  const begin = (/** @type {number} */ n) =>
    library.issueTokens(server, { clientId: 'bench', userId: `measured-${n}`, scope: 'read' })

  const first = await beginSession(library, server, { clientId: 'bench', userId: 'user-0', scope: 'read' })
  const own = Math.min(samples, size / 2)
  /** @type {string[]} */
  const tokens = []
  // the measured ones are among the others, not all at one end of the table
  const halves = [Math.floor((size - own) / 2), Math.ceil((size - own) / 2) - 1]
  await multiply(pool, first.grant.id, /** @type {number} */ (halves[0]))
  while (tokens.length < own) tokens.push((await begin(tokens.length)).refresh_token)
  await multiply(pool, first.grant.id, /** @type {number} */ (halves[1]))
  await verify(pool, storage, first)
  await pool.query('VACUUM ANALYZE')
  await pool.query('CHECKPOINT')

  const { handle } = server.grants.get('refresh_token')
  const refresh = (/** @type {string} */ token) => {
    const parameters = new Map([['refresh_token', token]])
    const startedAt = Math.floor(Date.now() / 1000)
    return handle(server, {
      client,
      authenticated: true,
      grantType: 'refresh_token',
      parameters,
      startedAt,
      network: '',
    })
  }
  /** @type {Record<string, (n: number, token: string) => Promise<unknown>>} */
  const operations = {
    find: (_n, token) => storage.grants.find(token.slice(0, token.indexOf('.'))),
    'whole refresh': (_n, token) => refresh(token),
    'new session': (n) => begin(own + n),
    'page of a user': (n) => storage.grants.list({ userId: `user-${n + 1}`, limit: 100 }),
    'page of a client': () => storage.grants.list({ clientId: 'bench', limit: 100 }),
  }
  const row = [size.toLocaleString('en')]
  for (const [name, operation] of Object.entries(operations)) {
    /** @type {number[]} */
    const times = []
    for (const [n, token] of tokens.entries()) {
      const started = process.hrtime.bigint()
      await operation(n, token)
      if (n >= Math.min(WARM, own / 2)) times.push(Number(process.hrtime.bigint() - started) / 1e6)
    }
    row.push([0.5, 0.99].map((share) => quantile(times, share).toFixed(3)).join(' / '))
    console.error(`${row[0]}: ${name} ${row.at(-1)}`)
  }
  return { row, depths: await depths(pool) }
}

/** @param {any} pool @param {string} grantId @param {number} count */
async function multiply(pool, grantId, count) {
  const connection = await pool.connect()
  for (const sql of [...multiplied('postgres', grantId, count), 'DROP TABLE new_sessions']) await connection.query(sql)
  connection.release()
}

/** Reads some of the rows that SQL has made through the adapter. @param {any} pool @param {any} storage @param {import('./lib/rows').Session} first */
async function verify(pool, storage, { credentials, grant }) {
  const { rows } = await pool.query(
    `SELECT user_id FROM oauth_grants WHERE user_id LIKE 'user-%' AND user_id <> 'user-0' LIMIT 20`,
  )
  const wrong = (/** @type {string} */ what) =>
    new Error(`The rows made by SQL are not as the adapter writes them: ${what}`)
  for (const { user_id: userId } of rows) {
    const [found] = await storage.grants.list({ userId, limit: 1 })
    if (!found || withoutTimes(found) !== withoutTimes({ ...grant, id: found.id, userId })) {
      throw wrong(JSON.stringify(found))
    }
    for (const one of credentials) {
      const id = one.id.replace(grant.id, found.id)
      const row = await storage.grants.find(id)
      const expected = { ...one, id, grantId: found.id, userId }
      if (!row || withoutTimes(row) !== withoutTimes(expected)) throw wrong(JSON.stringify(row))
    }
  }
}

/** @param {object} row */
const withoutTimes = (row) => JSON.stringify({ ...row, startedAt: 0, issuedAt: 0, expiresAt: 0 })

/** Each index: its height as its meta page says, else by its pages. @param {any} pool @returns {Promise<Depth[]>} */
async function depths(pool) {
  const hasInspect = await pool.query('CREATE EXTENSION IF NOT EXISTS pageinspect').then(
    () => true,
    () => false,
  )
  const { rows } = await pool.query(`SELECT c.relname AS index, c.relpages AS pages
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    WHERE t.relname IN ('oauth_grants', 'oauth_credentials') AND c.reltuples > 0 ORDER BY t.relname DESC, c.relname`)
  const found = []
  for (const { index, pages } of rows) {
    const level = hasInspect ? (await pool.query('SELECT level FROM bt_metap($1)', [index])).rows[0].level : undefined
    const fanout = hasInspect ? await fanoutOf(pool, index) : 100
    const height = level === undefined ? heightOf(pages, fanout) : Number(level) + 1
    found.push({ index, pages: Number(pages), height, fanout })
  }
  return found
}

/** Entries of the root and its neighbours: pages of the level below, for each. @param {any} pool @param {string} index */
async function fanoutOf(pool, index) {
  const { rows } = await pool.query(
    `SELECT avg(live_items) AS items FROM generate_series(1, least(4000, (SELECT relpages FROM pg_class WHERE relname = $1) - 1)) AS block,
     LATERAL bt_page_stats($1, block::int) AS page WHERE page.type = 'i'`,
    [index],
  )
  return Number(rows[0]?.items) || 100
}

/** Levels of a tree whose leaves are `leaves` pages. @param {number} leaves @param {number} fanout */
const heightOf = (leaves, fanout) => 1 + Math.max(0, Math.ceil(Math.log(Math.max(1, leaves)) / Math.log(fanout)))

async function main() {
  requirePeers()
  const doubts = await doubtsOfMachine()
  const connectionString = await startPostgres()
  if (!connectionString) throw new Error('There is no PostgreSQL: install it, or set BENCH_POSTGRES_URL')
  const folder = buildPackage()
  const library = require(join(folder, 'dist', 'index.js'))
  const pool = new (load('pg').Pool)({ connectionString, max: 4 })
  const rows = []
  /** @type {Map<number, Depth[]>} */
  const depthsAt = new Map()
  for (const size of sizes) {
    const { row, depths } = await measure(library, folder, pool, size)
    rows.push(row)
    depthsAt.set(size, depths)
  }
  await pool.end()
  const largest = /** @type {number} */ (sizes.at(-1))
  const last = depthsAt.get(largest) ?? []
  const trees = last.map(({ index, pages, fanout }) => [
    index,
    ...sizes.map((size) => String(depthsAt.get(size)?.find((one) => one.index === index)?.height ?? 1)),
    String(Math.max(heightOf((pages * computed) / largest, fanout), heightAt(last, index))),
    `${Math.round(pages / 128)} MB`,
    `${Math.round((pages * computed) / largest / 128).toLocaleString('en')} MB`,
    fanout.toFixed(0),
  ])
  console.log(`${describeMachine()}. One call at a time, ${samples} of each; p50 / p99 in ms.\n`)
  const names = ['find', 'whole refresh', 'new session', 'page of a user', 'page of a client']
  console.log(`${table(['live sessions', ...names], rows)}\n`)
  console.log('Levels of each index, from its root to its leaves: the pages that one look in it reads.\n')
  const header = [
    'index',
    ...sizes.map((size) => size.toLocaleString('en')),
    `${computed.toLocaleString('en')} (computed)`,
  ]
  console.log(
    table([...header, `size at ${largest.toLocaleString('en')}`, 'size computed', 'entries of an inner page'], trees),
  )
  for (const doubt of doubts) console.log(`\n- ${doubt}`)
}

/** @param {readonly Depth[]} depths @param {string} index */
const heightAt = (depths, index) => depths.find((one) => one.index === index)?.height ?? 1

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
