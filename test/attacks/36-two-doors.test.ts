// Row 36. The kind: the guard and the strategy are two doors to one house, and differ in what they take, or remember.
import express, { type Request, type RequestHandler } from 'express'
import passport from 'passport'
import request from 'supertest'
import { accessToken, bearerGuard, bearerStrategy, issueTokens, requireScope } from '../../src/index'
import { createHost, type Host } from '../support/host'
import * as raw from '../support/raw'

let host: Host
let token: string
let port: number
beforeAll(async () => {
  host = await createHost({
    mount(app, server) {
      const strategy = passport.authenticate(bearerStrategy(server), { session: false })
      app.get('/guard', bearerGuard(server), (_req, res) => void res.json({}))
      app.get('/strategy', strategy, (_req, res) => void res.json({}))
    },
  })
  token = (await issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })).access_token
  port = (await raw.listen(host.app)).port
})

it('both read the header alike, whatever it holds', async () => {
  const one = `Authorization: Bearer ${token}`
  for (const [headers, status] of [
    [[one], 200],
    [[one.replace('Bearer', 'bEARER  ')], 200],
    [[one, one], 400],
    [[one, 'authorization: Basic d2ViOng='], 400],
    [['authorization: Basic d2ViOng=', one], 400],
    [[`${one} x`], 401],
    [[`${one}, x`], 401],
    [[`${one}"`], 401],
    [['Authorization: Bearer'], 401],
    [['Authorization: Basic d2ViOng='], 401],
    [['Authorization: Digest a="b", c="d"'], 401],
    [[], 401],
  ] as [string[], number][]) {
    const answers = []
    for (const path of ['/guard', '/strategy']) {
      const answer = await raw.exchange(port, raw.request('GET', path, headers))
      const challenge = /^www-authenticate: (.*)$/im.exec(answer?.headers ?? '')?.[1]
      // Passport itself sends a challenge with 401 and with no other status
      answers.push({ status: answer?.status, ...(answer?.status === 401 && { challenge }) })
    }
    expect([headers, answers[1]]).toEqual([headers, answers[0]])
    expect([headers, answers[0]?.status]).toEqual([headers, status])
  }
})

/** What is behind a door sees of the token, and what a policy there says. */
const behind: RequestHandler = (req, res, next) => {
  const seen = orUndefined(() => accessToken(req))
  requireScope('read')(req, res, (error?: unknown) => {
    if (error) res.json({ seen, policy: 'none in front' })
    else next()
  })
}
const orUndefined = <T>(get: () => T): T | undefined => {
  try {
    return get()
  } catch {
    return undefined
  }
}

type Callback = (error: unknown, user?: unknown, info?: unknown) => void

function appWith(
  callbackOf: (req: Request, next: () => void) => Callback,
  options: object = {},
  front: RequestHandler[] = [],
) {
  const app = express()
  app.get(
    '/',
    ...front,
    (req, res, next) => {
      const strategy = bearerStrategy(host.server)
      passport.authenticate(strategy, { session: false, ...options }, callbackOf(req, next))(req, res, next)
    },
    behind,
    (req, res) => void res.json({ seen: orUndefined(() => accessToken(req)), policy: 'passed' }),
  )
  return (sent = token) => request(app).get('/').auth(sent, { type: 'bearer' }).expect(200)
}

it('a callback of the host that rejects the token leaves no admission behind, also where it goes on without a user', async () => {
  const call = appWith((_req, next) => () => next())
  expect((await call()).body).toEqual({ policy: 'none in front' })
  // nor that of another property of the request
  const noting = appWith((req, next) => (_error, user) => {
    Object.assign(req, { rejected: user })
    next()
  })
  expect((await noting()).body).toEqual({ policy: 'none in front' })
})

it('what the guard in front admitted stays what it is when the callback rejects', async () => {
  const other = (await issueTokens(host.server, { clientId: 'web', userId: 'bob', scope: 'read' })).access_token
  const swap: RequestHandler = (req, _res, next) => {
    req.headers.authorization = `Bearer ${other}`
    next()
  }
  const reject = appWith((_req, next) => () => next(), {}, [bearerGuard(host.server), swap])
  expect((await reject()).body).toMatchObject({ seen: { userId: 'alice' }, policy: 'passed' })
})

it.each<[string, object, ((req: Request, next: () => void) => Callback) | undefined]>([
  ['lets Passport do it', {}, undefined],
  ['has Passport put it elsewhere', { assignProperty: 'token' }, undefined],
  ['has Passport put it elsewhere, alone', { assignProperty: 'token', authInfo: false }, undefined],
  [
    'sets req.user itself',
    {},
    (req, next) => (_error, user) => {
      req.user = user as object
      next()
    },
  ],
  ['calls req.logIn', {}, (req, next) => (_error, user) => req.logIn(user as object, { session: false }, next)],
  [
    'has users of its own, and keeps the token in req.authInfo',
    {},
    (req, next) => (_error, _user, info) => {
      req.user = { id: 'of the host' } as object
      req.authInfo = info as object
      next()
    },
  ],
])('a host that %s is admitted by it', async (_, options, callback) => {
  const app = express()
  app.get(
    '/',
    (req, res, next) => {
      const given = { session: false, ...options }
      const args = callback ? [given, callback(req, next)] : [given]
      passport.authenticate(bearerStrategy(host.server), ...(args as [object]))(req, res, next)
    },
    (req, res) => void res.json({ seen: orUndefined(() => accessToken(req)) }),
  )
  const { body } = await request(app).get('/').auth(token, { type: 'bearer' }).expect(200)
  expect(body.seen).toMatchObject({ userId: 'alice', scope: ['read'] })
})

it.each(['guard', 'strategy'])(
  'a request made up in a unit test, without rawHeaders, passes the %s as a real one',
  async (door) => {
    const run = (headers: Record<string, unknown>) =>
      new Promise<number>((resolve) => {
        const res: Record<string, unknown> = { setHeader() {}, end() {}, headersSent: false }
        res.writeHead = (status: number) => resolve(status)
        const req = { method: 'GET', url: '/', headers }
        if (door === 'guard') {
          bearerGuard(host.server)(req as never, res as never, (error?: unknown) => resolve(error ? 599 : 200))
          return
        }
        const end = (status: number) => (_first?: unknown, second?: unknown) =>
          resolve(status === 401 ? Number(second ?? 401) : status)
        const strategy = bearerStrategy(host.server)
        Object.assign(Object.create(strategy), { success: end(200), fail: end(401), error: end(599) }).authenticate(req)
      })
    expect(await run({ authorization: `Bearer ${token}` })).toBe(200)
    expect(await run({ authorization: `Bearer ${token}x` })).toBe(401)
    expect(await run({})).toBe(401)
    expect(await run({ authorization: [`Bearer ${token}`, `Bearer ${token}`] })).toBe(400)
  },
)

it('a callback that rejects records nothing, also where a session in front has the very user of the token', async () => {
  const app = express()
  app.get(
    '/',
    (req, res, next) => {
      req.user = host.people.get('alice') as object
      const rejects = (_error: unknown, user: unknown) => {
        expect(user).toBe(req.user)
        next()
      }
      passport.authenticate(bearerStrategy(host.server), { session: false }, rejects)(req, res, next)
    },
    (req, res) => void res.json({ seen: orUndefined(() => accessToken(req)) }),
  )
  expect((await request(app).get('/').auth(token, { type: 'bearer' }).expect(200)).body).toEqual({})
})
