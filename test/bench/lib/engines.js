// What a server of the bench can run on: the Node of this process, and Bun and Deno where they are installed.
const { spawnSync } = require('node:child_process')

/** V8 shrinks the heap of a process that waits, and whoever waited longest would look slowest. */
const v8Flags = ['--no-memory-reducer', '--no-flush-bytecode', '--expose-gc']

const engines = {
  node: { title: 'Node', command: process.execPath, flags: v8Flags },
  bun: { title: 'Bun', command: process.env.BENCH_BUN ?? 'bun', flags: ['--expose-gc'] },
  deno: {
    title: 'Deno',
    command: process.env.BENCH_DENO ?? 'deno',
    flags: ['run', '--allow-all', '--no-lock', `--v8-flags=${v8Flags}`],
  },
}

/** @typedef {keyof typeof engines} Engine */

const engineNames = /** @type {Engine[]} */ (Object.keys(engines))

/** The program and its flags. @param {Engine} engine */
function commandOf(engine) {
  const { command, flags } = engines[engine]
  return [command, ...flags]
}

/** What it says of its version; undefined where it is not installed. @type {Map<Engine, string | undefined>} */
const versions = new Map([['node', process.versions.node]])

/** @param {Engine} engine */
function versionOf(engine) {
  if (!versions.has(engine)) {
    const { stdout } = spawnSync(engines[engine].command, ['--version'], { encoding: 'utf8' })
    versions.set(engine, /\d+\.\d+\.\d+/.exec(stdout ?? '')?.[0])
  }
  return versions.get(engine)
}

const isInstalled = (/** @type {Engine} */ engine) => versionOf(engine) !== undefined

/** `Bun 1.4.5`. @param {Engine} engine */
const describeEngine = (engine) => [engines[engine].title, versionOf(engine)].join(' ').trim()

module.exports = { commandOf, describeEngine, engineNames, isInstalled }
