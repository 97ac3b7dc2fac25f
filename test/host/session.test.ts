// The commonest fault of the first hour: the session is not there where the router looks for its user. Each way of it is
// told, once, at the second return from the sign-in page at the latest; a visitor who is only signed out is none.
import type express from 'express'
import session from 'express-session'
import { type AuthorizationServer, approve, authorizeRouter, consentPage } from '../../src'
import type { HostPage } from '../../src/types/users'
import { createHost, type Host, paths } from '../support/host'

let printed: jest.SpyInstance
beforeEach(() => {
  printed = jest.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => printed.mockRestore())

const sessions = (cookie: session.CookieOptions = {}) =>
  session({ secret: 'x', resave: false, saveUninitialized: false, cookie })
const warnings = ({ events }: Host) => events.flatMap((event) => (event.type === 'warning' ? [event.code] : []))

/** As the guide has it. */
const storesWayBack: HostPage = (returnTo, req) => {
  Object.assign((req as { session?: object }).session as object, { returnTo })
  return '/login'
}

type Mount = (app: express.Express, router: express.Router) => void
const ways: [string, Mount][] = [
  ['behind the router', (app, router) => void app.use(paths.authorize, router).use(sessions())],
  ['missing', (app, router) => void app.use(paths.authorize, router)],
  ['secure on http', (app, router) => void app.use(sessions({ secure: true })).use(paths.authorize, router)],
  ['of another path', (app, router) => void app.use(sessions({ path: '/account' })).use(paths.authorize, router)],
  [
    'lost each time',
    (app, router) => void app.use(sessions({ domain: 'elsewhere.example' })).use(paths.authorize, router),
  ],
]
/** Where it is not that of the middleware's place. */
const fixes: Readonly<Record<string, string>> = {
  'secure on http': 'set cookie.secure to false',
  'of another path': 'with a cookie for the path /',
  'lost each time': 'check the path, domain and sameSite of its cookie',
}
const pages: [string, HostPage][] = [
  ['a path', '/login'],
  ['a function that keeps the way back in the session', storesWayBack],
]

const hostWith = (mount: Mount, decide = consentPage({ signIn: '/login' })) =>
  createHost({ mount: (app, server: AuthorizationServer) => mount(app, authorizeRouter(server, { decide })) })

/** Comes once from the client, and then back from the sign-in page without a user. */
async function visit(host: Host, times: number, headers: Record<string, string> = {}): Promise<void> {
  for (let visits = 0; visits < times; visits++)
    await host.authorize(host.web, {}, null).set(visits === 0 ? {} : headers)
}

it.each<[string, Mount, string]>(
  ways.map(([way, mount]) => [way, mount, fixes[way] ?? 'mount the session middleware before the router']),
)('the fix is that of a session %s', async (_, mount, fix) => {
  const host = await hostWith(mount)
  await visit(host, 3, { 'Sec-Fetch-Site': 'same-origin' })
  expect(host.events).toContainEqual(expect.objectContaining({ message: expect.stringContaining(fix) }))
})

describe.each(pages)('with signIn as %s,', (_, signIn) => {
  it.each(ways)('a session %s is told, once', async (_, mount) => {
    const host = await hostWith(mount, consentPage({ signIn }))
    await visit(host, 6, { 'Sec-Fetch-Site': 'same-origin' })
    expect(warnings(host)).toEqual(['session_missing'])
    expect(printed).toHaveBeenCalledTimes(1)
  })
})

it('not before the second return, where only the returns tell', async () => {
  const host = await hostWith((app, router) => void app.use(sessions()).use(paths.authorize, router))
  await visit(host, 2)
  expect(warnings(host)).toEqual([])
  await visit(host, 1)
  expect(warnings(host)).toEqual(['session_missing'])
})

it('not of somebody who starts again at the client, nor a quarter of an hour later', async () => {
  const host = await hostWith((app, router) => void app.use(sessions()).use(paths.authorize, router))
  await visit(host, 9, { 'Sec-Fetch-Site': 'cross-site' })
  for (let visits = 0; visits < 5; visits++) {
    host.clock.advance(901)
    await visit(host, 1)
  }
  expect(warnings(host)).toEqual([])
})

it('not of a session that works', async () => {
  const host = await createHost({ decide: consentPage({ signIn: '/login' }), before: [sessions()] })
  await host.authorize(host.web, {}, null).expect(303)
  for (let visits = 0; visits < 5; visits++) await host.authorize().expect(200)
  expect(warnings(host).filter((code) => code === 'session_missing')).toEqual([])
})

describe('approve, which sends nobody to a sign-in page,', () => {
  const decide = approve({ clients: ['web'] })

  it.each(ways.slice(0, 4))('tells of a session %s', async (_, mount) => {
    const host = await hostWith(mount, decide)
    await visit(host, 3)
    expect(warnings(host)).toEqual(['session_missing'])
  })

  it('does not once a user was there, nor where the host says who is signed in', async () => {
    const host = await createHost({ decide })
    await host.authorize()
    await visit(host, 2, { 'Sec-Fetch-Site': 'cross-site' })
    const other = await createHost({ decide: approve({ clients: ['web'], user: () => undefined }) })
    await visit(other, 2)
    expect([warnings(host), warnings(other)]).toEqual([[], []])
  })
})
