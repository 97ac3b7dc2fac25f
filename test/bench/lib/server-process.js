// A server in a process of its own: started, asked for material and for its CPU time, and ended.
const { spawn } = require('node:child_process')
const { join } = require('node:path')
const { commandOf } = require('./engines')

/**
 * What a server says of itself when it is ready.
 * @typedef {object} Ready
 * @property {number} port
 * @property {{ id: string, secret: string }} client
 * @property {'basic' | 'post'} clientAuthentication
 * @property {Record<string, string>} paths of token, introspect, revoke, read, par
 * @property {readonly string[]} operations
 * @property {string[]} [needs] what it lacks for this operation; then nothing is measured
 * @property {'DPoP' | 'Bearer'} [tokenType] of tokens whose request had a proof
 * @property {boolean} [hasIdToken] whether a code of this operation becomes an id_token, too
 */

/**
 * @typedef {object} ServerProcess
 * @property {Ready} ready
 * @property {(command: string, ...args: unknown[]) => Promise<any>} ask
 * @property {() => Promise<void>} stop
 */

/**
 * @param {object} options
 * @param {string} [options.script] in servers/
 * @param {Record<string, unknown>} options.config read by the script
 * @param {import('./engines').Engine} [options.engine] left out: Node
 * @param {number} [options.core] the core to run on; left out: any
 * @param {string[]} [options.flags] more flags for the engine
 * @param {NodeJS.ProcessEnv} [options.env]
 * @returns {Promise<ServerProcess>}
 */
async function startServer({ script = 'host.js', config, engine = 'node', core, flags = [], env = {} }) {
  const program = [
    ...[...commandOf(engine), ...flags],
    ...[join(__dirname, '..', 'servers', script), JSON.stringify(config)],
  ]
  const [command, ...args] = core === undefined ? program : ['taskset', '-c', String(core), ...program]
  const child = spawn(/** @type {string} */ (command), args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production', ...env },
    // what the advanced one writes is V8's own
    serialization: engine === 'node' ? 'advanced' : 'json',
  })
  const endWithUs = () => child.kill('SIGKILL')
  process.once('exit', endWithUs)
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors = (errors + chunk).slice(-4000)
  })
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  const asked = new Map()
  let lastId = 0
  const exited = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      process.removeListener('exit', endWithUs)
      for (const { reject } of asked.values()) reject(new Error(`The server ended (${code ?? signal}):\n${errors}`))
      resolve(undefined)
    })
  })
  child.on('message', (/** @type {any} */ { id, result, error }) => {
    const { resolve, reject } = asked.get(id) ?? {}
    asked.delete(id)
    if (error === undefined) resolve?.(result)
    else reject?.(new Error(`${error}\n${errors}`))
  })
  /** @param {string} command @param {unknown[]} args @returns {Promise<any>} */
  const ask = (command, ...args) =>
    new Promise((resolve, reject) => {
      asked.set(++lastId, { resolve, reject })
      child.send({ id: lastId, command, args }, (error) => error && reject(new Error(`${error.message}\n${errors}`)))
    })
  const stop = async () => {
    child.send({ id: 0, command: 'stop', args: [] }, () => {})
    const timer = setTimeout(endWithUs, 10_000)
    await exited
    clearTimeout(timer)
  }
  return { ready: await ask('ready'), ask, stop }
}

module.exports = { startServer }
