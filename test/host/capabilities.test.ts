// What a value in a list of the server brings along is merged by routers that do not know it: ARCHITECTURE S7.
import express, { type Request, Router } from 'express'
import {
  authorizationCode,
  type Capability,
  type ClientMember,
  clientSecret,
  consentPage,
  createAuthorizationServer,
  type GrantType,
  generateSigningKey,
  jwt,
  memoryStorage,
  metadataRouter,
  OAuthError,
  oauthRouter,
  refreshToken,
  registerClient,
  updateClient,
} from '../../src/index'
import { createHost, type HostOptions, issuer } from '../support/host'

const { d: _, ...publicKey } = generateSigningKey()
const key = { ...publicKey, kid: 'telephone' }

const languageMember: ClientMember = {
  name: 'spokenLanguages',
  wire: 'spoken_languages',
  type: {
    words: 'a list of strings',
    is: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  },
  check(member, value) {
    if ((value as string[]).includes('tlh'))
      throw new OAuthError('invalid_client_metadata', `${member} has no Klingon.`)
    return value
  },
  setBy: 'self',
}

/** Made up: a grant that calls the user on the telephone. */
const capability = {
  metadata: (server, urlOf) => ({
    telephone_endpoint: urlOf('telephone'),
    telephone_numbers_supported: [...server.scopes.keys()],
    token_is_at: urlOf('token'),
    nothing: undefined,
    nowhere: urlOf('constructor'),
  }),
  endpoints: {
    telephone: {
      path: '/oauth2/telephone',
      router: (server, { decide, cors }) =>
        Router().get('/', (_req, res) => {
          res.json({ issuer: server.issuer, at: server.endpoints.telephone, asks: typeof decide, cors })
        }),
    },
  },
  clientMembers: [
    languageMember,
    {
      ...languageMember,
      name: 'isTested',
      wire: 'is_tested',
      type: { words: 'true', is: (value) => value === true },
      check: (_member, value) => value,
      setBy: 'admin',
    },
  ],
  jwks: () => keys,
} satisfies Capability
const keys = [key]

const telephone = (more: Capability = capability): GrantType => ({
  grantType: 'urn:example:telephone',
  handle: () => Promise.reject(new OAuthError('invalid_grant', 'Nobody picks up.')),
  ...more,
})
const grants = (more?: Capability) => [authorizationCode(), refreshToken(), telephone(more)]
const serverWith = (options: HostOptions = {}) =>
  createAuthorizationServer({ issuer, storage: memoryStorage(), scopes: ['read'], ...options })

const everything = (options: HostOptions = {}) =>
  createHost({
    grants: grants(),
    endpoints: {},
    ...options,
    mount: (app, server) =>
      void app.use(
        oauthRouter(server, {
          decide: consentPage({ signIn: '/login' }),
          protect: false,
          cors: { origin: 'https://page.example' },
          register: { protect: 'open', scopes: 'read', grantTypes: ['authorization_code', 'urn:example:telephone'] },
        }),
      ),
  })
const wellKnown = '/.well-known/oauth-authorization-server'

describe('a value in the list of grants', () => {
  it('has its endpoint mounted, with what oauthRouter was told, at a server that says where it is', async () => {
    const host = await everything()
    const { body } = await host.http().get('/oauth2/telephone').expect(200)
    const cors = { origin: 'https://page.example' }
    expect(body).toEqual({ issuer, at: '/oauth2/telephone', asks: 'function', cors })
  })

  it('where the endpoints option says, too', async () => {
    const host = await everything({ endpoints: { telephone: '/call' } })
    await host.http().get('/call').expect(200)
    await host.http().get('/oauth2/telephone').expect(418)
    expect((await host.http().get(wellKnown)).body.telephone_endpoint).toBe(`${issuer}/call`)
  })

  it('says its members of the metadata', async () => {
    const { body } = await (await everything()).http().get(wellKnown).expect(200)
    expect(body).toMatchObject({
      telephone_endpoint: `${issuer}/oauth2/telephone`,
      telephone_numbers_supported: ['read', 'write', 'clients', 'admin'],
      token_is_at: `${issuer}/oauth2/token`,
      grant_types_supported: ['authorization_code', 'refresh_token', 'urn:example:telephone'],
    })
    expect(body).not.toHaveProperty('nothing')
    expect(body).not.toHaveProperty('nowhere')
  })

  it('has no endpoint in the metadata that nobody has mounted', async () => {
    const endpoints = { authorize: '/a', token: '/t' }
    const mount = (app: express.Express, server: Parameters<typeof metadataRouter>[0]) =>
      void app.use(metadataRouter(server))
    const host = await createHost({ grants: grants(), endpoints, mount })
    const { body } = await host.http().get(wellKnown).expect(200)
    expect(body).not.toHaveProperty('telephone_endpoint')
    expect(body).toHaveProperty('telephone_numbers_supported')
  })

  it('has its keys in the JWKS, which the metadata names', async () => {
    const host = await everything()
    const { body } = await host.http().get(wellKnown)
    expect(body.jwks_uri).toBe(`${issuer}/.well-known/jwks.json`)
    expect((await host.http().get('/.well-known/jwks.json').expect(200)).body).toEqual({ keys: [key] })
  })

  it('beside those of access tokens, and one that both have is there once', async () => {
    const signing = generateSigningKey()
    const { d, ...half } = signing
    let current = [key, half]
    const value = { ...capability, jwks: () => current }
    const accessTokens = jwt({ keys: signing, audience: 'https://api.example' })
    const host = await everything({ grants: grants(value), accessTokens })
    const kids = async () => {
      const { body } = await host.http().get('/.well-known/jwks.json').expect(200)
      return body.keys.map(({ kid }: { kid: string }) => kid)
    }
    expect(await kids()).toEqual([signing.kid, 'telephone'])
    current = [{ ...key, kid: 'new' }]
    expect(await kids()).toEqual([signing.kid, 'new'])
  })

  it('never publishes a private key: a 500 that the host hears of', async () => {
    const host = await everything({ grants: grants({ jwks: () => [generateSigningKey()] }) })
    const { text } = await host.http().get('/.well-known/jwks.json').expect(500)
    expect(text).not.toContain('"d"')
    expect(host.reportedErrors()).toMatchObject([{ cause: { message: expect.stringContaining('public keys') } }])
  })
})

describe('its client members', () => {
  const register = (host: Awaited<ReturnType<typeof everything>>, members: object) =>
    host
      .http()
      .post('/oauth2/register')
      .send({ redirect_uris: ['https://app.example/cb'], ...members })

  it('are taken at registration, kept, told, replaced and dropped (RFC 7591, 7592)', async () => {
    const host = await everything()
    const { body } = await register(host, { spoken_languages: ['de', 'fr'] }).expect(201)
    expect(body.spoken_languages).toEqual(['de', 'fr'])
    expect(await host.storage.clients.find(body.client_id)).toMatchObject({ spokenLanguages: ['de', 'fr'] })
    const at = body.registration_client_uri.slice(issuer.length)
    const signed = (test: ReturnType<ReturnType<typeof host.http>['get']>) =>
      test.auth(body.registration_access_token, { type: 'bearer' })
    expect((await signed(host.http().get(at)).expect(200)).body.spoken_languages).toEqual(['de', 'fr'])
    const next = { client_id: body.client_id, redirect_uris: body.redirect_uris }
    const put = (members: object) => signed(host.http().put(at)).send({ ...next, ...members })
    expect((await put({ spoken_languages: ['es'] }).expect(200)).body.spoken_languages).toEqual(['es'])
    expect((await put({}).expect(200)).body).not.toHaveProperty('spoken_languages')
  })

  it.each([
    ['of another type', { spoken_languages: 'de' }, 'spoken_languages must be a list of strings.'],
    ['that its own check refuses', { spoken_languages: ['tlh'] }, 'spoken_languages has no Klingon.'],
  ])('are refused when they are %s', async (_, members, description) => {
    const { body } = await register(await everything(), members).expect(400)
    expect(body).toEqual({ error: 'invalid_client_metadata', error_description: description })
  })

  it("that an administrator alone may set are ignored at registration, and are the host's to set", async () => {
    const host = await everything()
    const { body } = await register(host, { is_tested: true }).expect(201)
    expect(await host.storage.clients.find(body.client_id)).not.toHaveProperty('isTested')
    const tested = { isTested: true } as object
    expect(await updateClient(host.server, body.client_id, tested)).toHaveProperty('isTested', true)
    expect((await registerClient(host.server, tested)).client).toHaveProperty('isTested', true)
    await expect(registerClient(host.server, { isTested: 1 } as object)).rejects.toThrow('isTested must be true')
  })
})

type Refused = [string, HostOptions, string]

describe('at start-up', () => {
  const endpoint = capability.endpoints.telephone
  it.each<Refused>([
    [
      'an endpoint that nobody brings along',
      { endpoints: { telephone: '/x' } },
      'Unknown endpoints member telephone; there are authorize, token, revoke, introspect, register, clients',
    ],
    [
      'an endpoint that there is not beside theirs',
      { grants: grants(), endpoints: { telegraph: '/x' } },
      'register, clients, telephone',
    ],
    [
      'the name of an endpoint of the core',
      { grants: grants({ endpoints: { token: endpoint } }) },
      'Two of grants, clientAuthentication, requests and the server declare the endpoint token',
    ],
    [
      'a path that is none',
      { grants: grants({ endpoints: { x: { ...endpoint, path: 'x' } } }) },
      'the path of the endpoint x must be an absolute path',
    ],
    [
      'a router that is none',
      { grants: grants({ endpoints: { x: { path: '/x', router: {} as never } } }) },
      'router of the endpoint x',
    ],
    ['metadata that are no function', { grants: grants({ metadata: {} as never }) }, 'The metadata of a value'],
    ['keys that are no function', { grants: grants({ jwks: [] as never }) }, 'The jwks of a value'],
    [
      'a client member that there is',
      { grants: grants({ clientMembers: [{ ...languageMember, name: 'scopes' }] }) },
      'client member scopes',
    ],
    [
      'a client member of every record',
      { grants: grants({ clientMembers: [{ ...languageMember, name: 'secrets' }] }) },
      'client member secrets',
    ],
    ...['clientSecret', '__proto__', 'constructor', 'toString', 'with space', ''].map(
      (name): Refused => [
        `a client member called ${name}`,
        { grants: grants({ clientMembers: [{ ...languageMember, name }] }) },
        'lient member',
      ],
    ),
    ...[
      'client_id',
      'client_secret',
      'client_secret_expires_at',
      'client_id_issued_at',
      'registration_access_token',
      'registration_client_uri',
      'response_types',
      'software_statement',
      '__proto__',
      'constructor',
    ].map(
      (wire): Refused => [
        `a client member that JSON calls ${wire}`,
        { grants: grants({ clientMembers: [{ ...languageMember, wire }] }) },
        'lient member',
      ],
    ),
    [
      'a client member that anybody sets',
      { grants: grants({ clientMembers: [{ ...languageMember, setBy: 'all' as never }] }) },
      'The client member spokenLanguages must be',
    ],
  ])('refuses %s', (_, options, message) => {
    expect(() => serverWith(options)).toThrow(TypeError)
    expect(() => serverWith(options)).toThrow(message)
  })

  it('refuses a member of the metadata that is there already', () => {
    const value = { metadata: () => ({ issuer: 'https://evil.example' }) }
    const server = serverWith({ grants: grants(value), endpoints: { authorize: '/a', token: '/t' } })
    expect(() => metadataRouter(server)).toThrow('The metadata has issuer already')
  })

  it('refuses two endpoints at one place', () => {
    const server = serverWith({ grants: grants(), endpoints: { telephone: '/oauth2/TOKEN/' } })
    const decide = consentPage({ signIn: '/login' })
    expect(() => oauthRouter(server, { decide, protect: false })).toThrow(/are both at/)
  })

  it('collects one value of two lists once, and what brings nothing along not at all', () => {
    const clientAuthentication = [clientSecret()]
    const server = serverWith({ grants: grants(), clientAuthentication })
    expect(server.capabilities).toEqual([expect.objectContaining({ grantType: 'urn:example:telephone' })])
    expect(Object.isFrozen(server.capabilities)).toBe(true)
    expect(serverWith({ clientAuthentication }).capabilities).toEqual([])
  })
})

describe('oauthRouter({ clients, introspect, register }): an object or false, in one manner', () => {
  const decide = consentPage({ signIn: '/login' })
  const guard = (_req: Request, _res: unknown, next: () => void) => next()
  const mounted = async (options: Omit<Parameters<typeof oauthRouter>[1], 'decide'>) => {
    const mount: HostOptions['mount'] = (app, server) => void app.use(oauthRouter(server, { decide, ...options }))
    const host = await createHost({ endpoints: {}, mount })
    const { body } = await host.http().get(wellKnown).expect(200)
    const found = []
    for (const name of ['introspect', 'clients', 'register']) {
      if ((await host.http().put(`/oauth2/${name}`)).status !== 418) found.push(name)
    }
    return { found, members: ['introspection_endpoint', 'registration_endpoint'].filter((member) => member in body) }
  }

  it('mounts introspection unless it is false, and registration where it is set up', async () => {
    expect(await mounted({ protect: guard })).toEqual({
      found: ['introspect', 'clients'],
      members: ['introspection_endpoint'],
    })
    const register = { protect: 'open', scopes: 'read' } as const
    expect(await mounted({ protect: guard, clients: false, introspect: false, register })).toEqual({
      found: ['register'],
      members: ['registration_endpoint'],
    })
    expect(await mounted({ protect: false, introspect: { resourceServersOnly: true } })).toEqual({
      found: ['introspect'],
      members: ['introspection_endpoint'],
    })
  })

  it.each<[string, object, string]>([
    [
      'a setting of the clients API without one',
      { protect: false, clients: { admin: 'admin' } },
      'clients need protect',
    ],
    [
      'a second guard, of which one would be dropped',
      { protect: guard, clients: { protect: guard } },
      'protect beside clients',
    ],
    ['true', { protect: guard, introspect: true }, "oauthRouter's introspect must be an object of options, or false"],
    ['null', { protect: guard, register: null }, "oauthRouter's register must be an object of options, or false"],
    ['a misspelt option', { protect: guard, clients: { admn: 'admin' } }, 'Unknown clientsRouter option admn'],
    ['an option of before', { protect: guard, admin: 'admin' }, 'Unknown oauthRouter option admin; there are'],
  ])('refuses %s', (_, options, message) => {
    expect(() => oauthRouter(serverWith(), { decide, ...(options as { protect: false }) })).toThrow(message)
  })

  it('mounts the clients API where endpoints.clients says', async () => {
    const mount: HostOptions['mount'] = (app, server) => void app.use(oauthRouter(server, { decide, protect: guard }))
    const host = await createHost({ endpoints: { clients: '/apps' }, mount })
    await host.http().put('/apps').expect(405)
    await host.http().put('/oauth2/clients').expect(418)
  })
})
