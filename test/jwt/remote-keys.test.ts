// A guard in another process that verifies JWTs with the published keys: remoteServer({ issuer, resource }).
import type { Response } from 'express'
import {
  bearerGuard,
  generateSigningKey,
  jwt,
  type RemoteServerOptions,
  remoteServer,
  type SigningKeys,
} from '../../src'
import type { HostOptions } from '../support/host'
import { createApi, createRemoteHost, type RemoteHost } from '../support/remote'

const resource = 'https://api.example.com'
const METADATA = '/.well-known/oauth-authorization-server'
const JWKS = '/.well-known/jwks.json'
const [first, second] = [generateSigningKey(), generateSigningKey('RS256')]

let remote: RemoteHost
let keys: SigningKeys
async function begin(options: HostOptions = {}): Promise<void> {
  await remote?.close()
  keys = { current: first }
  remote = await createRemoteHost({ accessTokens: jwt({ keys: () => keys, audience: resource }), ...options })
}
beforeEach(() => begin())
afterAll(() => remote.close())

const api = (options: Partial<RemoteServerOptions> = {}, guard = {}) =>
  createApi(remote, { resource, ...options }, guard)
const tokenOf = async (parameters = {}) => (await remote.host.signIn(remote.host.web, parameters)).access_token

describe('a guard in another process', () => {
  it('finds the keys by the issuer alone, and lets the token in', async () => {
    const { call } = api()
    const { body } = await call(await tokenOf()).expect(200)
    expect(body.user).toEqual({ id: 'alice' })
    expect(body.authInfo).toMatchObject({
      clientId: 'web',
      userId: 'alice',
      scope: ['read', 'write'],
      audience: [resource],
      claims: { iss: remote.issuer, sub: 'alice' },
    })
    expect(remote.asked.slice(-2)).toEqual([METADATA, JWKS])
  })

  it('fetches keys once, however many tokens come first and after', async () => {
    const { call } = api()
    const token = await tokenOf()
    remote.asked.length = 0
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(token)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    await call(await tokenOf()).expect(200)
    expect(remote.asked.filter((path) => path.startsWith('/.well-known'))).toEqual([METADATA, JWKS])
  })

  it('has no user for a token of the client itself', async () => {
    const { body } = await remote.host.token(remote.host.web, { grant_type: 'client_credentials' }).expect(200)
    const answer = await api().call(body.access_token).expect(200)
    expect(answer.body.user).toBeUndefined()
    expect(answer.body.authInfo).not.toHaveProperty('userId')
  })

  it('looks for users where it is told to, and lets nobody in who is not there', async () => {
    const people = new Map([['alice', { id: 'alice', plan: 'free' }]])
    const { call } = api({ users: { find: (id) => people.get(id) } })
    const token = await tokenOf()
    expect((await call(token).expect(200)).body.user).toEqual({ id: 'alice', plan: 'free' })
    people.delete('alice')
    expect((await call(token).expect(401)).headers['www-authenticate']).toContain('invalid_token')
  })

  it('asks for scope as any guard does', async () => {
    const token = await tokenOf({ scope: 'read' })
    await api({}, { scope: 'read' }).call(token).expect(200)
    const { headers } = await api({}, { scope: 'everything' }).call(token).expect(403)
    expect(headers['www-authenticate']).toContain('scope="everything"')
  })

  it('takes tokens for its own resource alone (RFC 9068 §4)', async () => {
    const token = await tokenOf()
    await api({ resource: 'https://other.example' }).call(token).expect(401)
    const both = { resource: ['https://other.example', resource] }
    await api(both).call(token).expect(200)
    await api(both, { resource }).call(token).expect(200)
    await api(both, { resource: 'https://other.example' }).call(token).expect(401)
  })

  it('ends a token with its exp, remembered or not', async () => {
    const { call } = api()
    const token = await tokenOf()
    await call(token).expect(200)
    remote.host.clock.advance(3600)
    await call(token).expect(401)
  })

  it.each(['no token at all', 'garbage', 'a.b.c', 'x'.repeat(22)])(
    'refuses without asking anybody: %s',
    async (token) => {
      const { call } = api()
      await call(token.replaceAll(' ', '_')).expect(401)
      expect(remote.asked).toEqual([])
    },
  )
})

it('keys need to say neither what they are for nor with which algorithm (RFC 7517 §4.2, §4.4)', async () => {
  const { body } = await remote.host.http().get(JWKS).expect(200)
  const keys = body.keys.map(({ use: _, alg: __, ...key }: object & { use: string; alg: string }) => key)
  remote.bend = (req, res, next) => void (req.path === JWKS ? res.json({ keys }) : next())
  await api()
    .call(await tokenOf())
    .expect(200)
})

describe('keys that change', () => {
  it('are found when a token names one that is not known yet', async () => {
    const { call } = api()
    const old = await tokenOf()
    await call(old).expect(200)
    remote.host.clock.advance(10)
    keys = { current: second, retired: [first] }
    const token = await tokenOf()
    await call(token).expect(200)
    await call(old).expect(200)
  })

  it('are known before they sign where they were announced: nothing is fetched, and nothing refused', async () => {
    keys = { current: first, next: second }
    const { call } = api()
    await call(await tokenOf()).expect(200)
    keys = { current: second, retired: [first] }
    remote.asked.length = 0
    await call(await tokenOf()).expect(200)
    expect(remote.asked).not.toContain(JWKS)
  })

  it('are compared, and not their ids alone: what was remembered ends with the key that signed it', async () => {
    const { call, server } = api()
    const token = await tokenOf()
    await call(token).expect(200)
    const { d: _, ...stranger } = generateSigningKey()
    remote.bend = (req, res, next) =>
      req.path === JWKS ? void res.json({ keys: [{ ...stranger, kid: first.kid }] }) : next()
    remote.host.clock.advance(600)
    await server.authenticate(token)
    while (remote.asked.filter((path) => path === JWKS).length < 2) await new Promise(setImmediate)
    while ((await call(token)).status === 200) await new Promise(setImmediate)
    await call(token).expect(401)
  })

  it('are asked for at most every ten seconds, whatever kids come', async () => {
    const { call } = api()
    const token = await tokenOf()
    await call(token).expect(200)
    const [, claims, signature] = token.split('.')
    remote.asked.length = 0
    for (let i = 0; i < 30; i++) {
      const header = Buffer.from(JSON.stringify({ typ: 'at+jwt', alg: 'ES256', kid: `made-up-${i}` })).toString(
        'base64url',
      )
      await call(`${header}.${claims}.${signature}`).expect(401)
      if (i % 10 === 9) remote.host.clock.advance(10)
    }
    expect(remote.asked.filter((path) => path === JWKS)).toHaveLength(2)
    await call(token).expect(200)
  })

  it('are renewed every ten minutes while the known ones are used: one that is withdrawn is refused from then on', async () => {
    const { call } = api()
    const token = await tokenOf()
    await call(token).expect(200)
    keys = { current: second }
    remote.host.clock.advance(599)
    remote.asked.length = 0
    await call(token).expect(200)
    expect(remote.asked).toEqual([])
    remote.host.clock.advance(1)
    await call(token)
    while (!remote.asked.includes(JWKS)) await new Promise(setImmediate)
    await call(await tokenOf()).expect(200)
    await call(token).expect(401)
  })

  it('that stayed the same keep what is remembered of their tokens', async () => {
    const verify = jest.spyOn(require('node:crypto'), 'verify')
    const { call, server } = api()
    const token = await tokenOf()
    await call(token).expect(200)
    remote.host.clock.advance(600)
    await server.authenticate(token)
    while (remote.asked.filter((path) => path === JWKS).length < 2) await new Promise(setImmediate)
    await call(token).expect(200)
    expect(verify).toHaveBeenCalledTimes(1)
    verify.mockRestore()
  })
})

describe('a server that cannot be reached', () => {
  it('means 503 and no challenge, and the host hears why; then it is tried again', async () => {
    const { call, causes } = api()
    const token = await tokenOf()
    remote.bend = (_req, res) => void res.destroy()
    const { headers, body } = await call(token).expect(503)
    expect(headers).not.toHaveProperty('www-authenticate')
    expect(body).toEqual({ error: 'server_error', error_description: 'The authorization server cannot be reached.' })
    expect(causes()).toEqual([expect.stringContaining('fetch failed')])
    remote.bend = undefined
    remote.asked.length = 0
    await call(token).expect(503)
    expect(remote.asked).toEqual([])
    remote.host.clock.advance(2)
    await call(token).expect(200)
  })

  it('leaves its keys good for an hour, and not for longer', async () => {
    await begin({ accessTokens: jwt({ keys: () => keys, audience: resource, ttl: 7200 }) })
    const { call, events } = api()
    const token = await tokenOf()
    await call(token).expect(200)
    remote.bend = (req, res, next) => void (req.path.startsWith('/.well-known') ? res.destroy() : next())
    remote.host.clock.advance(3599)
    await call(token).expect(200)
    while (events.length === 0) await new Promise(setImmediate)
    remote.host.clock.advance(1)
    await call(token).expect(503)
    await call(await tokenOf()).expect(503)
    remote.bend = undefined
    remote.host.clock.advance(2)
    await call(token).expect(200)
  })

  it('is asked again for known keys every ten seconds, however many tokens come', async () => {
    const { call, events } = api()
    const token = await tokenOf()
    await call(token).expect(200)
    remote.bend = (req, res, next) => void (req.path.startsWith('/.well-known') ? res.destroy() : next())
    remote.host.clock.advance(600)
    await call(token).expect(200)
    while (events.length < 1) await new Promise(setImmediate)
    remote.asked.length = 0
    remote.host.clock.advance(9)
    await call(token).expect(200)
    expect(remote.asked).toEqual([])
    remote.host.clock.advance(1)
    await call(token).expect(200)
    while (events.length < 2) await new Promise(setImmediate)
    expect(remote.asked).toEqual([METADATA])
  })

  const answering = (path: string, answer: (res: Response) => void) => {
    remote.bend = (req, res, next) => (req.path === path ? answer(res) : next())
  }
  const redirecting = (path: string) => {
    remote.bend = (req, res, next) => (req.url === path ? res.redirect(`${path}?moved`) : next())
  }
  const json = (path: string, change: (document: Record<string, unknown>) => unknown) => {
    remote.bend = (req, res, next) => {
      if (req.path !== path) return next()
      const { writeHead } = res
      const end = res.end.bind(res)
      // the length would be that of the original
      res.writeHead = () => Object.assign(res, { writeHead })
      res.end = ((text: string) => end(JSON.stringify(change(JSON.parse(text))))) as typeof res.end
      next()
    }
  }

  it.each<[string, () => void, RegExp]>([
    [
      'metadata of another issuer',
      () => json(METADATA, (d) => ({ ...d, issuer: 'https://evil.example' })),
      /names the issuer .+, but the option issuer is/,
    ],
    [
      'metadata without an issuer',
      () => json(METADATA, ({ issuer: _, ...d }) => d),
      /names the issuer .+, but the option issuer is/,
    ],
    ['metadata without keys', () => json(METADATA, ({ jwks_uri: _, ...d }) => d), /no jwks_uri/],
    [
      'keys over http',
      () => json(METADATA, (d) => ({ ...d, jwks_uri: 'http://evil.example/' })),
      /is not an https URL/,
    ],
    ['keys at no URL', () => json(METADATA, (d) => ({ ...d, jwks_uri: 'jwks' })), /^Error: jwks is not an https URL/],
    ['keys in a file', () => json(METADATA, (d) => ({ ...d, jwks_uri: 'file:///etc/passwd' })), /is not an https URL/],
    ['keys that are no list', () => json(JWKS, () => ({ keys: {} })), /no list of keys/],
    ['a 404', () => answering(METADATA, (res) => void res.status(404).end()), /returned 404/],
    ['a redirect, even to the right place', () => redirecting(JWKS), /fetch failed/],
    ['HTML', () => answering(JWKS, (res) => void res.end('<html>')), /SyntaxError/],
    ['a list', () => answering(METADATA, (res) => void res.end('null')), /did not return a JSON object/],
    ['a megabyte', () => answering(JWKS, (res) => void res.end(' '.repeat(2 ** 20))), /more than 262144 bytes/],
  ])('is one that answers with %s', async (_, bend, cause) => {
    const { call, causes } = api()
    const token = await tokenOf()
    bend()
    await call(token).expect(503)
    expect(causes()).toEqual([expect.stringMatching(cause)])
  })

  it.each(['before it answers', 'in the middle of its answer'])('is one that falls silent %s', async (when) => {
    const timeout = jest.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('too slow')), 50).unref()
      return controller.signal
    })
    const { call, causes } = api()
    const token = await tokenOf()
    answering(METADATA, (res) => void (when.startsWith('in') && res.write('{')))
    await call(token).expect(503)
    expect(timeout).toHaveBeenCalledWith(5000)
    expect(causes()).toEqual([expect.stringContaining('too slow')])
    timeout.mockRestore()
  })

  it.each<[string, unknown]>([
    ['for encryption', { ...second, d: undefined, use: 'enc' }],
    ['of an algorithm that is not taken', { ...second, d: undefined, alg: 'RS384' }],
    ['that is symmetric', { kty: 'oct', k: 'c2VjcmV0', kid: second.kid, alg: 'HS256' }],
    ['that is none', null],
    ['without an id', { ...second, kid: undefined }],
  ])('is not meant by a key %s: it is left out, and the others are used', async (_, odd) => {
    const { call } = api()
    const token = await tokenOf()
    keys = { current: second, retired: [first] }
    const signedWithOdd = await tokenOf()
    json(JWKS, ({ keys }) => ({ keys: [odd, (keys as object[])[1]] }))
    await call(token).expect(200)
    await call(signedWithOdd).expect(401)
  })
})

describe('wrong options', () => {
  const good = { issuer: 'https://auth.example.com', resource }
  it.each<[string, unknown, RegExp]>([
    ['none', undefined, /remoteServer needs/],
    ['no issuer', { resource }, /issuer must be/],
    ['an issuer over http', { ...good, issuer: 'http://auth.example.com' }, /issuer must be/],
    ['no resource', { issuer: good.issuer }, /remoteServer needs resource/],
    ['an empty resource', { ...good, resource: '' }, /resource must be/],
    ['a client without a secret', { ...good, introspect: { clientId: 'api' } }, /introspect must be/],
    ['a cache without introspection', { ...good, cache: 10 }, /only with introspect/],
    ['a cache that is no number', { ...good, introspect: { clientId: 'a', clientSecret: 'b' }, cache: '1' }, /cache/],
    ['users without find', { ...good, users: {} }, /users.find must be a function/],
    ['an option that there is not', { ...good, audience: resource }, /Unknown option audience/],
  ])('throw at start-up: %s', (_, options, message) => {
    expect(() => remoteServer(options as RemoteServerOptions)).toThrow(message)
    expect(() => remoteServer(options as RemoteServerOptions)).toThrow(TypeError)
  })

  it('throw at start-up: a guard for what this process is not, or that needs its clients', () => {
    expect(() => bearerGuard(remoteServer(good), { resource: 'https://other.example' })).toThrow(TypeError)
    expect(() => bearerGuard(remoteServer(good), { clientIdQuery: true })).toThrow(TypeError)
  })
})

it('a client that is called like a user gets no access as that user (RFC 9068 §5)', async () => {
  await expect(remote.host.register({ clientId: 'alice' })).rejects.toMatchObject({ code: 'invalid_client_metadata' })
  // one that was there before the user
  remote.host.people.delete('alice')
  const client = await remote.host.register({ clientId: 'alice', grantTypes: ['client_credentials'] })
  const { body } = await remote.host.token(client, { grant_type: 'client_credentials' }).expect(200)
  remote.host.people.set('alice', { id: 'alice', name: 'Alice' })
  const refused = await remote.host.token(client, { grant_type: 'client_credentials' }).expect(400)
  expect(refused.body.error).toBe('unauthorized_client')
  const answer = await api().call(body.access_token).expect(200)
  expect(answer.body.user).toBeUndefined()
})
