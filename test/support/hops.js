// Counts what one warm request enters of the built package: its files, functions and storage calls, by V8's precise
// coverage. By hand, for the whole list: `npm run build && node test/support/hops.js [folder of the build]`.
const { createHash } = require('node:crypto')
const { once } = require('node:events')
const { readFileSync, realpathSync } = require('node:fs')
const { createServer, request: httpRequest } = require('node:http')
const { Session } = require('node:inspector')
const { join, sep } = require('node:path')
const { pathToFileURL } = require('node:url')
const express = require('express')

/** @typedef {{ file: string, name: string, line: number }} Entered a function, and where it begins in the build */
/** @typedef {{ entered: Entered[], calls: string[] }} Hops */
/** @typedef {{ method?: string, path: string, headers?: Record<string, string>, body?: string, status: number }} Sent */
/** @typedef {Record<string, any>} Answer the members of a JSON response */
/** @typedef {{ url: string, functions: { functionName: string, ranges: { startOffset: number, count: number }[] }[] }} Script */

/** Requests of a kind before the one that counts. */
const WARM = 20
/** `memoryStorage()` stands for the host's store: its calls count, and what it does in them, such as frozen copies, is its own. */
const HOST_STORAGE = /^storage\/(memory\/|frozen)/

const redirectUri = 'https://app.example/cb'
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const challenge = createHash('sha256').update(verifier).digest('base64url')

/** Per flow. @param {string} folder where the package was built @returns {Promise<Record<string, Hops>>} */
async function measure(folder) {
  const session = new Session()
  session.connect()
  /** @param {string} method @param {object} [parameters] @returns {Promise<any>} */
  const profiler = (method, parameters) =>
    new Promise((done, failed) =>
      session.post(`Profiler.${method}`, parameters, (error, result) => (error ? failed(error) : done(result))),
    )
  await profiler('enable')
  // before the package is loaded: V8 keeps the counts of what it compiles from here on
  await profiler('startPreciseCoverage', { callCount: true, detailed: false })
  const { flows, send, calls, close } = await host(require(join(folder, 'index.js')))
  try {
    /** @type {Record<string, Hops>} */
    const measured = {}
    for (const [name, next] of Object.entries(flows)) {
      let answer = await send(await next(undefined))
      for (let n = 1; n < WARM; n++) answer = await send(await next(answer))
      const sent = await next(answer)
      await profiler('takePreciseCoverage')
      calls.length = 0
      await send(sent)
      const { result } = await profiler('takePreciseCoverage')
      measured[name] = { entered: enteredOf(folder, result), calls: [...calls] }
    }
    return measured
  } finally {
    close()
    session.disconnect()
  }
}

/** A host that uses no capability: default options, two clients, three routers and a guard. @param {any} library */
async function host(library) {
  // the machine's clock moves between requests only, so that the end of a second changes no path
  let milliseconds = Date.now()
  Date.now = () => milliseconds
  /** @type {string[]} */
  const calls = []
  const { clients, grants } = library.memoryStorage()
  const server = library.createAuthorizationServer({
    issuer: 'https://auth.example.com',
    storage: { clients: logged('clients', clients, calls), grants: logged('grants', grants, calls) },
    scopes: ['read', 'clients'],
    users: { find: (/** @type {string} */ id) => ({ id }) },
  })
  const client = { redirectUris: [redirectUri], scopes: ['read', 'clients'] }
  await library.registerClient(server, { ...client, clientId: 'app', tokenEndpointAuthMethods: ['none'] })
  const service = await library.registerClient(server, { grantTypes: ['client_credentials'], scopes: ['read'] })

  const app = express()
  app.use('/authorize', (req, _res, next) => {
    Object.assign(req, { user: { id: 'alice' } })
    next()
  })
  app.use('/authorize', library.authorizeRouter(server, { decide: library.approve({ clients: ['app'] }) }))
  app.use('/token', library.tokenRouter(server))
  app.use('/clients', library.clientsRouter(server, { protect: library.bearerGuard(server, { scope: 'clients' }) }))
  app.get('/me', library.bearerGuard(server, { scope: 'read' }), (_req, res) => void res.json({}))
  const listener = createServer(app).listen(0, '127.0.0.1')
  await once(listener, 'listening')

  /** @param {Sent} sent @returns {Promise<Answer>} once both sides are done with it */
  async function send({ method = 'POST', path, headers, body, status }) {
    milliseconds += 10_000
    const sent = httpRequest({
      port: /** @type {any} */ (listener.address()).port,
      method,
      path,
      headers,
      agent: false,
    })
    const atServer = new Promise((done) => listener.once('request', (_req, res) => res.once('close', done)))
    sent.end(body)
    const [answer] = await once(sent, 'response')
    let text = ''
    for await (const chunk of answer) text += chunk
    await atServer
    await new Promise(setImmediate)
    if (answer.statusCode !== status) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
    return status === 302 ? {} : JSON.parse(text)
  }
  /** @param {Record<string, string>} parameters @returns {Sent} */
  const token = ({ authorization, ...parameters }) => ({
    path: '/token',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...(authorization && { authorization }) },
    body: String(new URLSearchParams(parameters)),
    status: 200,
  })
  const user = { clientId: 'app', userId: 'alice' }
  const { access_token } = await library.issueTokens(server, user)
  const bearer = `Bearer ${access_token}`
  const basic = `Basic ${Buffer.from(`${service.client.clientId}:${service.clientSecret}`).toString('base64')}`
  const asked = { response_type: 'code', client_id: 'app', redirect_uri: redirectUri, state: 'xyz' }
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }

  /** The next request of each, which may use what the one before it returned. @type {Record<string, (answer: Answer | undefined) => Promise<Sent> | Sent>} */
  const flows = {
    'code exchange': async () => {
      const { code } = await library.issueCode(server, { ...user, redirectUri, codeChallenge: challenge })
      const parameters = { code, client_id: 'app', redirect_uri: redirectUri, code_verifier: verifier }
      return token({ grant_type: 'authorization_code', ...parameters })
    },
    refresh: async (answer) => {
      const { refresh_token } = answer ?? (await library.issueTokens(server, user))
      return token({ grant_type: 'refresh_token', client_id: 'app', refresh_token })
    },
    authorize: () => ({
      method: 'GET',
      path: `/authorize?${new URLSearchParams({ ...asked, ...pkce })}`,
      status: 302,
    }),
    'client credentials': () => token({ grant_type: 'client_credentials', authorization: basic }),
    'client create': () => ({
      path: '/clients',
      headers: { 'Content-Type': 'application/json', authorization: bearer },
      body: JSON.stringify({ client_name: 'App', redirect_uris: [redirectUri], scope: 'read' }),
      status: 201,
    }),
    guard: () => ({ method: 'GET', path: '/me', headers: { authorization: bearer }, status: 200 }),
  }
  return { flows, send, calls, close: () => listener.close() }
}

/** The collection, which writes down what is called. @param {string} name @param {object} collection @param {string[]} calls */
function logged(name, collection, calls) {
  const log = (/** @type {[string, (...args: unknown[]) => unknown]} */ [method, call]) => [
    method,
    (/** @type {unknown[]} */ ...args) => {
      calls.push(`${name}.${method}`)
      return call(...args)
    },
  ]
  return Object.fromEntries(Object.entries(collection).map(log))
}

/** Every function of the package that was called. @param {string} folder @param {Script[]} scripts @returns {Entered[]} */
function enteredOf(folder, scripts) {
  const base = pathToFileURL(folder + sep).href
  return scripts.flatMap(({ url, functions }) => {
    const file = url.slice(base.length)
    if (!url.startsWith(base) || HOST_STORAGE.test(file)) return []
    const text = readFileSync(new URL(url), 'utf8')
    return functions.flatMap(({ functionName, ranges: [range] }) => {
      // what begins at 0 is the module itself
      if (!range || range.count === 0 || range.startOffset === 0) return []
      const from = text.slice(range.startOffset)
      const line = text.slice(0, range.startOffset).split('\n').length
      return [{ file, name: functionName || `<${from.split('\n')[0]?.slice(0, 40)}>`, line }]
    })
  })
}

/** One line per flow, and one per file. @param {string} flow @param {Hops} hops */
function describeHops(flow, { entered, calls }) {
  const files = [...new Set(entered.map(({ file }) => file))].sort()
  const lines = files.map((file) => {
    const functions = entered.filter((one) => one.file === file)
    return `  ${file} ${functions.length}: ${functions.map(({ name, line }) => `${name}:${line}`).join(', ')}`
  })
  const counts = `${files.length} files, ${entered.length} functions, ${calls.length} storage call${calls.length === 1 ? '' : 's'}`
  return [`${flow}: ${counts} (${calls.join(', ')})`, ...lines].join('\n')
}

async function main() {
  const [folder = join(__dirname, '..', '..', 'dist'), json] = process.argv.slice(2)
  const measured = await measure(realpathSync(folder))
  if (json === '--json') return console.log(JSON.stringify(measured))
  for (const [flow, hops] of Object.entries(measured)) console.log(`${describeHops(flow, hops)}\n`)
}

if (require.main === module) {
  main().catch((error) => {
    console.error(error)
    process.exitCode = 1
  })
}

module.exports = { describeHops }
