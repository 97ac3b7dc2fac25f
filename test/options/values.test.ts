// A value of the wrong kind, or a setting that is not set: each is refused at once, with what came and what to write.
import { generateKeyPairSync } from 'node:crypto'
import express from 'express'
import { Pool } from 'pg'
import * as oauth from '../../src'

const issuer = 'https://auth.example.com'
const required = { issuer, storage: oauth.memoryStorage(), scopes: ['read'] }
const create = (options: object = {}) => oauth.createAuthorizationServer({ ...required, ...options } as never)
const server = create({ endpoints: { authorize: '/authorize', token: '/token' } })
const cors = (origin: unknown) => oauth.tokenRouter(server, { cors: { origin: origin as string } })
const redirectUris = (uri: string) => oauth.registerClient(server, { redirectUris: [uri] })

/** What a call throws, now or later. */
async function errorOf(call: () => unknown): Promise<string> {
  try {
    await call()
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
  return 'nothing was thrown'
}

const call = (name: string, ...given: unknown[]) =>
  (oauth as unknown as Record<string, (...all: unknown[]) => unknown>)[name]?.(...given)

describe('a member that is there and undefined is named', () => {
  it.each<[string, () => unknown]>([
    ['registerClient option clientSecret', () => oauth.registerClient(server, { clientSecret: undefined } as never)],
    ['updateClient member clientSecret', () => oauth.updateClient(server, 'web', { clientSecret: undefined } as never)],
    ['createAuthorizationServer option users', () => create({ users: undefined })],
    ['createAuthorizationServer option onEvent', () => create({ onEvent: undefined })],
    ['users member signIn', () => create({ users: { find: () => undefined, signIn: undefined } })],
    ['bearerGuard option resource', () => oauth.bearerGuard(server, { resource: undefined } as never)],
    ['tokenRouter option cors', () => oauth.tokenRouter(server, { cors: undefined } as never)],
    ['consentPage option signIn', () => oauth.consentPage({ signIn: undefined } as never)],
    ['opaque option ttl', () => oauth.opaque({ ttl: undefined } as never)],
    ['endpoints member token', () => create({ endpoints: { token: undefined } })],
    [
      "clientsRouter's format member parse",
      () => oauth.clientsRouter(server, { protect: () => {}, format: { parse: undefined } } as never),
    ],
  ])('%s', async (name, make) => {
    expect(await errorOf(make)).toBe(`TypeError: The ${name} is undefined. Set it, or leave it out`)
  })

  it('where its type says that it may be, it is left out', async () => {
    await oauth.registerClient(server, { clientId: 'web', scopes: ['read'] })
    const nothing = { scope: undefined, resource: undefined }
    expect(await oauth.issueTokens(server, { clientId: 'web', ...nothing })).toHaveProperty('scope', 'read')
    expect(oauth.approve({ clients: [], fromTokensOf: undefined })).toBeInstanceOf(Function)
  })
})

describe('cors origins that would never match are refused', () => {
  it.each([
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://App.example.com',
    'HTTPS://app.example.com',
    'https://*.example.com',
    'https://app.example.com:443',
    'https://a.example,https://b.example',
    'https://münchen.example',
    'app.example.com',
    '',
    7,
    [],
    ['*'],
    ['https://app.example.com', 'https://b.example/'],
    [undefined],
    undefined,
  ])('%j', async (origin) => {
    expect(await errorOf(() => cors(origin))).toMatch(/^TypeError: cors needs origin: origins as a browser sends them/)
  })

  it.each([
    true,
    '*',
    'https://app.example.com',
    'http://localhost:3000',
    'capacitor://localhost',
    /example/,
    ['https://[::1]:8080', /x/],
  ])('%p is right', (origin) => {
    expect(() => cors(origin)).not.toThrow()
  })
})

it.each(['login', '', '//evil.example', '/\\evil.example', 'javascript:x', 7])(
  'a sign-in page at %j is refused',
  async (signIn) => {
    expect(await errorOf(() => create({ users: { find: () => undefined, signIn } }))).toMatch(
      /users\.signIn: the path of one of your pages/,
    )
    expect(await errorOf(() => oauth.consentPage({ signIn: signIn as never }))).toMatch(
      /signIn: the path of one of your pages/,
    )
  },
)

it.each<[string, RegExp]>([
  ['https://a.example/cb,https://b.example/cb', /must be one URI/],
  ['https://*.example.com/cb', /wildcard/],
])('a redirect URI %s is refused, because it is compared as it stands', async (uri, message) => {
  expect(await errorOf(() => redirectUris(uri))).toMatch(message)
})

describe('lifetimes that only make sense as milliseconds', () => {
  it.each([300_000, 900_000, 3_600_000, 86_400_000, 604_800_000, 1_209_600_000, 2_592_000_000])(
    '%i is refused',
    async (ttl) => {
      const message = `is in seconds, and ${ttl} looks like milliseconds: write ${ttl / 1000}`
      expect(await errorOf(() => oauth.opaque({ ttl }))).toBe(`TypeError: opaque({ ttl }) ${message}`)
      expect(await errorOf(() => oauth.refreshToken({ ttl }))).toBe(`TypeError: refreshToken({ ttl }) ${message}`)
    },
  )

  it.each([60, 3600, 60_000, 86_400, 604_800, 1_209_600, 2_592_000, 5_184_000, 7_776_000, 31_536_000, 63_072_000])(
    '%i is taken: people write that in seconds',
    (ttl) => {
      expect(() => oauth.opaque({ ttl })).not.toThrow()
    },
  )
})

it('a maxAge shorter than the ttl beside it is refused', async () => {
  expect(await errorOf(() => oauth.refreshToken({ ttl: 100, maxAge: 99 }))).toMatch(
    /maxAge }\) is 99, and ttl is longer \(100\)/,
  )
  expect(() => oauth.refreshToken({ ttl: 100, maxAge: 100 })).not.toThrow()
  expect(() => oauth.refreshToken({ maxAge: 3600 })).not.toThrow()
})

it.each<[string, unknown, RegExp]>([
  ['a comma in a scope', ['read,write'], /scopes: read,write has a comma/],
  ['a comma in the name of a scope', { 'read,write': 'all' }, /scopes: read,write has a comma/],
  ['a Set', new Set(['read']), /not an object of the class Set/],
  ['a Map', new Map([['read', 'Read']]), /not an object of the class Map/],
  ['text', 'read write', /not a string/],
])('scopes: %s is refused', async (_, scopes, message) => {
  expect(await errorOf(() => create({ scopes }))).toMatch(message)
})

describe('the server forgotten, or another value in its place', () => {
  const functions = [
    ...['registerClient', 'updateClient', 'rotateClientSecret', 'deleteClient', 'listClients', 'deleteUnusedClients'],
    ...['issueCode', 'issueTokens', 'verifyAccessToken', 'listGrants', 'revokeGrants', 'deleteExpired', 'startCleanup'],
    ...['bearerGuard', 'bearerStrategy', 'tokenRouter', 'authorizeRouter', 'oauthRouter', 'connectedAppsRouter'],
  ]
  const fix = 'TypeError: The first argument must be'
  it.each(functions)('%s says what came', async (name) => {
    const returned = `${fix} the value that createAuthorizationServer returned, not`
    expect(await errorOf(() => call(name, { clientId: 'web' }))).toBe(`${returned} an object with clientId`)
    expect(await errorOf(() => call(name))).toBe(`${returned} undefined`)
    expect(await errorOf(() => call(name, Promise.resolve(server)))).toBe(`${returned} a Promise (await it first)`)
    expect(await errorOf(() => call(name, express()))).toContain(fix)
  })

  it.each(functions.filter((name) => !['deleteClient', 'deleteExpired', 'verifyAccessToken'].includes(name)))(
    '%s refuses options that are no object',
    async (name) => {
      for (const options of ['read', ['read'], 7, null]) {
        const given = ['updateClient', 'rotateClientSecret'].includes(name) ? ['web', options] : [options]
        expect(await errorOf(() => call(name, server, ...given))).toMatch(
          /^TypeError: (The .* must be one object, such as \{ \w+: … \}, not (a string|a list|a number|null)|revokeGrants needs|.*Router needs)/,
        )
      }
    },
  )
})

describe('a function of ours that was not called', () => {
  const decide = oauth.approve({ clients: [] })
  it.each<[string, () => unknown, string]>([
    [
      'decide: consentPage',
      () => oauth.authorizeRouter(server, { decide: oauth.consentPage as never }),
      'consentPage itself',
    ],
    [
      'decide: approve',
      () => oauth.oauthRouter(server, { decide: oauth.approve as never, protect: false }),
      'approve itself',
    ],
    [
      'protect: bearerGuard',
      () => oauth.oauthRouter(server, { decide, protect: oauth.bearerGuard as never }),
      'bearerGuard itself',
    ],
    [
      'protect of registrations',
      () => oauth.registerRouter(server, { protect: oauth.bearerGuard as never, scopes: 'read' }),
      'bearerGuard itself',
    ],
    ['verify', () => oauth.password({ verify: oauth.bcryptPasswords as never }), 'bcryptPasswords itself'],
    ['throttle', () => create({ throttle: oauth.memoryThrottle }), 'memoryThrottle itself'],
    ['accessTokens', () => create({ accessTokens: oauth.opaque }), 'not the function opaque'],
    ['storage', () => create({ storage: oauth.memoryStorage }), 'not the function memoryStorage'],
  ])('%s is refused at start-up', async (_, make, message) => {
    expect(await errorOf(make)).toContain(message)
  })

  it.each(['bearerGuard', 'tokenRouter', 'metadataRouter', 'requireScope', 'oauthRouter'])(
    'app.use(%s) says so at the first request',
    async (name) => {
      const response = { writeHead: () => {} }
      expect(await errorOf(() => call(name, {}, response, () => {}))).toBe(
        `TypeError: ${name} was not called: write ${name}(…) where the handler is needed`,
      )
    },
  )
})

it.each<[string, unknown, string]>([
  ['a Promise', Promise.resolve(oauth.memoryStorage()), 'not a Promise (await it first)'],
  ['a Pool', new Pool(), 'an adapter such as postgresStorage(pool), not an object of the class BoundPool'],
  ['a URL', 'postgres://localhost/oauth', 'not a string'],
])('storage that is %s', async (_, storage, message) => {
  expect(await errorOf(() => create({ storage }))).toContain(message)
})

it('an issuer that is a URL object', async () => {
  expect(await errorOf(() => create({ issuer: new URL(issuer) }))).toContain(
    'as a string, not an object of the class URL',
  )
})

describe('a PEM key that came wrong', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const audience = 'https://api.example.com'
  it.each<[string, unknown, string]>([
    ['with a literal \\n', pem.replaceAll('\n', '\\n'), "use key.replaceAll('\\\\n', '\\n')"],
    ['as the path of a file', './key.pem', "pass the content: fs.readFileSync(path, 'utf8')"],
    ['cut off', pem.split('\n')[0], 'it has no -----END line'],
    ['without line breaks', pem.replaceAll('\n', ' '), 'has lost its line breaks'],
    ['in a list', [pem], 'not a list'],
    ['from an async function', async () => pem, 'not a Promise (await it first)'],
    ['as a key pair', { privateKey, publicKey: privateKey }, 'not an object with privateKey, publicKey'],
    ['as JSON', JSON.stringify(privateKey.export({ format: 'jwk' })), 'needs JSON.parse'],
    [
      'encrypted',
      privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
      'It is encrypted',
    ],
  ])('%s: the error says how, and nothing of the key', async (_, keys, message) => {
    const error = await errorOf(() => oauth.jwt({ keys: keys as never, audience }))
    expect(error).toContain(message)
    expect(error).not.toContain(pem.split('\n')[1])
  })
})
