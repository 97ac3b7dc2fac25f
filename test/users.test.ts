// The option `users`, said once: who is signed in, and where the host's own pages are. `examples/your-app/README.md`.
import type { Request, RequestHandler } from 'express'
import {
  approve,
  authorizationCode,
  authorizeRouter,
  clientsRouter,
  connectedAppsRouter,
  consentPage,
  createAuthorizationServer,
  type Decide,
  memoryStorage,
  type Users,
} from '../src/index'
import { createHost, type HostOptions, issuer, paths } from './support/host'

/** The session of the host is a header here; Passport's `req.user` is left alone. */
const current = (req: Request) => {
  const id = req.get('X-Session')
  return id === undefined ? undefined : { id, name: `Name of ${id}` }
}
const find = (id: string) => ({ id })
const users: Users = { find, current, signIn: '/login', switchUser: '/logout' }
const serverWith = (options: HostOptions) =>
  createAuthorizationServer({ issuer, storage: memoryStorage(), scopes: ['read'], ...options })

describe('users: { current, signIn, switchUser } is said once', () => {
  it('and consentPage() needs nothing more', async () => {
    const host = await createHost({ users, decide: consentPage() })
    await host
      .authorize(host.web, {}, null)
      .expect(303)
      .expect('Location', /^\/login\?return_to=/)
    const { text } = await host.authorize(host.web, {}, null).set('X-Session', 'carol').expect(200)
    expect(text).toContain('Name of carol')
    expect(text).toContain('/logout?return_to=')
  })

  it('and approve goes by it', async () => {
    const host = await createHost({ users, decide: approve({ clients: ['web'] }) })
    await host.authorize(host.web, {}, null).expect(403)
    const { headers } = await host.authorize(host.web, {}, null).set('X-Session', 'carol').expect(302)
    expect(headers.location).toContain('code=')
  })

  it('and connectedAppsRouter does, which sends nobody to that page', async () => {
    const host = await createHost({
      users,
      mount: (app, server) => void app.use('/apps', connectedAppsRouter(server)),
    })
    await host.http().get('/apps').expect(303).expect('Location', '/login?return_to=%2Fapps')
    const { text } = await host.http().get('/apps').set('X-Session', 'carol').expect(200)
    expect(text).toContain('Name of carol')
  })

  it('and what a page is given itself comes first', async () => {
    const own = { user: () => 'dora', signIn: '/own' }
    const host = await createHost({
      users,
      mount(app, server) {
        app.use(paths.authorize, authorizeRouter(server, { decide: consentPage({ ...own, switchUser: '/other' }) }))
        app.use('/silent', authorizeRouter(server, { decide: approve({ clients: ['web'], user: () => undefined }) }))
        app.use('/apps', connectedAppsRouter(server, { user: () => undefined, signIn: '/own' }))
      },
    })
    const { text } = await host.authorize(host.web, {}, null).set('X-Session', 'carol').expect(200)
    expect(text).toContain('dora')
    expect(text).toContain('/other?return_to=')
    const silent = `/silent?${host.authorizationRequest(host.web)}`
    await host.http().get(silent).set('X-Session', 'carol').expect(403)
    await host
      .http()
      .get('/apps')
      .set('X-Session', 'carol')
      .expect(303)
      .expect('Location', /^\/own/)
  })

  it('and current is req.user where it is left out', async () => {
    const host = await createHost({ users: { find, signIn: '/login' }, decide: approve({ clients: ['web'] }) })
    const tokens = await host.signIn()
    expect((await host.me(tokens.access_token).expect(200)).body.user).toEqual({ id: 'alice' })
  })

  it('calls find as a method of what the host gave', async () => {
    const repository = {
      rows: new Map([['alice', { id: 'alice' }]]),
      find(id: string) {
        return this.rows.get(id)
      },
    }
    const { rows: _, ...methods } = repository
    const found = Object.assign(Object.create({ rows: repository.rows }), methods)
    const host = await createHost({ users: found })
    await host.me((await host.signIn()).access_token).expect(200)
  })
})

describe('at start-up', () => {
  const needs = "consentPage needs signIn: the path of one of your pages, such as '/login'"

  it('a consent page without signIn is refused as soon as the server is known', () => {
    const decide = consentPage()
    expect(() => authorizeRouter(serverWith({}), { decide })).toThrow(new RegExp(`^${needs}.*users\\.signIn`))
    expect(authorizeRouter(serverWith({ users }), { decide })).toEqual(expect.any(Function))
    expect(authorizeRouter(serverWith({}), { decide: consentPage({ signIn: '/in' }) })).toEqual(expect.any(Function))
  })

  it('and in a decider of the host with the first request, as a 500 that the host hears of', async () => {
    const asking = consentPage()
    const host = await createHost({ decide: (...args) => asking(...args) })
    await host
      .authorize(host.web, {}, null)
      .expect(302)
      .expect('Location', /error=server_error/)
    expect(host.reportedErrors()).toMatchObject([{ cause: { message: expect.stringContaining(needs) } }])
  })

  it.each<[string, unknown, string]>([
    ['misspelt member', { find, signin: '/login' }, 'Unknown users member signin; there are find,'],
    ['find', { current, signIn: '/login' }, 'users.find must be a function'],
    ['current', { find, current: 'alice' }, 'users.current must be a function'],
    ['signIn', { find, signIn: '' }, 'users.signIn: the path of one of your pages'],
    ['switchUser', { find, switchUser: 5 }, 'users.switchUser: the path of one of your pages'],
  ])('refuses users with a wrong %s', (_, wrong, message) => {
    expect(() => serverWith({ users: wrong as Users })).toThrow(message)
  })
})

it("a page's own user must be a function", () => {
  const user = 'alice' as never
  const server = serverWith({})
  const deciders = [consentPage({ user, signIn: '/login' }), approve({ user, clients: ['web'] })]
  for (const decide of deciders) {
    expect(() => authorizeRouter(server, { decide })).toThrow(/^(consentPage|approve)'s user must be a function/)
  }
  expect(() => connectedAppsRouter(server, { user })).toThrow("connectedAppsRouter's user must be a function")
})

/** Signed in, without an id that tells them from others. */
const unusable: [string, unknown, RegExp][] = [
  ['{ _id }', { _id: 'alice' }, /an object with _id and no id/],
  ['{ sub }', { sub: 'alice' }, /an object with sub and no id/],
  ['an object as id', { id: { toString: () => 'alice' } }, /an id of type object/],
  ['{ id: null }', { id: null, name: 'Alice' }, /an object without an id/],
  ["{ id: '' }", { id: '' }, /an empty id/],
  ['{}', {}, /an object without an id/],
  ['a list', ['alice'], /a list/],
  ['true', true, /a boolean/],
  ['NaN', Number.NaN, /a number that is not a safe integer/],
]
const nobody = [undefined, null, false, '']

describe('a signed-in user without a usable id is never nobody: a 500 that names the option and the fix', () => {
  const causeOf = (host: Awaited<ReturnType<typeof createHost>>) => {
    const causes = host.reportedErrors().map(({ cause }) => String(cause))
    expect(causes).toHaveLength(1)
    return causes[0] as string
  }
  const deciders: [string, string, (user?: () => unknown) => Decide][] = [
    ['consentPage', "consentPage's user", (user) => consentPage({ signIn: '/login', ...(user && { user }) })],
    ['approve', "approve's user", (user) => approve({ clients: ['web'], ...(user && { user }) })],
  ]

  describe.each(deciders)('at %s', (_, option, make) => {
    it.each(unusable)('%s', async (_name, user, words) => {
      for (const [named, options] of [
        ['users.current', { users: { find, current: () => user }, decide: make() }],
        [option, { decide: make(() => user) }],
      ] as const) {
        const host = await createHost(options)
        const answer = await host.authorize(host.web, {}, null).expect(500)
        expect(answer.headers).not.toHaveProperty('location')
        const cause = causeOf(host)
        expect(cause).toMatch(words)
        expect(cause).toContain(named)
        expect(cause).toContain('must be a string or a number')
        expect(cause).toContain('{ id: String(')
      }
    })

    it('in req.user, which is the default', async () => {
      const session: RequestHandler = (req, _res, next) => {
        Object.assign(req, { user: { _id: 1 } })
        next()
      }
      const host = await createHost({ users: { find, signIn: '/login' }, decide: make(), before: [session] })
      await host.authorize(host.web, {}, null).expect(500)
      expect(causeOf(host)).toContain('users.current (by default req.user) returned an object with _id and no id')
    })

    it.each(nobody)('%p alone is nobody', async (user) => {
      const host = await createHost({ users: { find, current: () => user }, decide: make() })
      const { status } = await host.authorize(host.web, {}, null)
      expect([303, 403]).toContain(status)
      expect(host.reportedErrors()).toEqual([])
    })
  })

  it.each(unusable)('at connectedAppsRouter: %s', async (_, user, words) => {
    const host = await createHost({
      users: { find, current: () => user },
      mount: (app, server) => void app.use('/apps', connectedAppsRouter(server, { signIn: '/login' })),
    })
    await host.http().get('/apps').expect(500)
    expect(causeOf(host)).toMatch(words)
  })

  it('at clientsRouter, where caller says who calls', async () => {
    const protect: RequestHandler = (_req, _res, next) => next()
    const caller = () => ({ userId: { _id: 'alice' } as never, scopes: [] })
    const host = await createHost({
      mount: (app, server) => void app.use('/clients', clientsRouter(server, { protect, caller })),
    })
    await host.http().get('/clients').expect(500)
    expect(causeOf(host)).toMatch(/clientsRouter's caller as userId returned an object with _id and no id/)
  })

  it('at the guard, where users.find returns them', async () => {
    const host = await createHost({ users: { find: (id) => ({ _id: id }) as never } })
    const answer = await host.authorize()
    const { status } = await host.exchange(
      host.web,
      String(new URL(answer.headers.location as string).searchParams.get('code')),
    )
    expect(status).toBe(500)
    expect(causeOf(host)).toMatch(/users\.find must return the user with the requested id.*with _id and no id/)
  })
})

describe('an error of a request goes to the client only where somebody is signed in (RFC 9700 §4.11.2)', () => {
  const wrong = { scope: 'nothing' }
  const goesTo = async (options: HostOptions, session?: string) => {
    const host = await createHost({ grants: [authorizationCode()], ...options })
    const sent = host.authorize(host.web, wrong, null)
    const { status } = await (session === undefined ? sent : sent.set('X-Session', session))
    return status === 302 ? 'client' : 'page'
  }
  const byHand: Decide = (_request, req) => ({ allow: true, userId: req.get('X-Session') as string })

  it('as users.current says', async () => {
    for (const decide of [consentPage(), approve({ clients: ['web'] }), byHand]) {
      expect(await goesTo({ users, decide })).toBe('page')
      expect(await goesTo({ users, decide }, 'carol')).toBe('client')
    }
  })

  it("and a host's own decider, without users.current, is the only one who knows", async () => {
    expect(await goesTo({ decide: byHand })).toBe('client')
  })
})
