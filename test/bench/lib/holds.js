// What may hold the event loop: large lists, a million expired rows, the largest bodies and documents. Each is done in a
// process of its own, which says how long its loop stood still at most.
const { generateKeyPairSync, sign } = require('node:crypto')
const { createServer } = require('node:http')
const { startServer } = require('./server-process')
const { median } = require('./statistics')

/** @typedef {import('./server-process').ServerProcess} ServerProcess */
/** @typedef {{ wall: number, cpu: number }} Hold milliseconds: of the clock, and what of it the thread worked */
/** @typedef {{ title: string, stores: string[], once?: boolean, prepare?: (server: ServerProcess) => Promise<any>, act: (server: ServerProcess, prepared: any) => Promise<unknown> }} Item */

/** Times that something is done before. */
const WARM = 5
const GRANTS = 10_000
const ROWS = 1_000_000
const BODY = 64 * 1024
const DOCUMENT = 10 * 1024
const both = ['memory', 'sqlite']

/** @param {ServerProcess} server @param {string} path @param {RequestInit} [init] @param {number} [expected] */
async function fetched({ ready }, path, init = {}, expected = 200) {
  const answer = await fetch(`http://127.0.0.1:${ready.port}${path}`, { redirect: 'manual', ...init })
  const text = await answer.text()
  if (answer.status !== expected)
    throw new Error(
      `${path} answered ${answer.status}, not ${expected}: ${text
        .replace(/<style[\s\S]*<\/style>|<[^>]*>/g, '')
        .trim()
        .slice(0, 300)}`,
    )
  return text
}

/** @param {string} body @param {string} [type] @returns {RequestInit} */
const posted = (body, type = 'application/x-www-form-urlencoded') => ({
  method: 'POST',
  headers: { 'Content-Type': type },
  body,
})

/** `piece(0)`, `piece(1)`, … as long as they fit. @param {number} size @param {(n: number) => string} piece @param {string} between */
function filled(size, piece, between) {
  const pieces = []
  let length = 0
  for (let n = 0; ; n++) {
    length += piece(n).length + between.length
    if (length > size) return pieces.join(between)
    pieces.push(piece(n))
  }
}

const manyGrants = (/** @type {ServerProcess} */ server) => server.ask('sessions', GRANTS, true)

/** @param {(n: number) => string} piece @param {string} [start] */
const form = (piece, start = 'grant_type=client_credentials&') => `${start}${filled(BODY - start.length, piece, '&')}`

/** A request object as large as a body may be, signed by nobody who is known. */
function requestObject() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const encode = (/** @type {unknown} */ value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const details = Array.from({ length: 1150 }, (_, n) => ({ type: `t${n}`, actions: ['read'] }))
  const text = `${encode({ alg: 'ES256', typ: 'oauth-authz-req+jwt' })}.${encode({ iss: 'x', authorization_details: details })}`
  return `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

let documents = 0

/** Serves a client document of the largest size. @param {(url: string) => object} documentAt */
async function documentServer(documentAt) {
  const server = createServer((req, res) => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
    const body = JSON.stringify(documentAt(`http://127.0.0.1:${port}${req.url}`))
    if (body.length > DOCUMENT) throw new Error(`A document of ${body.length} bytes is larger than it may be`)
    res.setHeader('Content-Type', 'application/json').end(body)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  server.unref()
  return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/client-`
}

/** @param {(url: string) => object} documentAt @returns {Pick<Item, 'prepare' | 'act'>} */
const withDocument = (documentAt) => ({
  // what is in it is there before anybody waits for it
  prepare() {
    documentAt('http://127.0.0.1')
    return documentServer(documentAt)
  },
  act: (server, /** @type {string} */ start) => {
    // each time another one: it is kept
    const clientId = `${start}${++documents}`
    const query = new URLSearchParams({
      ...{
        response_type: 'code',
        client_id: clientId,
        redirect_uri: 'https://client.example/callback/0',
        state: 'state',
      },
      ...{ code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' },
    })
    return fetched(server, `/oauth2/authorize?${query}`)
  },
})

const redirectUris = (/** @type {number} */ room) => {
  const uris = []
  for (let n = 0, length = 0; length < room; n++) {
    uris.push(`https://client.example/callback/${n}`)
    length += String(uris.at(-1)).length + 3
  }
  return uris
}

/** @type {object[]} */
const keys = []

function publicKeys() {
  for (let n = keys.length; n < 20; n++) {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    keys.push({ ...publicKey.export({ format: 'jwk' }), kid: String(n), use: 'sig', alg: 'RS256' })
  }
  return keys
}

/** @type {Item[]} */
const items = [
  {
    title: 'first list of 10,000 grants, of one among 100,000 users',
    once: true,
    stores: both,
    prepare: (server) => server.ask('sessions', 10 * GRANTS, false),
    act: (server) => server.ask('listGrants'),
  },
  {
    title: 'page of connected apps, 10,000 grants',
    stores: both,
    prepare: manyGrants,
    act: (server) => fetched(server, '/apps'),
  },
  {
    title: 'administrator page of a user with 10,000 grants',
    stores: both,
    prepare: manyGrants,
    act: (server) => fetched(server, '/admin?user=user-0'),
  },
  {
    title: 'an app with 10,000 grants removed by its user',
    once: true,
    stores: both,
    async prepare(server) {
      await manyGrants(server)
      const question = await fetched(server, `/apps?app=${server.ready.client.id}`)
      return /name="removal_transaction" value="([^"]+)"/.exec(question)?.[1]
    },
    act: (server, token) => fetched(server, '/apps', posted(`removal_transaction=${token}`), 303),
  },
  {
    title: 'list of a client whose 100,000 grants are revoked',
    stores: both,
    async prepare(server) {
      await server.ask('sessions', 10 * GRANTS, false)
      await server.ask('revokeClient')
    },
    act: (server) => server.ask('listOfClient'),
  },
  {
    title: 'deleteExpired, 1,000,000 rows',
    once: true,
    stores: both,
    prepare: (server) => server.ask('sessions', ROWS / 2, false),
    act: (server) => server.ask('deleteExpired'),
  },
  {
    title: 'deleteExpired, nothing due among 1,000,000 rows',
    once: true,
    stores: both,
    prepare: (server) => server.ask('sessions', ROWS / 2, false),
    act: (server) => server.ask('deleteExpired', false),
  },
  {
    title: 'form of 64 KB, many parameters',
    stores: ['memory'],
    act: (server) => fetched(server, '/oauth2/token', posted(form((n) => `p${n}=`)), 401),
  },
  {
    title: 'form of 64 KB, one parameter again and again',
    stores: ['memory'],
    act: (server) => fetched(server, '/oauth2/token', posted(form(() => 'resource=a%3Ab')), 401),
  },
  {
    title: 'form of 64 KB, a scope of many words',
    stores: ['memory'],
    act: (server) =>
      fetched(
        server,
        '/oauth2/token',
        posted(`grant_type=client_credentials&scope=${filled(BODY - 60, (n) => `s${n}`, '+')}`),
        401,
      ),
  },
  {
    title: 'JSON of 64 KB, nested as deep as it goes',
    stores: ['memory'],
    act: (server) =>
      fetched(
        server,
        '/oauth2/register',
        posted(`{"jwks":${'['.repeat(BODY / 2 - 10)}${']'.repeat(BODY / 2 - 10)}}`, 'application/json'),
        400,
      ),
  },
  {
    title: 'registration of 64 KB, many redirect URIs',
    stores: ['memory'],
    act: (server) =>
      fetched(
        server,
        '/oauth2/register',
        posted(JSON.stringify({ redirect_uris: redirectUris(BODY - 200) }), 'application/json'),
        400,
      ),
  },
  {
    title: 'request object of 64 KB at the authorization endpoint',
    stores: ['memory'],
    prepare: async () => requestObject(),
    act: (server, object) =>
      fetched(server, '/oauth2/authorize', posted(`client_id=${server.ready.client.id}&request=${object}`), 400),
  },
  {
    title: 'client document of 10 KB, long redirect URIs',
    stores: ['memory'],
    ...withDocument((url) => ({
      ...{ client_id: url, client_name: 'A' },
      redirect_uris: Array.from(
        { length: 20 },
        (_, n) => `https://client.example/callback/${n}${n > 0 ? 'a'.repeat(450) : ''}`,
      ),
    })),
  },
  {
    title: 'client document of 10 KB, as many keys as it may have',
    stores: ['memory'],
    ...withDocument((url) => ({
      ...{ client_id: url, client_name: 'A', redirect_uris: ['https://client.example/callback/0'] },
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: publicKeys() },
    })),
  },
]

/**
 * The longest holds of each item, medians of `rounds` processes.
 * @param {string} folder @param {number} rounds @param {string} wanted a part of the titles
 */
async function measureHolds(folder, rounds, wanted) {
  const rows = []
  for (const { title, stores, prepare, act, once } of items.filter((item) => item.title.includes(wanted))) {
    for (const storage of stores) {
      /** @type {Hold[]} */
      const holds = []
      // a million rows are once enough
      const times = title.includes('1,000,000') ? 1 : rounds
      for (let round = 0; round < times; round++) {
        const server = await startServer({ script: 'holds.js', config: { folder, storage } })
        try {
          const prepared = await prepare?.(server)
          // what can be done again is compiled before it is measured
          for (let n = 0; n < (once ? 0 : WARM); n++) await act(server, prepared)
          await server.ask('watch')
          await act(server, prepared)
          holds.push(await server.ask('watched'))
        } finally {
          await server.stop()
        }
      }
      const of = (/** @type {'wall' | 'cpu'} */ key) => median(holds.map((hold) => hold[key])).toFixed(1)
      rows.push([title, storage, of('wall'), of('cpu')])
      console.error(rows.at(-1)?.join(', '))
    }
  }
  return rows
}

module.exports = { measureHolds }
