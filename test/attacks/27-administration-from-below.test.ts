// ATTACKS.md row 27: nobody gets by way of the clients API what they do not have.
import type { Request, RequestHandler } from 'express'
import {
  bearerGuard,
  type Client,
  type ClientChanges,
  clientsRouter,
  dpop,
  issueTokens,
  registerClient,
  updateClient,
} from '../../src/index'
import { inTurn } from '../../src/passwords/concurrency'
import { proof, proofKey } from '../support/dpop'
import { createHost, type Host, issuer, paths } from '../support/host'

let host: Host
let tokens: Record<'alice' | 'bob' | 'admin' | 'app', string>
beforeEach(async () => {
  host = await createHost()
  const scopes = ['clients', 'read', 'write', 'admin']
  await host.register({ clientId: 'console', scopes, grantTypes: ['authorization_code', 'client_credentials'] })
  const token = async (userId: string | undefined, scope: string) =>
    (await issueTokens(host.server, { clientId: 'console', scope, ...(userId !== undefined && { userId }) }))
      .access_token
  tokens = {
    alice: await token('alice', 'clients read'),
    bob: await token('bob', 'clients read'),
    admin: await token('bob', 'clients read write admin'),
    app: await token(undefined, 'clients read write'),
  }
})

type Caller = keyof typeof tokens
const call = (who: Caller, method: 'get' | 'post' | 'patch' | 'delete', path = '', body: object = {}) => {
  const sent = host.http()[method](`${paths.clients}${path}`).auth(tokens[who], { type: 'bearer' })
  return method === 'get' || method === 'delete' ? sent : sent.send(body)
}
/** Nothing has written to a record. */
const expectUnchanged = () => expect(host.storage.calls).not.toContain('clients.update')
const record = (clientId: string) => host.storage.clients.find(clientId)
const makeAlices = (changes: ClientChanges = {}) =>
  registerClient(host.server, { clientId: 'alices', username: 'alice', scopes: ['read'], ...changes })

describe('a client cannot become an administrator:', () => {
  it('a token of the client itself, with the clients scope by client credentials, is of no user and owns nothing', async () => {
    await registerClient(host.server, { clientId: 'ownerless', scopes: ['read'] })
    const answers = [
      await call('app', 'get'),
      await call('app', 'post', '', { scope: 'read' }),
      await call('app', 'get', '/ownerless'),
      await call('app', 'patch', '/ownerless', { scope: 'read write' }),
      await call('app', 'post', '/ownerless/secret'),
      await call('app', 'delete', '/ownerless'),
    ]
    expect(answers.map(({ status }) => status)).toEqual(Array(answers.length).fill(403))
    expectUnchanged()
  })

  it('the scope must be in the record, and only who holds it can put it there', async () => {
    const { clientSecret } = await makeAlices({ grantTypes: ['client_credentials'] })
    const alices = { clientId: 'alices', redirectUri: '', ...(clientSecret !== undefined && { clientSecret }) }
    const answer = await host.token(alices, { grant_type: 'client_credentials', scope: 'clients' })
    expect(answer.body.error).toBe('invalid_scope')
    expect((await call('alice', 'patch', '/alices', { scope: 'read admin' })).status).toBe(403)
  })

  it.each(['', 'other'])('a token without the scope that protects the API does not get in (%j)', async (scope) => {
    const { access_token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })
    const answer = await host.http().get(`${paths.clients}/${scope}`).auth(access_token, { type: 'bearer' })
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      403,
      expect.stringContaining('insufficient_scope'),
    ])
  })

  it.each(['get', 'post', 'patch', 'delete'] as const)('nobody at all gets in without a token (%s)', async (method) => {
    for (const path of ['', '/', '/web', '/web/secret', '/web/x', '/%2e%2e', '/constructor']) {
      expect((await host.http()[method](`${paths.clients}${path}`)).status).toBe(401)
    }
  })
})

describe('nobody grants a client more than they hold:', () => {
  it.each([{ scope: 'write' }, { scope: 'read write' }, { scope: 'clients admin' }])('%j', async (body) => {
    await makeAlices()
    for (const answer of [await call('alice', 'post', '', body), await call('alice', 'patch', '/alices', body)]) {
      expect([answer.status, answer.body.error]).toEqual([403, 'insufficient_scope'])
    }
    expect(await record('alices')).toMatchObject({ scopes: ['read'] })
    expectUnchanged()
  })

  it('an administrator neither', async () => {
    host.server.scopes.has('write')
    const { access_token } = await issueTokens(host.server, {
      clientId: 'console',
      userId: 'bob',
      scope: 'clients admin',
    })
    tokens.admin = access_token
    await makeAlices()
    expect((await call('admin', 'post', '', { scope: 'read' })).status).toBe(403)
    expect((await call('admin', 'patch', '/alices', { scope: 'read write' })).status).toBe(403)
    // what it holds already stays
    expect((await call('admin', 'patch', '/alices', { scope: 'read', client_name: 'New' })).status).toBe(200)
  })

  it('a client that holds more than its owner is not changed by the owner: a secret would hand all of it over', async () => {
    await makeAlices({ scopes: ['read', 'write'] })
    const answers = [
      await call('alice', 'patch', '/alices', { redirect_uris: ['https://evil.example/'] }),
      await call('alice', 'patch', '/alices', { client_secret: 'a chosen secret' }),
      await call('alice', 'post', '/alices/secret'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403])
    expectUnchanged()
  })

  it('flags that loosen the server are for administrators', async () => {
    await makeAlices()
    const resource_server = ['https://auth.example.com']
    const flags = [{ resource_server: true }, { require_pkce: false }, { resource_server }]
    for (const flag of flags) expect((await call('alice', 'patch', '/alices', flag)).status).toBe(403)
    expect((await call('admin', 'patch', '/alices', { resource_server: true })).status).toBe(200)
  })
})

describe("one user's clients are not another's:", () => {
  it('not to see, not to change, and as if they were not there', async () => {
    await makeAlices()
    const missing = await call('bob', 'get', '/nothing')
    const answers = [
      await call('bob', 'get', '/alices'),
      await call('bob', 'patch', '/alices', { client_name: 'Mine' }),
      await call('bob', 'post', '/alices/secret'),
      await call('bob', 'delete', '/alices'),
    ]
    for (const { status, body } of answers) {
      expect([status, JSON.stringify(body)]).toEqual([
        404,
        JSON.stringify(missing.body).replaceAll('nothing', 'alices'),
      ])
    }
    expectUnchanged()
    expect((await call('bob', 'get')).body).toEqual([])
    for (const username of ['alice', '', '*', '%', 'undefined']) {
      expect((await call('bob', 'get', `?username=${encodeURIComponent(username)}`)).body).toEqual([])
    }
  })

  it('not to give away or to take', async () => {
    await makeAlices()
    expect((await call('alice', 'post', '', { username: 'bob', scope: 'read' })).status).toBe(403)
    expect((await call('alice', 'patch', '/alices', { username: 'bob' })).status).toBe(403)
    expect((await call('bob', 'patch', '/alices', { username: 'bob' })).status).toBe(404)
    // the URI is not read
    expect((await call('alice', 'post', '?username=bob', { scope: 'read' })).body.username).toBe('alice')
  })

  it('not to overwrite by registering the same id', async () => {
    await makeAlices()
    for (const client_id of ['alices', 'web']) {
      const answer = await call('bob', 'post', '', { client_id, scope: 'read' })
      expect([answer.status, answer.body.error]).toEqual([409, 'invalid_client_metadata'])
    }
    expect(await record('alices')).toMatchObject({ username: 'alice' })
    expectUnchanged()
  })

  it('not to rename into: the id of a record never changes', async () => {
    await makeAlices()
    expect((await call('alice', 'patch', '/alices', { client_id: 'web' })).status).toBe(400)
    expectUnchanged()
  })
})

describe('two at the same time:', () => {
  it('a secret and a redirect URI that one removes are not restored by the other', async () => {
    await registerClient(host.server, { clientId: 'shared', redirectUris: ['https://old.example/'], scopes: ['read'] })
    const before = await record('shared')
    const pause = host.storage.pauseBefore('clients.update')
    const renaming = updateClient(host.server, 'shared', { name: 'Renamed' })
    await pause.reached
    await updateClient(host.server, 'shared', {
      redirectUris: ['https://new.example/'],
      clientSecret: 'another secret',
    })
    pause.resume()
    await renaming
    const after = await record('shared')
    expect(after).toMatchObject({ name: 'Renamed', redirectUris: ['https://new.example/'] })
    expect(after?.version).toBe(Number(before?.version) + 2)
    expect(after?.secrets).not.toEqual(before?.secrets)
  })

  // a change that waits until the id has another owner would bring the old secrets, redirect URIs and owner back
  it.each<[string, () => PromiseLike<{ status: number }>]>([
    ['a change', () => call('alice', 'patch', '/alices', { client_name: 'Still mine' })],
    ['a new secret', () => call('alice', 'post', '/alices/secret')],
  ])('%s of a record that was deleted and registered again by somebody else changes nothing', async (_, attempt) => {
    await makeAlices()
    const pause = host.storage.pauseBefore('clients.update')
    const attacking = Promise.resolve(attempt())
    await pause.reached
    expect((await call('alice', 'delete', '/alices')).status).toBe(204)
    expect((await call('bob', 'post', '', { client_id: 'alices', scope: 'read' })).status).toBe(201)
    const bobs = await record('alices')
    pause.resume()
    expect((await attacking).status).toBe(404)
    expect(await record('alices')).toEqual(bobs)
  })

  // between the look at the record and the write, its owner or its scopes may change; bcrypt makes that a tenth of a second
  it.each<[string, ClientChanges]>([
    ['has got a scope that its owner does not hold', { scopes: ['read', 'write'] }],
    ['has become the client of somebody else', { username: 'bob' }],
  ])('a record that %s meanwhile is not changed by who owned it', async (_, changes) => {
    const attempts = [
      () => call('alice', 'patch', '/alices', { client_secret: 'a chosen secret' }),
      () => call('alice', 'patch', '/alices', { redirect_uris: ['https://evil.example/'] }),
      () => call('alice', 'post', '/alices/secret'),
    ]
    for (const [n, attempt] of attempts.entries()) {
      if (n > 0) await host.storage.clients.delete('alices')
      await makeAlices()
      const pause = host.storage.pauseBefore('clients.update')
      const attacking = Promise.resolve(attempt())
      await pause.reached
      const current = await record('alices')
      await updateClient(host.server, 'alices', changes)
      const granted = await record('alices')
      pause.resume()
      expect([403, 404]).toContain((await attacking).status)
      expect(await record('alices')).toEqual(granted)
      expect(granted?.secrets).toEqual(current?.secrets)
    }
  })
})

describe('a host that says itself who calls', () => {
  const withCaller = (caller: unknown) =>
    createHost({
      mount: (app, server) =>
        void app.use(
          paths.clients,
          clientsRouter(server, { protect: (_req, _res, next) => next(), caller: caller as never }),
        ),
    })

  it.each<[string, unknown]>([
    ['nothing', () => undefined],
    ['null', () => null],
    ['nobody', () => ({ scopes: ['read'] })],
    ['an empty user', () => ({ userId: '', scopes: ['read'] })],
    ['an administrator in words', () => ({ scopes: ['read'], admin: 'yes' })],
    ['an administrator in numbers', () => ({ scopes: ['read'], admin: 1 })],
  ])('lets nobody in who is %s', async (_, caller) => {
    const other = await withCaller(caller)
    const answer = await other.http().get(paths.clients)
    expect([answer.status, answer.body.error]).toEqual([403, 'access_denied'])
  })

  it.each<[string, unknown]>([
    ['no scopes', () => ({ userId: 'alice' })],
    ['scopes as a string', () => ({ userId: 'alice', scopes: 'clients read' })],
  ])('lets nobody in who is %s, and hears of it', async (_, caller) => {
    const other = await withCaller(caller)
    const answer = await other.http().get(paths.clients)
    expect([answer.status, answer.body.error]).toEqual([500, 'server_error'])
    expect(String(other.reportedErrors()[0]?.cause)).toContain("clientsRouter's caller must return")
  })

  it('and names a user that is no number lets nobody in, and hears of it', async () => {
    const other = await withCaller(() => ({ userId: Number.NaN, scopes: [], admin: true }))
    const answer = await other.http().get(paths.clients)
    expect([answer.status, answer.body.error]).toEqual([500, 'server_error'])
    expect(String(other.reportedErrors()[0]?.cause)).toContain("clientsRouter's caller as userId")
  })

  it('and throws lets nobody in', async () => {
    const other = await withCaller(() => {
      throw new Error('no database')
    })
    expect((await other.http().get(paths.clients)).status).toBe(500)
  })

  it('and forgets to say, behind a guard that is not ours, lets nobody in', async () => {
    await expect(withCaller(undefined)).rejects.toThrow('The clientsRouter option caller is undefined')
    const other = await withCaller(() => undefined)
    expect(() => clientsRouter(other.server, {} as never)).toThrow('protect')
    expect(bearerGuard(other.server)).toEqual(expect.any(Function))
  })
})

describe("a session's user in the clients API (CSRF)", () => {
  /** What a form can send where it needs no arguments: a new secret, by which whoever sees it would be the client. */
  const secretOf = '/mine/secret'
  const send = async (headers: Record<string, string>, body = '', path = secretOf, inFront: RequestHandler[] = []) => {
    const host = await createHost({
      mount(app, server) {
        for (const one of inFront) app.use(one)
        app.use(
          paths.clients,
          clientsRouter(server, {
            protect: (req, res, next) => (req.user ? next() : void res.status(401).end()),
            caller: (req) => ({ userId: (req.user as { id: string }).id, scopes: ['read'] }),
          }),
        )
      },
    })
    await registerClient(host.server, { clientId: 'mine', username: 'alice', scopes: ['read'] })
    const before = await host.server.storage.clients.find('mine')
    const sent = host.http().post(`${paths.clients}${path}`).set('X-User', 'alice').set(headers)
    const answer = await (body === '' ? sent : sent.send(body))
    const { secrets } = (await host.server.storage.clients.find('mine')) ?? {}
    expect(answer.status === 200).toBe(JSON.stringify(secrets) !== JSON.stringify(before?.secrets))
    return answer
  }
  const made = 'client_id=evil'
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }

  it.each<[string, Record<string, string>]>([
    ['of another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['of a neighbour', { 'Sec-Fetch-Site': 'same-site' }],
    ['of another site in an old browser', { Origin: 'https://evil.example' }],
    ['of a page without an origin', { Origin: 'null' }],
    ['of the same name without TLS, in an old browser', { Origin: issuer.replace('https', 'http') }],
    ['to which a proxy adds a token of another issuer', { 'Sec-Fetch-Site': 'cross-site', Authorization: 'Bearer x' }],
  ])('makes nothing by a form %s', async (_, headers) => {
    expect((await send({ ...form, ...headers })).status).toBe(403)
    expect((await send(headers, '')).status).toBe(403)
    expect((await send({ 'Content-Type': 'text/plain', ...headers })).status).toBe(403)
  })

  it('makes nothing by a form that names another method, for hosts that use method-override', async () => {
    const override: RequestHandler = (req, _res, next) => {
      Object.assign(req, { originalMethod: req.method, method: req.query._method ?? req.method })
      next()
    }
    for (const method of ['PATCH', 'DELETE']) {
      const headers = { ...form, 'Sec-Fetch-Site': 'cross-site' }
      expect((await send(headers, made, `/mine?_method=${method}`, [override])).status).toBe(403)
    }
  })

  it('loses nothing to a link that names another method', async () => {
    const override: RequestHandler = (req, _res, next) => {
      Object.assign(req, { originalMethod: req.method, method: 'DELETE' })
      next()
    }
    const host = await createHost({
      before: [override],
      mount(app, server) {
        const caller = () => ({ userId: 'alice', scopes: ['read'], admin: true })
        app.use(paths.clients, clientsRouter(server, { protect: (_req, _res, next) => next(), caller }))
      },
    })
    const link = (site: string) => host.http().get(`${paths.clients}/web`).set('Sec-Fetch-Site', site)
    expect([(await link('cross-site')).status, (await link('same-origin')).status]).toEqual([403, 204])
  })

  it.each([
    [true, false],
    [true, true],
    [false, false],
  ])(
    'goes by a token in the header as it was sent: made of a cookie by the host: %p, without rawHeaders: %p',
    async (isMade, hasNone) => {
      const host = await createHost({
        mount(app, server) {
          const fromCookie: RequestHandler = (req, _res, next) => {
            const { 'x-cookie': cookie } = req.headers
            if (typeof cookie === 'string') req.headers.authorization = `Bearer ${cookie}`
            // as adapters of cloud functions leave them
            if (hasNone) req.rawHeaders = []
            next()
          }
          app.use(paths.clients, fromCookie, clientsRouter(server, { protect: bearerGuard(server) }))
        },
      })
      const { access_token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })
      await registerClient(host.server, { clientId: 'mine', username: 'alice', scopes: ['read'] })
      const credentials = isMade ? { 'X-Cookie': access_token } : { Authorization: `Bearer ${access_token}` }
      const sent = host
        .http()
        .post(`${paths.clients}${secretOf}`)
        .set({ ...form, 'Sec-Fetch-Site': 'cross-site', ...credentials })
      expect((await sent.send(made)).status).toBe(isMade ? 403 : 200)
    },
  )

  it('goes by a token that is bound to a key, too: no form can send its scheme', async () => {
    const host = await createHost({
      senderConstraints: [dpop()],
      mount(app, server) {
        app.use(paths.clients, clientsRouter(server, { protect: bearerGuard(server) }))
      },
    })
    const key = await proofKey()
    const client = (await host.server.storage.clients.find('web')) as Client
    const request = {
      ...{
        client,
        authenticated: true,
        grantType: 'own',
        parameters: new Map(),
        startedAt: host.clock.now,
        req: {} as Request,
      },
      confirmation: { jkt: key.jkt },
    }
    const { access_token: token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice', request })
    await registerClient(host.server, { clientId: 'mine', username: 'alice', scopes: ['read'] })
    const path = `${paths.clients}${secretOf}`
    const sent = await proof(key, { url: issuer + path, token })
    const headers = { ...form, 'Sec-Fetch-Site': 'cross-site', Authorization: `DPoP ${token}`, DPoP: sent }
    expect((await host.http().post(path).set(headers).send(made)).status).toBe(200)
  })

  it('is not made ours by what else a form can send: a token of the attacker, or the name of a client', async () => {
    const headers = { ...form, 'Sec-Fetch-Site': 'cross-site' }
    const other = await createHost()
    const { access_token } = await issueTokens(other.server, { clientId: 'web', userId: 'mallory', scope: 'read' })
    const asAlice: RequestHandler = (req, _res, next) => {
      req.user = { id: 'alice' } as never
      next()
    }
    const byToken = [bearerGuard(other.server, { tokenFrom: ['query'] }), asAlice]
    other.people.set('mallory', { id: 'mallory', name: 'Mallory' })
    expect((await send(headers, made, `${secretOf}?access_token=${access_token}`, byToken)).status).toBe(403)
    const byName = [bearerGuard(other.server, { clientIdQuery: true }), asAlice]
    expect((await send(headers, '', `${secretOf}?client_id=web`, byName)).status).toBe(403)
  })

  it.each<[string, Record<string, string>, string]>([
    ['a form of ours', { ...form, 'Sec-Fetch-Site': 'same-origin' }, made],
    ['what a person has typed or kept as a bookmark', { ...form, 'Sec-Fetch-Site': 'none' }, made],
    ['a form of ours in an old browser', { ...form, Origin: issuer }, made],
    ['no browser', form, made],
    ['what no form can send', { 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'cross-site' }, '{}'],
  ])('is served: %s', async (_, headers, body) => {
    expect((await send(headers, body)).status).toBe(200)
  })
})

it('secrets that one network chooses do not take all places at bcrypt', async () => {
  let leave = () => {}
  const waits = new Promise<void>((resolve) => (leave = resolve))
  const places = Array.from({ length: 128 }, () => inTurn('127.0.0.1', () => waits))
  const create = (body: object) => host.http().post(paths.clients).auth(tokens.alice, { type: 'bearer' }).send(body)
  await create({ client_id: 'chosen', client_secret: 'long enough' }).expect(503)
  await create({ client_id: 'generated' }).expect(201)
  const change = { redirect_uris: [], client_secret: 'long enough' }
  await host.http().patch(`${paths.clients}/generated`).auth(tokens.alice, { type: 'bearer' }).send(change).expect(503)
  leave()
  await Promise.all(places)
  await create({ client_id: 'chosen', client_secret: 'long enough' }).expect(201)
})

it.each([
  ['client_id', 'must be a string'],
  ['client_secret', 'must be a string'],
  ['redirect_uris', 'must be a list of strings'],
])('%s that is a number is refused by its name', async (member, problem) => {
  for (const value of [7, [7]]) {
    const made = await host
      .http()
      .post(paths.clients)
      .auth(tokens.alice, { type: 'bearer' })
      .send({ [member]: value })
    expect([made.status, made.body.error_description]).toEqual([400, `${member} ${problem}.`])
  }
})

it('a client that a user has made gets no tokens of its own once they are gone', async () => {
  const host = await createHost()
  const own = await host.register({ username: 'bob', grantTypes: ['client_credentials'] })
  await host.token(own, { grant_type: 'client_credentials' }).expect(200)
  await updateClient(host.server, own.clientId, { grantTypes: ['client_credentials', 'refresh_token'] })
  const kept = await issueTokens(host.server, { clientId: own.clientId, refreshToken: true })
  host.people.delete('bob')
  expect((await host.refresh(own, String(kept.refresh_token)).expect(400)).body.error).toBe('unauthorized_client')
  const { body } = await host.token(own, { grant_type: 'client_credentials' }).expect(400)
  // an authorization server says `invalid_grant` of what a user may give again
  expect(body.error).toBe('unauthorized_client')
  await expect(issueTokens(host.server, { clientId: own.clientId })).rejects.toMatchObject({
    code: 'unauthorized_client',
  })
  host.people.set('carol', { id: 'carol', name: 'Carol' })
  await updateClient(host.server, own.clientId, { username: 'carol' })
  await host.token(own, { grant_type: 'client_credentials' }).expect(200)
})
