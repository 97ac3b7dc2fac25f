import express from 'express'
import {
  authorizationCode,
  type Client,
  type ClientAuthentication,
  clientCredentials,
  clientSecret,
  createAuthorizationServer,
  memoryStorage,
  type PresentedCredentials,
  refreshToken,
  registerClient,
  registerRouter,
  type TokenEndpointAuthMethod,
  updateClient,
} from '../../src'
import { createHost, encode, type Host, type HostOptions, type Parameters, paths } from '../support/host'

/** No name of the closed union: src/ has never heard of it. */
const SHARED_KEY = 'shared_key' as string as TokenEndpointAuthMethod
const CERTIFICATE = 'made_up_certificate' as string as TokenEndpointAuthMethod

interface PresentedKey extends PresentedCredentials {
  readonly key: string
}

/** `X-Client-Key: <client id> <key>`, and the keys in the host's own table. */
function sharedKey(
  keys: Record<string, string>,
  seen: (Client | undefined)[] = [],
): ClientAuthentication<PresentedKey> {
  return {
    methods: [SHARED_KEY],
    presented({ req }) {
      const [clientId, key] = req.get('X-Client-Key')?.split(' ') ?? []
      if (clientId === undefined || key === undefined) return []
      return [{ method: SHARED_KEY, clientId, explicit: true, challenge: 'SharedKey realm="OAuth"', key }]
    },
    verify(_server, client, { key }) {
      seen.push(client)
      return client && keys[client.clientId] === key ? { client } : undefined
    },
  }
}

/** As mutual TLS: a certificate that is there beside everything else, whatever the client meant by it. */
function certificate(subjects: Record<string, string>): ClientAuthentication {
  return {
    methods: [CERTIFICATE],
    presented: ({ req, parameters }) =>
      req.get('X-Certificate') === undefined
        ? []
        : [
            {
              method: CERTIFICATE,
              clientId: parameters.get('client_id'),
              explicit: false,
              subject: req.get('X-Certificate'),
            },
          ],
    verify: (_server, client, presented) =>
      client && subjects[client.clientId] === (presented as { subject?: string }).subject ? { client } : undefined,
  }
}

/** The endpoints at which clients authenticate, and a request for each. */
const endpoints: [string, string, Parameters][] = [
  ['token', paths.token, { grant_type: 'client_credentials' }],
  ['revocation', paths.revoke, { token: 'x' }],
  ['introspection', paths.introspect, { token: 'x' }],
]

let host: Host
let seen: (Client | undefined)[]
const begin = async (options: HostOptions = {}) => {
  seen = []
  const clientAuthentication = [clientSecret(), sharedKey({ robot: 'k1', web: 'k2' }, seen)]
  host = await createHost({ clientAuthentication, ...options })
  const grantTypes = ['client_credentials']
  await host.register({ clientId: 'robot', tokenEndpointAuthMethods: [SHARED_KEY], grantTypes })
  host.storage.calls.length = 0
  host.events.length = 0
}
const send = (path: string, headers: Record<string, string>, parameters: Parameters) =>
  host.http().post(path).set(headers).type('form').send(encode(parameters))
const withKey = (credentials: string) => ({ 'X-Client-Key': credentials })
const basic = (id: string, secret = '') => ({
  Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

describe.each(endpoints)('a method of the host at the %s endpoint', (_, path, parameters) => {
  beforeEach(() => begin())

  it('authenticates the client whose record names it, with one look at storage', async () => {
    await send(path, withKey('robot k1'), parameters).expect(200)
    expect(host.storage.calls.filter((call) => call.startsWith('clients'))).toEqual(['clients.find'])
    expect(seen.map((client) => client?.clientId)).toEqual(['robot'])
  })

  it.each([
    ['a wrong key', 'robot k2', 'robot'],
    ['an unknown client', 'nobody k1', 'nobody'],
    ['a client whose record does not name it', 'web k2', 'web'],
  ])('refuses %s with its own challenge, after one call of verify', async (_, credentials, clientId) => {
    const { headers, body } = await send(path, withKey(credentials), parameters).expect(401)
    expect(body).toEqual({ error: 'invalid_client', error_description: 'Client authentication failed.' })
    expect(headers['www-authenticate']).toBe('SharedKey realm="OAuth"')
    expect(seen).toEqual([clientId === 'robot' ? expect.objectContaining({ clientId }) : undefined])
    const reason = 'unknown client or wrong credentials'
    expect(host.events).toEqual([{ type: 'client.authentication_failed', clientId, reason, at: host.clock.now }])
  })

  it('beside a secret is invalid_request: one method in one request (RFC 6749 §2.3)', async () => {
    const secret = host.web.clientSecret as string
    for (const answer of [
      await send(path, { ...withKey('robot k1'), ...basic('web', secret) }, parameters),
      await send(path, { ...withKey('robot k1'), ...basic('robot') }, parameters),
      await send(path, withKey('robot k1'), { ...parameters, client_id: 'web', client_secret: secret }),
      await send(path, withKey('robot k1'), { ...parameters, client_secret: 'x' }),
    ]) {
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
    }
    expect(host.storage.calls).toEqual([])
  })

  it('goes with the client_id of its client, and with no other one', async () => {
    await send(path, withKey('robot k1'), { ...parameters, client_id: 'robot' }).expect(200)
    const { body } = await send(path, withKey('robot k1'), { ...parameters, client_id: 'web' }).expect(400)
    expect(body.error).toBe('invalid_request')
  })

  it.each<[string, ClientAuthentication['verify'] | undefined, ClientAuthentication['presented'] | undefined]>([
    ['verify throws', () => fail(), undefined],
    ['verify rejects', () => Promise.reject(new Error('the table of keys is gone')), undefined],
    ['verify returns true instead of a client', (() => true) as never, undefined],
    ['presented throws', undefined, () => fail()],
  ])('lets nobody in where %s: 500 and an event', async (_, verify, presented) => {
    const value = sharedKey({ robot: 'k1' })
    await begin({
      clientAuthentication: [
        clientSecret(),
        { ...value, ...(verify && { verify }), ...(presented && { presented }) } as ClientAuthentication,
      ],
    })
    const { body } = await send(path, withKey('robot k1'), parameters).expect(500)
    expect(body.error).toBe('server_error')
    expect(JSON.stringify(body)).not.toContain('table of keys')
    expect(host.reportedErrors().map(({ cause }) => cause)).toEqual([expect.any(Error)])
  })

  it('proves no client whose record does not name it, whatever verify says', async () => {
    const verify: ClientAuthentication['verify'] = async (server) => ({
      client: (await server.storage.clients.find('web')) as Client,
    })
    await begin({ clientAuthentication: [clientSecret(), { ...sharedKey({}), verify } as ClientAuthentication] })
    await send(path, withKey('robot k1'), parameters).expect(401)
  })
})

function fail(): never {
  throw new Error('the table of keys is gone')
}

describe('credentials that are there anyway', () => {
  const endpoint = [paths.token, { grant_type: 'client_credentials' }] as const
  const [path, parameters] = endpoint
  const refresh = { grant_type: 'refresh_token', refresh_token: 'x' }
  beforeEach(async () => {
    await begin({
      clientAuthentication: [certificate({ device: 'CN=device' }), clientSecret(), sharedKey({ robot: 'k1' })],
    })
    const grantTypes = ['client_credentials']
    await host.register({ clientId: 'device', tokenEndpointAuthMethods: [CERTIFICATE], grantTypes })
    host.storage.calls.length = 0
  })
  const there = { 'X-Certificate': 'CN=device' }

  it('count where the record names the method', async () => {
    await send(path, there, { ...parameters, client_id: 'device' }).expect(200)
    expect(host.storage.calls).toEqual(['clients.find', 'grants.insert'])
    await send(path, { 'X-Certificate': 'CN=else' }, { ...parameters, client_id: 'device' }).expect(401)
    await send(path, {}, { ...parameters, client_id: 'device' }).expect(401)
    await send(path, there, { ...parameters }).expect(401)
  })

  it('cost one look at storage, whether the client is there or not', async () => {
    for (const client_id of ['native', 'unknown']) {
      host.storage.calls.length = 0
      await send(path, there, { ...parameters, client_id })
      expect(host.storage.calls).toEqual(['clients.find'])
    }
  })

  it('do not count beside a secret or a key', async () => {
    await send(path, { ...there, ...basic('web', host.web.clientSecret) }, parameters).expect(200)
    await send(path, { ...there, ...withKey('robot k1') }, parameters).expect(200)
    await send(path, { ...there, ...basic('device', 'x') }, parameters).expect(401)
  })

  it('leave a client that may send nothing where it is', async () => {
    const { body } = await send(path, there, { ...refresh, client_id: 'native' }).expect(400)
    expect(body.error).toBe('invalid_grant')
    await send(paths.introspect, there, { token: 'x', client_id: 'native' }).expect(401)
  })
})

describe('the methods of the server', () => {
  it('are in its metadata, with none where a client may send nothing', async () => {
    await begin()
    const { body } = await host.http().get('/.well-known/oauth-authorization-server')
    const withProof = ['client_secret_basic', 'client_secret_post', 'shared_key']
    expect(body).toMatchObject({
      token_endpoint_auth_methods_supported: ['none', ...withProof],
      revocation_endpoint_auth_methods_supported: ['none', ...withProof],
      introspection_endpoint_auth_methods_supported: withProof,
    })
  })

  it('are those that a record may name', async () => {
    await begin()
    const { clientSecret: secret, client } = await registerClient(host.server, {
      tokenEndpointAuthMethods: [SHARED_KEY],
    })
    expect([client.tokenEndpointAuthMethods, secret, client.secrets]).toEqual([[SHARED_KEY], undefined, []])
    await expect(
      registerClient(host.server, { tokenEndpointAuthMethods: [SHARED_KEY], clientSecret: 'a chosen secret' }),
    ).rejects.toMatchObject({ code: 'invalid_client_metadata' })
    const both = await registerClient(host.server, { tokenEndpointAuthMethods: [SHARED_KEY, 'client_secret_basic'] })
    expect(both.client.secrets).toHaveLength(1)
    await updateClient(host.server, 'web', { tokenEndpointAuthMethods: [SHARED_KEY, 'client_secret_post'] })
    await send(paths.token, withKey('web k2'), { grant_type: 'client_credentials' }).expect(200)
    await begin({ clientAuthentication: [clientSecret(), sharedKey({})] })
    await expect(registerClient(host.server, { tokenEndpointAuthMethods: [CERTIFICATE] })).rejects.toThrow(
      'tokenEndpointAuthMethods must be none, client_secret_basic, client_secret_post, shared_key',
    )
  })

  it('are those that a client may register itself with, and what is no secret gets none', async () => {
    await begin({
      mount: (app, server) => {
        app.use('/register', registerRouter(server, { protect: 'open', scopes: ['read'] }))
        app.use(paths.token, express.Router())
      },
    })
    const register = (method: string) =>
      host
        .http()
        .post('/register')
        .send({ redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: method })
    const { body } = await register('shared_key').expect(201)
    expect(body.token_endpoint_auth_method).toBe('shared_key')
    expect(body).not.toHaveProperty('client_secret')
    expect(body).not.toHaveProperty('client_secret_expires_at')
    const wrong = await register('made_up_certificate').expect(400)
    expect(wrong.body.error_description).toContain('none, client_secret_basic, client_secret_post, shared_key')
    // nobody drops the proof of a client from one request to the next
    const { registration_client_uri: uri, registration_access_token: token, client_id } = body
    for (const method of ['none', 'client_secret_basic']) {
      const change = await host
        .http()
        .put(new URL(uri).pathname)
        .auth(token, { type: 'bearer' })
        .send({ client_id, redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: method })
      expect([change.status, change.body.error]).toEqual([400, 'invalid_client_metadata'])
    }
  })

  it('need not have a secret among them: then no secret is looked at, and none is registered', async () => {
    const server = { issuer: 'https://auth.example.com', storage: memoryStorage(), scopes: ['read'] }
    const keysOnly = createAuthorizationServer({ ...server, clientAuthentication: [sharedKey({ robot: 'k1' })] })
    await expect(registerClient(keysOnly, {})).rejects.toThrow(
      'tokenEndpointAuthMethods must be none, shared_key; client_secret_basic is not',
    )
    const { client } = await registerClient(keysOnly, { tokenEndpointAuthMethods: [SHARED_KEY] })
    expect(client.secrets).toEqual([])
  })
})

describe('the option clientAuthentication', () => {
  const create = (clientAuthentication: unknown) =>
    createAuthorizationServer({
      issuer: 'https://auth.example.com',
      storage: memoryStorage(),
      scopes: ['read'],
      grants: [authorizationCode(), clientCredentials(), refreshToken()],
      clientAuthentication: clientAuthentication as ClientAuthentication[],
    })
  const value = sharedKey({})

  it('is [clientSecret(), privateKeyJwt()] where it is left out', () => {
    const options = { issuer: 'https://auth.example.com', storage: memoryStorage(), scopes: ['read'] }
    expect(createAuthorizationServer(options).clientAuthentication.flatMap(({ methods }) => methods)).toEqual([
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
    ])
  })

  it.each<[string, unknown, string]>([
    ['no list', clientSecret(), 'clientAuthentication must be a list such as [clientSecret()]'],
    ['an empty list', [], 'clientAuthentication must be a list such as [clientSecret()]'],
    ['a function that was not called', [clientSecret], 'clientAuthentication must be a list such as [clientSecret()]'],
    ['a value without methods', [{ ...value, methods: [] }], 'a value has methods, presented and verify'],
    ['a value without presented', [{ ...value, presented: undefined }], 'a value has methods, presented and verify'],
    ['a value without verify', [{ ...value, verify: true }], 'a value has methods, presented and verify'],
    ['none as a method', [{ ...value, methods: ['none'] }], "clientAuthentication: 'none' is not a method"],
    ['a method twice', [clientSecret(), clientSecret()], 'clientAuthentication has client_secret_basic more than once'],
  ])('refuses %s at start-up', (_, given, message) => {
    expect(() => create(given)).toThrow(TypeError)
    expect(() => create(given)).toThrow(message)
  })

  it('has a clientSecret() that takes no argument', () => {
    expect(() => (clientSecret as (options: unknown) => unknown)({})).toThrow(TypeError)
  })
})
