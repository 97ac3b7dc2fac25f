// A server in several processes behind one port (node:cluster), on one PostgreSQL.
const cluster = /** @type {import('node:cluster').Cluster} */ (/** @type {unknown} */ (require('node:cluster')))
const { once } = require('node:events')
const { join } = require('node:path')
const { fixtures, load, times, userId } = require('./common')
const { adapterOf } = require('./ours')

const express = load('express')
const { folder, url, workers } = JSON.parse(String(process.argv[2]))
/** @type {any} */
const library = require(join(folder, 'dist', 'index.js'))
const client = { id: fixtures.clientId, secret: fixtures.clientSecret }
const paths = { token: '/oauth2/token', read: '/read' }

async function makeServer() {
  const pool = new (load('pg').Pool)({ connectionString: url, max: 10 })
  const storage = require(adapterOf(folder, 'postgres')).postgresStorage(pool)
  await storage.migrate()
  return library.createAuthorizationServer({
    issuer: 'https://auth.example.com',
    storage,
    scopes: { read: 'See your data', write: 'Change your data' },
    users: { find: (/** @type {string} */ id) => fixtures.users.get(id) },
  })
}

/** One of the processes: it shares the port of the others. */
async function work() {
  const server = await makeServer()
  const app = express()
  app.use(paths.token, library.tokenRouter(server))
  const guard = library.bearerGuard(server, { scope: 'read', user: false })
  app.get(paths.read, guard, (/** @type {any} */ req, /** @type {any} */ res) => void res.json(req.user ?? {}))
  app.listen(0, '127.0.0.1')
}

/** The one that begins the others, and serves nothing itself. */
async function lead() {
  const server = await makeServer()
  const grantTypes = ['client_credentials', 'refresh_token']
  await library.ensureClient(server, {
    ...{ clientId: client.id, clientSecret: client.secret, grantTypes, scopes: ['read', 'write'] },
    redirectUris: [fixtures.redirectUri],
  })
  let port = 0
  for (let n = 0; n < workers; n++) {
    const [address] = await once(cluster.fork(), 'listening')
    port = address.port
  }
  const issue = async (/** @type {number} */ n) => {
    const options = { clientId: client.id, userId: userId(n), scope: fixtures.scope, refreshToken: false }
    return (await library.issueTokens(server, options)).access_token
  }
  const operations = ['client_credentials', 'guard']
  return {
    ready: () => ({ port, client, clientAuthentication: 'basic', paths, operations }),
    material: (/** @type {string} */ _kind, /** @type {number} */ count) => times(count, issue),
    stop: () => setImmediate(() => process.exit(0)),
  }
}

if (cluster.isWorker) {
  work()
} else {
  /** @type {Promise<Record<string, (...args: any[]) => unknown>>} */
  const commands = lead()
  process.on('message', async (/** @type {any} */ { id, command, args }) => {
    try {
      process.send?.({ id, result: await (await commands)[command]?.(...args) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? String(error.stack) : String(error) })
    }
  })
  process.on('disconnect', () => process.exit(0))
}
