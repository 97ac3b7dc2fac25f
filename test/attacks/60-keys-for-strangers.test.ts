// ATTACKS.md row 60 for `jwks_uri`: a stranger who registers one, or sends an assertion in the name of who has one, makes this
// server fetch. That has the pace and the bounds of client documents.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext, runInThisContext } from 'node:vm'
import { clientSecret, oauthRouter, privateKeyJwt } from '../../src/index'
import { asserted, type ClientKey, clientKey, signAssertion } from '../support/assertions'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { createHost, type Host, paths, startOfTime } from '../support/host'
import { createNameServer } from '../support/name-server'

let key: ClientKey
let documents: DocumentHost
let host: Host
beforeAll(async () => {
  key = await clientKey()
})
beforeEach(async () => {
  documents = await createDocumentHost()
  host = await createHost({ clientAuthentication: [clientSecret(), privateKeyJwt({ dangerouslyAllowLoopback: true })] })
  host.app.set('trust proxy', 1)
})
afterEach(() => documents.close())

const register = (clientId: string, jwksUri: string) =>
  host.register({ clientId, tokenEndpointAuthMethods: ['private_key_jwt'], jwksUri })
const ask = async (clientId: string, network = '198.51.100.1', by = key, now = startOfTime) =>
  host
    .http()
    .post(paths.token)
    .type('form')
    .set('X-Forwarded-For', network)
    .send({ grant_type: 'client_credentials', ...asserted(await signAssertion(clientId, by, { now })) })

it('one network has fifty sets fetched in a quarter of an hour, and then waits; another one is not held up', async () => {
  const statuses: number[] = []
  for (let n = 0; n < 60; n++) {
    await register(`app ${n}`, documents.at(`/${n}.json`, { keys: [] }))
    statuses.push((await ask(`app ${n}`)).status)
  }
  expect(statuses).toEqual([...Array(50).fill(401), ...Array(10).fill(429)])
  expect(documents.asked).toHaveLength(50)
  expect((await ask('app 59', '203.0.113.9')).status).toBe(401)
  expect(documents.asked).toHaveLength(51)
})

it('clients that sign with a key of their set are not held up, however many come from one network', async () => {
  const statuses: number[] = []
  for (let n = 0; n < 60; n++) {
    await register(`app ${n}`, documents.at(`/${n}.json`, { keys: [key.jwk] }))
    statuses.push((await ask(`app ${n}`)).status)
  }
  expect(statuses).not.toContain(429)
  expect(documents.asked).toHaveLength(60)
})

it('what was fetched already costs nobody an attempt, nor does a kid that is looked for too soon', async () => {
  await register('app', documents.at('/jwks.json', { keys: [key.jwk] }))
  const unknown = await clientKey()
  for (let n = 0; n < 60; n++) await ask('app', '198.51.100.1', n % 2 === 0 ? key : unknown)
  expect(documents.asked).toHaveLength(1)
  await register('next', documents.at('/next.json', { keys: [key.jwk] }))
  expect((await ask('next')).body.error).toBe('unauthorized_client')
})

it('from one host five are fetched at once, and the others are told to come again', async () => {
  const open: (() => void)[] = []
  for (let n = 0; n < 8; n++) {
    const url = documents.at(`/${n}.json`, (_req, res) => {
      open.push(() => void res.writeHead(200, { 'Content-Type': 'application/json' }).end('{"keys":[]}'))
    })
    await register(`app ${n}`, url)
  }
  const refused: unknown[] = []
  const answers = Array.from({ length: 8 }, async (_, n) => {
    const { status, body } = await ask(`app ${n}`, `198.51.100.${n}`)
    if (status !== 401) refused.push([status, body.error])
    return status
  })
  while (open.length < 5 || refused.length < 3) await new Promise(setImmediate)
  expect(refused).toEqual(Array(3).fill([400, 'temporarily_unavailable']))
  for (const finish of open) finish()
  const statuses = await Promise.all(answers)
  expect([statuses.filter((status) => status === 401).length, documents.asked.length]).toEqual([5, 5])
})

it('of a set nothing is kept but its keys: 64 KiB of anything else would be megabytes here, for each of a thousand', async () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const heap = () => {
    collect()
    return process.memoryUsage().heapUsed / 2 ** 20
  }
  // as text a twentieth of what it takes up as objects
  const body = `{"keys":[${JSON.stringify({ ...key.jwk, x5c: 0 }).replace('"x5c":0', `"x5c":[${'{},'.repeat(20_000)}{}]`)}]}`
  const sets = Array.from({ length: 40 }, (_, n) =>
    documents.at(`/${n}.json`, (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'application/json' }).end(body)
    }),
  )
  for (const [n, url] of sets.entries()) await register(`app ${n}`, url)
  await ask('nobody')
  const before = heap()
  for (const n of sets.keys()) expect((await ask(`app ${n}`)).body.error).toBe('unauthorized_client')
  expect(heap() - before).toBeLessThan(15)
})

it('a set that cannot be had does not end the process, where the store of attempts is over a network', async () => {
  const unheard: unknown[] = []
  const listener = (reason: unknown) => void unheard.push(reason)
  // the one of Node: that of Jest hears nothing
  const { on, off } = runInThisContext('({ on: process.on.bind(process), off: process.off.bind(process) })')
  on('unhandledRejection', listener)
  const later = () => new Promise<void>((done) => setTimeout(done, 50))
  const throttle = { take: async () => ({ succeed: later, giveBack: later }) }
  const clientAuthentication = [clientSecret(), privateKeyJwt({ dangerouslyAllowLoopback: true })]
  host = await createHost({ throttle, clientAuthentication })
  let isThere = true
  const url = documents.at('/jwks.json', (_req, res) => {
    const body = JSON.stringify({ keys: [key.jwk] })
    if (isThere) res.writeHead(200, { 'Content-Type': 'application/json' }).end(body)
    else setTimeout(() => res.writeHead(404).end(), 10)
  })
  await register('app', url)
  expect((await ask('app')).body.error).toBe('unauthorized_client')
  isThere = false
  const unknown = await clientKey()
  // one after the other, and then at the same time
  for (const seconds of [60, 300]) {
    host.clock.advance(seconds)
    const now = host.clock.now
    const answers = [ask('app', '198.51.100.1', unknown, now), ask('app', '198.51.100.2', unknown, now)]
    for (const { body } of await Promise.all(answers)) expect(body.error).toBe('temporarily_unavailable')
    expect((await ask('app', '198.51.100.1', unknown, now)).body.error).toBe('temporarily_unavailable')
  }
  off('unhandledRejection', listener)
  expect(unheard).toEqual([])
})

it('a set that never ends is cut off', async () => {
  await register(
    'app',
    documents.at('/jwks.json', (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'application/json' })
      res.write(`{"keys":["${'x'.repeat(70_000)}`)
    }),
  )
  expect((await ask('app')).body.error).toBe('temporarily_unavailable')
})

it('a client that registers itself cannot point to the inside, nor by a name that leads there', async () => {
  const open = { protect: 'open' as const, scopes: ['read'] }
  host = await createHost({
    mount: (app, server) =>
      void app.use(
        oauthRouter(server, { decide: () => ({ allow: true, userId: 'alice' }), protect: false, register: open }),
      ),
  })
  const app = { redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'private_key_jwt' }
  const { port } = new URL(documents.origin)
  const registered = (jwks_uri: string) =>
    host
      .http()
      .post('/oauth2/register')
      .send({ ...app, jwks_uri })
  for (const inside of [`https://127.0.0.1:${port}/a`, 'https://169.254.169.254/a', 'file:///etc/passwd', 'data:,{}']) {
    const { body } = await registered(inside).expect(400)
    expect(body.error).toBe('invalid_client_metadata')
  }
  const { body } = await registered(`https://keys.example:${port}/jwks.json`).expect(201)
  const names = await createNameServer(() => ['127.0.0.1'])
  const answer = await ask(body.client_id)
  names.close()
  expect([answer.status, answer.body.error]).toEqual([400, 'temporarily_unavailable'])
  expect(documents.connections()).toBe(0)
  const reasons = host.events.flatMap((event) => (event.type === 'client.document_refused' ? [event.reason] : []))
  expect(reasons).toEqual(['its jwks_uri: keys.example is at 127.0.0.1, which is not public'])
})

it('an assertion in the name of nobody, or that is wrong by itself, fetches nothing', async () => {
  await register('app', documents.at('/jwks.json', { keys: [key.jwk] }))
  await ask('nobody')
  await host.token(undefined, {
    grant_type: 'client_credentials',
    ...asserted(await signAssertion('app', key, { claims: { aud: 'https://other.example' } })),
  })
  expect(documents.connections()).toBe(0)
})
