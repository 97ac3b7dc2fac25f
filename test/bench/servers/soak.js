// A whole host app for the soak: every endpoint, tokens that live for seconds, and a cleanup, so that what is kept in
// memory settles within a minute.
const { createServer } = require('node:http')
const { join } = require('node:path')
const { fixtures, load, userId } = require('./common')
const { makeStorage } = require('./ours')

const express = load('express')
const { folder, storage: kind } = JSON.parse(String(process.argv[2]))
/** @type {any} */
const library = require(join(folder, 'dist', 'index.js'))

/** @type {Record<string, number>} */
const events = {}
let users = 0

/** @type {Record<string, () => unknown>} */
const commands = {
  async ready() {
    const server = library.createAuthorizationServer({
      issuer: 'http://127.0.0.1:1',
      storage: await makeStorage({ folder, storage: kind, origin: '', operation: '' }, library),
      scopes: { read: 'See your data' },
      grants: [library.authorizationCode({ ttl: 10 }), library.clientCredentials(), library.refreshToken({ ttl: 20 })],
      accessTokens: library.opaque({ ttl: 10 }),
      users: { find: (/** @type {string} */ id) => fixtures.users.get(id) },
      onEvent: (/** @type {any} */ { type }) => {
        events[type] = (events[type] ?? 0) + 1
      },
    })
    const { client, clientSecret } = await library.registerClient(server, {
      redirectUris: [fixtures.redirectUri],
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
      scopes: ['read'],
    })
    const app = express()
    const decide = () => ({ allow: true, userId: userId(users++) })
    const protect = library.bearerGuard(server)
    app.use(library.oauthRouter(server, { decide, protect }))
    app.get('/read', library.bearerGuard(server, { scope: 'read' }), (/** @type {any} */ req, /** @type {any} */ res) =>
      res.json(req.user),
    )
    library.startCleanup(server, { every: 5 })
    const listener = createServer(app).listen(0, '127.0.0.1')
    await new Promise((resolve) => listener.once('listening', resolve))
    const { port } = /** @type {import('node:net').AddressInfo} */ (listener.address())
    return { port, client: { id: client.clientId, secret: clientSecret } }
  },
  memory() {
    for (let i = 0; i < 4; i++) globalThis.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    return { heap: heapUsed + external, rss }
  },
  events: () => events,
  stop: () => setImmediate(() => process.exit(0)),
}

process.on('message', async (/** @type {any} */ { id, command }) => {
  try {
    process.send?.({ id, result: await commands[command]?.() })
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? String(error.stack) : String(error) })
  }
})
process.on('disconnect', () => process.exit(0))
