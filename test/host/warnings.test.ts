// Mistakes of a host that the library sees from inside: each is warned of once, and a correct app never hears of any.
import express from 'express'
import express4 from 'express4'
import { listen } from '../../examples/shared/start'
import { createApp } from '../../examples/your-app/quickstart'
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  authorizationCode,
  consentPage,
  createAuthorizationServer,
  memoryStorage,
  metadataRouter,
  oauthRouter,
  opaque,
  refreshToken,
  tokenRouter,
} from '../../src'
import { openBrowser } from '../interoperability/browser'
import { demoTokens } from '../interoperability/quickstart'
import { createHost, type Host, type HostOptions, paths } from '../support/host'
import { observedStorage } from '../support/storage'

let printed: jest.SpyInstance<void, unknown[]>
beforeEach(() => {
  printed = jest.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => printed.mockRestore())

/** What was warned of, by code, on the console. */
const codesPrinted = () => printed.mock.calls.map(([line]) => /: ([a-z_]+): /.exec(String(line))?.[1])

/** What was warned of through `onEvent`, which must be the same. */
function warningsOf({ events }: Pick<Host, 'events'>): string[] {
  const codes = events.flatMap((event) => (event.type === 'warning' ? [event.code] : []))
  expect(codes).toEqual(codesPrinted())
  return codes
}

const ask = (host: Host, path = paths.token) => host.http().post(path).type('form').send('grant_type=x')

describe('at start-up', () => {
  const { NODE_ENV } = process.env
  afterEach(() => {
    process.env.NODE_ENV = NODE_ENV
  })

  function codesAt(environment: string, options: Partial<AuthorizationServerOptions>): string[] {
    printed.mockClear()
    process.env.NODE_ENV = environment
    const events: Host['events'] = []
    const onEvent = (event: Host['events'][number]) => void events.push(event)
    const issuer = 'https://auth.example.com'
    createAuthorizationServer({ issuer, storage: observedStorage(), scopes: [], onEvent, ...options })
    return warningsOf({ events })
  }

  it('warns of memoryStorage() in production', () => {
    expect(codesAt('production', { storage: memoryStorage() })).toEqual(['memory_storage_in_production'])
    expect(codesAt('development', { storage: memoryStorage() })).toEqual([])
  })

  it('warns of memoryStorage() with an https issuer that is not on loopback, where no environment is named', () => {
    const codes = ['https://auth.example', 'https://127.0.0.1:3000', 'https://localhost'].map((issuer) =>
      codesAt('', { issuer, storage: memoryStorage() }),
    )
    expect(codes).toEqual([['memory_storage_in_production'], [], []])
  })

  it('warns of an http issuer in production', () => {
    const issuer = 'http://localhost:3000'
    expect(codesAt('production', { issuer })).toEqual(['http_issuer_in_production'])
    expect(codesAt('test', { issuer })).toEqual([])
  })

  it('warns of a replayWindow that is longer than an access token lives', () => {
    const grants = (options: object) => [authorizationCode(), refreshToken(options)]
    const accessTokens = opaque({ ttl: 59 })
    expect(codesAt('production', { accessTokens })).toEqual(['replay_window_exceeds_access_token'])
    expect(codesAt('production', { accessTokens, grants: grants({ replayWindow: 59 }) })).toEqual([])
    expect(codesAt('production', { accessTokens, grants: grants({ rotate: false }) })).toEqual([])
    expect(codesAt('production', { accessTokens, grants: [authorizationCode()] })).toEqual([])
    expect(codesAt('production', {})).toEqual([])
  })

  it('prints a line that names the code and says what is wrong, also without a listener', () => {
    process.env.NODE_ENV = 'production'
    createAuthorizationServer({ issuer: 'https://a.example', storage: memoryStorage(), scopes: [] })
    expect(printed.mock.calls).toEqual([
      [expect.stringMatching(/^express-authorization-server: memory_storage_in_production: memoryStorage\(\) loses/)],
    ])
  })

  it('a listener that throws, or looks for the server that is not there yet, ends nothing', () => {
    const server: AuthorizationServer = createAuthorizationServer({
      issuer: 'https://a.example',
      storage: observedStorage(),
      scopes: [],
      accessTokens: opaque({ ttl: 1 }),
      onEvent: () => void server.now(),
    })
    expect(codesPrinted()).toEqual(['replay_window_exceeds_access_token'])
  })
})

describe('a router mounted elsewhere than the metadata says', () => {
  const at = (path: string, options: HostOptions = {}) =>
    createHost({ mount: (app, server) => void app.use(path, tokenRouter(server)), ...options })

  it('is warned of with the first request, once', async () => {
    const host = await at('/token')
    for (let times = 0; times < 3; times++) await ask(host, '/token')
    expect(warningsOf(host)).toEqual(['router_mounted_elsewhere'])
    expect(printed.mock.calls[0]?.[0]).toContain('at /token, but metadata says /oauth2/token')
  })

  it.each([
    ['another route of the host', '/api/health'],
    ['the metadata', '/api/.well-known/oauth-authorization-server'],
    ['nothing', '/api'],
  ])(
    'is warned of where all of them are below a path, with the first request, whatever that is: %s',
    async (_, path) => {
      const host = await createHost({
        endpoints: {},
        mount: (app, server) =>
          void app.use('/api', oauthRouter(server, { decide: consentPage({ signIn: '/login' }), protect: false })),
      })
      await host.http().get('/elsewhere')
      expect(warningsOf(host)).toEqual([])
      for (let times = 0; times < 2; times++) await host.http().get(path)
      expect(warningsOf(host)).toEqual(['router_mounted_elsewhere'])
      expect(printed.mock.calls[0]?.[0]).toContain('oauthRouter is mounted below /api')
    },
  )

  it('is warned of where the metadata is below a path that is none of its own', async () => {
    for (const [place, warned] of [
      ['/api', ['router_mounted_elsewhere']],
      ['/.well-known', []],
      ['/', []],
    ] as const) {
      printed.mockClear()
      const host = await createHost({ mount: (app, server) => void app.use(place, metadataRouter(server)) })
      await host.http().get(`${place}/x`)
      expect(warningsOf(host)).toEqual(warned)
    }
  })

  it('is warned of where all of them are below a path', async () => {
    const mount: HostOptions['mount'] = (app, server) => {
      app.use('/api', oauthRouter(server, { decide: () => ({ allow: false }), protect: false }))
    }
    const host = await createHost({ endpoints: {}, mount })
    await ask(host, '/api/oauth2/token')
    expect(warningsOf(host)).toEqual(['router_mounted_elsewhere'])
  })

  it.each([
    [
      'app.post',
      '/oauth2/token',
      (app: express.Express, server: AuthorizationServer) => app.post('/oauth2/token', tokenRouter(server)),
    ],
    [
      'a router in a router',
      '/oauth2/token',
      (app: express.Express, server: AuthorizationServer) =>
        app.use('/oauth2', express.Router().use('/token', tokenRouter(server))),
    ],
    [
      'a trailing slash',
      '/oauth2/token/',
      (app: express.Express, server: AuthorizationServer) => app.use('/oauth2/token', tokenRouter(server)),
    ],
    [
      'another case',
      '/OAuth2/Token',
      (app: express.Express, server: AuthorizationServer) => app.use('/oauth2/token', tokenRouter(server)),
    ],
    [
      'a query',
      '/oauth2/token?a=/b',
      (app: express.Express, server: AuthorizationServer) => app.use('/oauth2/token', tokenRouter(server)),
    ],
  ])('is not a router that is where it should be: %s', async (_, path, mount) => {
    const host = await createHost({ mount: (app, server) => void mount(app, server) })
    await ask(host, path)
    expect(warningsOf(host)).toEqual([])
  })

  it('is not one whose path is nowhere stated', async () => {
    const host = await at('/token', { endpoints: {} })
    await ask(host, '/token')
    expect(warningsOf(host)).toEqual([])
  })

  it('is not the second of two: an old name beside the new one', async () => {
    const host = await createHost({
      mount: (app, server) => void app.use('/old', tokenRouter(server)).use(paths.token, tokenRouter(server)),
    })
    for (const path of ['/old', paths.token]) await ask(host, path)
    expect(warningsOf(host)).toEqual([])
  })

  it.each([
    ['X-Forwarded-For', '192.0.2.1'],
    ['X-Forwarded-Proto', 'http'],
    ['Forwarded', 'for=192.0.2.1'],
    ['Via', '1.1 proxy'],
  ])('is not one behind a proxy that takes off the beginning of the path, known by %s', async (name, value) => {
    const host = await at('/token', { before: [] })
    await ask(host, '/token').set(name, value)
    expect(warningsOf(host)).toEqual([])
    const other = await at('/elsewhere')
    await ask(other, '/elsewhere').set(name, value)
    expect(warningsOf(other)).toEqual(['router_mounted_elsewhere'])
  })
})

describe.each([
  ['4', express4 as unknown as typeof express],
  ['5', express],
])('a proxy in front of Express %s', (_, expressOf) => {
  async function codesBehind(
    trustProxy: unknown,
    issuer = 'https://auth.example.com',
    protocol = 'https',
  ): Promise<string[]> {
    const host = await createHost({ issuer })
    const app = expressOf().set('trust proxy', trustProxy).use(host.app)
    const listener = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => listener.once('listening', resolve))
    const { port } = listener.address() as { port: number }
    for (let times = 0; times < 2; times++) {
      const headers = { 'X-Forwarded-Proto': protocol, 'X-Forwarded-For': '192.0.2.1' }
      await fetch(`http://127.0.0.1:${port}${paths.token}`, { method: 'POST', headers })
    }
    listener.closeAllConnections()
    await new Promise((resolve) => listener.close(resolve))
    return warningsOf(host)
  }

  it('that Express does not trust is warned of, when the issuer is https', async () => {
    expect(await codesBehind(false)).toEqual(['proxy_not_trusted'])
    expect(printed.mock.calls[0]?.[0]).toContain('from one network, by http')
  })

  it('that is behind another one goes by the protocol of the browser, which is the first', async () => {
    expect(await codesBehind(false, undefined, 'http,https')).toEqual([])
    expect(await codesBehind(false, undefined, 'https,http')).toEqual(['proxy_not_trusted'])
  })

  it('that is trusted is right', async () => {
    expect(await codesBehind(1)).toEqual([])
    expect(await codesBehind('loopback')).toEqual([])
    expect(await codesBehind(false, 'http://localhost:3000')).toEqual([])
  })
})

it('a call from inside, around the proxy, is no mistake', async () => {
  const host = await createHost()
  await ask(host)
  await ask(host).set('X-Forwarded-Proto', 'http')
  expect(warningsOf(host)).toEqual([])
})

describe('a body that was read before', () => {
  const drain: express.RequestHandler = (req, _res, next) => void req.resume().once('end', () => next())

  it('and is not in req.body is warned of', async () => {
    const host = await createHost({ before: [drain] })
    for (let times = 0; times < 2; times++) await ask(host).expect(500)
    expect(warningsOf(host)).toEqual(['body_read_before'])
  })

  it.each<[string, express.RequestHandler[]]>([
    ['urlencoded', [express.urlencoded({ extended: false })]],
    ['text', [express.text({ type: () => true })]],
    ['raw', [express.raw({ type: () => true })]],
    ['json, which leaves a form alone', [express.json()]],
    ['no parser', []],
  ])('by a parser is right: %s', async (_, before) => {
    const host = await createHost({ before })
    await ask(host)
    await host.http().post(paths.token)
    expect(warningsOf(host)).toEqual([])
  })

  it('is not a request without one', async () => {
    const host = await createHost({ before: [drain] })
    await host.http().post(paths.token)
    await host.authorize()
    expect(warningsOf(host)).toEqual([])
  })
})

describe('a session that is missing in front of the consent page', () => {
  const decide = consentPage({ signIn: '/login?theme=dark' })

  /** The authorization request of a browser that nobody is signed in at, with the page it comes from. */
  function visit(host: Host, from?: (origin: string) => string) {
    const sent = host.authorize(host.web, {}, null)
    const { host: name } = new URL(sent.url)
    return (from ? sent.set('Referer', from(`http://${name}`)) : sent).set('Host', name).expect(303)
  }
  const fromSignIn = (origin: string) => `${origin}/login?theme=dark&return_to=%2F`
  const withSession = (session: unknown): express.RequestHandler => {
    return (req, _res, next) => {
      Object.assign(req, { session })
      next()
    }
  }

  it('is warned of when a browser comes back from the sign-in page, and is nobody still', async () => {
    const host = await createHost({ decide })
    await visit(host)
    expect(warningsOf(host)).toEqual([])
    for (let times = 0; times < 2; times++) await visit(host, fromSignIn)
    expect(warningsOf(host)).toEqual(['session_missing'])
    expect(printed.mock.calls[0]?.[0]).toContain('neither req.session nor a user')
  })

  it('is warned of when Passport has a user in it, and nothing makes it req.user', async () => {
    const host = await createHost({ decide, before: [withSession({ passport: { user: 'alice' } })] })
    await visit(host)
    expect(warningsOf(host)).toEqual(['session_missing'])
    expect(printed.mock.calls[0]?.[0]).toContain('a session with a user of Passport, but no req.user')
  })

  it('is not one whose user the page does not take', async () => {
    const before = [withSession({ passport: { user: 'alice' } })]
    const host = await createHost({ decide: consentPage({ signIn: '/login', user: () => undefined }), before })
    await host.authorize().expect(303)
    expect(warningsOf(host)).toEqual([])
  })

  it('is not one that has nobody signed in yet', async () => {
    const host = await createHost({ decide, before: [withSession({ passport: {} })] })
    await visit(host)
    await visit(host, fromSignIn)
    expect(warningsOf(host)).toEqual([])
  })

  it.each<[string, (origin: string) => string]>([
    ['of another site', () => 'https://evil.example/login'],
    ['that is not the sign-in page', (origin) => `${origin}/`],
    ['of another port', () => 'http://127.0.0.1:1/login'],
    ['that is no URL', () => '/login'],
  ])('is not to be told from a page %s', async (_, from) => {
    const host = await createHost({ decide })
    await visit(host, from)
    expect(warningsOf(host)).toEqual([])
  })
})

describe('a correct app', () => {
  it('such as the quickstart is never warned', async () => {
    const app = await listen(createApp)
    const tokens = await demoTokens(app.issuer, 'profile clients')
    const browser = openBrowser()
    await browser.get(`${app.issuer}/account/apps`)
    for (const path of ['token', 'revoke_token', 'introspect']) {
      const body = new URLSearchParams({ client_id: 'demo', token: tokens.refresh_token })
      await fetch(`${app.issuer}/oauth2/${path}`, { method: 'POST', body })
    }
    await app.close()
    expect(printed.mock.calls).toEqual([])
  })

  it('such as the host of these tests is never warned', async () => {
    const host = await createHost({ decide: consentPage({ signIn: '/login' }) })
    await host.authorize()
    await host.authorize(host.web, {}, null)
    await host.introspect(host.api, 'x')
    await host.revoke(host.web, 'x')
    await host.token(host.web, { grant_type: 'client_credentials' })
    expect(warningsOf(host)).toEqual([])
  })
})
