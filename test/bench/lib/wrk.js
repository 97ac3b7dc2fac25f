// Runs wrk over a list of requests.
const { spawn } = require('node:child_process')
const { rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

/**
 * What wrk saw. Latencies in microseconds.
 * @typedef {{ requests: number, sent: number, seconds: number, p50: number, p99: number, refused: number, broken: number }} Load
 */

let files = 0

/**
 * @param {object} options
 * @param {number} options.port
 * @param {readonly string[]} options.requests as they are sent
 * @param {boolean} options.once each is sent once, and the run ends with the last one
 * @param {number} options.connections
 * @param {number} options.seconds
 * @param {number} [options.core]
 * @returns {Promise<Load>}
 */
async function runWrk({ port, requests, once, connections, seconds, core }) {
  const file = join(tmpdir(), `eas-bench-${process.pid}-${++files}.requests`)
  writeFileSync(file, requests.map((request) => `${Buffer.byteLength(request)}\n${request}`).join(''))
  const wrk = ['wrk', '-t1', `-c${connections}`, `-d${Math.max(1, Math.ceil(seconds))}s`, '--timeout', '30s']
  const rest = ['-s', join(__dirname, 'wrk.lua'), `http://127.0.0.1:${port}/`, '--', file, once ? 'once' : 'cycle']
  const [command, ...args] = [...(core === undefined ? [] : ['taskset', '-c', String(core)]), ...wrk, ...rest]
  try {
    const output = await outputOf(/** @type {string} */ (command), args)
    const line = /^BENCH (.*)$/m.exec(output)?.[1]
    if (line === undefined) throw new Error(`wrk failed:\n${output}`)
    return JSON.parse(line)
  } finally {
    rmSync(file, { force: true })
  }
}

/** @param {string} command @param {string[]} args @returns {Promise<string>} */
function outputOf(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const end = () => child.kill('SIGKILL')
    process.once('exit', end)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk
      })
    }
    child.once('error', reject)
    child.once('close', () => {
      process.removeListener('exit', end)
      resolve(output)
    })
  })
}

module.exports = { runWrk }
