// DPoP at an API: RFC 9449 §7, at bearerGuard, bearerStrategy and verifyAccessToken, with proofs that jose signs.
import express from 'express'
import passport from 'passport'
import request from 'supertest'
import {
  accessToken,
  type BearerGuardOptions,
  bearerGuard,
  bearerStrategy,
  dpop,
  generateSigningKey,
  jwt,
  requireScope,
  verifyAccessToken,
} from '../../src'
import { parseWwwAuthenticateChallenges } from '../support/challenges'
import { type ProofChange, type ProofKey, proof, proofKey } from '../support/dpop'
import { createHost, type Host, type HostOptions, issuer } from '../support/host'
import { request as bytes, exchange, listen } from '../support/raw'

let key: ProofKey
let other: ProofKey
let host: Host
let bound: string
let unbound: string
beforeAll(async () => {
  ;[key, other] = await Promise.all([proofKey(), proofKey()])
})

const api = (options: BearerGuardOptions = {}) => {
  const app = express()
  app.get('/notes', bearerGuard(host.server, options), requireScope('read'), (req, res) => {
    res.json({ user: req.user, confirmation: accessToken(req).confirmation })
  })
  return app
}
let app: express.Express
const begin = async (options: HostOptions = {}, guard: BearerGuardOptions = {}) => {
  host = await createHost({ senderConstraints: [dpop({ algorithms: ['ES256'] })], ...options })
  app = api(guard)
  bound = (await host.exchange(host.web, await host.code()).set('DPoP', await proof(key))).body.access_token
  unbound = (await host.signIn()).access_token
  host.events.length = 0
}
beforeEach(() => begin())

const url = `${issuer}/notes`
const proven = (change: ProofChange = {}, by = key) => proof(by, { method: 'GET', url, token: bound, ...change })
const call = (scheme: string, token: string, sent?: string, path = '/notes') => {
  const asked = request(app).get(path).set('Authorization', `${scheme} ${token}`)
  return sent === undefined ? asked : asked.set('DPoP', sent)
}
/** The status, and the error of the first challenge with its scheme. */
const answer = async (asked: PromiseLike<request.Response>) => {
  const { status, headers } = await asked
  const [first] = parseWwwAuthenticateChallenges(headers['www-authenticate'] ?? '')
  return [status, first?.scheme ?? 'none', first?.parameters.error ?? 'none']
}

it.each(['DPoP', 'dpop', 'DPOP'])(
  'a bound token with its proof is admitted by the scheme %s (§7.1)',
  async (scheme) => {
    const { status, body } = await call(scheme, bound, await proven())
    expect([status, body]).toEqual([200, { user: { id: 'alice', name: 'Alice' }, confirmation: { jkt: key.jkt } }])
  },
)

it('an unbound token is admitted as a bearer token, beside it', async () => {
  const { status, body } = await call('Bearer', unbound)
  expect([status, body.confirmation]).toEqual([200, undefined])
})

it.each<[string, () => PromiseLike<request.Response>, unknown[]]>([
  [
    'a bound token as Bearer (§7.2)',
    async () => call('Bearer', bound, await proven()),
    [401, 'Bearer', 'invalid_token'],
  ],
  ['a bound token as Bearer without a proof', () => call('Bearer', bound), [401, 'Bearer', 'invalid_token']],
  [
    'an unbound token as DPoP',
    async () => call('DPoP', unbound, await proven({ token: unbound })),
    [401, 'DPoP', 'invalid_token'],
  ],
  ['an unknown token as DPoP', async () => call('DPoP', 'x', await proven()), [401, 'DPoP', 'invalid_token']],
  ['no proof', () => call('DPoP', bound), [401, 'DPoP', 'invalid_dpop_proof']],
  [
    'the proof of another key',
    async () => call('DPoP', bound, await proven({}, other)),
    [401, 'DPoP', 'invalid_token'],
  ],
])('%s is refused', async (_, asked, expected) => {
  expect(await answer(asked())).toEqual(expected)
})

it.each<[string, ProofChange]>([
  ['no ath (§4.3, check 12)', { token: undefined as never }],
  ['ath of another token', { token: 'another' }],
  ['another method', { method: 'POST' }],
  ['another path', { url: `${issuer}/me` }],
  ['another origin', { url: 'https://api.example.com/notes' }],
  ['an old iat', { now: 1 }],
  ['the typ of another JWT', { header: { typ: 'jwt' } }],
  ['another alg than the challenge names', { header: { alg: 'ES384' } }],
])('a proof with %s is refused', async (_, change) => {
  const by = change.header?.alg === 'ES384' ? await proofKey('ES384') : key
  expect(await answer(call('DPoP', bound, await proven(change, by)))).toEqual([401, 'DPoP', 'invalid_dpop_proof'])
  expect(host.events).toEqual([expect.objectContaining({ type: 'proof.refused', clientId: 'web' })])
})

it('a proof counts once in the process, of 20 at once one', async () => {
  const sent = await proven()
  const answers = await Promise.all(Array.from({ length: 20 }, () => call('DPoP', bound, sent)))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(401)])
  expect(await answer(call('DPoP', bound, sent))).toEqual([401, 'DPoP', 'invalid_dpop_proof'])
})

it('a refused proof is not used up, nor is it by a token of another key', async () => {
  const sent = await proven()
  const theirs = await host.exchange(host.web, await host.code()).set('DPoP', await proof(other))
  expect((await call('DPoP', theirs.body.access_token, sent)).status).toBe(401)
  expect((await call('DPoP', bound, sent)).status).toBe(200)
})

it('takes one look-up more than none: proofs write nothing at an API', async () => {
  host.storage.calls.length = 0
  await call('DPoP', bound, await proven())
  expect(host.storage.calls).toEqual(['grants.find'])
})

it('two proofs, or two tokens of two schemes, are refused', async () => {
  const { port, close } = await listen(app)
  const send = (...headers: string[]) => exchange(port, bytes('GET', '/notes', headers))
  const dpopHeader = `DPoP: ${await proven()}`
  const twice = await send(`Authorization: DPoP ${bound}`, dpopHeader, `DPoP: ${await proven()}`)
  const both = await send(`Authorization: DPoP ${bound}`, `Authorization: Bearer ${bound}`, dpopHeader)
  await close()
  expect([twice?.status, both?.status]).toEqual([401, 400])
})

it('a request target with a host of its own changes nothing, nor does the Host header', async () => {
  const { port, close } = await listen(app)
  const send = async (target: string, url: string) => {
    const headers = [`Authorization: DPoP ${bound}`, `DPoP: ${await proven({ url })}`, 'X-Forwarded-Host: evil.example']
    return (await exchange(port, bytes('GET', target, headers)))?.status
  }
  expect(await send('http://evil.example/notes?a=b', url)).toBe(200)
  expect(await send('http://evil.example/notes', 'http://evil.example/notes')).toBe(401)
  await close()
})

it('the method is that of the request as the route sees it: HEAD is no GET, and no header changes POST into DELETE', async () => {
  app = express()
  // as method-override does
  app.use((req, _res, next) => {
    req.method = req.get('X-HTTP-Method-Override') ?? req.method
    next()
  })
  app.all('/notes', bearerGuard(host.server), (req, res) => void res.json({ method: req.method }))
  const get = await proven()
  const head = (sent: string) =>
    request(app)
      .head('/notes')
      .set({ Authorization: `DPoP ${bound}`, DPoP: sent })
  expect((await head(get)).status).toBe(401)
  expect((await head(await proven({ method: 'HEAD' }))).status).toBe(200)
  const post = await proven({ method: 'POST' })
  const sent = request(app)
    .post('/notes')
    .set({ Authorization: `DPoP ${bound}`, DPoP: post })
  expect((await sent.set('X-HTTP-Method-Override', 'DELETE')).status).toBe(401)
  expect((await call('DPoP', bound, get)).status).toBe(200)
})

it.each([
  ['/notes/a%2Fb', '/notes/a/b'],
  ['/notes/a%252Fb', '/notes/a%2Fb'],
  ['/notes//a', '/notes/a'],
  ['/notes/a/', '/notes/a'],
  ['/notes/%2e%2e%2fa', '/notes/a'],
  ['/notes/a;b=c', '/notes/a'],
  ['/notes/A', '/notes/a'],
  ['//evil.example/notes/a', '/notes/a'],
  ['/https://auth.example.com/notes/a', '/notes/a'],
])('a proof is for one path: that for %s is none for %s, and the other way round', async (one, two) => {
  app = express()
  app.use(bearerGuard(host.server), (_req, res) => void res.json({}))
  const { port, close } = await listen(app)
  const statusOf = async (target: string, signed: string) => {
    const headers = [`Authorization: DPoP ${bound}`, `DPoP: ${await proven({ url: issuer + signed })}`]
    return (await exchange(port, bytes('GET', target, headers)))?.status
  }
  expect([await statusOf(one, two), await statusOf(two, one)]).toEqual([401, 401])
  expect([await statusOf(one, one), await statusOf(two, two)]).toEqual([200, 200])
  await close()
})

it('proofs are seen where an adapter of cloud functions leaves rawHeaders empty, and as joined ones refused', async () => {
  const guarded = app
  app = express()
  app.use((req, _res, next) => {
    // Node makes the ones of the others when they are first read
    req.headers = { ...req.headers }
    req.rawHeaders = []
    next()
  }, guarded)
  expect((await call('DPoP', bound, await proven())).status).toBe(200)
  expect((await call('DPoP', bound, `${await proven()}, ${await proven()}`)).status).toBe(401)
  expect((await call('DPoP', bound)).status).toBe(401)
})

it('two guards on the way of one request admit it by its one proof, and another request with it is refused', async () => {
  app = express()
  app.use(bearerGuard(host.server))
  app.use(api({ scope: 'read' }))
  const sent = await proven()
  expect((await call('DPoP', bound, sent)).status).toBe(200)
  expect(await answer(call('DPoP', bound, sent))).toEqual([401, 'DPoP', 'invalid_dpop_proof'])
})

it.each([
  ['dot segments', '/admin/../notes'],
  ['escaped dot segments', '/admin/%2e%2E/notes'],
  ['one dot', '/./notes'],
  ['a dot segment at the end', '/notes/x/..'],
  ['a backslash', '/admin\\..\\notes'],
])(
  'a target with %s is proven by no proof: routers do not take it for the URL that a client signs',
  async (_, target) => {
    app = express()
    app.use(bearerGuard(host.server), (_req, res) => void res.json({}))
    const { port, close } = await listen(app)
    const statusOf = async (signed: string) => {
      const headers = [`Authorization: DPoP ${bound}`, `DPoP: ${await proven({ url: signed })}`]
      return (await exchange(port, bytes('GET', target, headers)))?.status
    }
    expect(await statusOf(new URL(target, issuer).href)).toBe(401)
    expect(await statusOf(`${issuer}${target}`)).toBe(401)
    await close()
  },
)

it('a target that is no path is proven by no proof, whatever its htu is', async () => {
  app = express()
  app.use(bearerGuard(host.server), (_req, res) => void res.json({}))
  const { port, close } = await listen(app)
  for (const [target, htu] of [
    ['*', 'nothing'],
    ['*:x', 'https://:'],
  ] as const) {
    const headers = [`Authorization: DPoP ${bound}`, `DPoP: ${await proven({ method: 'OPTIONS', url: htu })}`]
    expect((await exchange(port, bytes('OPTIONS', target, headers)))?.status).toBe(401)
  }
  await close()
})

describe('challenges (§7.1)', () => {
  const challengesOf = async (asked: request.Test) =>
    parseWwwAuthenticateChallenges((await asked).headers['www-authenticate'] ?? '')

  it('name both schemes where both are taken, and the algorithms of proofs', async () => {
    expect(await challengesOf(request(app).get('/notes'))).toEqual([
      { scheme: 'Bearer', parameters: { realm: 'api' } },
      { scheme: 'DPoP', parameters: { realm: 'api', algs: 'ES256' } },
    ])
    const [first, second] = await challengesOf(call('DPoP', bound))
    expect(first).toMatchObject({ scheme: 'DPoP', parameters: { error: 'invalid_dpop_proof', algs: 'ES256' } })
    expect(second).toEqual({ scheme: 'Bearer', parameters: { realm: 'api' } })
  })

  it('name DPoP alone with senderConstrained, which refuses unbound tokens', async () => {
    await begin({}, { senderConstrained: true })
    expect(await challengesOf(request(app).get('/notes'))).toEqual([
      { scheme: 'DPoP', parameters: { realm: 'api', algs: 'ES256' } },
    ])
    expect(await answer(call('Bearer', unbound))).toEqual([401, 'DPoP', 'invalid_token'])
    expect((await call('DPoP', bound, await proven())).status).toBe(200)
  })

  it('name the scheme that was used for a scope that is missing, in the guard and in requireScope', async () => {
    const asking = async (middle: express.RequestHandler[], guard: BearerGuardOptions) => {
      app = express()
      app.get('/notes', bearerGuard(host.server, guard), ...middle, (_req, res) => void res.json({}))
      return challengesOf(call('DPoP', bound, await proven()))
    }
    for (const [first] of [await asking([], { scope: 'clients' }), await asking([requireScope('clients')], {})]) {
      expect(first).toMatchObject({ scheme: 'DPoP', parameters: { error: 'insufficient_scope', scope: 'clients' } })
    }
  })

  it('at a server without dpop() are as ever, and DPoP is no scheme', async () => {
    await begin({ senderConstraints: [] })
    expect(await challengesOf(call('DPoP', unbound))).toEqual([{ scheme: 'Bearer', parameters: { realm: 'api' } }])
  })
})

describe('fails closed', () => {
  it('a bound token is refused by a server that no longer lists dpop()', async () => {
    const without = { ...host.server, senderConstraints: [] }
    app = express()
    app.get('/notes', bearerGuard(without), (_req, res) => void res.json({}))
    for (const scheme of ['Bearer', 'DPoP']) expect((await call(scheme, bound, await proven())).status).toBe(401)
    expect((await call('Bearer', unbound)).status).toBe(200)
    await expect(verifyAccessToken(without, bound)).rejects.toMatchObject({ code: 'invalid_token' })
  })

  it('senderConstrained at such a server throws at start-up', () => {
    const without = { ...host.server, senderConstraints: [] }
    expect(() => bearerGuard(without, { senderConstrained: true })).toThrow(/dpop\(\)/)
    expect(() => bearerGuard(host.server, { senderConstrained: 'yes' as never })).toThrow(/senderConstrained/)
  })
})

describe.each([false, true])('JWTs, stateless: %s', (stateless) => {
  const audience = 'https://api.example.com/v1'
  const accessTokens = jwt({ keys: generateSigningKey(), audience, stateless })
  it('are bound alike', async () => {
    await begin({ accessTokens })
    expect((await call('DPoP', bound, await proven())).body.confirmation).toEqual({ jkt: key.jkt })
    expect((await call('Bearer', bound)).status).toBe(401)
    expect((await call('DPoP', bound, await proven({}, other))).status).toBe(401)
  })

  it('for a resource are proven by its URL, whose path a proxy may take off', async () => {
    await begin({ accessTokens }, { resource: audience })
    const at = async (path: string) => (await call('DPoP', bound, await proven({ url: path }))).status
    expect(await at(`${audience}/notes`)).toBe(200)
    expect(await at('https://api.example.com/notes')).toBe(401)
    expect(await at(url)).toBe(401)
    app = express().use('/v1', api({ resource: audience }))
    expect((await call('DPoP', bound, await proven({ url: `${audience}/notes` }), '/v1/notes')).status).toBe(200)
  })
})

it('a guard of a router that is mounted somewhere looks at the whole path', async () => {
  app = express().use('/api', api())
  const at = async (path: string) =>
    (await call('DPoP', bound, await proven({ url: issuer + path }), '/api/notes')).status
  expect([await at('/notes'), await at('/api/notes')]).toEqual([401, 200])
})

it('behind a proxy that takes off proxyPrefix a proof names it, and none is good without it', async () => {
  app = express()
  const behind = { ...host.server, proxyPrefix: '/auth' }
  app.use(bearerGuard(behind), (_req, res) => void res.json({}))
  const at = async (path: string) => (await call('DPoP', bound, await proven({ url: issuer + path }))).status
  expect([await at('/auth/notes'), await at('/notes'), await at('/authnotes')]).toEqual([200, 401, 401])
  const other = async (path: string, signed: string) =>
    (await call('DPoP', bound, await proven({ url: issuer + signed }), path)).status
  // one that leaves it there, and a path that only begins alike
  expect(await other('/auth/notes', '/auth/notes')).toBe(200)
  expect(await other('/authors', '/authors')).toBe(401)
  expect(await other('/authors', '/auth/authors')).toBe(200)
})

it('dpop({ url }) says the URL of a request', async () => {
  await begin({ senderConstraints: [dpop({ url: (req) => `https://gateway.example${req.url}` })] })
  expect((await call('DPoP', bound, await proven({ url: 'https://gateway.example/notes' }))).status).toBe(200)
  expect((await call('DPoP', bound, await proven())).status).toBe(401)
})

it.each([() => '/notes', () => undefined, () => 'urn:notes'])(
  'dpop({ url }) that returns no URL is the mistake of the host: 500, and no proof is taken',
  async (wrong) => {
    await begin({ senderConstraints: [dpop({ url: wrong as never })] })
    for (const htu of [url, '/notes', 'x']) {
      expect((await call('DPoP', bound, await proven({ url: htu }))).status).toBe(500)
    }
    const causes = host.events.map((event) => (event.type === 'error' ? String((event.error as Error).cause) : ''))
    expect(causes).toContainEqual(expect.stringContaining('dpop({ url }) must return the whole URL'))
  },
)

describe('verifyAccessToken', () => {
  const of = async (change: ProofChange = {}, headers: Record<string, string> = {}, by = key) => {
    const req = { method: 'GET', url: '/notes?a=b', headers: { dpop: await proven(change, by), ...headers } }
    return verifyAccessToken(host.server, bound, { request: req as never })
  }

  it('takes the proof of the request, as that of a WebSocket', async () => {
    expect(await of()).toMatchObject({ confirmation: { jkt: key.jkt } })
    expect(await of({}, { authorization: `DPoP ${bound}` })).toMatchObject({ clientId: 'web' })
    expect(await verifyAccessToken(host.server, unbound)).not.toHaveProperty('confirmation')
  })

  it('refuses a bound token without a request, without its proof, and as Bearer', async () => {
    await expect(verifyAccessToken(host.server, bound)).rejects.toMatchObject({ code: 'invalid_token', status: 401 })
    await expect(of({ method: 'POST' })).rejects.toMatchObject({ code: 'invalid_dpop_proof', status: 401 })
    await expect(of({}, {}, other)).rejects.toMatchObject({ code: 'invalid_token' })
    await expect(of({}, { authorization: `Bearer ${bound}` })).rejects.toMatchObject({ code: 'invalid_token' })
    const req = { method: 'GET', url: '/notes', headers: {} }
    const asked = verifyAccessToken(host.server, bound, { request: req as never })
    await expect(asked).rejects.toMatchObject({ code: 'invalid_dpop_proof' })
  })
})

describe('bearerStrategy', () => {
  const strategy = (nonce: { secret: string } | false = false) => {
    const server = nonce ? { ...host.server, senderConstraints: [dpop({ nonce })] } : host.server
    const own = new passport.Passport()
    own.use(bearerStrategy(server))
    app = express()
    app.get('/notes', own.authenticate('bearer', { session: false }), (req, res) => {
      res.json({ confirmation: accessToken(req).confirmation })
    })
  }

  it('admits a bound token with its proof, and an unbound one', async () => {
    strategy()
    expect((await call('DPoP', bound, await proven())).body).toEqual({ confirmation: { jkt: key.jkt } })
    expect((await call('bearer', unbound)).body).toEqual({})
  })

  it('refuses as the guard does, with both challenges', async () => {
    strategy()
    expect(await answer(call('DPoP', bound))).toEqual([401, 'DPoP', 'invalid_dpop_proof'])
    expect(await answer(call('Bearer', bound, await proven()))).toEqual([401, 'Bearer', 'invalid_token'])
    expect(await answer(call('DPoP', bound, await proven({}, other)))).toEqual([401, 'DPoP', 'invalid_token'])
    expect(await answer(request(app).get('/notes'))).toEqual([401, 'Bearer', 'none'])
  })

  it('asks for a nonce', async () => {
    strategy({ secret: 's'.repeat(32) })
    const asked = await call('DPoP', bound, await proven())
    expect([asked.status, asked.headers['www-authenticate']]).toEqual([401, expect.stringContaining('use_dpop_nonce')])
    const nonce = asked.headers['dpop-nonce']
    expect((await call('DPoP', bound, await proven({ claims: { nonce } }))).status).toBe(200)
  })
})
