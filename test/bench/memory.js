// `npm run bench:memory`: what memory storage takes up per live access token and per session, after 1 and 100 refreshes,
// and whether what has expired is released.
const { parseArgs } = require('node:util')
const { buildPackage } = require('./lib/build')
const { describeMachine, requirePeers } = require('./lib/machine')
const { table } = require('./lib/report')
const { startServer } = require('./lib/server-process')
const { median } = require('./lib/statistics')

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    tokens: { type: 'string', default: '200000' },
    sessions: { type: 'string', default: '5000' },
  },
})
const [rounds = 0, tokens = 0, sessions = 0] = [values.rounds, values.tokens, values.sessions].map(Number)
const TWO_DAYS = 2 * 86_400
/** Refresh tokens, tombstones and all. */
const SIXTY_DAYS = 60 * 86_400

/** @typedef {{ heap: number, rss: number }} Memory */
/** @typedef {import('./lib/server-process').ServerProcess} ServerProcess */

/** What `work` adds, per piece. @param {ServerProcess} server @param {number} pieces @param {() => Promise<unknown>} work @returns {Promise<Memory>} */
async function added(server, pieces, work) {
  const before = await server.ask('memory')
  await work()
  const after = await server.ask('memory')
  return { heap: (after.heap - before.heap) / pieces, rss: (after.rss - before.rss) / pieces }
}

/** @type {Record<string, (server: ServerProcess) => Promise<Memory>>} */
const scenarios = {
  'live access token, client_credentials': (server) => added(server, tokens, () => server.ask('tokens', tokens, false)),
  'live access token of a user, with its grant': (server) =>
    added(server, tokens, () => server.ask('tokens', tokens, true)),
  'session (grant, access and refresh token)': (server) => refreshed(server, 0),
  'session after 1 refresh': (server) => refreshed(server, 1),
  'session after 100 refreshes': (server) => refreshed(server, 100),
  'left of an access token: expired, then as many new ones issued': (server) => released(server, false),
  'left of an access token: expired, then deleteExpired()': (server) => released(server, true),
  'left of a session: 60 days later, then deleteExpired()': (server) =>
    added(server, sessions, async () => {
      await server.ask('sessions', sessions)
      await server.ask('refresh')
      await server.ask('forgetRefreshTokens')
      await server.ask('pass', SIXTY_DAYS)
      while ((await server.ask('deleteExpired')) > 0);
    }),
}

/** @param {ServerProcess} server @param {number} times */
function refreshed(server, times) {
  return added(server, sessions, async () => {
    await server.ask('sessions', sessions)
    for (let i = 0; i < times; i++) await server.ask('refresh')
    await server.ask('forgetRefreshTokens')
  })
}

/** @param {ServerProcess} server @param {boolean} byCall */
async function released(server, byCall) {
  const before = await server.ask('memory')
  await server.ask('tokens', tokens, false)
  await server.ask('pass', TWO_DAYS)
  if (byCall) while ((await server.ask('deleteExpired')) > 0);
  else await server.ask('tokens', tokens, false)
  const after = await server.ask('memory')
  // the new ones are alive: what they take is not left over
  const alive = byCall ? { heap: 0, rss: 0 } : ((await freshTokens()) ?? { heap: 0, rss: 0 })
  return { heap: (after.heap - before.heap) / tokens - alive.heap, rss: (after.rss - before.rss) / tokens - alive.rss }
}

/** @type {string} */
let folder

async function freshTokens() {
  const server = await startServer({ script: 'memory.js', config: { folder } })
  try {
    return await added(server, tokens, () => server.ask('tokens', tokens, false))
  } finally {
    await server.stop()
  }
}

async function main() {
  requirePeers()
  folder = buildPackage()
  const rows = []
  for (const [name, scenario] of Object.entries(scenarios)) {
    /** @type {Memory[]} */
    const found = []
    for (let round = 0; round < rounds; round++) {
      const server = await startServer({ script: 'memory.js', config: { folder } })
      // code and caches are there before anything is counted
      await server.ask('tokens', 2000, true)
      await server.ask('pass', SIXTY_DAYS)
      await server.ask('deleteExpired')
      found.push(await scenario(server))
      await server.stop()
    }
    rows.push([
      name,
      ...['heap', 'rss'].map((key) => median(found.map((one) => one[/** @type {keyof Memory} */ (key)])).toFixed(0)),
    ])
    console.error(rows.at(-1)?.join(': '))
  }
  console.log(
    `${describeMachine()}. Medians of ${rounds} processes; ${tokens} tokens, ${sessions} sessions. Heap after a collection.\n`,
  )
  console.log(table(['one', 'heap bytes', 'RSS bytes'], rows))
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
