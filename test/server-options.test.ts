import * as oauth from '../src/index'
import { createHost, type HostOptions, issuer } from './support/host'

const { createAuthorizationServer, memoryStorage } = oauth

type Options = Record<string, unknown>
const minimal = (): Options => ({ issuer, storage: memoryStorage(), scopes: ['read', 'clients'] })
const create = (options: Options = {}) =>
  createAuthorizationServer({ ...minimal(), ...options } as unknown as oauth.AuthorizationServerOptions)
const without = (object: object, member: string) => ({ ...object, [member]: undefined })

describe('createAuthorizationServer refuses at start-up, naming the option and the fix:', () => {
  const issuerFix = "issuer must be an https URL without query and fragment, such as 'https://auth.example.com'"
  const storageFix = 'set storage to memoryStorage() or an adapter'
  const grantsFix = 'grants must be a list such as [authorizationCode(), refreshToken()]'

  it.each<[string, Options, string]>([
    [
      'two grants for one response type',
      { grants: [oauth.authorizationCode(), { grantType: 'x', responseType: 'code', authorize: () => ({}) }] },
      'grants has two for response_type code',
    ],
    [
      'an unknown option',
      { issure: issuer },
      'Unknown createAuthorizationServer option issure; there are issuer, storage, storageTimeout, scopes,',
    ],
    ['no issuer', { issuer: undefined }, issuerFix],
    ['an issuer that is no string', { issuer: new URL(issuer) as never }, issuerFix],
    ['an issuer that is no URL', { issuer: 'auth.example.com' }, issuerFix],
    [
      'an issuer with http',
      { issuer: 'http://auth.example.com' },
      'set dangerouslyAllowHttp: true); it is http://auth',
    ],
    ['an issuer with a query', { issuer: `${issuer}?x` }, issuerFix],
    ['an issuer with a fragment', { issuer: `${issuer}#` }, issuerFix],
    ['an issuer with a space', { issuer: `${issuer}/ ` }, issuerFix],
    ['an issuer with a user', { issuer: 'https://a@auth.example.com' }, issuerFix],
    ['an issuer with a password', { issuer: 'https://:b@auth.example.com' }, issuerFix],
    [
      'an http issuer that is allowed by a word',
      { issuer: 'http://auth:3000', dangerouslyAllowHttp: 'yes' },
      'dangerouslyAllowHttp must be true or false',
    ],
    ['another protocol with http allowed', { issuer: 'ftp://auth', dangerouslyAllowHttp: true }, 'it is ftp://auth'],
    [
      'an issuer of another protocol',
      { issuer: 'ftp://localhost' },
      'set dangerouslyAllowHttp: true); it is ftp://localhost',
    ],
    ['an issuer with credentials', { issuer: 'https://a:b@auth.example.com' }, issuerFix],
    ['no storage', { storage: undefined }, storageFix],
    ['storage that is none', { storage: {} }, storageFix],
    [
      'storage without a method of clients',
      { storage: lacking('clients', 'update') },
      'storage.clients.update must be',
    ],
    ['storage without a method of grants', { storage: lacking('grants', 'revoke') }, 'storage.grants.revoke must be'],
    ['no scopes', { scopes: undefined }, "scopes must name every scope, such as { read: 'See your data' }"],
    ['scopes that are null', { scopes: null }, 'scopes must name every scope'],
    ['scopes that are text', { scopes: 'read write' }, 'scopes must name every scope'],
    ['a scope with a space', { scopes: ['read write'] }, 'scopes: read write must be a scope token'],
    ['a scope that is empty', { scopes: { '': 'x' } }, 'must be a scope token (RFC 6749 section 3.3)'],
    ['a scope with a quote', { scopes: { 'a"b': 'x' } }, 'must be a scope token (RFC 6749 section 3.3)'],
    [
      'a scope without words',
      { scopes: { read: 1 } },
      'scopes: read must be a scope token (RFC 6749 section 3.3) with a desc',
    ],
    ['no grants', { grants: [] }, grantsFix],
    ['grants that are no list', { grants: 'password' }, grantsFix],
    ['a grant that was not called', { grants: [oauth.clientCredentials] }, 'a grant has a grantType with handle'],
    ['a grant that does nothing', { grants: [{ grantType: 'x' }] }, 'a grant has a grantType with handle'],
    ['a grant that nobody authorizes', { grants: [{ grantType: 'x', responseType: 'x' }] }, 'a grant has a grantType'],
    [
      'a grant for no response type',
      { grants: [{ grantType: 'x', authorize: () => ({}) }] },
      'a grant has a grantType',
    ],
    ['a grant that is undefined', { grants: [undefined] }, grantsFix],
    [
      'a grant twice',
      { grants: [oauth.refreshToken(), oauth.refreshToken()] },
      'grants has refresh_token more than once',
    ],
    ['an unknown token format', { accessTokens: { ttl: 60 } }, 'accessTokens must be opaque()'],
    [
      'a token format that only makes tokens',
      { accessTokens: { create: () => ({}) } },
      'accessTokens must be opaque()',
    ],
    [
      'a token format that only finds them',
      { accessTokens: { locate: () => undefined } },
      'accessTokens must be opaque()',
    ],
    ['a token format that was not called', { accessTokens: oauth.opaque }, 'accessTokens must be opaque()'],
    ['users without find', { users: {} }, 'users.find must be a function'],
    ['users that are a function', { users: () => undefined }, 'users.find must be a function'],
    ['users that are null', { users: null }, 'users.find must be a function'],
    ['an unknown pkce policy', { pkce: 'none' }, 'pkce must be one of all-clients, public-clients, optional'],
    ['pkce: false', { pkce: false }, 'pkce must be one of all-clients, public-clients, optional'],
    ['a throttle without take', { throttle: {} }, 'throttle.take must be a function'],
    ['privateUseSchemes that is none', { privateUseSchemes: 'dot' }, "privateUseSchemes must be 'any' or 'with-dot'"],
    ['allowHttpRedirectUris that is text', { allowHttpRedirectUris: 'false' }, 'allowHttpRedirectUris must be true or'],
    ['an unknown endpoint', { endpoints: { tokens: '/t' } }, 'Unknown endpoints member tokens; there are authorize, t'],
    ['an endpoint that is a URL', { endpoints: { token: `${issuer}/t` } }, 'endpoints.token must be an absolute path'],
    ['an endpoint without a slash', { endpoints: { token: 'token' } }, "such as '/oauth2/token'"],
    ['an endpoint with two slashes', { endpoints: { token: '//evil' } }, 'endpoints.token must be an absolute path'],
    ['an endpoint with a query', { endpoints: { revoke: '/r?x' } }, 'endpoints.revoke must be an absolute path'],
    ['a tokenResponse that is no function', { tokenResponse: {} }, 'tokenResponse must be a function'],
    ['an onEvent that is no function', { onEvent: 'log' }, 'onEvent must be a function'],
    ['a time that is no function', { now: 5 }, 'now must be a function'],
  ])('%s', (_, options, message) => {
    expect(() => create(options)).toThrow(TypeError)
    expect(() => create(options)).toThrow(message)
  })

  it.each([undefined, null, 'x', 5])('options that are %p', (options) => {
    expect(() => createAuthorizationServer(options as never)).toThrow(
      'The createAuthorizationServer options must be one object, such as { issuer',
    )
  })

  function lacking(collection: 'clients' | 'grants', method: string) {
    const storage = memoryStorage()
    return { ...storage, [collection]: without(storage[collection], method) }
  }
})

describe('createAuthorizationServer', () => {
  it('has the defaults of the documentation', () => {
    const server = create()
    expect([...server.grants.keys()]).toEqual(['authorization_code', 'client_credentials', 'refresh_token'])
    expect(server).toMatchObject({
      issuer,
      codes: { ttl: 60 },
      refreshTokens: { ttl: 14 * 24 * 3600, maxAge: undefined, rotate: true, replayWindow: 60 },
      accessTokens: { ttl: 3600 },
      users: undefined,
      pkce: 'all-clients',
      allowHttpRedirectUris: false,
      privateUseSchemes: 'any',
      endpoints: {},
    })
    expect(Math.abs(server.now() - Date.now() / 1000)).toBeLessThan(2)
  })

  it.each([
    'https://auth.example.com',
    'https://auth.example.com/',
    'https://auth.example.com:8443/tenant/a',
    'http://localhost:3000',
    'http://auth.localhost:3000',
    'http://a.b.localhost/tenant',
    'http://127.0.0.1',
    'http://[::1]:80',
  ])('takes the issuer %s, and keeps it as it is', (name) => {
    expect(create({ issuer: name }).issuer).toBe(name)
  })

  it('takes scopes with words and as a list', () => {
    expect([...create({ scopes: { read: 'See it' } }).scopes]).toEqual([['read', 'See it']])
    expect([...create({ scopes: ['read'] }).scopes]).toEqual([['read', 'read']])
    expect([...create({ scopes: [] }).scopes]).toEqual([])
  })

  it('is frozen: nobody changes it after it was validated', () => {
    const server = create({ endpoints: { token: '/t' } })
    for (const value of [server, server.storage, server.storage.clients, server.storage.grants, server.endpoints]) {
      expect(Object.isFrozen(value)).toBe(true)
    }
  })
})

describe.each<[string, Record<string, () => unknown>, string]>([
  [
    'opaque({ ttl }) must be a whole number of seconds of at least 1',
    Object.fromEntries(
      [0, -1, 1.5, Number.NaN, '60', null].map((ttl) => [`${ttl}`, () => oauth.opaque({ ttl } as never)]),
    ),
    'opaque({ ttl }) must be a whole number of seconds of at least 1, not',
  ],
  [
    'authorizationCode({ ttl }) must be at most ten minutes (RFC 6749 §4.1.2)',
    Object.fromEntries(
      [0, -1, 601, 1.5, '60', null].map((ttl) => [`${ttl}`, () => oauth.authorizationCode({ ttl } as never)]),
    ),
    'authorizationCode({ ttl }) must be a whole number of seconds from 1 to 600, not',
  ],
  [
    'implicit({ ttl }) must be a whole number of seconds',
    Object.fromEntries([0, 1.5, 'x', null].map((ttl) => [`${ttl}`, () => oauth.implicit({ ttl } as never)])),
    'implicit({ ttl }) must be a whole number of seconds of at least 1, not',
  ],
  [
    'refreshToken({ ttl }) must be a whole number of seconds',
    Object.fromEntries([0, -1, 1.5, Number.NaN].map((ttl) => [`${ttl}`, () => oauth.refreshToken({ ttl })])),
    'refreshToken({ ttl }) must be a whole number of seconds of at least 1, not',
  ],
  [
    'refreshToken({ maxAge }) must be a whole number of seconds',
    Object.fromEntries([0, -1, 1.5].map((maxAge) => [`${maxAge}`, () => oauth.refreshToken({ maxAge })])),
    'refreshToken({ maxAge }) must be a whole number of seconds of at least 1, not',
  ],
  [
    'refreshToken({ replayWindow }) must be at most an hour',
    Object.fromEntries(
      [-1, 1.5, 3601].map((replayWindow) => [`${replayWindow}`, () => oauth.refreshToken({ replayWindow })]),
    ),
    'refreshToken({ replayWindow }) must be a whole number of seconds from 0 to 3600, not',
  ],
  [
    "refreshToken({ rotate }) must be true, false or 'public-clients'",
    { no: () => oauth.refreshToken({ rotate: 'no' as never }) },
    "refreshToken({ rotate }) must be true, false or 'public-clients'",
  ],
  [
    'refreshToken({ rotate: false }) shares responses in a window',
    { 'window of 0': () => oauth.refreshToken({ rotate: false, replayWindow: 0 }) },
    'refreshToken({ rotate: false }) needs a replayWindow',
  ],
  [
    'password needs verify',
    {
      nothing: () => (oauth.password as () => unknown)(),
      'no verify': () => oauth.password({} as never),
      'a verify that is no function': () => oauth.password({ verify: 'x' } as never),
    },
    'password({ verify }) must be a function: (username, password) => user id or undefined',
  ],
  [
    'bcryptPasswords needs findByUsername',
    {
      nothing: () => (oauth.bcryptPasswords as () => unknown)(),
      'no findByUsername': () => oauth.bcryptPasswords({} as never),
    },
    'bcryptPasswords: findByUsername must be a function that returns { id, passwordHash }',
  ],
  [
    'authorizeRouter needs decide',
    {
      nothing: () => (oauth.authorizeRouter as (...args: unknown[]) => unknown)(create()),
      'no decide': () => oauth.authorizeRouter(create(), {} as never),
      'a decide that is no function': () => oauth.authorizeRouter(create(), { decide: true } as never),
    },
    'authorizeRouter needs decide: consentPage(), approve(), or a function',
  ],
  [
    'authorizeRouter has three styles',
    { another: () => oauth.authorizeRouter(create(), { decide: () => {}, response: 'html' as never }) },
    "authorizeRouter's response must be 'redirect', 'location' or 'json'",
  ],
  [
    'consentPage needs signIn',
    {
      nothing: () => oauth.authorizeRouter(create(), { decide: oauth.consentPage() }),
      'no signIn': () => oauth.authorizeRouter(create(), { decide: oauth.consentPage({}) }),
      'no signIn in oauthRouter': () => oauth.oauthRouter(create(), { decide: oauth.consentPage(), protect: false }),
      'an empty signIn': () => oauth.consentPage({ signIn: '' }),
      'a signIn that is neither': () => oauth.consentPage({ signIn: 5 as never }),
    },
    "consentPage needs signIn: the path of one of your pages, such as '/login'",
  ],
  [
    'approve needs clients',
    {
      nothing: () => (oauth.approve as () => unknown)(),
      'no clients': () => oauth.approve({} as never),
      true: () => oauth.approve({ clients: true as never }),
      'one id': () => oauth.approve({ clients: 'web' as never }),
    },
    'approve needs clients: a list of client ids, or a predicate. It approves them without asking the user',
  ],
  [
    'tokenRouter reads from two places',
    {
      another: () => oauth.tokenRouter(create(), { parametersFrom: ['header'] as never }),
      'another beside': () => oauth.tokenRouter(create(), { parametersFrom: ['body', 'header'] as never }),
      'no list': () => oauth.tokenRouter(create(), { parametersFrom: 'query' as never }),
    },
    "tokenRouter's parametersFrom may hold 'body' and 'query'",
  ],
  [
    'clientsRouter needs protect',
    {
      nothing: () => (oauth.clientsRouter as (...args: unknown[]) => unknown)(create()),
      'no protect': () => oauth.clientsRouter(create(), {} as never),
      'a protect that is no function': () => oauth.clientsRouter(create(), { protect: true } as never),
    },
    "clientsRouter needs protect, such as bearerGuard(server, { scope: 'clients' })",
  ],
  [
    'clientsRouter knows its admin scope',
    { another: () => oauth.clientsRouter(create(), { protect: () => {}, admin: 'root' }) },
    "clientsRouter's admin must be one of the server's scopes, not root",
  ],
  [
    'oauthRouter needs protect, or to be told that there is none',
    {
      nothing: () => (oauth.oauthRouter as (...args: unknown[]) => unknown)(create()),
      'no protect': () => oauth.oauthRouter(create(), { decide: () => {} } as never),
      true: () => oauth.oauthRouter(create(), { decide: () => {}, protect: true as never }),
    },
    'oauthRouter needs protect: the guard of the clients API',
  ],
  [
    'oauthRouter needs decide where a grant asks users',
    { 'no decide': () => oauth.oauthRouter(create(), { protect: false }) },
    'authorizeRouter needs decide',
  ],
  [
    'bearerGuard knows its scope',
    {
      unknown: () => oauth.bearerGuard(create(), { scope: 'everything' }),
      'one of two': () => oauth.bearerGuard(create(), { scope: ['read', 'everything'] }),
    },
    "bearerGuard's scope everything is not in the server's scopes: read, clients",
  ],
  [
    'bearerGuard reads from three places',
    {
      another: () => oauth.bearerGuard(create(), { tokenFrom: ['cookie'] as never }),
      'no list': () => oauth.bearerGuard(create(), { tokenFrom: 'cookie' as never }),
    },
    "bearerGuard's tokenFrom may hold 'header', 'body' and 'query', not c",
  ],
])('%s', (_, calls, message) => {
  it.each(Object.entries(calls))('refused at start-up: %s', (_, call) => {
    expect(call).toThrow(TypeError)
    expect(call).toThrow(message)
  })
})

it.each<[string, (server: never) => unknown]>([
  ['tokenRouter', oauth.tokenRouter],
  ['revokeRouter', oauth.revokeRouter],
  ['introspectRouter', oauth.introspectRouter],
  ['authorizeRouter', (server) => oauth.authorizeRouter(server, { decide: () => {} })],
  ['bearerGuard', oauth.bearerGuard],
])('%s refuses at start-up what is no authorization server', (_, make) => {
  const options = minimal() as never
  for (const server of [undefined, {}, options] as never[]) {
    expect(() => make(server)).toThrow('must be the value that createAuthorizationServer returned')
  }
})

it('every name of the design is there', () => {
  const names = `createAuthorizationServer OAuthError memoryStorage memoryThrottle opaque
    authorizationCode clientCredentials refreshToken password implicit bcryptPasswords
    authorizeRouter tokenRouter revokeRouter introspectRouter clientsRouter metadataRouter oauthRouter
    consentPage approve bearerGuard requireScope bearerStrategy accessToken
    registerClient updateClient deleteClient rotateClientSecret listClients
    issueCode issueTokens verifyAccessToken listGrants revokeGrants deleteExpired`.split(/\s+/)
  expect(Object.keys(oauth)).toEqual(expect.arrayContaining(names))
})

describe('users', () => {
  it('left out: every id is taken as it is', async () => {
    const host = await createHost({ users: undefined as never })
    host.people.set('carol', { id: 'carol', name: 'Carol' })
    const tokens = await host.signIn(host.web, {}, 'carol')
    host.people.delete('carol')
    expect(await host.isAlive(tokens)).toBe(true)
  })
})

describe('allowHttpRedirectUris', () => {
  const register = (server: oauth.AuthorizationServer) =>
    oauth.registerClient(server, { redirectUris: ['http://intranet.example/cb'] })

  it('lifts https for redirect URIs, and nothing else', async () => {
    await expect(register(create())).rejects.toThrow(/allowHttpRedirectUris/)
    await expect(register(create({ allowHttpRedirectUris: true }))).resolves.toBeDefined()
    const evil = oauth.registerClient(create({ allowHttpRedirectUris: true }), {
      redirectUris: ['javascript:alert(1)'],
    })
    await expect(evil).rejects.toMatchObject({ code: 'invalid_redirect_uri' })
  })
})

it('oauthRouter lets every client introspect its own tokens, and names no registration that there is not', async () => {
  const mount: HostOptions['mount'] = (app, server) =>
    app.use(oauth.oauthRouter(server, { decide: oauth.approve({ clients: ['web'] }), protect: false }))
  const host = await createHost({ mount })
  const { access_token } = await host.signIn()
  expect((await host.introspect(host.web, access_token).expect(200)).body.active).toBe(true)
  const { body } = await host.http().get('/.well-known/oauth-authorization-server').expect(200)
  expect(body).not.toHaveProperty('registration_endpoint')
  expect(body).toHaveProperty('introspection_endpoint')
})

it.each<[string, oauth.Endpoints]>([
  ['two', { authorize: '/oauth', token: '/oauth' }],
  ['two in another spelling', { revoke: '/oauth', token: '/OAuth/' }],
  ['the clients API', { token: '/oauth2/clients' }],
])('oauthRouter refuses at start-up %s at one path', (_, endpoints) => {
  const decide = () => ({ allow: false as const })
  const protect = () => {}
  expect(() => oauth.oauthRouter(create({ endpoints }), { decide, protect })).toThrow(/are both at/)
})

it.each<[string, oauth.Endpoints, oauth.GrantType[]]>([
  ['no clients API', { token: '/oauth2/clients' }, [oauth.authorizationCode()]],
  ['no registration', { introspect: '/oauth2/register' }, [oauth.authorizationCode()]],
  ['no authorization endpoint', { token: '/oauth2/authorize' }, [oauth.clientCredentials()]],
])('oauthRouter takes a path that is free, because there is %s', (_, endpoints, grants) => {
  const decide = () => ({ allow: false as const })
  expect(oauth.oauthRouter(create({ endpoints, grants }), { decide, protect: false })).toEqual(expect.any(Function))
})

describe('storage', () => {
  it('is closed through the server, and needs no close', () => {
    let closed = 0
    const storage = { ...oauth.memoryStorage(), close: () => void closed++ }
    create({ storage }).storage.close?.()
    expect(closed).toBe(1)
    expect(create({ storage: oauth.memoryStorage() }).storage).not.toHaveProperty('close')
  })
})

describe('onEvent', () => {
  it('hears what happens, with the time, and never a secret', async () => {
    const host = await createHost()
    const code = await host.code()
    const tokens = (await host.exchange(host.web, code)).body
    await host.refresh(host.web, tokens.refresh_token)
    await host.revoke(host.web, tokens.access_token)
    const subject = { clientId: 'web', userId: 'alice', grantId: expect.any(String), at: host.clock.now }
    expect(host.events).toEqual([
      { type: 'code.issued', clientId: 'web', userId: 'alice', scope: ['read', 'write'], at: host.clock.now },
      { type: 'token.issued', grantType: 'authorization_code', scope: ['read', 'write'], ...subject },
      { type: 'token.issued', grantType: 'refresh_token', scope: ['read', 'write'], ...subject },
      { type: 'token.revoked', ...subject },
    ])
    const secrets = [code, tokens.access_token, tokens.refresh_token, host.web.clientSecret]
    for (const secret of secrets) expect(JSON.stringify(host.events)).not.toContain(String(secret).slice(-20))
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('the log is full')
      },
    ],
    ['rejects', () => Promise.reject(new Error('the log is full'))],
  ])('that %s changes nothing', async (_, onEvent) => {
    const host = await createHost({ onEvent: onEvent as () => void })
    const tokens = await host.signIn()
    expect(await host.isAlive(tokens)).toBe(true)
    await host.token(undefined, {}).expect(401)
  })
})

describe('now', () => {
  it.each([Number.NaN, undefined, '1800000000', new Date(), Date.now(), {}])(
    'that answers %p is refused at start-up',
    (time) => {
      const options = { issuer: 'https://auth.example.com', storage: memoryStorage(), scopes: [] }
      const now = () => time as number
      expect(() => oauth.createAuthorizationServer({ ...options, now })).toThrow(/^now must return the seconds/)
      const remote = { issuer: options.issuer, resource: 'https://api.example.com' }
      expect(() => oauth.remoteServer({ ...remote, now })).toThrow(/^now must return the seconds/)
    },
  )

  it.each([Number.NaN, undefined, 'soon', Number.POSITIVE_INFINITY, {}])(
    'that answers %p lets nobody in: a token would last for ever',
    async (broken) => {
      let time: unknown = 1_800_000_000
      const host = await createHost({ now: () => time as number })
      const tokens = await host.signIn()
      time = broken
      expect((await host.me(tokens.access_token)).status).toBe(500)
      expect((await host.token(host.web, { grant_type: 'client_credentials' })).status).toBe(500)
      time = 1_800_000_000
      expect(await host.isAlive(tokens)).toBe(true)
    },
  )
})
