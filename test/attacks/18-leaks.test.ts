// ATTACKS.md row 18: a long mixed run, everything that came out of it, and every secret searched for in all of it.
import { inspect } from 'node:util'
import type { RequestHandler } from 'express'
import {
  approve,
  authorizationCode,
  bcryptPasswords,
  clientCredentials,
  deleteClient,
  implicit,
  issueTokens,
  memoryStorage,
  type OAuthStorage,
  password,
  refreshToken,
  registerClient,
  revokeGrants,
  rotateClientSecret,
  updateClient,
} from '../../src/index'
import { hashSecret } from '../../src/passwords/bcrypt'
import { answerOf, createHost, encode, type Host, paths, pkce, type Tokens } from '../support/host'

interface Recorded {
  request: string
  status: number
  text: string
}

/** Every answer as it left: status, headers and body. */
function recorder(answers: Recorded[]): RequestHandler {
  return (req, res, next) => {
    const chunks: Buffer[] = []
    const { write, end } = res
    const keep = (chunk: unknown) => {
      if (typeof chunk === 'string' || Buffer.isBuffer(chunk)) chunks.push(Buffer.from(chunk))
    }
    res.write = ((...args: Parameters<typeof write>) => {
      keep(args[0])
      return write.apply(res, args)
    }) as typeof write
    res.end = ((...args: Parameters<typeof end>) => {
      keep(args[0])
      const text = `${JSON.stringify(res.getHeaders())}\n${Buffer.concat(chunks).toString()}`
      answers.push({ request: `${req.method} ${req.originalUrl.split('?')[0]}`, status: res.statusCode, text })
      return end.apply(res, args)
    }) as typeof end
    next()
  }
}

/** Everything that storage is told, as a thief of the database or a reader of its query log would see it. */
function recordedStorage(told: string[]): OAuthStorage {
  const spy = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, name) => {
        const method: unknown = Reflect.get(object, name)
        if (typeof method !== 'function') return method
        return (...args: unknown[]) => {
          told.push(JSON.stringify(args))
          return method.apply(object, args)
        }
      },
    })
  const storage = memoryStorage()
  return { clients: spy(storage.clients), grants: spy(storage.grants) }
}

const chosenSecret = 'correct horse battery staple'
const userPassword = 'tr0ub4dor & 3'
const wrongPassword = 'hunter2 hunter2'
const wrongSecret = 'guessed-client-secret'

/** The secret parts of what was issued: tokens are `<id>.<secret>`, and ids are no secrets. */
const secretParts = (token: string): string[] => (token.split('.')[1] ?? token).match(/.{1,43}/g) ?? []

describe('a long mixed run', () => {
  const answers: Recorded[] = []
  const told: string[] = []
  const printed: string[] = []
  const secrets = new Map<string, string>()
  let events: string[]

  /** Remembers a secret and which answers were meant to hold it. */
  const learn = (kind: string, ...tokens: (string | undefined)[]) => {
    for (const token of tokens)
      for (const part of token === undefined ? [] : secretParts(token)) secrets.set(part, kind)
  }
  const learnTokens = (body: Partial<Tokens>) => {
    learn('access token', body.access_token)
    learn('refresh token', body.refresh_token)
    return body as Tokens
  }

  beforeAll(async () => {
    for (const level of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
      jest.spyOn(console, level).mockImplementation((...args) => void printed.push(inspect(args, { depth: 9 })))
    }
    const hash = await hashSecret(userPassword)
    const verify = bcryptPasswords({
      findByUsername: (name) => (name === 'alice' ? { id: 'alice', passwordHash: hash } : undefined),
    })
    const host = await createHost({
      before: [recorder(answers)],
      storage: recordedStorage(told),
      grants: [authorizationCode(), clientCredentials(), refreshToken(), password({ verify }), implicit()],
      decide: approve({ clients: (client) => client.clientId !== 'refused' }),
    })
    await mixedRun(host)
    events = host.events.map((event) => inspect(event, { depth: 12, maxStringLength: null }))
    // a store that tells all it was told
    const silent = await createHost({ before: [recorder(answers)], storage: recordedStorage(told) })
    silent.storage.replace('grants.transition', (_call, args) => {
      throw new Error(`INSERT failed: ${JSON.stringify(args)}`)
    })
    const code = await silent.code()
    learn('code', code)
    await silent.exchange(silent.web, code).expect(503)
    learn('client secret', silent.web.clientSecret, silent.api.clientSecret)
    events.push(...silent.events.map((event) => inspect(event, { depth: 12, maxStringLength: null })))
  }, 60_000)
  afterAll(() => jest.restoreAllMocks())

  async function mixedRun(host: Host): Promise<void> {
    const { server, web, native, api } = host
    for (const text of [chosenSecret, userPassword, wrongPassword, wrongSecret]) secrets.set(text, 'chosen')
    learn('client secret', web.clientSecret, api.clientSecret)
    learn('verifier', pkce.verifier)
    const chosen = await host.register({
      clientId: 'chosen',
      clientSecret: chosenSecret,
      grantTypes: ['password', 'refresh_token'],
    })
    await host.register({ clientId: 'refused', tokenEndpointAuthMethods: ['none'] })

    for (const client of [web, native]) {
      const approved = await host.authorize({ ...client, redirectUri: client.redirectUri })
      const { code } = answerOf(approved)
      learn('code', code)
      if (code === undefined) continue
      await host.exchange(client, code, { code_verifier: `${pkce.verifier.slice(0, -1)}x` })
      await host.exchange({ ...client, clientSecret: wrongSecret }, code)
      const first = learnTokens((await host.exchange(client, code).expect(200)).body)
      await host.me(first.access_token)
      await host.introspect(api, first.access_token)
      await host.introspect(web, first.refresh_token)
      const second = learnTokens((await host.refresh(client, first.refresh_token).expect(200)).body)
      await host.refresh(client, first.refresh_token).expect(200)
      await host.refresh(client, second.refresh_token, { scope: 'admin' })
      await host.revoke(client, second.access_token)
      await host.exchange(client, code)
      await host.refresh(client, first.refresh_token)
    }
    const signedIn = await host.token(chosen, { grant_type: 'password', username: 'alice', password: userPassword })
    const mine = learnTokens(signedIn.body)
    await host.token(chosen, { grant_type: 'password', username: 'alice', password: wrongPassword })
    await host.token(chosen, { grant_type: 'password', username: userPassword, password: 'alice' })
    await host.revoke(chosen, mine.refresh_token)
    learnTokens((await host.token(web, { grant_type: 'client_credentials' })).body)
    learn('access token', answerOf(await host.authorize(web, { response_type: 'token' })).access_token)
    learnTokens(await issueTokens(server, { clientId: 'web', userId: 'alice' }))

    // secrets where they do not belong
    const stray = learnTokens(await issueTokens(server, { clientId: 'web', userId: 'alice', scope: 'read' }))
    await host.http().get(`/me?access_token=${stray.access_token}`)
    await host.http().get('/me').set('Authorization', `Bearer ${stray.access_token}x`)
    await host.http().get('/me').set('Authorization', `Basic ${stray.access_token}`)
    await host.http().post(`/oauth2/token?client_secret=${web.clientSecret}`).type('form').send('grant_type=x')
    await host
      .http()
      .post(paths.token)
      .type('json')
      .send({ password: [userPassword], client_secret: { a: wrongSecret } })
    await host.http().post(paths.token).type('json').send(`{"client_secret": "${wrongSecret}`)
    await host.http().post(paths.token).type('text').send(`client_secret=${wrongSecret}`)
    await host
      .http()
      .post(paths.token)
      .type('form')
      .send(encode({ client_id: 'chosen', client_secret: wrongSecret, grant_type: wrongSecret }))
    await host.http().get(`${paths.authorize}/${stray.access_token}`)
    await host.authorize(web, { scope: userPassword })
    await host.authorize(web, { response_type: stray.access_token })
    await host.authorize(web, { code_challenge: pkce.verifier, code_challenge_method: 'plain' })

    // the clients API
    const { access_token } = learnTokens(
      await issueTokens(server, {
        clientId: (await host.register({ scopes: ['clients', 'read'] })).clientId,
        userId: 'alice',
        scope: 'clients read',
      }),
    )
    const api1 = () => host.http().post(paths.clients).auth(access_token, { type: 'bearer' })
    const made = await api1().send({ client_id: 'made', scope: 'read' })
    learn('client secret', made.body.client_secret)
    await api1().send({ client_id: 'made', client_secret: chosenSecret })
    await api1().send({ client_id: 'short', client_secret: 'short' })
    const again = await host.http().post(`${paths.clients}/made/secret`).auth(access_token, { type: 'bearer' })
    learn('client secret', again.body.client_secret)
    await host.http().get(paths.clients).auth(access_token, { type: 'bearer' }).expect(200)
    await host
      .http()
      .patch(`${paths.clients}/made`)
      .auth(access_token, { type: 'bearer' })
      .send({ client_secret: chosenSecret })
    learn('client secret', (await rotateClientSecret(server, 'made', { overlap: 60 })).clientSecret)
    learn('client secret', (await registerClient(server, { clientId: 'more' })).clientSecret)
    await updateClient(server, 'more', { clientSecret: chosenSecret })

    // storage that fails in the worst words
    for (const method of ['grants.find', 'grants.transition', 'grants.insert', 'clients.find'] as const) {
      const code = method === 'clients.find' ? undefined : await host.code()
      learn('code', code)
      host.storage.replace(method, (_call, args) => {
        throw Object.assign(new Error(`cannot execute with ${JSON.stringify(args)}`), { parameters: args })
      })
      await host.exchange(web, code ?? 'x')
      await host.authorize()
      await host.me(stray.access_token)
      await host.refresh(web, mine.refresh_token)
      host.storage.restore()
    }
    await revokeGrants(server, { userId: 'alice' })
    await deleteClient(server, 'web')
    await host.me(stray.access_token)
  }

  const leaksIn = (texts: readonly string[]) =>
    [...secrets].flatMap(([secret, kind]) =>
      texts
        .filter((text) => text.includes(secret) || text.includes(encodeURIComponent(secret)))
        .map((text) => `${kind}: ${text.slice(0, 300)}`),
    )

  it('issued what it searches for', () => {
    expect(secrets.size).toBeGreaterThan(35)
    expect(answers.length).toBeGreaterThan(50)
    expect(events.length).toBeGreaterThan(30)
    expect(told.length).toBeGreaterThan(100)
  })

  it('leaves no secret in an event, causes and stacks included', () => {
    expect(leaksIn(events)).toEqual([])
  })

  it('prints no secret, and prints at all only what failed', () => {
    expect(leaksIn(printed)).toEqual([])
  })

  it('leaves no secret in storage, not even in a query for it', () => {
    expect(leaksIn(told)).toEqual([])
  })

  it('leaves no secret in an answer that refuses', () => {
    const refusals = answers.filter(({ status, text }) => status >= 400 || /[?&]error=/.test(text))
    expect(refusals.length).toBeGreaterThan(25)
    expect(leaksIn(refusals.map(({ text }) => text))).toEqual([])
  })

  it('hands each secret to one answer, and a replayed response to its second one', () => {
    const times = [...secrets].map(([secret, kind]) => {
      const holders = answers.filter(({ status, text }) => status < 400 && text.includes(secret))
      return { kind, requests: holders.map(({ request }) => request) }
    })
    for (const { kind, requests } of times) {
      if (kind === 'chosen' || kind === 'verifier') expect(requests).toEqual([])
      if (kind === 'client secret') expect(requests.length).toBeLessThanOrEqual(1)
      if (kind === 'code') expect(requests).toEqual(['GET /oauth2/authorize'])
      for (const request of requests)
        expect(request).toMatch(/^(GET \/oauth2\/authorize|POST \/oauth2\/(token|clients).*)$/)
    }
  })

  it('shows no stack, path, query or class name in any answer', () => {
    for (const { text } of answers) {
      expect(text).not.toMatch(
        /\n {4}at |node_modules|\/work\/|\.ts:\d|\.js:\d|INSERT|cannot execute|TypeError|RangeError/,
      )
    }
  })

  it('answers everything of its own with no-store', () => {
    const own = answers.filter(({ request, text }) => request.includes('/oauth2/') && !text.includes('passedOn'))
    for (const { text } of own) expect(text).toMatch(/^[^\n]*"cache-control":"no-store"/)
  })
})
