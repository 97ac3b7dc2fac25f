// `npm run bench:stall`: how long the event loop stands still at most while something large is done: lists of ten thousand
// grants, a clean-up of a million rows, the largest bodies and documents. And what other requests feel while 1, 8 and 64
// password logins with bcrypt of cost 10 are in flight, in worker threads (ours), and beside 8 on the event loop (bcryptjs
// in its asynchronous form). The other requests start at fixed times, whether the ones before are answered or not, and
// their wait counts from then.
const http = require('node:http')
const { parseArgs } = require('node:util')
const { buildPackage } = require('./lib/build')
const { measureHolds } = require('./lib/holds')
const { describeMachine, doubtsOfMachine, requirePeers } = require('./lib/machine')
const { table } = require('./lib/report')
const { startServer } = require('./lib/server-process')
const { median, quantile } = require('./lib/statistics')

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    logins: { type: 'string', default: '1,8,64' },
    rate: { type: 'string', default: '200' },
    /** A part of the titles of what may hold the loop; `none` for none of them. */
    holds: { type: 'string', default: '' },
  },
})
const [rounds = 0, seconds = 0, rate = 0] = [values.rounds, values.seconds, values.rate].map(Number)
const logins = values.logins.split(',').map(Number).filter(Boolean)
/** More than a few on the event loop, and nothing else is ever answered. */
const MOST_ON_LOOP = 8

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

/** Milliseconds of other requests, by where passwords are compared and how many logins are in flight. @param {string} folder */
async function measureLogins(folder) {
  const counts = { worker: [0, ...logins], loop: [0, ...logins.filter((count) => count === MOST_ON_LOOP)] }
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
      for (const count of counts[bcrypt]) {
        const key = `${bcrypt} ${count}`
        measured.set(key, [...(measured.get(key) ?? []), await watch(server.ready, token, count)])
      }
      await server.stop()
      console.error(`round ${round + 1}/${rounds}: ${bcrypt}`)
    }
  }
  return kinds.flatMap((bcrypt) => {
    const of = (/** @type {number} */ count, /** @type {'open' | 'fresh'} */ kind, /** @type {number} */ share) =>
      median((measured.get(`${bcrypt} ${count}`) ?? []).map((waits) => quantile(waits[kind], share)))
    return counts[bcrypt].map((count) => {
      const where = bcrypt === 'worker' ? 'bcryptPasswords (worker threads)' : 'bcryptjs.compare (event loop)'
      const perSecond = median((measured.get(`${bcrypt} ${count}`) ?? []).map((waits) => waits.loginsPerSecond))
      const [p99, idle] = [of(count, 'open', 0.99), of(0, 'open', 0.99)]
      const waits = [of(count, 'open', 0.5), p99, of(count, 'fresh', 0.5), of(count, 'fresh', 0.99)]
      return [where, String(count), perSecond.toFixed(1), ...waits.map((ms) => ms.toFixed(1)), (p99 / idle).toFixed(1)]
    })
  })
}

async function main() {
  requirePeers()
  const doubts = await doubtsOfMachine()
  const folder = buildPackage()
  const holds = values.holds === 'none' ? [] : await measureHolds(folder, rounds, values.holds)
  const waits = logins.length > 0 ? await measureLogins(folder) : []
  console.log(`${describeMachine()}. Medians of ${rounds} processes.\n`)
  if (holds.length > 0) {
    console.log(
      'How long the event loop stood still at most: by the clock, and what of it the thread itself worked. On a busy\n' +
        'machine the first has the work of others in it, and the second is counted in steps of up to 4 ms.\n',
    )
    console.log(`${table(['what is done', 'store', 'longest hold, ms', 'of it our own work, ms'], holds)}\n`)
  }
  if (waits.length > 0) {
    const header = ['p50 ms', 'p99 ms', 'p50 ms, new connection', 'p99 ms, new connection', 'p99, beside none']
    console.log(`${rate} other requests a second, each guarded, for ${seconds} s.\n`)
    console.log(table(['passwords compared by', 'logins in flight', 'logins/s', ...header], waits))
  }
  for (const doubt of doubts) console.log(`\n- ${doubt}`)
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
