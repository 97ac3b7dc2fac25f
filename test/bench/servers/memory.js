// A process that keeps tokens in memory storage and says what they take up. Time is what its parent says it is.
const { join } = require('node:path')

/** @typedef {Record<string, any>} Row */

const { folder } = JSON.parse(String(process.argv[2]))
/** @type {any} */
const library = require(join(folder, 'dist', 'index.js'))

let now = Math.floor(Date.now() / 1000)
const storage = library.memoryStorage()
const server = library.createAuthorizationServer({
  issuer: 'https://auth.example.com',
  storage,
  scopes: ['read', 'write'],
  now: () => now,
})
/** @type {Row} */
let client
/** @type {string[]} */
let refreshTokens = []

/** @type {Record<string, (...args: any[]) => unknown>} */
const commands = {
  async ready() {
    const registered = await library.registerClient(server, {
      redirectUris: ['https://client.example/callback'],
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
      scopes: ['read', 'write'],
    })
    client = registered.client
  },
  memory() {
    // compiled code and feedback settle, young objects leave
    for (let i = 0; i < 4; i++) globalThis.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    return { heap: heapUsed + external, rss }
  },
  /** Access tokens of the client itself, or of users, each with its grant. */
  async tokens(/** @type {number} */ count, /** @type {boolean} */ ofUsers) {
    for (let n = 0; n < count; n++) {
      const user = ofUsers ? { userId: `user-${n % 1000}` } : {}
      await library.issueTokens(server, { clientId: client.clientId, scope: 'read', refreshToken: false, ...user })
    }
  },
  async sessions(/** @type {number} */ count) {
    refreshTokens = []
    for (let n = 0; n < count; n++) {
      const options = { clientId: client.clientId, scope: 'read', userId: `user-${n % 1000}` }
      refreshTokens.push((await library.issueTokens(server, options)).refresh_token)
    }
  },
  /** Refreshes every session once, by the grant itself. */
  async refresh() {
    const { handle } = server.grants.get('refresh_token')
    for (const [n, token] of refreshTokens.entries()) {
      const parameters = new Map([['refresh_token', token]])
      const request = {
        client,
        authenticated: true,
        grantType: 'refresh_token',
        parameters,
        startedAt: now,
        network: '',
      }
      refreshTokens[n] = (await handle(server, request)).refresh_token
    }
  },
  forgetRefreshTokens() {
    refreshTokens = []
  },
  /** @param {number} seconds */
  pass(seconds) {
    now += seconds
  },
  deleteExpired: () => library.deleteExpired(server),
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
