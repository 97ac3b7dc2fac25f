// `npm run bench:soak`: ten minutes of everything at once, right and wrong: no 5xx, no unexpected answer, and a heap that
// stays where it is once the first tokens have expired.
const http = require('node:http')
const { parseArgs } = require('node:util')
const { buildPackage } = require('./lib/build')
const { describeMachine, requirePeers } = require('./lib/machine')
const { table } = require('./lib/report')
const { startServer } = require('./lib/server-process')
const { fixtures } = require('./servers/common')

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    apps: { type: 'string', default: '32' },
    store: { type: 'string', default: 'memory' },
  },
})
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
/** How often each status came. @type {Map<number, number>} */
const statuses = new Map()
/** @type {string[]} */
const unexpected = []

/** @param {number} port @param {string} method @param {string} path @param {http.OutgoingHttpHeaders} headers @param {string} [body] */
function call(port, method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const sent = http.request({ host: '127.0.0.1', port, agent, method, path, headers }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      const status = response.statusCode ?? 0
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      const { location } = response.headers
      resolve({ status, location, body: text.startsWith('{') ? JSON.parse(text) : {} })
    })
    sent.once('error', reject).end(body)
  })
}

/** One app, as one user after the other. @param {import('./lib/server-process').Ready} ready */
function appAt({ port, client }) {
  const authorization = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`
  const form = { 'Content-Type': 'application/x-www-form-urlencoded', authorization }
  /** @param {string} name @param {Record<string, string>} parameters @param {http.OutgoingHttpHeaders} [headers] @returns {Promise<any>} */
  const post = (name, parameters, headers = form) =>
    call(port, 'POST', `/oauth2/${name}`, headers, new URLSearchParams(parameters).toString())
  /** @param {string} token @returns {Promise<any>} */
  const read = (token) => call(port, 'GET', '/read', { authorization: `Bearer ${token}` })
  /** @param {string} what @param {{ status: number, body: any }} answer @param {number[]} allowed */
  const expect = (what, answer, ...allowed) => {
    if (!allowed.includes(answer.status)) unexpected.push(`${what}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer
  }
  const query = new URLSearchParams({
    ...{ response_type: 'code', client_id: client.id, redirect_uri: fixtures.redirectUri, state: 'state' },
    ...{ code_challenge: fixtures.codeChallenge, code_challenge_method: 'S256' },
  })
  return async () => {
    const asked = expect(
      'authorize',
      /** @type {any} */ (await call(port, 'GET', `/oauth2/authorize?${query}`, {})),
      302,
    )
    const code = new URL(String(/** @type {any} */ (asked).location)).searchParams.get('code') ?? ''
    const exchange = { grant_type: 'authorization_code', code, redirect_uri: fixtures.redirectUri }
    expect('a wrong verifier', await post('token', { ...exchange, code_verifier: 'w'.repeat(43) }), 400)
    const { body: first } = expect(
      'exchange',
      await post('token', { ...exchange, code_verifier: fixtures.codeVerifier }),
      200,
    )
    for (let n = 0; n < 3; n++) expect('the guard', await read(first.access_token), 200)
    const refresh = { grant_type: 'refresh_token', refresh_token: first.refresh_token }
    const both = await Promise.all([post('token', refresh), post('token', refresh)])
    for (const answer of both) expect('a refresh from two tabs', answer, 200)
    const { body: second } = both[0]
    const { body: third } = expect(
      'refresh',
      await post('token', { ...refresh, refresh_token: second.refresh_token }),
      200,
    )
    expect('the guard', await read(third.access_token), 200)
    expect('introspect', await post('introspect', { token: third.access_token }), 200)
    const own = expect('client credentials', await post('token', { grant_type: 'client_credentials' }), 200)
    expect('the guard', await read(own.body.access_token), 200)
    expect('nonsense', await post('token', { grant_type: 'password' }), 400)
    expect('a wrong secret', await post('token', exchange, { ...form, authorization: 'Basic eDp5' }), 401, 429)
    expect('no token', await read('x'), 401)
    // a third end in a theft, a third in a logout, and the others are left to expire
    const end = Math.floor(Math.random() * 3)
    if (end === 0) expect('reuse', await post('token', { ...refresh, refresh_token: first.refresh_token }), 400)
    if (end === 1) expect('revoke', await post('revoke_token', { token: third.refresh_token }), 200)
    if (end < 2) expect('the guard, afterwards', await read(third.access_token), 401)
  }
}

async function main() {
  requirePeers()
  const minutes = Number(values.minutes)
  const server = await startServer({ script: 'soak.js', config: { folder: buildPackage(), storage: values.store } })
  const app = appAt(server.ready)
  const ends = Date.now() + minutes * 60_000
  const heaps = []
  let running = true
  const working = Array.from({ length: Number(values.apps) }, async () => {
    while (running) await app()
  })
  while (Date.now() < ends) {
    await new Promise((resolve) => setTimeout(resolve, 30_000))
    const requests = [...statuses.values()].reduce((sum, count) => sum + count, 0)
    const { heap, rss } = await server.ask('memory')
    heaps.push([(heaps.length + 1) / 2, requests, (heap / 2 ** 20).toFixed(1), (rss / 2 ** 20).toFixed(0)].map(String))
    console.error(heaps.at(-1)?.join(', '))
  }
  running = false
  await Promise.all(working)
  console.log(`${describeMachine()}. ${values.apps} apps at once, ${values.store} storage.\n`)
  console.log(table(['minute', 'requests so far', 'heap MB', 'RSS MB'], heaps))
  console.log('\nanswers by status:', Object.fromEntries([...statuses].sort(([left], [right]) => left - right)))
  console.log('events:', await server.ask('events'))
  console.log(`unexpected answers: ${unexpected.length}`, unexpected.slice(0, 10))
  await server.stop()
  const failures = [...statuses].filter(([status]) => status >= 500)
  process.exit(failures.length + unexpected.length > 0 ? 1 : 0)
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
