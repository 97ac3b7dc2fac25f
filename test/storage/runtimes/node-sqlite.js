// `sqliteStorage` on the `node:sqlite` of a runtime that Jest does not run in: Bun and Deno. The contract suite on two
// connections to one file, and the flow over HTTP, both with what `npm run build` made.
//
//     bun test/storage/runtimes/node-sqlite.js report.json
//     deno run --allow-all --no-lock test/storage/runtimes/node-sqlite.js report.json
//
// The report counts the tests as Jest's does, so that .ci/run adds them up.
const assert = require('node:assert/strict')
const { once } = require('node:events')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { createServer } = require('node:http')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { DatabaseSync } = /** @type {any} */ (require)('node:sqlite')
const express = require('express')

/** What was built, of which TypeScript knows the source only. */
const built = (/** @type {string} */ file) => require(join(__dirname, '../../../dist', file))
/** @type {typeof import('express-authorization-server')} */
const library = built('index.js')
/** @type {typeof import('express-authorization-server/sqlite')} */
const { sqliteStorage } = built('storage/sqlite/sqlite.js')
/** @type {typeof import('express-authorization-server/storage-contract')} */
const { storageContract } = built('storage/contract.js')

/** @type {{ name: string, body: () => unknown }[]} */
const tests = []
/** @type {string[]} */
const place = []
/** @param {string} name @param {() => void} body */
function describe(name, body) {
  place.push(name)
  body()
  place.pop()
}
/** @param {string} name @param {() => unknown} body */
function test(name, body) {
  tests.push({ name: [...place, name].join(' › '), body })
}

const folder = mkdtempSync(join(tmpdir(), 'runtime-'))
const opened = ['contract.db', 'contract.db', 'flow.db'].map((file) => new DatabaseSync(join(folder, file)))
const [database] = opened
const [storage, sameStorage, flowStorage] = opened.map((one) => sqliteStorage(one, { synchronous: 'normal' }))
storage?.migrate()

describe('sqliteStorage on two connections', () => {
  storageContract({
    describe,
    test,
    create() {
      for (const table of ['clients', 'grants', 'credentials', 'marks']) database.exec(`DELETE FROM oauth_${table}`)
      return /** @type {import('express-authorization-server').OAuthStorage[]} */ ([storage, sameStorage])
    },
  })
})

test('the flow over HTTP: code, guard, refresh, revocation', async () => {
  const flow = /** @type {import('express-authorization-server/sqlite').SqliteStorage} */ (flowStorage)
  flow.migrate()
  const app = express()
  const listener = createServer(app).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (listener.address())
  const url = `http://127.0.0.1:${port}`
  const server = library.createAuthorizationServer({ issuer: url, storage: flow, scopes: ['read'] })
  app.use('/token', library.tokenRouter(server))
  app.use('/revoke', library.revokeRouter(server))
  app.get('/me', library.bearerGuard(server, { scope: 'read' }), (req, res) => void res.json(req.user))
  try {
    const redirectUri = 'https://app.example/callback'
    const { client, clientSecret } = await library.registerClient(server, {
      redirectUris: [redirectUri],
      scopes: ['read'],
    })
    const basic = `Basic ${Buffer.from(`${client.clientId}:${clientSecret}`).toString('base64')}`
    /** @param {string} path @param {Record<string, string>} form */
    const post = (path, form) =>
      fetch(url + path, { method: 'POST', headers: { authorization: basic }, body: new URLSearchParams(form) })
    const me = async (/** @type {string} */ token) =>
      (await fetch(`${url}/me`, { headers: { authorization: `Bearer ${token}` } })).status

    // RFC 7636 Appendix B
    const { code } = await library.issueCode(server, {
      ...{ clientId: client.clientId, userId: 'ada', redirectUri, scope: 'read' },
      codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    })
    const exchange = { grant_type: 'authorization_code', code, redirect_uri: redirectUri }
    const exchanged = await post('/token', {
      ...exchange,
      code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    })
    const first = /** @type {Record<string, string>} */ (await exchanged.json())
    assert.equal(exchanged.status, 200, JSON.stringify(first))
    assert.equal(await me(String(first.access_token)), 200)
    const refreshed = await post('/token', { grant_type: 'refresh_token', refresh_token: String(first.refresh_token) })
    const second = /** @type {Record<string, string>} */ (await refreshed.json())
    assert.equal(await me(String(second.access_token)), 200)
    assert.equal((await post('/revoke', { token: String(second.refresh_token) })).status, 200)
    for (const { access_token } of [first, second]) assert.equal(await me(String(access_token)), 401)
  } finally {
    listener.close()
    listener.closeAllConnections?.()
  }
})

async function main() {
  let failed = 0
  for (const { name, body } of tests) {
    try {
      await body()
    } catch (error) {
      failed++
      console.error(`FAILED: ${name}\n`, error)
    }
  }
  for (const one of opened) one.close()
  rmSync(folder, { recursive: true, force: true })
  const { versions } = process
  const runtime = versions.bun
    ? `Bun ${versions.bun}`
    : versions.deno
      ? `Deno ${versions.deno}`
      : `Node ${versions.node}`
  console.log(`${runtime}: ${tests.length - failed} passed, ${failed} failed`)
  const [, , report] = process.argv
  const counts = { numPassedTests: tests.length - failed, numFailedTests: failed, numPendingTests: 0, numTodoTests: 0 }
  if (report) writeFileSync(report, JSON.stringify(counts))
  process.exit(failed === 0 && tests.length > 50 ? 0 : 1)
}

main()
