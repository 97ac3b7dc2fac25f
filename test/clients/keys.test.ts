// The keys of clients: in the record, at a jwks_uri, and the ways by which they come there (RFC 7591 §2, RFC 7517).
import { generateKeyPairSync } from 'node:crypto'
import {
  bearerGuard,
  clientSecret,
  issueTokens,
  oauthRouter,
  privateKeyJwt,
  type RegisterClientOptions,
  registerClient,
  updateClient,
} from '../../src'
import { type AssertionChange, asserted, type ClientKey, clientKey, signAssertion } from '../support/assertions'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { createHost, type Host, type HostOptions, paths } from '../support/host'

let key: ClientKey
let next: ClientKey
let documents: DocumentHost
let host: Host
beforeAll(async () => {
  ;[key, next] = await Promise.all([clientKey(), clientKey()])
})
const onLoopback = () => ({
  clientAuthentication: [clientSecret(), privateKeyJwt({ dangerouslyAllowLoopback: true })],
  clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true },
})
beforeEach(async () => {
  documents = await createDocumentHost()
  host = await createHost(onLoopback())
})
afterEach(() => documents.close())

const robot = {
  clientId: 'robot',
  tokenEndpointAuthMethods: ['private_key_jwt' as const],
  grantTypes: ['client_credentials'],
}
const publish = (...keys: ClientKey[]) => documents.at('/jwks.json', { keys: keys.map(({ jwk }) => jwk) })
const request = async (by = key, change: AssertionChange = {}, clientId = 'robot') =>
  host
    .http()
    .post(paths.token)
    .type('form')
    .send({
      grant_type: 'client_credentials',
      ...asserted(await signAssertion(clientId, by, { now: host.clock.now, ...change })),
    })
const statusOf = async (by = key, change: AssertionChange = {}) => (await request(by, change)).status

describe('keys at a jwks_uri', () => {
  beforeEach(async () => {
    await host.register({ ...robot, jwksUri: publish(key) })
  })

  it('are fetched when they are needed, and kept for five minutes', async () => {
    expect([await statusOf(), await statusOf()]).toEqual([200, 200])
    host.clock.advance(299)
    expect([await statusOf(), documents.asked.length]).toEqual([200, 1])
    host.clock.advance(1)
    expect([await statusOf(), documents.asked.length]).toEqual([200, 2])
  })

  it('a key that is taken out there is refused within five minutes', async () => {
    await statusOf()
    publish(next)
    host.clock.advance(300)
    expect(await statusOf()).toBe(401)
  })

  it('a key that is new is found by its kid: one fetch a minute, however many ask', async () => {
    await statusOf()
    publish(key, next)
    expect(await Promise.all([statusOf(next), statusOf(next)])).toEqual([401, 401])
    expect(documents.asked).toHaveLength(1)
    host.clock.advance(60)
    expect(await Promise.all([statusOf(next), statusOf(next), statusOf(key)])).toEqual([200, 200, 200])
    expect(documents.asked).toHaveLength(2)
    const unknown = await clientKey()
    for (let n = 0; n < 5; n++) expect(await statusOf(unknown)).toBe(401)
    expect(documents.asked).toHaveLength(2)
  })

  it('are fetched once for all that ask at the same time', async () => {
    const statuses = await Promise.all(Array.from({ length: 20 }, () => statusOf()))
    expect([new Set(statuses), documents.asked.length]).toEqual([new Set([200]), 1])
  })

  it.each<[string, () => void]>([
    ['are not there', () => documents.at('/jwks.json', (_req, res) => void res.writeHead(500).end())],
    ['are no set', () => documents.at('/jwks.json', { key: 1 })],
    [
      'are elsewhere',
      () => documents.at('/jwks.json', (_req, res) => void res.writeHead(302, { Location: '/x' }).end()),
    ],
    ['are too many bytes', () => documents.at('/jwks.json', { keys: [key.jwk], more: 'x'.repeat(64 * 1024) })],
  ])('that %s are no reason to throw tokens away: 400 with Retry-After, and an event says why', async (_, bend) => {
    bend()
    const { status, body, headers } = await request()
    expect([status, body, headers['retry-after']]).toEqual([
      400,
      { error: 'temporarily_unavailable', error_description: "The client's keys could not be fetched." },
      '10',
    ])
    expect(host.events).toContainEqual(
      expect.objectContaining({
        type: 'client.document_refused',
        clientId: 'robot',
        reason: expect.stringMatching(/^its jwks_uri: /),
      }),
    )
    await request()
    expect(documents.asked).toHaveLength(1)
    publish(key)
    host.clock.advance(10)
    expect(await statusOf()).toBe(200)
  })

  it('a key that is not understood, or whose private half is published, is left out and the others are taken', async () => {
    const { d } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
    documents.at('/jwks.json', { keys: [null, 7, { kty: 'x' }, { ...next.jwk, d }, key.jwk] })
    expect(await statusOf(key, { header: { kid: undefined } })).toBe(200)
    expect(await statusOf(next)).toBe(401)
  })

  it('an RSA key that would cost this server milliseconds is left out', async () => {
    const rsa = await clientKey('RS256')
    const heavy = { ...rsa.jwk, kid: 'heavy', e: rsa.jwk.n }
    documents.at('/jwks.json', { keys: [heavy] })
    expect(await statusOf(rsa, { header: { kid: 'heavy' } })).toBe(401)
    const { n, e } = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
    await expect(
      registerClient(host.server, { ...robot, clientId: 'small', jwks: { keys: [{ kty: 'RSA', n, e }] } }),
    ).rejects.toThrow('jwks must have a public key for one of')
  })

  it('of other kinds of documents, application/jwk-set+json is one', async () => {
    documents.at('/jwks.json', (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'application/jwk-set+json' }).end(JSON.stringify({ keys: [key.jwk] }))
    })
    expect(await statusOf()).toBe(200)
  })
})

describe('a jwks_uri is looked at before anything is fetched', () => {
  it.each([
    'http://keys.example/jwks.json',
    'https://10.0.0.1/jwks.json',
    'https://localhost/jwks.json',
    'https://keys.internal/jwks.json',
    'https://user@keys.example/jwks.json',
    'https://keys.example/jwks.json#a',
    'javascript:alert(1)',
    'x',
  ])('%s is refused', async (jwksUri) => {
    host = await createHost()
    await expect(registerClient(host.server, { ...robot, jwksUri })).rejects.toMatchObject({
      code: 'invalid_client_metadata',
      message: 'jwksUri must be an https URL of a public host.',
    })
  })

  it('one whose name is that of this machine is connected to by nobody (SSRF)', async () => {
    host = await createHost()
    await host.register({ ...robot, jwksUri: 'https://keys.example/jwks.json' })
    const record = await host.storage.clients.find('robot')
    const { port } = new URL(documents.origin)
    // as by a name that means another address by now
    const moved = { ...record, jwksUri: `https://127.0.0.1:${port}/jwks.json` }
    host.storage.replace('clients.find', () => moved)
    expect((await request()).body.error).toBe('temporarily_unavailable')
    expect(documents.connections()).toBe(0)
  })

  it('dangerouslyAllowLoopback in production is warned of', async () => {
    const { NODE_ENV } = process.env
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {})
    process.env.NODE_ENV = 'production'
    const warned: unknown[] = []
    const onEvent = (event: { type: string; code?: unknown }) =>
      void (event.type === 'warning' && warned.push(event.code))
    await createHost({ clientAuthentication: onLoopback().clientAuthentication, onEvent })
    await createHost({ onEvent })
    process.env.NODE_ENV = NODE_ENV
    warn.mockRestore()
    expect(warned.filter((code) => code === 'loopback_documents_in_production')).toHaveLength(1)
  })
})

describe('registerClient', () => {
  const register = (options: RegisterClientOptions) => registerClient(host.server, { ...robot, ...options })

  it('keeps the public members of keys, and makes no secret', async () => {
    const { client, clientSecret: secret } = await register({
      jwks: { keys: [{ ...key.jwk, x5c: ['MII'], key_ops: ['verify'] }] },
    })
    expect([client.jwks, secret, client.secrets]).toEqual([{ keys: [key.jwk] }, undefined, []])
  })

  const edwards = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  const privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
  const algorithms = 'ES256, PS256, RS256, ES384, PS384, RS384, ES512, PS512, RS512'
  it.each<[string, () => object, string]>([
    ['no keys', () => ({}), 'a client with private_key_jwt needs keys: jwks or jwks_uri.'],
    ['an empty set', () => ({ jwks: { keys: [] } }), `jwks must have a public key for one of ${algorithms}.`],
    ['EdDSA alone', () => ({ jwks: { keys: [edwards] } }), `jwks must have a public key for one of ${algorithms}.`],
    ['a private key', () => ({ jwks: { keys: [key.jwk, privateKey] } }), 'jwks must have public keys only.'],
    ['a secret', () => ({ jwks: { keys: [key.jwk, { kty: 'oct', k: 'x' }] } }), 'jwks must have public keys only.'],
    [
      'no key for the algorithm that it fixes',
      () => ({ jwks: { keys: [key.jwk] }, tokenEndpointAuthSigningAlg: 'PS256' }),
      'jwks must have a public key for PS256.',
    ],
    [
      'an algorithm that there is not',
      () => ({ jwksUri: 'https://keys.example/jwks.json', tokenEndpointAuthSigningAlg: 'HS256' }),
      `tokenEndpointAuthSigningAlg must be one of ${algorithms}.`,
    ],
    [
      'both',
      () => ({ jwks: { keys: [key.jwk] }, jwksUri: 'https://keys.example/jwks.json' }),
      'jwks and jwks_uri exclude each other.',
    ],
    ['a text for a set', () => ({ jwks: JSON.stringify({ keys: [] }) }), 'jwks must be a JWK Set, { keys: [...] }.'],
    ['a set of nulls', () => ({ jwks: { keys: [null] } }), `jwks must have a public key for one of ${algorithms}.`],
    ['too many keys', () => ({ jwks: { keys: Array(21).fill(key.jwk) } }), 'jwks must have at most 20 keys.'],
    [
      'a kid without end',
      () => ({ jwks: { keys: [{ ...key.jwk, kid: 'x'.repeat(2049) }] } }),
      'jwks must have keys with a kty and members of at most 2048 printable characters.',
    ],
    [
      'another method beside it',
      () => ({ jwks: { keys: [key.jwk] }, tokenEndpointAuthMethods: ['private_key_jwt', 'none'] }),
      'a client with private_key_jwt cannot have another method beside it.',
    ],
    [
      'a secret beside it',
      () => ({ jwks: { keys: [key.jwk] }, clientSecret: 'a chosen secret' }),
      'Only a client with client_secret_basic or client_secret_post can have a clientSecret.',
    ],
  ])('refuses %s', async (_, options, message) => {
    await expect(register(options())).rejects.toMatchObject({ code: 'invalid_client_metadata', message })
  })

  it('lets keys move from the record to a URL, and back', async () => {
    await register({ jwks: { keys: [key.jwk] } })
    const moved = await updateClient(host.server, 'robot', { jwks: { keys: [] }, jwksUri: publish(next) })
    expect([moved.jwks, await statusOf(), await statusOf(next)]).toEqual([undefined, 401, 200])
    const back = await updateClient(host.server, 'robot', { jwksUri: '', jwks: { keys: [key.jwk] } })
    expect([back.jwksUri, await statusOf(), await statusOf(next)]).toEqual([undefined, 200, 401])
  })

  it('knows the method only where the list of the server has it', async () => {
    host = await createHost({ clientAuthentication: [clientSecret()] })
    await expect(register({})).rejects.toThrow('tokenEndpointAuthMethods must be none, client_secret_basic')
  })
})

describe('over HTTP', () => {
  const REGISTER = '/oauth2/register'
  const api: HostOptions = {
    mount(to, server) {
      to.use(
        oauthRouter(server, {
          decide: () => ({ allow: true, userId: 'alice' }),
          protect: bearerGuard(server, { scope: 'clients' }),
          register: { protect: 'open', scopes: ['read'] },
        }),
      )
      to.get('/me', bearerGuard(server, { scope: 'read' }), (req, res) => void res.json(req.authInfo))
    },
  }
  const app = { redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'private_key_jwt' }
  beforeEach(async () => {
    host = await createHost({ ...onLoopback(), ...api })
  })

  it('a client registers itself with its keys (RFC 7591), gets no secret, and signs in', async () => {
    const jwks = { keys: [key.jwk] }
    const { body } = await host
      .http()
      .post(REGISTER)
      .send({ ...app, jwks })
      .expect(201)
    expect(body).toMatchObject({ ...app, jwks })
    expect(body).not.toHaveProperty('client_secret')
    const client = { clientId: body.client_id, redirectUri: 'https://app.example/cb' }
    const code = await host.code(client)
    const without = await host.exchange(client, code)
    expect([without.status, without.body.error]).toEqual([401, 'invalid_client'])
    const answer = await host.exchange(client, code, asserted(await signAssertion(client.clientId, key)))
    expect([answer.status, answer.body.scope]).toEqual([200, 'read'])
  })

  it('it changes its keys with its registration token (RFC 7592), and never its proof for a weaker one', async () => {
    const { body } = await host
      .http()
      .post(REGISTER)
      .send({ ...app, jwks: { keys: [key.jwk] } })
      .expect(201)
    const { client_id, registration_access_token: token } = body
    const put = (members: object) =>
      host
        .http()
        .put(`${REGISTER}/${client_id}`)
        .auth(token, { type: 'bearer' })
        .send({ client_id, ...app, ...members })
    const changed = await put({ jwks_uri: publish(next) }).expect(200)
    expect([changed.body.jwks_uri, changed.body.jwks]).toEqual([`${documents.origin}/jwks.json`, undefined])
    expect((await put({})).body.error_description).toBe('a client with private_key_jwt needs keys: jwks or jwks_uri.')
    for (const token_endpoint_auth_method of ['none', 'client_secret_basic']) {
      expect((await put({ token_endpoint_auth_method, jwks: { keys: [key.jwk] } })).status).toBe(400)
    }
  })

  it.each<[string, object, string]>([
    ['a private URL', { jwks_uri: 'https://10.0.0.1/jwks.json' }, 'jwks_uri must be an https URL of a public host.'],
    ['no keys', {}, 'a client with private_key_jwt needs keys: jwks or jwks_uri.'],
    [
      'an algorithm',
      { jwks_uri: 'https://keys.example/', token_endpoint_auth_signing_alg: 'none' },
      'token_endpoint_auth_signing_alg must be one of',
    ],
  ])('a registration with %s', async (_, members, description) => {
    const { status, body } = await host
      .http()
      .post(REGISTER)
      .send({ ...app, ...members })
    expect([status, body.error_description]).toEqual([400, expect.stringContaining(description)])
  })

  it('a registration with jwks and jwks_uri is refused (RFC 7591 §2)', async () => {
    const both = { jwks: { keys: [key.jwk] }, jwks_uri: 'https://keys.example/jwks.json' }
    for (const method of ['private_key_jwt', 'none']) {
      const { body } = await host
        .http()
        .post(REGISTER)
        .send({ ...app, ...both, token_endpoint_auth_method: method })
        .expect(400)
      expect(body).toEqual({
        error: 'invalid_client_metadata',
        error_description: 'jwks and jwks_uri exclude each other.',
      })
    }
  })

  it('what says how a client signs that does not sign is ignored, as by other servers', async () => {
    const members = { ...app, token_endpoint_auth_method: 'none', token_endpoint_auth_signing_alg: 'EdDSA' }
    const { body } = await host.http().post(REGISTER).send(members).expect(201)
    expect(body).not.toHaveProperty('token_endpoint_auth_signing_alg')
  })

  it('the clients API takes, shows and changes keys in the words of RFC 7591', async () => {
    await host.register({ clientId: 'portal', scopes: ['clients', 'read'] })
    const { access_token } = await issueTokens(host.server, {
      clientId: 'portal',
      userId: 'alice',
      scope: 'clients read',
    })
    const call = (verb: 'post' | 'patch' | 'get', path: string, body?: object) =>
      host.http()[verb](`${paths.clients}${path}`).auth(access_token, { type: 'bearer' }).send(body)
    const jwks = { keys: [key.jwk] }
    const made = await call('post', '', { client_id: 'mine', ...app, jwks, token_endpoint_auth_signing_alg: 'ES256' })
    expect([made.status, made.body]).toEqual([
      201,
      expect.objectContaining({ ...app, jwks, token_endpoint_auth_signing_alg: 'ES256' }),
    ])
    expect(made.body).not.toHaveProperty('client_secret')
    const moved = await call('patch', '/mine', { jwks: null, jwks_uri: publish(key) }).expect(200)
    expect(moved.body).not.toHaveProperty('jwks')
    expect((await call('get', '/mine').expect(200)).body.jwks_uri).toBe(`${documents.origin}/jwks.json`)
    const wrong = await call('patch', '/mine', { jwks_uri: null })
    expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_client_metadata'])
  })
})

describe('a client ID metadata document', () => {
  const redirectUri = 'https://app.example/cb'
  const document = {
    client_name: 'App',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'private_key_jwt',
  }
  const clientWith = (members: object) => ({
    clientId: documents.at('/client.json', { ...document, ...members }),
    redirectUri,
  })

  it.each<[string, () => object]>([
    ['at its jwks_uri', () => ({ jwks_uri: publish(key), token_endpoint_auth_signing_alg: 'ES256' })],
    ['in itself', () => ({ jwks: { keys: [key.jwk] } })],
  ])('may say private_key_jwt, with keys %s', async (_, members) => {
    const client = clientWith(members())
    const code = await host.code(client)
    const bare = await host.exchange(client, code)
    expect([bare.status, bare.body.error]).toEqual([401, 'invalid_client'])
    const wrong = await host.exchange(client, code, asserted(await signAssertion(client.clientId, next)))
    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client'])
    const right = await host.exchange(client, code, asserted(await signAssertion(client.clientId, key)))
    expect(right.status).toBe(200)
    const proof = asserted(await signAssertion(client.clientId, key))
    expect((await host.refresh(client, right.body.refresh_token, proof)).status).toBe(200)
  })

  it.each<[string, () => object]>([
    ['without keys', () => ({})],
    ['with both', () => ({ jwks: { keys: [key.jwk] }, jwks_uri: publish(key) })],
    ['with keys in our network', () => ({ jwks_uri: 'https://10.0.0.1/jwks.json' })],
    ['with a secret instead', () => ({ token_endpoint_auth_method: 'client_secret_basic' })],
    [
      'with a secret instead, and none beside it',
      () => ({ token_endpoint_auth_method: 'client_secret_post', token_endpoint_auth_methods_supported: ['none'] }),
    ],
  ])('%s is refused', async (_, members) => {
    const page = await host.authorize(clientWith(members())).set('Accept', 'application/json')
    expect([page.status, page.body.error]).toEqual([400, 'invalid_client'])
  })

  it('that lists more methods than it prefers connects by another one where the server does not have that', async () => {
    const { clientIdMetadataDocuments } = onLoopback()
    host = await createHost({ clientIdMetadataDocuments, clientAuthentication: [clientSecret()] })
    const both = { jwks_uri: publish(key), token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'] }
    // without the value nobody looks at loopback
    const client = clientWith({ ...both, jwks_uri: 'https://keys.example/jwks.json' })
    expect((await host.exchange(client, await host.code(client))).status).toBe(200)
    const strict = clientWith({ jwks_uri: 'https://keys.example/jwks.json' })
    host.clock.advance(24 * 3600)
    const page = await host.authorize(strict).set('Accept', 'application/json')
    expect(page.body.error_description).toContain('its token_endpoint_auth_method must be none')
  })

  it('where both would do, has to prove itself: what it prefers is what it must send', async () => {
    const both = { jwks_uri: publish(key), token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] }
    const client = clientWith(both)
    expect((await host.exchange(client, await host.code(client))).status).toBe(401)
  })

  it('with keys in itself is kept for no more than five minutes: a key that is taken out may have been stolen', async () => {
    documents.at('/client.json', (_req, res) => {
      const client_id = `${documents.origin}/client.json`
      const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'max-age=86400' }
      res.writeHead(200, headers).end(JSON.stringify({ client_id, ...document, jwks: { keys: [key.jwk] } }))
    })
    const client = { clientId: `${documents.origin}/client.json`, redirectUri }
    await host.code(client)
    host.clock.advance(299)
    await host.code(client)
    expect(documents.asked).toHaveLength(1)
    documents.at('/client.json', (_req, res) => void res.writeHead(503).end())
    host.clock.advance(1)
    const gone = await host.authorize(client).set('Accept', 'application/json')
    expect([gone.status, gone.body.error]).toEqual([400, 'temporarily_unavailable'])
  })
})
