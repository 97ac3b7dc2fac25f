// A server in a process of its own: `node host.js '{"server":"bare",…}'`. Listens, and answers its parent's questions.
const { join } = require('node:path')

/**
 * What a server module returns.
 * @typedef {object} BenchServer
 * @property {import('express').Express} app
 * @property {{ id: string, secret: string }} client
 * @property {'basic' | 'post'} clientAuthentication
 * @property {Record<string, string>} paths
 * @property {'DPoP' | 'Bearer'} [tokenType] of tokens whose request had a proof
 * @property {boolean} [hasIdToken] whether a code of this operation becomes an id_token, too
 * @property {readonly string[]} operations what it can do
 * @property {string[]} [needs]
 * @property {(kind: string, count: number) => Promise<string[]>} [material] codes and tokens, made ahead
 * @property {Record<string, (...args: any[]) => unknown>} [commands]
 */

const config = JSON.parse(String(process.argv[2]))

async function main() {
  const { start } = require(join(__dirname, `${config.server}.js`))
  const { createServer } = require('node:http')
  const http = createServer()
  await new Promise((resolve) => http.listen(0, '127.0.0.1', () => resolve(undefined)))
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address())
  /** @type {BenchServer} */
  const server = await start({ ...config, origin: `http://127.0.0.1:${port}` })
  server.app.get('/health', (_req, res) => {
    res.end()
  })
  http.on('request', server.app)
  http.on('request', countRequest)
  const { client, clientAuthentication, paths, operations, needs, tokenType, hasIdToken } = server
  /** @type {Record<string, (...args: any[]) => unknown>} */
  const commands = {
    ready: () => ({ port, client, clientAuthentication, paths, operations, needs, tokenType, hasIdToken }),
    material: async (kind, count) => {
      const made = await server.material?.(kind, count)
      globalThis.gc?.()
      return made
    },
    pid: () => process.pid,
    cpu: () => process.cpuUsage(),
    batches: () => batches.splice(0),
    profile: startProfile,
    profiled: stopProfile,
    stop: () => setImmediate(() => process.exit(0)),
    ...server.commands,
  }
  return commands
}

/** Requests in a batch: enough for a young collection or two. */
const BATCH = 500
/** Microseconds of processor time per request, by batch. @type {number[]} */
const batches = []
let requests = 0
let cpuBefore = 0

function countRequest() {
  if (++requests % BATCH !== 0) return
  const { user, system } = process.cpuUsage()
  batches.push((user + system - cpuBefore) / BATCH)
  cpuBefore = user + system
}

/** Made only to profile: on no engine shall it disturb a measurement. @type {import('node:inspector').Session | undefined} */
let session

/** @param {string} method @param {object} [parameters] @returns {Promise<any>} */
function inspect(method, parameters) {
  return new Promise((resolve, reject) => {
    session?.post(method, parameters, (error, result) => (error ? reject(error) : resolve(result)))
  })
}

async function startProfile() {
  const { Session } = require('node:inspector')
  session = new Session()
  session.connect()
  await inspect('Profiler.enable')
  await inspect('Profiler.setSamplingInterval', { interval: 200 })
  await inspect('Profiler.start')
}

async function stopProfile() {
  return (await inspect('Profiler.stop')).profile
}

const ready = main()
ready.catch((error) => {
  console.error(error)
  process.exit(1)
})

process.on('message', async (/** @type {any} */ { id, command, args }) => {
  try {
    process.send?.({ id, result: await (await ready)[command]?.(...args) })
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? String(error.stack) : String(error) })
  }
})
process.on('disconnect', () => process.exit(0))
