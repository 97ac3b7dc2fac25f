// Where the figures come from: the machine, the versions, and the programs that must be there.
const { spawnSync } = require('node:child_process')
const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const os = require('node:os')
const { join } = require('node:path')

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

/** How many processes want a core just now, beside us. */
function load() {
  return /** @type {number} */ (os.loadavg()[0])
}

/** What makes figures unfit to be quoted, asked for before anything is measured. @returns {string[]} */
function doubtsOfLoad() {
  const busy = load()
  return busy > 0.6
    ? [`Other processes were busy at the start (load ${busy.toFixed(1)}): do not quote any of this.`]
    : []
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

module.exports = { describeMachine, doubtsOfLoad, load, requirePeers, requirePrograms, versionOf }
