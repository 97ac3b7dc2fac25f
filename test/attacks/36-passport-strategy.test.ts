// Beyond ATTACKS.md: the strategy for hosts that use Passport themselves takes a token from the header and nowhere else.
import express, { type RequestHandler } from 'express'
import passport from 'passport'
import { tokenAuthenticator } from '../../src/guard/strategy'
import { bearerGuard, bearerStrategy, issueTokens, requireScope } from '../../src/index'
import { createHost, type Host } from '../support/host'

let host: Host
let token: string
beforeAll(async () => {
  const authenticate: RequestHandler = (req, res, next) =>
    passport.authenticate('bearer', { session: false })(req, res, next)
  host = await createHost({
    before: [express.json({ strict: false }), express.urlencoded({ extended: true })],
    mount(app) {
      app.set('query parser', 'extended')
      app.all('/passport', authenticate, (req, res) => void res.json({ user: req.user }))
    },
  })
  passport.use(bearerStrategy(host.server))
  token = (await issueTokens(host.server, { clientId: 'web', userId: 'alice', scope: 'read' })).access_token
})
afterAll(() => void passport.unuse('bearer'))

it('a token in the header is taken', async () => {
  const answer = await host.http().get('/passport').auth(token, { type: 'bearer' }).expect(200)
  expect(answer.body.user).toEqual({ id: 'alice', name: 'Alice' })
})

it.each<[string, (sent: ReturnType<Host['http']>) => ReturnType<ReturnType<Host['http']>['get']>]>([
  [
    'the query, where logs and histories keep it (RFC 6750 §2.3)',
    (http) => http.get(`/passport?access_token=${token}`),
  ],
  ['a list in the query', (http) => http.get(`/passport?access_token[]=${token}`)],
  ['a form', (http) => http.post('/passport').type('form').send({ access_token: token })],
  ['JSON', (http) => http.post('/passport').send({ access_token: token })],
  ['a list in JSON', (http) => http.post('/passport').send({ access_token: [token] })],
  ['an object that is no string', (http) => http.post('/passport').send({ access_token: { toString: token } })],
  ['an object in the query', (http) => http.get('/passport?access_token[toString]=x')],
  ['another scheme', (http) => http.get('/passport').set('Authorization', `Token ${token}`)],
  ['a header that is not one', (http) => http.get('/passport').set('Authorization', `Bearer ${token} x`)],
])('a token in %s is not, and fails in no other way', async (_, send) => {
  const answer = await send(host.http())
  expect([400, 401]).toContain(answer.status)
})

it.each(['', 'x', `${'A'.repeat(22)}~a.${'B'.repeat(43)}`, '"', 'é', '{}'])('%j is no token', async (text) => {
  const answer = await host
    .http()
    .get('/passport')
    .set('Authorization', `Bearer ${encodeURI(text)}`)
  expect([answer.status, answer.headers['www-authenticate'] ?? 'Bearer']).toEqual([
    expect.any(Number),
    expect.stringMatching(/^Bearer/),
  ])
  expect(answer.status).toBeLessThan(500)
})

it("what Passport's strategy does not take for a token is invalid_token to the guard as well", async () => {
  const authenticate = tokenAuthenticator(host.server, undefined)
  await expect(Promise.resolve(`${token} x`).then(authenticate)).rejects.toMatchObject({ code: 'invalid_token' })
  await expect(Promise.resolve(token).then(authenticate)).resolves.toMatchObject({ accessToken: { clientId: 'web' } })
})

it('storage that fails is an error of the host, not a user', async () => {
  host.storage.replace('grants.find', () => {
    throw new Error('down')
  })
  const answer = await host.http().get('/passport').auth(token, { type: 'bearer' })
  expect(answer.status).toBe(599)
  host.storage.restore()
})

it('behind a guard, the guard is still in front', async () => {
  const own = await createHost({
    mount(app, server) {
      const both: RequestHandler[] = [
        bearerGuard(server),
        passport.authenticate(bearerStrategy(server), { session: false }),
      ]
      app.get('/both', ...both, requireScope('read'), (_req, res) => void res.json({}))
      app.get('/more', ...both, requireScope('write'), (_req, res) => void res.json({}))
    },
  })
  const { access_token } = await issueTokens(own.server, { clientId: 'web', userId: 'alice', scope: 'read' })
  await own.http().get('/both').auth(access_token, { type: 'bearer' }).expect(200)
  await own.http().get('/more').auth(access_token, { type: 'bearer' }).expect(403)
})

describe.each([true, false])(
  'a callback of the host that throws is its error, once; storage that answers later: %p',
  (isLater) => {
    const withCallback = (callback: (error: unknown, user: unknown) => unknown) =>
      createHost({
        mount(app, server) {
          app.get('/passport', (req, res, next) => {
            passport.authenticate(bearerStrategy(server), { session: false }, callback)(req, res, next)
          })
        },
      })
    it.each(['right', 'unknown', 'of storage that fails'])('with a token that is %s', async (what) => {
      let calls = 0
      for (const thrown of [new Error('of the host'), undefined, 'route']) {
        // Passport itself drops what a callback answers about a token that is none
        for (const isAsync of what === 'unknown' ? [false] : [true, false]) {
          calls = 0
          const own = await withCallback(() => {
            calls++
            if (isAsync) return Promise.reject(thrown)
            throw thrown
          })
          const { access_token } = await issueTokens(own.server, { clientId: 'web', userId: 'alice' })
          const found = what === 'of storage that fails' ? () => Promise.reject(new Error('down')) : undefined
          if (found || isLater) own.storage.replace('grants.find', async (call) => (found ? found() : call()))
          const sent =
            what === 'unknown' ? access_token.slice(0, -1) + (access_token.endsWith('A') ? 'B' : 'A') : access_token
          const answer = await own.http().get('/passport').auth(sent, { type: 'bearer' })
          expect([answer.status, calls]).toEqual([599, 1])
        }
      }
    })
  },
)

it('each request gets its own answer, also where Passport is given the strategy itself and two are under way', async () => {
  const waiting: (() => void)[] = []
  const users = {
    find: (id: string) => new Promise<{ id: string }>((resolve) => waiting.push(() => resolve({ id }))),
  }
  const own = await createHost({
    users,
    mount(app, server) {
      const authenticate = passport.authenticate(bearerStrategy(server), { session: false })
      app.get('/passport', authenticate, (req, res) => void res.json({ user: req.user }))
    },
  })
  const ask = async (userId: string) => {
    const { access_token } = await issueTokens(own.server, { clientId: 'web', userId })
    const asked = own.http().get('/passport').auth(access_token, { type: 'bearer' })
    return { userId, answer: asked.then(({ body }) => body.user.id) }
  }
  const all = [await ask('alice'), await ask('bob')]
  while (waiting.length < 2) await new Promise(setImmediate)
  for (const go of waiting.reverse()) go()
  for (const { userId, answer } of all) expect(await answer).toBe(userId)
})
