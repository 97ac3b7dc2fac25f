// A whole host app, and how long its event loop stands still while it does one thing of size. What calls it over HTTP is its
// parent, so that a client's own work does not count.
const { mkdtempSync, rmSync } = require('node:fs')
const { createServer } = require('node:http')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { anotherOf, beginSession, multiplied } = require('../lib/rows')
const { load } = require('./common')
const { adapterOf } = require('./ours')

const express = load('express')
const { folder, storage: kind } = JSON.parse(String(process.argv[2]))
/** @type {any} */
const library = require(join(folder, 'dist', 'index.js'))
const { adminRouter } = require(join(folder, 'dist', 'admin', 'index.js'))

const LATER = 400 * 86_400
const user = 'user-0'
let now = Math.floor(Date.now() / 1000)
/** @type {any} */
let server
/** @type {any} */
let database
/** @type {string} */
let ownClient

/** @returns {any} */
function openStorage() {
  if (kind === 'memory') return library.memoryStorage()
  const place = mkdtempSync(join(tmpdir(), 'eas-bench-holds-'))
  process.on('exit', () => rmSync(place, { recursive: true, force: true }))
  const builtin = /** @type {any} */ (process.getBuiltinModule?.('node:sqlite'))
  const open = builtin
    ? (/** @type {string} */ file) => new builtin.DatabaseSync(file)
    : (/** @type {string} */ file) => new (load('better-sqlite3'))(file)
  database = open(join(place, 'oauth.db'))
  const storage = require(adapterOf(folder, 'sqlite')).sqliteStorage(database)
  storage.migrate()
  return storage
}

/** @param {string} origin */
async function mount(origin) {
  const { authorizationCode, clientCredentials, refreshToken, privateKeyJwt, clientSecret, requestObjects } = library
  server = library.createAuthorizationServer({
    issuer: origin,
    storage: openStorage(),
    scopes: { read: 'See your data', write: 'Change your data' },
    grants: [authorizationCode(), clientCredentials(), refreshToken()],
    clientAuthentication: [clientSecret(), privateKeyJwt()],
    requests: [requestObjects()],
    clientIdMetadataDocuments: { scopes: 'read', dangerouslyAllowLoopback: true },
    throttle: false,
    users: { find: (/** @type {string} */ id) => ({ id }), current: () => user, signIn: '/login' },
    now: () => now,
  })
  const { client } = await library.registerClient(server, {
    name: 'Bench',
    redirectUris: ['https://client.example/callback'],
    grantTypes: ['authorization_code', 'refresh_token'],
    scopes: ['read'],
  })
  ownClient = client.clientId
  const app = express()
  app.use('/apps', library.connectedAppsRouter(server))
  app.use(
    '/admin',
    adminRouter(server, { protect: (/** @type {any} */ _q, /** @type {any} */ _s, /** @type {any} */ next) => next() }),
  )
  app.use(
    library.oauthRouter(server, {
      decide: library.consentPage(),
      protect: false,
      register: { protect: 'open', scopes: 'read' },
    }),
  )
  return app
}

let watching = false
let longest = { wall: 0, cpu: 0 }
const cpuNow = () => {
  const { user, system } = /** @type {any} */ (process).threadCpuUsage?.() ?? process.cpuUsage()
  return (user + system) / 1000
}

/** From one turn of the loop to the next: `cpu` is what of it this thread worked, and not another process. */
function watch() {
  watching = true
  longest = { wall: 0, cpu: 0 }
  let before = { wall: performance.now(), cpu: cpuNow() }
  const turn = () => {
    const current = { wall: performance.now(), cpu: cpuNow() }
    longest.wall = Math.max(longest.wall, current.wall - before.wall)
    longest.cpu = Math.max(longest.cpu, current.cpu - before.cpu)
    before = current
    if (watching) setImmediate(turn)
  }
  setImmediate(turn)
}

/** @type {Record<string, (...args: any[]) => unknown>} */
const commands = {
  async ready() {
    const http = createServer()
    await new Promise((resolve) => http.listen(0, '127.0.0.1', () => resolve(undefined)))
    const { port } = /** @type {import('node:net').AddressInfo} */ (http.address())
    http.on('request', await mount(`http://127.0.0.1:${port}`))
    return { port, client: { id: ownClient, secret: '' } }
  },
  /** Sessions of the one user at one client, or of a user each. @param {number} count @param {boolean} ofOne */
  async sessions(count, ofOne) {
    const first = await beginSession(library, server, { clientId: ownClient, userId: user, scope: 'read' })
    if (kind === 'memory') {
      for (let n = 1; n < count; n++) {
        const { credentials, grant } = anotherOf(first, ofOne ? {} : { userId: `user-${n}` })
        server.storage.grants.insert(credentials, grant)
        // what nobody waits for yet
        if (n % 1000 === 0) await new Promise(setImmediate)
      }
      globalThis.gc?.()
      return
    }
    database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -200000')
    for (const sql of multiplied('sqlite', first.grant.id, count - 1)) database.exec(sql)
    if (ofOne)
      database.exec(`UPDATE oauth_grants SET user_id = '${user}'; UPDATE oauth_credentials SET user_id = '${user}'`)
    // all of it is on the disk before anything is measured: otherwise the first commit waits for half a gigabyte
    database.exec('PRAGMA synchronous = FULL; ANALYZE; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size = -2000')
  },
  /** @param {boolean} [later] */
  async deleteExpired(later = true) {
    if (later) now += LATER
    return library.deleteExpired(server)
  },
  listGrants: async () => (await library.listGrants(server, { userId: user })).length,
  revokeClient: () => library.revokeGrants(server, { clientId: ownClient }),
  listOfClient: async () => (await library.listGrants(server, { clientId: ownClient })).length,
  watch,
  watched: () => {
    watching = false
    return longest
  },
  stop: () => setImmediate(() => process.exit(0)),
}

process.on('message', async (/** @type {any} */ { id, command, args }) => {
  try {
    process.send?.({ id, result: await commands[command]?.(...args) })
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? String(error.stack) : String(error) })
  }
})
process.on('disconnect', () => process.exit(0))
