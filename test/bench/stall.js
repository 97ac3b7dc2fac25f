// `npm run bench:stall`: what other requests feel while 8 password logins with bcrypt of cost 10 are in flight, in worker
// threads (ours) and on the event loop (bcryptjs in its asynchronous form). The other requests start at fixed times,
// whether the ones before are answered or not, and their wait counts from then.
const http = require('node:http')
const { parseArgs } = require('node:util')
const { buildPackage } = require('./lib/build')
const { describeMachine, requirePeers } = require('./lib/machine')
const { table } = require('./lib/report')
const { startServer } = require('./lib/server-process')
const { median, quantile } = require('./lib/statistics')

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    logins: { type: 'string', default: '8' },
    rate: { type: 'string', default: '200' },
  },
})
const [rounds = 0, seconds = 0, logins = 0, rate = 0] = [values.rounds, values.seconds, values.logins, values.rate].map(
  Number,
)

/** @typedef {{ open: number[], fresh: number[], loginsPerSecond: number }} Waits milliseconds of requests on open and on new connections */

/**
 * @param {import('./lib/server-process').Ready} ready
 * @param {http.RequestOptions} options
 * @param {string} [body]
 * @returns {Promise<number>} the status
 */
function call({ port }, options, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, ...options }, (response) => {
      response
        .resume()
        .once('end', () => resolve(response.statusCode ?? 0))
        .once('error', reject)
    })
    request.once('error', reject)
    request.end(body)
  })
}

/** @param {import('./lib/server-process').Ready} ready @param {string} token @param {number} loginsInFlight @returns {Promise<Waits>} */
async function watch(ready, token, loginsInFlight) {
  const open = new http.Agent({ keepAlive: true, maxSockets: 16 })
  const waits = { open: /** @type {number[]} */ ([]), fresh: /** @type {number[]} */ ([]) }
  let logins = 0
  let running = true
  const signingIn = Array.from({ length: loginsInFlight }, async (_, n) => {
    while (running) {
      await signIn(ready, `user-${n}`)
      logins++
    }
  })
  const headers = { Authorization: `Bearer ${token}` }
  /** @type {Promise<void>[]} */
  const pending = []
  const started = performance.now()
  const total = seconds * rate
  await new Promise((resolve) => {
    let sent = 0
    const timer = setInterval(() => {
      for (; sent < total && performance.now() - started >= (sent * 1000) / rate; sent++) {
        const due = started + (sent * 1000) / rate
        const kind = sent % 2 === 0 ? 'open' : 'fresh'
        const options = { path: ready.paths.read, headers, agent: kind === 'open' ? open : false }
        pending.push(
          call(ready, options).then((status) => {
            if (status !== 200) throw new Error(`The guard answered ${status}`)
            waits[kind].push(performance.now() - due)
          }),
        )
      }
      if (sent < total) return
      clearInterval(timer)
      resolve(undefined)
    }, 1)
  })
  // before the last answers are awaited: on a loop that has no time for them the logins would go on for ever
  running = false
  const loginsPerSecond = logins / seconds
  await Promise.all([...pending, ...signingIn])
  open.destroy()
  return { ...waits, loginsPerSecond }
}

/** @param {import('./lib/server-process').Ready} ready @param {string} username */
async function signIn(ready, username, password = 'correct horse', expected = 200) {
  const body = new URLSearchParams({ grant_type: 'password', username, password }).toString()
  const authorization = `Basic ${Buffer.from(`${ready.client.id}:${ready.client.secret}`).toString('base64')}`
  const headers = { Authorization: authorization, 'Content-Type': 'application/x-www-form-urlencoded' }
  const options = { method: 'POST', path: ready.paths.token, headers: { ...headers, 'Content-Length': body.length } }
  const status = await call(ready, options, body)
  if (status !== expected) throw new Error(`A login answered ${status}, not ${expected}`)
}

async function main() {
  requirePeers()
  const folder = buildPackage()
  const kinds = /** @type {const} */ (['worker', 'loop'])
  /** @type {Map<string, Waits[]>} */
  const measured = new Map()
  for (let round = 0; round < rounds; round++) {
    for (const bcrypt of round % 2 === 0 ? kinds : [...kinds].reverse()) {
      const server = await startServer({ config: { server: 'ours', operation: 'password', folder, bcrypt } })
      const [token = ''] = await server.ask('material', 'access_token', 1)
      await signIn(server.ready, 'user-1')
      await signIn(server.ready, 'user-1', 'wrong horse', 400)
      await watch(server.ready, token, 0)
      for (const count of [0, logins]) {
        const key = `${bcrypt} ${count}`
        measured.set(key, [...(measured.get(key) ?? []), await watch(server.ready, token, count)])
      }
      await server.stop()
      console.error(`round ${round + 1}/${rounds}: ${bcrypt}`)
    }
  }
  const rows = kinds.flatMap((bcrypt) =>
    [0, logins].map((count) => {
      const all = measured.get(`${bcrypt} ${count}`) ?? []
      const of = (/** @type {'open' | 'fresh'} */ kind, /** @type {number} */ share) =>
        median(all.map((waits) => quantile(waits[kind], share))).toFixed(1)
      const where = bcrypt === 'worker' ? 'bcryptPasswords (worker threads)' : 'bcryptjs.compare (event loop)'
      const perSecond = median(all.map((waits) => waits.loginsPerSecond)).toFixed(1)
      return [where, String(count), perSecond, of('open', 0.5), of('open', 0.99), of('fresh', 0.5), of('fresh', 0.99)]
    }),
  )
  console.log(
    `${describeMachine()}. Medians of ${rounds} rounds of ${seconds} s; ${rate} other requests a second, each guarded.\n`,
  )
  const header = [
    'passwords compared by',
    'logins in flight',
    'logins/s',
    'p50 ms',
    'p99 ms',
    'p50 ms, new connection',
    'p99 ms, new connection',
  ]
  console.log(table(header, rows))
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
