// `npm run bench:cluster`: requests a second of a server in one process and in two, behind one port (node:cluster), on one
// PostgreSQL. wrk and the database run on the same cores, so that two processes on two cores do less than twice the work.
const { parseArgs } = require('node:util')
const { buildPackage } = require('./lib/build')
const { startPostgres } = require('./lib/databases')
const { describeMachine, doubtsOfMachine, requirePeers, requirePrograms } = require('./lib/machine')
const { CHECKED, operations, raw } = require('./lib/operations')
const { table } = require('./lib/report')
const { startServer } = require('./lib/server-process')
const { median, shuffled } = require('./lib/statistics')
const { runWrk } = require('./lib/wrk')

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '1,2' },
    ops: { type: 'string', default: 'client_credentials,guard' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    warmup: { type: 'string', default: '2' },
    connections: { type: 'string', default: '64' },
  },
})
const workers = values.workers.split(',').map(Number)
const names = values.ops.split(',')
const [rounds = 0, seconds = 0, warmup = 0, connections = 0] = [
  values.rounds,
  values.seconds,
  values.warmup,
  values.connections,
].map(Number)
/** Pieces of material, used again and again. */
const CYCLE = 1000

/** @typedef {{ rate: number, p50: number, p99: number }} Figure */

/** One operation, at that many processes. @param {string} name @param {Record<string, unknown>} config @returns {Promise<Figure>} */
async function measure(name, config) {
  const operation = operations[name]
  if (!operation) throw new Error(`There is no operation ${name}`)
  const server = await startServer({ script: 'cluster.js', config })
  try {
    const { ready } = server
    /** @param {number} count @returns {Promise<string[]>} */
    const material = async (count) =>
      operation.material ? server.ask('material', operation.material, count) : Array.from({ length: count }, () => '')
    await operation.check(ready, await material(CHECKED))
    const requests = (await material(CYCLE)).map((piece) => raw(ready, operation.request(ready, piece)))
    const options = { port: ready.port, requests, once: false, connections }
    await runWrk({ ...options, seconds: warmup })
    const { sent, seconds: taken, p50, p99, refused, broken } = await runWrk({ ...options, seconds })
    if (refused + broken > 0) throw new Error(`${name}: ${refused} requests were refused, ${broken} broken`)
    return { rate: sent / taken, p50: p50 / 1000, p99: p99 / 1000 }
  } finally {
    await server.stop()
  }
}

async function main() {
  requirePrograms('wrk')
  requirePeers()
  const doubts = await doubtsOfMachine()
  if (rounds < 3 || seconds < 2) doubts.push('Too few or too short rounds: do not quote any of this.')
  const url = await startPostgres()
  if (!url) throw new Error('There is no PostgreSQL: install it, or set BENCH_POSTGRES_URL')
  const folder = buildPackage()
  const cells = names.flatMap((name) => workers.map((count) => ({ name, count })))
  /** @type {Map<string, Figure[]>} */
  const figures = new Map()
  for (let round = 0; round < rounds; round++) {
    for (const { name, count } of shuffled(cells)) {
      const figure = await measure(name, { folder, url, workers: count })
      const key = `${name} ${count}`
      figures.set(key, [...(figures.get(key) ?? []), figure])
      console.error(`${round + 1}/${rounds} ${key}: ${figure.rate.toFixed(0)} requests/s`)
    }
  }
  const of = (/** @type {string} */ name, /** @type {number} */ count, /** @type {keyof Figure} */ member) =>
    median((figures.get(`${name} ${count}`) ?? []).map((figure) => figure[member]))
  const first = workers[0] ?? 1
  const rows = cells.map(({ name, count }) => [
    String(operations[name]?.title),
    String(count),
    of(name, count, 'rate').toFixed(0),
    (of(name, count, 'rate') / of(name, first, 'rate')).toFixed(2),
    of(name, count, 'p50').toFixed(1),
    of(name, count, 'p99').toFixed(1),
  ])
  console.log(
    `${describeMachine()}. PostgreSQL, ${connections} connections; medians of ${rounds} rounds of ${seconds} s.\n`,
  )
  console.log(table(['operation', 'processes', 'requests/s', `beside ${first}`, 'p50 ms', 'p99 ms'], rows))
  for (const doubt of doubts) console.log(`\n- ${doubt}`)
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
