// What a host's function returns is checked where it returns. A mistake is the host's: server_error and an event with the
// fix at once, never the client's error, never a request that hangs.
import type express from 'express'
import {
  approve,
  type ConsentPageOptions,
  clientsRouter,
  consentPage,
  type Decide,
  password,
  refreshToken,
  type Users,
} from '../../src'
import { answerOf, createHost, type Host, paths } from '../support/host'

let printed: jest.SpyInstance
beforeEach(() => {
  printed = jest.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => printed.mockRestore())

const causesOf = (host: Host) => host.reportedErrors().map(({ cause }) => (cause as Error | undefined)?.message)
const warningsOf = ({ events }: Host) => events.flatMap((event) => (event.type === 'warning' ? [event.code] : []))

describe('decide', () => {
  it.each<[string, unknown, string]>([
    ['true', true, 'not a boolean'],
    ['false', false, 'not a boolean'],
    ['null', null, 'not null'],
    ['nothing but a text', '', 'not a string'],
    ['an id', 'alice', 'not a string'],
    ['a user without a yes', { userId: 'alice' }, 'not an object with userId'],
    ['a yes in words', { allow: 'yes', userId: 'alice' }, 'not allow as a string'],
    ['a yes in numbers', { allow: 1, userId: 'alice' }, 'not allow as a number'],
    [
      'no more scope than the client has',
      { allow: true, userId: 'alice', scope: 'read clients' },
      'a scope within request.scope',
    ],
    ['a scope that is no scope', { allow: true, userId: 'alice', scope: { read: true } }, 'not an object with read'],
  ])('that returns %s', async (_, decision, problem) => {
    const host = await createHost({ decide: (() => decision) as Decide })
    const answer = await host.authorize()
    expect(answerOf(answer)).toMatchObject({ error: 'server_error', state: 'xyz' })
    expect(causesOf(host)).toEqual([expect.stringMatching(/^decide must return /)])
    expect(causesOf(host)[0]).toContain(problem)
    expect(host.eventTypes()).not.toContain('authorization.denied')
    expect(host.storage.storedIds()).toEqual([])
  })

  it.each<[string, Partial<Parameters<typeof createHost>[0]>]>([
    ['decide', { decide: () => undefined }],
    ["consentPage's render", { decide: consentPage({ signIn: '/login', render: () => undefined }) }],
  ])('or %s that never answers is a 500 after half a minute', async (_, options) => {
    const timers = jest.spyOn(global, 'setTimeout')
    const host = await createHost(options)
    const answer = host.authorize().then((response) => response)
    let expire: (() => void) | undefined
    while (!expire) {
      await new Promise(setImmediate)
      expire = timers.mock.calls.find(([, after]) => after === 30_000)?.[0] as (() => void) | undefined
    }
    timers.mockRestore()
    expire()
    expect((await answer).status).toBe(500)
    expect(causesOf(host)).toEqual([
      expect.stringContaining('returned nothing and did not answer res within 30 seconds'),
    ])
  })

  it('that answers later by itself is in time', async () => {
    const host = await createHost({
      decide: (_request, _req, res) => void setImmediate(() => res.send('who are you?')),
    })
    expect((await host.authorize().expect(200)).text).toBe('who are you?')
    expect(host.events).toEqual([])
  })
})

describe('approve', () => {
  it.each([1, 'yes', undefined, {}])('whose predicate returns %p', async (answer) => {
    const host = await createHost({ decide: approve({ clients: (() => answer) as never }) })
    expect(answerOf(await host.authorize())).toMatchObject({ error: 'server_error' })
    expect(causesOf(host)).toEqual([expect.stringMatching(/^approve\(\{ clients \}\) must return true or false/)])
  })
})

describe('users', () => {
  it.each<[string, Users['find'], string]>([
    ['rows', (id) => [{ id }] as never, 'a list (its first member may be the user)'],
    [
      'a query result',
      () => ({ rows: [], rowCount: 0 }) as never,
      'a query result (the first of its rows may be the user)',
    ],
    ['another user', () => ({ id: 'bob' }), 'not another user'],
    ['a user without an id', () => ({ name: 'Alice' }), 'an object without an id'],
  ])('find that returns %s', async (_, find, problem) => {
    const host = await createHost({ users: { find } })
    const answer = await host.exchange(host.web, await host.code())
    expect([answer.status, answer.body.error]).toEqual([500, 'server_error'])
    expect(causesOf(host)).toEqual([expect.stringContaining(problem)])
  })

  it('find that returns a number for an id in text is right', async () => {
    const host = await createHost({ users: { find: () => ({ id: 7 }) }, decide: () => ({ allow: true, userId: '7' }) })
    await host.exchange(host.web, await host.code()).expect(200)
  })

  it('find that has nobody for a user who agreed a moment ago: a forgotten return', async () => {
    const host = await createHost({ users: { find: () => undefined } })
    const answer = await host.exchange(host.web, await host.code())
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
    expect(warningsOf(host)).toEqual(['user_not_found'])
  })

  it('find that has nobody at a refresh is a deleted user, and no mistake', async () => {
    const host = await createHost()
    const { refresh_token } = await host.signIn()
    host.people.delete('alice')
    await host.refresh(host.web, refresh_token).expect(400)
    expect(warningsOf(host)).toEqual([])
  })

  it.each<[string, unknown, string]>([
    ['rows', [{ id: 'alice' }], 'a list'],
    ['a query result', { rows: [{ id: 'alice' }] }, 'a query result'],
    ['true', true, 'a boolean'],
  ])('current that returns %s', async (_, user, problem) => {
    const users: Users = { find: (id) => ({ id }), current: () => user, signIn: '/login' }
    const host = await createHost({ users, decide: consentPage() })
    await host.authorize().expect(500)
    expect(causesOf(host)[0]).toContain(`users.current returned ${problem}`)
  })

  it.each<[string, unknown, string]>([
    ['nothing', () => undefined, 'must return a URL, not undefined'],
    [
      'the response of a handler',
      (_req: unknown, res: { redirect: (to: string) => void }) => res.redirect('/login'),
      'are called with (returnTo, req)',
    ],
    ['a number', () => 7, 'must return a URL, not a number'],
  ])('signIn that returns %s', async (_, signIn, problem) => {
    const session: express.RequestHandler = (req, _res, next) => {
      Object.assign(req, { session: {} })
      next()
    }
    const host = await createHost({ decide: consentPage({ signIn: signIn as never }), before: [session] })
    await host.authorize(host.web, {}, null).expect(500)
    expect(causesOf(host)).toEqual([expect.stringContaining(problem)])
  })
})

describe('render', () => {
  const shown = async (render: unknown, before: express.RequestHandler[] = []) => {
    const host = await createHost({ decide: consentPage({ signIn: '/login', render } as ConsentPageOptions), before })
    return { host, answer: await host.authorize() }
  }

  it.each<[string, unknown, string]>([
    ['an object', () => ({ html: '<p>' }), 'not an object with html'],
    ['null', () => null, 'not null'],
    ['a form without fields', () => '<form method="post"><button name="consent" value="allow">', 'without view.fields'],
  ])('that returns %s', async (_, render, problem) => {
    const { host, answer } = await shown(render)
    expect(answerOf(answer)).toMatchObject({ error: 'server_error' })
    expect(causesOf(host)).toEqual([expect.stringContaining(problem)])
  })

  it('has no policy of ours for style, scripts and fonts over its page, but against frames', async () => {
    const { answer } = await shown(() => '<style>b{}</style>')
    expect(answer.headers['content-security-policy']).toBe("frame-ancestors 'none'")
  })

  it('keeps the policy that the host has set in front', async () => {
    const helmet: express.RequestHandler = (_req, res, next) => {
      res.setHeader('Content-Security-Policy', "default-src 'self'")
      next()
    }
    const { answer } = await shown(() => '<p>', [helmet])
    expect(answer.headers['content-security-policy']).toBe("default-src 'self', frame-ancestors 'none'")
  })

  it('whose form comes back without our field is told of', async () => {
    const { host } = await shown((_view: unknown, _req: unknown, res: express.Response) => void res.send('<form>'))
    await host
      .http()
      .post(`${paths.authorize}?${host.authorizationRequest(host.web)}`)
      .set('X-User', 'alice')
      .type('form')
      .send('consent=allow')
    expect(warningsOf(host)).toEqual(['consent_form_incomplete'])
  })
})

describe("the clients API's caller", () => {
  const asked = async (caller: unknown) => {
    const mount = (app: express.Express, server: Host['server']) => {
      const options = {
        protect: (_req: unknown, _res: unknown, next: () => void) => next(),
        caller: () => caller as never,
      }
      app.use(paths.clients, clientsRouter(server, options))
    }
    const host = await createHost({ mount })
    return { host, answer: await host.http().get(paths.clients) }
  }

  it.each<[string, unknown]>([
    ['without scopes', { userId: 'alice' }],
    ['with scopes as text', { userId: 'alice', scopes: 'read' }],
    ['true', true],
    ['with an audience as text', { userId: 'alice', scopes: [], audience: 'https://api.example' }],
  ])('%s', async (_, caller) => {
    const { host, answer } = await asked(caller)
    expect(answer.status).toBe(500)
    expect(causesOf(host)).toEqual([expect.stringMatching(/^clientsRouter's caller must return \{ userId, scopes \}/)])
  })

  it.each([undefined, null, false])('%p is no caller: 403', async (caller) => {
    const { host, answer } = await asked(caller)
    expect([answer.status, answer.body.error]).toEqual([403, 'access_denied'])
    expect(host.events).toEqual([])
  })
})

describe('tokenResponse', () => {
  it('that removes the access token uses up nothing', async () => {
    const tokenResponse = jest.fn((): Record<string, unknown> => ({ user: 'alice' }))
    const host = await createHost({ tokenResponse })
    const code = await host.code()
    expect((await host.exchange(host.web, code)).status).toBe(500)
    expect(causesOf(host)).toEqual([
      expect.stringMatching(/^The tokenResponse option must return .*: without the access token$/),
    ])
    tokenResponse.mockImplementation(((body: object) => body) as never)
    await host.exchange(host.web, code).expect(200)
  })

  it('may give it another name, for an old API', async () => {
    const host = await createHost({ tokenResponse: ({ access_token }) => ({ data: { token: access_token } }) })
    await host.exchange(host.web, await host.code()).expect(200)
  })
})

it.each([7, 7n, true])('password({ verify }) that returns %p, such as a count, makes no user of it', async (answer) => {
  const grants = [password({ verify: (() => answer) as never }), refreshToken()]
  const host = await createHost({ grants })
  const response = await host.token(host.web, { grant_type: 'password', username: 'alice', password: 'x' })
  expect([response.status, response.body.error]).toEqual([500, 'server_error'])
  expect(causesOf(host)).toEqual([expect.stringContaining('password({ verify })')])
})
