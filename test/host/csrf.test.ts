// A CSRF middleware in front (csurf, lusca) refuses what it has no token for: the consent form among it.
import express from 'express'
import session from 'express-session'
import request from 'supertest'
import {
  type AuthorizationServer,
  authorizeRouter,
  type ConnectedAppsRouterOptions,
  type ConsentPageOptions,
  connectedAppsRouter,
  consentPage,
  issueTokens,
} from '../../src'
import { fieldsOf } from '../support/consent'
import { answerOf, createHost, type Host, paths } from '../support/host'

let printed: jest.SpyInstance
beforeEach(() => {
  printed = jest.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => printed.mockRestore())

const warnings = ({ events }: Host) => events.flatMap((event) => (event.type === 'warning' ? [event.code] : []))

/** What csurf does: a token of the session, which a form has to bring back. */
const csrf: express.RequestHandler = (req, res, next) => {
  const kept = req.session as unknown as { token?: string }
  kept.token ??= 'the token of this session'
  Object.assign(req, { csrfToken: () => kept.token })
  if (req.method !== 'POST' || (req.body as { _csrf?: string })?._csrf === kept.token) return next()
  res.status(403).send('invalid csrf token')
}
const before = [
  session({ secret: 'x', resave: false, saveUninitialized: true }),
  express.urlencoded({ extended: false }),
  csrf,
]
const csrfToken = (req: express.Request) => (req as unknown as { csrfToken: () => string }).csrfToken()

async function visit(options: Partial<ConsentPageOptions>, atFirst: express.RequestHandler[] = before) {
  const mount = (app: express.Express, server: AuthorizationServer) =>
    void app.use(paths.authorize, authorizeRouter(server, { decide: consentPage({ signIn: '/login', ...options }) }))
  const host = await createHost({ mount, before: atFirst })
  const agent = request.agent(host.app).set('X-User', 'alice')
  const url = `${paths.authorize}?${host.authorizationRequest(host.web)}`
  /** Reads the page, and sends its form. */
  const allow = async () => {
    const page = await agent.get(url).expect(200)
    const fields = [...page.text.matchAll(/name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ])
    host.clock.advance(1)
    return agent
      .post(url)
      .type('form')
      .send(Object.fromEntries([...fields, ['consent', 'allow']]))
  }
  return { host, allow, agent, url }
}

it('without its field the answer never arrives, and an event says where to mount', async () => {
  const { host, allow } = await visit({})
  for (let times = 0; times < 2; times++) expect((await allow()).status).toBe(403)
  expect(warnings(host)).toEqual([])
  for (let times = 0; times < 3; times++) await allow()
  expect(warnings(host)).toEqual(['consent_answer_missing'])
})

it('with consentPage({ fields }) it arrives, and counts', async () => {
  const { allow } = await visit({ fields: (req) => ({ _csrf: csrfToken(req) }) })
  const answer = await allow()
  expect(answerOf(answer)).toMatchObject({ code: expect.any(String), state: 'xyz' })
})

it('the fields are in the view of a page of the host, and not in the way back from the sign-in page', async () => {
  const render: ConsentPageOptions['render'] = ({ fields }) => JSON.stringify(fields)
  const { agent, url } = await visit({ render, fields: async () => ({ _csrf: 'a' }) }, [express.urlencoded()])
  expect((await agent.get(url)).text).toContain('{"name":"_csrf","value":"a"}')
  const signedOut = await agent.post(url).set('X-User', '').type('form').send({ _csrf: 'a' })
  expect(signedOut.headers.location).toMatch(/^\/login\?return_to=/)
  expect(signedOut.headers.location).not.toContain('csrf')
})

it('is quiet where answers arrive, however often a page is shown after that', async () => {
  const { host, allow, agent, url } = await visit({}, [])
  await allow()
  for (let times = 0; times < 9; times++) await agent.get(url)
  expect(warnings(host)).toEqual([])
})

it.each<[string, unknown, string]>([
  ['nothing', undefined, 'not undefined'],
  ['a text', 'token', 'not a string'],
  ['a token that is not there', { _csrf: undefined }, 'not _csrf as undefined'],
  ['a parameter of the request', { scope: 'write' }, 'cannot have the name scope'],
])('fields that return %s are a mistake of the host', async (_, fields, problem) => {
  const { host, agent, url } = await visit({ fields: (() => fields) as never })
  expect(answerOf(await agent.get(url))).toMatchObject({ error: 'server_error' })
  expect(String(host.reportedErrors()[0]?.cause)).toContain(problem)
})

describe('connectedAppsRouter({ fields })', () => {
  async function question(options: ConnectedAppsRouterOptions) {
    const host = await createHost({
      mount: (app, server) => void app.use('/apps', connectedAppsRouter(server, options)),
      before,
    })
    await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
    const agent = request.agent(host.app).set('X-User', 'alice')
    const page = await agent.get('/apps?app=web')
    const send = () => agent.post('/apps?app=web').type('form').send(fieldsOf(page))
    return { host, page, send }
  }

  it.each<[string, ConnectedAppsRouterOptions, number]>([
    ['without them the answer never arrives', {}, 403],
    ['with them it arrives, and the app is gone', { fields: (req) => ({ _csrf: csrfToken(req) }) }, 303],
  ])('%s', async (_, options, status) => {
    const { host, send } = await question(options)
    expect((await send()).status).toBe(status)
    expect(host.eventTypes().includes('grant.revoked')).toBe(status === 303)
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'connectedAppsRouter({ fields }) must return strings by name'],
    ['the secret of our form', { removal_transaction: 'x' }, 'cannot have the name removal_transaction'],
  ])('that return %s are a mistake of the host', async (_, fields, problem) => {
    const { host, page } = await question({ fields: (() => fields) as never })
    expect(page.status).toBe(500)
    expect(String(host.reportedErrors()[0]?.cause)).toContain(problem)
  })

  it('that are no function are refused at start-up', async () => {
    const problem = 'connectedAppsRouter({ fields }) must be a function, not an object with _csrf'
    await expect(question({ fields: { _csrf: 'x' } as never })).rejects.toThrow(new TypeError(problem))
  })
})
