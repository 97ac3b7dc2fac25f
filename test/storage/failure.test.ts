import { bearerGuard, clientsRouter, consentPage, issueTokens, oauthRouter } from '../../src'
import { answerOf, createHost, encode, type Host, type HostOptions, paths, type Tokens } from '../support/host'
import type { Stand, StorageMethod } from '../support/storage'

const secret = 'secret detail'

/** What a database does when it is not well. */
const failures: [string, Stand][] = [
  [
    'throws',
    () => {
      throw new Error(secret)
    },
  ],
  ['rejects', () => Promise.reject(new Error(secret))],
  ['throws what is no error', () => Promise.reject(secret)],
]

/** What a broken adapter answers: never to be taken for a yes or a no. */
const garbage: [string, unknown][] = [
  ['text', 'OK'],
  ['a number', 1],
  ['an empty object', {}],
  ['a list', []],
  ['true', true],
  ['a promise of text', Promise.resolve('OK')],
]
const isBoolean = (method: StorageMethod) => /insert|update|delete$|transition/.test(method)
const fits = (method: StorageMethod, name: string) =>
  (name === 'true' && isBoolean(method)) ||
  (name === 'a list' && method.endsWith('list')) ||
  (name === 'a number' && method === 'grants.deleteExpired') ||
  method === 'grants.revoke'

let host: Host

const begin = async (options: HostOptions = {}) => {
  host = await createHost(options)
}

/** A request of each kind, and the storage methods that it needs. */
const requests: [string, StorageMethod[], () => Promise<() => PromiseLike<{ status: number; text: string }>>][] = [
  [
    'code exchange',
    ['clients.find', 'grants.find', 'grants.transition'],
    async () => {
      const code = await host.code()
      return () => host.exchange(host.web, code)
    },
  ],
  [
    'refresh',
    ['clients.find', 'grants.find', 'grants.transition'],
    async () => {
      const { refresh_token } = await host.signIn()
      return () => host.refresh(host.web, refresh_token)
    },
  ],
  [
    'client credentials',
    ['clients.find', 'grants.insert'],
    async () => () => host.token(host.web, { grant_type: 'client_credentials' }),
  ],
  [
    'revocation of a refresh token',
    ['clients.find', 'grants.find', 'grants.revoke'],
    async () => {
      const { refresh_token } = await host.signIn()
      return () => host.revoke(host.web, refresh_token)
    },
  ],
  [
    'revocation of an access token',
    ['clients.find', 'grants.find', 'grants.transition'],
    async () => {
      const { access_token } = await host.signIn()
      return () => host.revoke(host.web, access_token)
    },
  ],
  [
    'introspection',
    ['clients.find', 'grants.find'],
    async () => {
      const { access_token } = await host.signIn()
      return () => host.introspect(host.web, access_token)
    },
  ],
  [
    'the guard',
    ['grants.find'],
    async () => {
      const { access_token } = await host.signIn()
      return () => host.me(access_token)
    },
  ],
]

const clientRequests: typeof requests = (
  [
    ['list of clients', ['clients.list'], 'get', ''],
    ['registration', ['clients.insert'], 'post', ''],
    ['one client', ['clients.find'], 'get', '/web'],
    ['change of a client', ['clients.find', 'clients.update'], 'patch', '/web'],
    ['new secret', ['clients.find', 'clients.update'], 'post', '/web/secret'],
    ['deletion', ['clients.find', 'clients.delete', 'grants.revoke'], 'delete', '/web'],
  ] as const
).map(([name, methods, method, path]) => [
  name,
  [...methods],
  async () => {
    const { clientId } = await host.register({ scopes: ['clients', 'admin', 'read', 'write'] })
    const { access_token } = await issueTokens(host.server, { clientId, scope: 'clients admin read write' })
    return () => {
      const sent = host.http()[method](`${paths.clients}${path}`).auth(access_token, { type: 'bearer' })
      return method === 'post' || method === 'patch' ? sent.send({}) : sent
    }
  },
])

describe.each([...requests, ...clientRequests])('%s', (_, methods, prepare) => {
  describe.each(methods)('when %s fails', (method) => {
    it.each(failures)(
      '(%s) is 503 server_error, the host is told why, and the same request works later',
      async (...row) => {
        const [, stand] = row
        await begin()
        const send = await prepare()
        host.events.length = 0
        host.storage.replace(method, stand)
        const answer = await send()
        expect([answer.status, JSON.parse(answer.text).error]).toEqual([503, 'server_error'])
        expect(answer.text).not.toContain(secret)
        const reported = host.reportedErrors()
        expect(reported).toHaveLength(1)
        expect(JSON.stringify(reported[0]?.cause, Object.getOwnPropertyNames(reported[0]?.cause))).toContain(secret)
        host.storage.restore()
        expect([200, 201, 204]).toContain((await send()).status)
      },
    )

    const wrong = garbage.filter(([name]) => !fits(method, name))
    if (wrong.length > 0) {
      it.each(wrong)('(answers with %s) is 503, too', async (_, value) => {
        await begin()
        const send = await prepare()
        host.storage.replace(method, () => value)
        const answer = await send()
        expect([answer.status, JSON.parse(answer.text).error]).toEqual([503, 'server_error'])
        expect(host.reportedErrors()).toMatchObject([{ cause: { message: expect.stringContaining(method) } }])
      })
    }
  })
})

describe('a request that fails in storage', () => {
  beforeEach(() => begin())

  it('leaves no half-written state: the code still works, and so does the refresh token', async () => {
    const code = await host.code()
    const before = host.storage.storedIds()
    host.storage.replace('grants.transition', () => Promise.reject(new Error(secret)))
    await host.exchange(host.web, code).expect(503)
    expect(host.storage.storedIds()).toEqual(before)
    host.storage.restore()
    const tokens = (await host.exchange(host.web, code).expect(200)).body as Tokens
    host.storage.replace('grants.transition', () => Promise.reject(new Error(secret)))
    await host.refresh(host.web, tokens.refresh_token).expect(503)
    host.storage.restore()
    expect(await host.isAlive(tokens)).toBe(true)
    await host.refresh(host.web, tokens.refresh_token).expect(200)
  })

  it('whose write arrived though it failed loses nothing: the retry of a refresh gets the same tokens', async () => {
    const { refresh_token } = await host.signIn()
    host.storage.replace('grants.transition', async (call) => {
      await call()
      throw new Error('the connection broke before the answer')
    })
    await host.refresh(host.web, refresh_token).expect(503)
    host.storage.restore()
    const { body } = await host.refresh(host.web, refresh_token).expect(200)
    expect(await host.isAlive(body)).toBe(true)
    await host.refresh(host.web, body.refresh_token).expect(200)
  })

  it('never says that a reuse was harmless: it is noticed again when storage is back', async () => {
    const { refresh_token } = await host.signIn()
    const second = (await host.refresh(host.web, refresh_token).expect(200)).body as Tokens
    host.clock.advance(61)
    host.storage.replace('grants.revoke', () => Promise.reject(new Error(secret)))
    await host.refresh(host.web, refresh_token).expect(503)
    host.storage.restore()
    await host.refresh(host.web, refresh_token).expect(400)
    expect(await host.isAlive(second)).toBe(false)
  })

  it.each(['clients.insert', 'grants.insert'] as const)(
    'is 503 when %s has taken an id that is new',
    async (method) => {
      host.storage.replace(method, () => false)
      const answer = await host.token(host.web, { grant_type: 'client_credentials' })
      expect(answer.status).toBe(method === 'grants.insert' ? 503 : 200)
    },
  )
})

describe('the authorization endpoint', () => {
  it('shows a page while nobody may be told, and then redirects with temporarily_unavailable (RFC 6749 §4.1.2.1)', async () => {
    await begin()
    host.storage.replace('clients.find', () => Promise.reject(new Error(secret)))
    const page = await host.authorize().expect(503)
    expect(page.headers['content-type']).toContain('text/html')
    expect(page.headers).not.toHaveProperty('location')
    expect(page.text).not.toContain(secret)
    host.storage.restore()
    host.storage.replace('grants.insert', () => Promise.reject(new Error(secret)))
    const answer = await host.authorize().expect(302)
    expect(answerOf(answer)).toMatchObject({ error: 'temporarily_unavailable', state: 'xyz' })
    expect(answer.headers.location).not.toContain('secret')
    expect(host.reportedErrors()).toMatchObject([{ status: 503 }, { status: 503 }])
  })

  it.each(['location', 'json'] as const)('answers 503 JSON in the style %s', async (response) => {
    await begin({ response })
    host.storage.replace('grants.insert', () => Promise.reject(new Error(secret)))
    const answer = await host.authorize().expect(503)
    expect(answer.body.error).toBe('server_error')
    expect(answer.headers).not.toHaveProperty('location')
  })

  it.each<StorageMethod>(['grants.insert', 'grants.find', 'grants.transition', 'grants.list'])(
    'gives no code when %s fails around the consent page',
    async (method) => {
      await begin({ decide: consentPage({ signIn: '/login', remember: true }) })
      const page = await host.authorize().expect(200)
      const consent_transaction = /name="consent_transaction" value="([^"]+)"/.exec(page.text)?.[1]
      host.storage.replace(method, () => Promise.reject(new Error(secret)))
      const again = method === 'grants.list'
      const answer = again
        ? await host.authorize()
        : await host
            .http()
            .post(`${paths.authorize}?${host.authorizationRequest(host.web)}`)
            .set('X-User', 'alice')
            .type('form')
            .send(encode({ consent_transaction, consent: 'allow' }))
      expect(answerOf(answer)).toMatchObject({ error: 'temporarily_unavailable' })
      expect(host.eventTypes()).not.toContain('code.issued')
    },
  )
})

it('a host without onEvent reads of failures in its log', async () => {
  const log = jest.spyOn(console, 'error').mockImplementation(() => {})
  await begin({ onEvent: undefined as never })
  host.storage.replace('clients.find', () => Promise.reject(new Error(secret)))
  await host.token(host.web, {}).expect(503)
  expect(log.mock.calls).toEqual([['express-authorization-server:', new Error(secret)]])
  log.mockRestore()
})

it('the clients API that oauthRouter mounts fails closed, too', async () => {
  await begin({
    mount(app, server) {
      const protect = bearerGuard(server, { scope: 'clients' })
      app.use(oauthRouter(server, { decide: () => undefined, protect: false }))
      app.use(paths.clients, clientsRouter(server, { protect }))
    },
  })
  host.storage.replace('grants.find', () => Promise.reject(new Error(secret)))
  await host
    .http()
    .get(paths.clients)
    .auth(`${'A'.repeat(22)}~a.${'A'.repeat(43)}`, { type: 'bearer' })
    .expect(503)
})
