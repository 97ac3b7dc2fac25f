// `npm run bench`: what each operation costs, ours and others', as a ratio to a bare Express route. See README.md.
const { existsSync, writeFileSync } = require('node:fs')
const { parseArgs } = require('node:util')
const { buildPackage } = require('./lib/build')
const { startPostgres, startRedis } = require('./lib/databases')
const { describeEngine, isInstalled } = require('./lib/engines')
const { doubtsOfMachine, requirePeers, requirePrograms } = require('./lib/machine')
const { CHECKED, operations, raw, usernames } = require('./lib/operations')
const { summarise } = require('./lib/profile')
const { doubts, report } = require('./lib/report')
const { startServer } = require('./lib/server-process')
const { groups, servers } = require('./lib/servers')
const { quantile, shuffled } = require('./lib/statistics')
const { runWrk } = require('./lib/wrk')

const SERVER_CORE = 1
const WRK_CORE = 0
/** Pieces of material for what can be used again and again. */
const CYCLE = 1000
/** Requests before the measurement at least, unless that takes too long. */
const WARM_REQUESTS = 8000
/** Fewer say nothing. */
const MIN_REQUESTS = 100

const usage = `npm run bench -- [options]
  --ops NAMES          ${Object.keys(operations).join(', ')}
  --peers NAMES        ${Object.keys(servers).join(', ')},
                       or a group: ${Object.keys(groups).join(', ')}
  --connections NUMBERS   default: 64, and 1 and 8 for client_credentials
  --rounds N           default 5
  --seconds N          of each measurement, default 3
  --warmup N           seconds before it, twice, default 4: V8 needs them for its full speed
  --against DIRECTORY  also measure another tree of this project, as "ours-other"
  --profile            say where the time of each server goes; its figures are not to be quoted
  --output FILE        write the Markdown there, too; the figures as JSON beside it`

const { values } = parseArgs({
  options: {
    ops: { type: 'string' },
    peers: { type: 'string', default: 'default' },
    connections: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    warmup: { type: 'string', default: '4' },
    against: { type: 'string' },
    profile: { type: 'boolean', default: false },
    output: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

/** @typedef {{ server: string, operation: string, connections: number, config: Record<string, unknown> }} Cell */

async function main() {
  if (values.help) return console.log(usage)
  requirePrograms('wrk', 'taskset')
  requirePeers()
  const doubtsBefore = await doubtsOfMachine()
  const rounds = Number(values.rounds)
  const seconds = Number(values.seconds)
  const warmup = Number(values.warmup)
  const plan = await planCells()
  const needed = rounds * plan.length * (seconds + 2 * warmup + 2)
  console.error(`${plan.length} measurements in each of ${rounds} rounds: about ${Math.ceil(needed / 60)} minutes`)
  /** @type {import('./lib/figures').Figure[]} */
  const figures = []
  /** @type {Set<string>} */
  const notes = new Set()
  /** @type {Set<Cell>} */
  const skipped = new Set()
  for (let round = 0; round < rounds; round++) {
    for (const cell of shuffled(plan)) {
      if (skipped.has(cell)) continue
      const name = `${cell.operation}@${cell.connections} ${cell.server}`
      try {
        const measured = await measure(cell, { seconds, warmup })
        if ('skip' in measured) {
          skipped.add(cell)
          if (measured.skip) notes.add(`${cell.server}: ${measured.skip}`)
          continue
        }
        figures.push({ ...cell, round, ...measured.figure })
        console.error(`${round + 1}/${rounds} ${name}: ${measured.figure.cpu.toFixed(1)} µs`)
        if (measured.profile) console.log(`\n## ${name}\n\n${measured.profile}\n`)
      } catch (error) {
        notes.add(`${name}: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
        console.error(`${round + 1}/${rounds} ${name}: ${error instanceof Error ? error.stack : error}`)
      }
    }
  }
  if (figures.length === 0) throw new Error('Nothing was measured')
  for (const doubt of [...doubtsBefore, ...doubts(figures, rounds, seconds)]) notes.add(doubt)
  const markdown = report(figures, [...notes], { seconds })
  console.log(markdown)
  if (!values.output) return
  writeFileSync(values.output, markdown)
  writeFileSync(values.output.replace(/(\.md)?$/, '.json'), `${JSON.stringify(figures)}\n`)
}

/** @returns {Promise<Cell[]>} */
async function planCells() {
  const each = (/** @type {object} */ of) => Object.fromEntries(Object.keys(of).map((name) => [name, [name]]))
  const chosen = namesOf(values.peers, { ...groups, ...each(servers) })
  const names = namesOf(values.ops ?? Object.keys(operations).join(), each(operations))
  const build = { folder: chosen.some((name) => /^(ours|driver)/.test(name)) ? buildPackage() : '' }
  const urls = {
    postgres: chosen.some((name) => name.endsWith('-postgres')) ? await startPostgres() : undefined,
    redis: chosen.some((name) => name.endsWith('-redis')) ? await startRedis() : undefined,
  }
  const configs = Object.fromEntries(
    chosen.map((name) => {
      const storage = /** @type {keyof typeof urls} */ (servers[name]?.storage)
      return [name, { ...servers[name], ...build, url: urls[storage] }]
    }),
  )
  if (values.against) {
    if (!existsSync(values.against)) throw new Error(`There is no ${values.against}`)
    configs['ours-other'] = { ...servers.ours, folder: buildPackage(values.against), url: undefined }
  }
  return Object.entries(configs).flatMap(([server, config]) =>
    names.flatMap((operation) =>
      connectionsOf(operation).map((connections) => ({
        server,
        operation,
        connections,
        config: { ...config, operation },
      })),
    ),
  )
}

/** @param {string} list @param {Record<string, string[]>} known */
function namesOf(list, known) {
  const names = list.split(',').flatMap((name) => known[name] ?? [`? ${name}`])
  const unknown = names.find((name) => name.startsWith('? '))
  if (unknown) throw new Error(`Unknown name ${unknown.slice(2)}\n${usage}`)
  return [...new Set(names)]
}

/** @param {string} operation */
function connectionsOf(operation) {
  if (values.connections) return values.connections.split(',').map(Number)
  return operation === 'client_credentials' ? [1, 8, 64] : [64]
}

/**
 * One server at one operation, in a process of its own.
 * @param {Cell} cell @param {{ seconds: number, warmup: number }} options
 */
async function measure({ server: name, operation: operationName, connections, config }, { seconds, warmup }) {
  const operation = /** @type {import('./lib/operations').Operation} */ (operations[operationName])
  const engine = /** @type {import('./lib/engines').Engine} */ (config.engine ?? 'node')
  if (!isInstalled(engine)) return { skip: `not measured: ${describeEngine(engine)} is not installed` }
  const server = await startServer({ config, engine, core: SERVER_CORE })
  // a constant has nothing to check
  const isReal = !['bare', 'floor', 'driver'].includes(String(config.server))
  try {
    const { ready } = server
    if (!ready.operations.includes(operationName)) return { skip: '' }
    if (ready.needs?.length) return { skip: `not measured: needs ${ready.needs.join(', ')}` }
    /** @param {number} count @returns {Promise<string[]>} */
    const material = async (count) =>
      operation.material ? server.ask('material', operation.material, count) : usernames(count)
    if (isReal) await operation.check(ready, await material(CHECKED))

    let pieces = await material(CYCLE)
    /** @param {number} duration */
    const run = (duration) => {
      const requests = pieces.map((piece) => raw(ready, operation.request(ready, piece)))
      const options = { port: ready.port, requests, once: operation.once, connections, core: WRK_CORE }
      return runWrk({ ...options, seconds: duration })
    }
    let load = await run(1)
    /** What can be used once only is made for as long as it is wanted, by the speed seen so far. @param {number} duration */
    const refill = async (duration) => {
      const speed = load.sent / Math.max(load.seconds, 0.01)
      if (operation.once) pieces = await material(Math.ceil(speed * duration * 1.5) + CYCLE)
    }
    // by requests, too: on a busy machine seconds may pass before V8 has compiled anything
    for (let warm = load.sent, runs = 0; runs === 0 || (warm < WARM_REQUESTS && runs < 20); warm += load.sent, runs++) {
      await refill(warmup)
      load = await run(warmup)
    }
    // making material throws optimised code away, as any large collection does: its part for warming up comes after it
    await refill(warmup + seconds)
    load = await run(warmup)
    if (operation.once) pieces = pieces.slice(load.sent)
    if (values.profile) await server.ask('profile')
    await server.ask('batches')
    const before = await server.ask('cpu')
    load = await run(seconds)
    const after = await server.ask('cpu')
    const [, ...batches] = await server.ask('batches')
    const profile = values.profile ? summarise(await server.ask('profiled'), load.requests) : undefined
    if (load.refused + load.broken > 0) {
      throw new Error(`${load.refused} of ${load.requests} requests were refused, ${load.broken} broken`)
    }
    if (load.requests < MIN_REQUESTS) throw new Error(`only ${load.requests} requests: too few, or a busy machine`)
    const last = pieces[Math.min(load.sent, pieces.length) - 1 - connections]
    if (isReal && last !== undefined) await operation.checkUsed?.(ready, last)
    const cpu = (after.user - before.user + after.system - before.system) / load.requests
    const { p50, p99 } = load
    const quiet = batches.length > 0 ? quantile(batches, 0.25) : cpu
    return { figure: { cpu, quiet, rate: load.sent / load.seconds, p50, p99 }, profile }
  } catch (error) {
    if (error instanceof Error) error.message = `${name}: ${error.message}`
    throw error
  } finally {
    await server.stop()
  }
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
