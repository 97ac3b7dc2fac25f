// What the first requests tell of a host, each once, where before nothing was said.
import type express from 'express'
import type * as oauth from '../../src'
import { bearerGuard, consentPage, createAuthorizationServer, memoryStorage, oauthRouter, tokenRouter } from '../../src'
import { createHost, type Host, type HostOptions, paths } from '../support/host'

let printed: jest.SpyInstance
const { NODE_ENV } = process.env
beforeEach(() => {
  printed = jest.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => {
  printed.mockRestore()
  process.env.NODE_ENV = NODE_ENV
})

const warnings = ({ events }: Host) => events.flatMap((event) => (event.type === 'warning' ? [event.code] : []))

describe('an issuer of another host', () => {
  const asked = async (options: HostOptions, headers: Record<string, string>) => {
    const host = await createHost(options)
    for (let times = 0; times < 2; times++) await host.token(host.web, { grant_type: 'x' }).set(headers)
    return warnings(host)
  }

  it('is told of', async () => {
    expect(await asked({}, { Host: 'app.example.com' })).toEqual(['issuer_host_differs'])
    process.env.NODE_ENV = 'development'
    expect(await asked({ issuer: 'http://localhost:3000' }, { Host: '127.0.0.1:3000' })).toEqual([
      'issuer_host_differs',
    ])
  })

  it.each<[string, HostOptions, Record<string, string>]>([
    ['the same', {}, { Host: 'auth.example.com' }],
    ['the same with its port', {}, { Host: 'auth.example.com:443' }],
    ['in other letters', {}, { Host: 'Auth.Example.com' }],
    ['behind a proxy', {}, { Host: 'app:3000', 'X-Forwarded-For': '192.0.2.1' }],
    ['a probe', {}, { Host: '10.0.0.7:3000' }],
    ['loopback before a public issuer', {}, { Host: 'localhost:3000' }],
    ['loopback in tests', { issuer: 'http://localhost:3000' }, { Host: '127.0.0.1:41234' }],
  ])('is none where the request is for %s', async (_, options, headers) => {
    expect(await asked(options, headers)).toEqual([])
  })
})

it('memory storage with an https issuer, where nothing says development', () => {
  const codes: string[] = []
  const create = (issuer: string) =>
    createAuthorizationServer({
      issuer,
      storage: memoryStorage(),
      scopes: [],
      onEvent: (event) => void (event.type === 'warning' && codes.push(event.code)),
    })
  for (const environment of ['development', 'test']) {
    process.env.NODE_ENV = environment
    create('https://auth.example.com')
  }
  delete process.env.NODE_ENV
  create('http://localhost:3000')
  expect(codes).toEqual([])
  create('https://auth.example.com')
  expect(codes).toEqual(['memory_storage_in_production'])
})

it.each<[string, NonNullable<HostOptions['mount']>, string[]]>([
  [
    'in front of everything',
    (app, server) => void app.use(bearerGuard(server)).use(paths.token, tokenRouter(server)),
    ['guard_before_endpoint'],
  ],
  [
    'in front of oauthRouter',
    (app, server) =>
      void app
        .use(bearerGuard(server))
        .use(oauthRouter(server, { decide: consentPage({ signIn: '/login' }), protect: false })),
    ['guard_before_endpoint'],
  ],
  ['where it belongs', (app, server) => void app.use(paths.token, tokenRouter(server)).use(bearerGuard(server)), []],
])('a guard %s', async (_, mount, expected) => {
  const host = await createHost({ mount })
  for (let times = 0; times < 2; times++) await host.token(host.web, { grant_type: 'client_credentials' })
  await host.http().post('/other').expect(401)
  expect(warnings(host)).toEqual(expected)
})

describe('an authorization request', () => {
  it('of a client without redirect URIs; to register one is none', async () => {
    const host = await createHost()
    const client = await host.register({ redirectUris: [] })
    expect(warnings(host)).toEqual([])
    await host.authorize({ ...client, redirectUri: 'https://app.example/cb' }).expect(400)
    expect(warnings(host)).toEqual(['client_without_redirect_uris'])
  })

  it('of a client without scopes', async () => {
    const host = await createHost()
    await host.authorize(await host.register({ scopes: [] }))
    expect(warnings(host)).toEqual(['client_without_scopes'])
  })

  it('with a resource, where the server has none', async () => {
    const host = await createHost()
    await host.authorize(host.web, { resource: 'https://api.example.com' })
    expect(warnings(host)).toEqual(['resource_ignored'])
    const other = await createHost({ resources: ['https://api.example.com'] })
    await other.authorize(other.web, { resource: 'https://api.example.com' })
    expect(warnings(other)).toEqual([])
  })

  it('with a resource at the token endpoint alone, and of a client without scopes there', async () => {
    const host = await createHost()
    const credentials = { grant_type: 'client_credentials' }
    await host.token(host.web, { ...credentials, resource: 'https://api.example.com' }).expect(200)
    expect(warnings(host)).toEqual(['resource_ignored'])
    await host.token(await host.register({ scopes: [], grantTypes: ['client_credentials'] }), credentials)
    expect(warnings(host)).toEqual(['resource_ignored', 'client_without_scopes'])
  })

  it('has the id of the client for its name where the record has none', async () => {
    const names: unknown[] = []
    const host = await createHost({
      decide(request) {
        names.push(request.client.name)
        return { allow: false }
      },
    })
    await host.authorize()
    await host.authorize(await host.register({ name: 'Notes' }))
    expect(names).toEqual(['web', 'Notes'])
  })
})

it('a compressed body names Content-Encoding', async () => {
  const host = await createHost()
  const answer = await host.token(host.web, { grant_type: 'client_credentials' }).set('Content-Encoding', 'gzip')
  expect([answer.status, answer.body.error_description]).toEqual([
    415,
    'The request body must have no Content-Encoding.',
  ])
})

it('two copies of the package are named where one has let in what the other is asked about', async () => {
  const copy = await new Promise<typeof import('../../src')>((resolve) =>
    jest.isolateModules(() => resolve(jest.requireActual('../../src'))),
  )
  expect(copy.bearerGuard).not.toBe(bearerGuard)
  const thrown: string[] = []
  const host = await createHost({
    mount(app, server) {
      const tell: express.ErrorRequestHandler = (error, _req, res, _next) => void res.json(thrown.push(error.message))
      app
        .use(bearerGuard(server))
        .get('/a', copy.requireScope('read'))
        .get('/b', (req) => copy.accessToken(req))
        .use(tell)
    },
  })
  const { issueTokens } = jest.requireActual<typeof import('../../src')>('../../src')
  const { access_token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
  for (const path of ['/a', '/b']) await host.http().get(path).auth(access_token, { type: 'bearer' })
  expect(thrown).toEqual(
    Array(2).fill(expect.stringContaining('another copy of express-authorization-server admitted')),
  )
})

describe('two copies of the package in one process', () => {
  /** Makes a server with that copy, and gives the codes of what it was warned of. */
  function create(copy: Pick<typeof oauth, 'createAuthorizationServer' | 'memoryStorage'>): string[] {
    const codes: string[] = []
    const onEvent: HostOptions['onEvent'] = (event) => void (event.type === 'warning' && codes.push(event.code))
    const storage = copy.memoryStorage()
    copy.createAuthorizationServer({ issuer: 'http://localhost:3000', storage, scopes: [], onEvent })
    return codes
  }
  /** The same with a copy of its own. */
  function createAnew(): string[] {
    let codes: string[] = []
    jest.isolateModules(() => {
      codes = create(require('../../src'))
    })
    return codes
  }

  it('are told of by the servers of the second', () => {
    process.env.NODE_ENV = 'development'
    const first = { createAuthorizationServer, memoryStorage }
    expect([create(first), create(first)]).toEqual([[], []])
    expect(createAnew()).toEqual(['package_loaded_twice'])
  })

  it('are none in a test, where every file has modules of its own', () => {
    expect([createAnew(), createAnew()]).toEqual([[], []])
  })
})
