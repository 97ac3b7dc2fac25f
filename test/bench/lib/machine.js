// Where the figures come from: the machine, the versions, and the programs that must be there.
const { spawnSync } = require('node:child_process')
const { openSync, readFileSync, writeSync } = require('node:fs')
const { createRequire } = require('node:module')
const os = require('node:os')
const { join } = require('node:path')
const { setTimeout } = require('node:timers/promises')

/** Debian's package of each program. */
const debianPackages = { wrk: 'wrk', taskset: 'util-linux' }

/** Ends the process with advice unless every program is there. @param {(keyof typeof debianPackages)[]} programs */
function requirePrograms(...programs) {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0)
  if (missing.length === 0) return
  const packages = missing.map((program) => debianPackages[program]).join(' ')
  console.error(`Missing: ${missing.join(', ')}. On Debian and Ubuntu: apt-get install ${packages}`)
  process.exit(1)
}

/** Ends the process with advice unless the peers are installed. */
function requirePeers() {
  try {
    createRequire(__filename).resolve('@node-oauth/express-oauth-server')
  } catch {
    console.error('The peers are not installed: npm ci --prefix test/bench')
    process.exit(1)
  }
}

/** `model, 2 cores, Linux 6.1, Node v20.11.1`. */
function describeMachine() {
  const [cpu] = os.cpus()
  const memory = Math.round(os.totalmem() / 2 ** 30)
  return `${cpu?.model.trim()}, ${os.cpus().length} cores, ${memory} GB, ${os.type()} ${os.release()}, Node ${process.version}`
}

/** What makes figures unfit to be quoted, asked for before anything is measured. @returns {Promise<string[]>} */
async function doubtsOfMachine() {
  const doubts = keepCoresAwake()
    ? []
    : ['The cores sleep between requests, and waking them has its cost: run as root on Linux to quote any of this.']
  const busy = await coresInUse()
  if (busy > 0.15) {
    doubts.push(`Other processes used ${busy.toFixed(1)} cores at the start: do not quote any of this.`)
  }
  return doubts
}

/**
 * Asks Linux for no delay after idling, so that idle cores poll until this process ends. Each answer to a client whose
 * core sleeps is an interrupt otherwise. In a virtual machine that costs as much as ten microseconds of work, and only
 * a server that is faster than its client escapes it.
 */
function keepCoresAwake() {
  try {
    writeSync(openSync('/dev/cpu_dma_latency', 'r+'), new Int32Array([0]))
    return true
  } catch {
    return false
  }
}

/** How many cores others use, seen for a second. */
async function coresInUse() {
  const before = os.cpus()
  await setTimeout(1000)
  const shares = os.cpus().map(({ times }, i) => {
    const then = /** @type {os.CpuInfo} */ (before[i]).times
    const idle = times.idle - then.idle
    const all = Object.values(times).reduce((sum, time) => sum + time, 0)
    return 1 - idle / (all - Object.values(then).reduce((sum, time) => sum + time, 0))
  })
  return shares.reduce((sum, share) => sum + share, 0)
}

/** The installed version of a package, as test/bench sees it. @param {string} name */
function versionOf(name) {
  for (let folder = join(__dirname, '..'); ; folder = join(folder, '..')) {
    try {
      return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version
    } catch {
      if (folder === join(folder, '..')) return 'not installed'
    }
  }
}

module.exports = { describeMachine, doubtsOfMachine, requirePeers, requirePrograms, versionOf }
