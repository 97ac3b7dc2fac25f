// Dynamic client registration (RFC 7591) and its management (RFC 7592), over HTTP.
import express from 'express'
import {
  type AuthorizationServer,
  approve,
  authorizeRouter,
  bearerGuard,
  type ConsentView,
  consentPage,
  type Decide,
  deleteClient,
  deleteUnusedClients,
  issueTokens,
  listClients,
  memoryThrottle,
  oauthRouter,
  type RegisterRouterOptions,
  registerRouter,
  rotateClientSecret,
  updateClient,
} from '../../src'
import { answerOf, createHost, type Host, type HostOptions, issuer, pkce } from '../support/host'
import { exchange, listen, request } from '../support/raw'

const REGISTER = '/oauth2/register'
const app = {
  client_name: 'Notes',
  redirect_uris: ['https://notes.example/cb'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
}
const publicApp = { ...app, token_endpoint_auth_method: 'none' }
const open: RegisterRouterOptions = { protect: 'open', scopes: ['read'] }

const hostWith = (register: RegisterRouterOptions = open, options: HostOptions = {}): Promise<Host> =>
  createHost({
    mount: (to, server) => {
      const decide = () => ({ allow: true as const, userId: 'alice' })
      to.use(
        oauthRouter(server, {
          decide,
          protect: bearerGuard(server, { scope: 'clients' }),
          clients: { admin: 'admin' },
          register,
        }),
      )
      to.get('/me', bearerGuard(server, { scope: 'read' }), (req, res) => void res.json(req.authInfo))
    },
    ...options,
  })

let host: Host
beforeEach(async () => {
  host = await hostWith()
})
const register = (body: object = publicApp, to: Host = host) => to.http().post(REGISTER).send(body)

interface Registered {
  client_id: string
  client_secret?: string
  registration_access_token: string
  registration_client_uri: string
}
async function registered(body: object = publicApp, to: Host = host): Promise<Registered> {
  const answer = await register(body, to)
  if (answer.status !== 201) throw new Error(`${answer.status} ${answer.text}`)
  return answer.body as Registered
}
type Verb = 'get' | 'put' | 'delete' | 'post'
function manage(verb: Verb, uri: string, token: string | undefined, body?: object) {
  const sent = host.http()[verb](new URL(uri).pathname)
  if (token !== undefined) sent.auth(token, { type: 'bearer' })
  return body === undefined ? sent : sent.send(body)
}
const by = (verb: Verb, client: Registered, body?: object) =>
  manage(verb, client.registration_client_uri, client.registration_access_token, body)

describe('registration (RFC 7591 §3)', () => {
  it('answers 201 with everything that was registered, and nothing may keep it (§3.2.1)', async () => {
    const answer = await register()
    expect(answer.status).toBe(201)
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
    expect(answer.body).toEqual({
      client_id: expect.stringMatching(/^[\w-]{22}$/),
      client_id_issued_at: host.clock.now,
      registration_access_token: expect.stringMatching(/^[\w-]{43}$/),
      registration_client_uri: `${issuer}${REGISTER}/${answer.body.client_id}`,
      ...publicApp,
      scope: 'read',
    })
    expect(host.events).toContainEqual({
      at: host.clock.now,
      type: 'client.created',
      clientId: answer.body.client_id,
      origin: 'registration',
    })
  })

  it('gives a confidential client a secret that does not expire, and that works', async () => {
    const { body } = await register({ ...app, token_endpoint_auth_method: 'client_secret_post' })
    expect(body).toMatchObject({ client_secret: expect.any(String), client_secret_expires_at: 0 })
    const wrong = await host
      .http()
      .post('/oauth2/revoke_token')
      .type('form')
      .send({ token: 'x', client_id: body.client_id, client_secret: 'wrong' })
    const right = await host
      .http()
      .post('/oauth2/revoke_token')
      .type('form')
      .send({ token: 'x', client_id: body.client_id, client_secret: body.client_secret })
    expect([wrong.status, right.status]).toEqual([401, 200])
  })

  it('says nothing of a scope that a client does not have', async () => {
    host = await hostWith({ ...open, scopes: [] })
    const answer = await register()
    expect([answer.status, answer.body]).toEqual([201, expect.not.objectContaining({ scope: expect.anything() })])
  })

  it('left out, the method is client_secret_basic (§2)', async () => {
    const { body } = await register(app)
    expect(body).toMatchObject({ token_endpoint_auth_method: 'client_secret_basic', client_secret: expect.any(String) })
  })

  it('left out, the grant is authorization_code and the response type code (§2)', async () => {
    const { body } = await register({ redirect_uris: app.redirect_uris })
    expect([body.grant_types, body.response_types]).toEqual([['authorization_code'], ['code']])
  })

  it('the client goes through the whole flow, with PKCE and a refresh', async () => {
    const client = { clientId: (await registered()).client_id, redirectUri: 'https://notes.example/cb' }
    const tokens = await host.signIn(client)
    expect(tokens).toMatchObject({ scope: 'read', refresh_token: expect.any(String) })
    expect((await host.me(tokens.access_token)).body).toMatchObject({ clientId: client.clientId, userId: 'alice' })
    expect((await host.refresh(client, tokens.refresh_token)).status).toBe(200)
  })

  it('needs PKCE even where the server does not', async () => {
    host = await hostWith(open, { pkce: 'optional' })
    const client = { clientId: (await registered()).client_id, redirectUri: 'https://notes.example/cb' }
    const without = { code_challenge: undefined, code_challenge_method: undefined }
    const answer = await host.authorize(client, without).set('Accept', 'application/json')
    expect(answer.body).toMatchObject({ error: 'invalid_request' })
  })

  it('scopes that are not open are left out, and what is left is said', async () => {
    const { body } = await register({ ...publicApp, scope: 'clients read admin openid' })
    expect(body.scope).toBe('read')
    const client = { clientId: body.client_id, redirectUri: 'https://notes.example/cb' }
    const more = await host.authorize(client, { scope: 'read clients' }).set('Accept', 'application/json')
    expect(more.body).toMatchObject({ error: 'invalid_scope' })
  })

  it('grants that are not open are left out, and what is left is said', async () => {
    const grants = ['authorization_code', 'client_credentials', 'password']
    const { body } = await register({ ...app, grant_types: grants })
    expect(body.grant_types).toEqual(['authorization_code'])
    const answer = await host.send(
      '/oauth2/token',
      { clientId: body.client_id, clientSecret: body.client_secret, redirectUri: '' },
      { grant_type: 'client_credentials' },
    )
    expect([answer.status, answer.body.error]).toEqual([400, 'unauthorized_client'])
  })

  it('grants beyond the usual two are an option', async () => {
    host = await hostWith({ ...open, grantTypes: ['client_credentials'] })
    const client = await registered({ grant_types: ['client_credentials'], response_types: [] })
    expect(client).toMatchObject({ redirect_uris: [], response_types: [] })
    const { client_id: clientId, client_secret: clientSecret = '' } = client
    const answer = await host.send(
      '/oauth2/token',
      { clientId, clientSecret, redirectUri: '' },
      { grant_type: 'client_credentials' },
    )
    expect([answer.status, answer.body.scope]).toEqual([200, 'read'])
  })

  const { redirect_uris } = app
  it.each<[string, object, string]>([
    ['no grant that is open', { redirect_uris, grant_types: ['password'] }, 'invalid_client_metadata'],
    ['a refresh token alone', { redirect_uris, grant_types: ['refresh_token'] }, 'invalid_client_metadata'],
    ['no scope that is open', { redirect_uris, scope: 'admin' }, 'invalid_client_metadata'],
    [
      'code without its grant (§2.1)',
      { redirect_uris, grant_types: ['client_credentials'], response_types: ['code'] },
      'invalid_client_metadata',
    ],
    ['a grant without its response type (§2.1)', { redirect_uris, response_types: [] }, 'invalid_client_metadata'],
    ['token without implicit (§2.1)', { redirect_uris, response_types: ['code', 'token'] }, 'invalid_client_metadata'],
    [
      'a method that there is not',
      { redirect_uris, token_endpoint_auth_method: 'private_key_jwt' },
      'invalid_client_metadata',
    ],
    ['no redirect URI (§2)', {}, 'invalid_redirect_uri'],
    ['an empty list of redirect URIs', { redirect_uris: [] }, 'invalid_redirect_uri'],
    ['a redirect URI that is no list', { redirect_uris: 'https://notes.example/cb' }, 'invalid_redirect_uri'],
    [
      '21 redirect URIs',
      { redirect_uris: Array.from({ length: 21 }, (_, i) => `https://notes.example/${i}`) },
      'invalid_redirect_uri',
    ],
    ['a name that is no string', { redirect_uris, client_name: 7 }, 'invalid_client_metadata'],
    ['a name that turns the text around it', { redirect_uris, client_name: 'a\u202eb' }, 'invalid_client_metadata'],
    ['grants that are no list', { redirect_uris, grant_types: 'authorization_code' }, 'invalid_client_metadata'],
    [
      'a software statement (§2.3)',
      { redirect_uris, software_statement: 'eyJhbGciOiJub25lIn0.e30.' },
      'unapproved_software_statement',
    ],
    ['what is no software statement', { redirect_uris, software_statement: 'trust me' }, 'invalid_software_statement'],
  ])('refuses %s', async (_, body, error) => {
    const answer = await register(body)
    expect([answer.status, answer.body.error]).toEqual([400, error])
    expect(host.storage.calls).not.toContain('clients.insert')
  })

  it('takes JSON only (§3.1), and not much of it', async () => {
    const form = await host.http().post(REGISTER).type('form').send({ client_name: 'x' })
    const none = await host.http().post(REGISTER)
    const list = await host.http().post(REGISTER).type('json').send('[]')
    const large = await register({ ...publicApp, client_name: 'x'.repeat(70_000) })
    expect([form.status, none.status, list.status, large.status]).toEqual([415, 400, 400, 413])
    expect([form.body.error, none.body.error]).toEqual(['invalid_request', 'invalid_request'])
  })

  it('takes POST only', async () => {
    const answer = await host.http().get(REGISTER)
    expect([answer.status, answer.headers.allow]).toEqual([405, 'POST'])
  })

  it('is in the metadata exactly when it is mounted', async () => {
    const metadataOf = async (of: Host) => (await of.http().get('/.well-known/oauth-authorization-server')).body
    expect(await metadataOf(host)).toMatchObject({ registration_endpoint: `${issuer}${REGISTER}` })
    expect(await metadataOf(await createHost())).not.toHaveProperty('registration_endpoint')
  })

  it('mounted by itself elsewhere, the registration is where the request came', async () => {
    host = await createHost({
      mount: (to, server) => void to.use('/deep', express.Router().use('/join', registerRouter(server, open))),
    })
    const client = (await host.http().post('/deep/join/?a=b').set('Host', 'evil.example').send(publicApp)).body
    expect(client.registration_client_uri).toBe(`${issuer}/deep/join/${client.client_id}`)
    const again = await by('get', client)
    expect([again.status, again.body.registration_client_uri]).toEqual([200, client.registration_client_uri])
  })

  it('mounted where a proxy takes off the beginning of its path, the registration is where the endpoints say', async () => {
    host = await createHost({
      endpoints: { authorize: '/authorize', token: '/token', register: '/public/join/' },
      mount: (to, server) => void to.use('/join', registerRouter(server, open)),
    })
    const client = (await host.http().post('/join').set('Via', '1.1 proxy').send(publicApp)).body
    expect(client.registration_client_uri).toBe(`${issuer}/public/join/${client.client_id}`)
  })

  it('asked for by its whole URL (RFC 9112 §3.2.2), the registration is where it is, and nothing is warned of', async () => {
    host = await createHost({
      endpoints: { authorize: '/authorize', token: '/token' },
      mount: (to, server) => void to.use('/join', registerRouter(server, open)),
    })
    const { port, close } = await listen(host.app)
    const sent = request(
      'POST',
      'http://evil.example/join',
      ['Content-Type: application/json'],
      JSON.stringify(publicApp),
    )
    const answer = await exchange(port, sent)
    await close()
    expect(JSON.parse(answer?.body ?? '').registration_client_uri).toMatch(`${issuer}/join/`)
    expect(host.eventTypes()).toEqual(['client.created'])
  })

  it('other web origins may register, read and change where cors says so, and only there', async () => {
    host = await hostWith({ ...open, cors: { origin: 'https://tool.example' } })
    const client = await registered()
    const preflight = (path: string, method: string) =>
      host.http().options(path).set({ Origin: 'https://tool.example', 'Access-Control-Request-Method': method })
    expect((await preflight(REGISTER, 'POST')).headers['access-control-allow-methods']).toBe('POST')
    const below = await preflight(new URL(client.registration_client_uri).pathname, 'PUT')
    expect(below.headers['access-control-allow-methods']).toBe('GET,PUT,DELETE')
    host = await hostWith()
    expect((await preflight(REGISTER, 'POST')).headers).not.toHaveProperty('access-control-allow-origin')
  })
})

describe('who may register', () => {
  const server = () => host.server
  it.each<[string, (to: AuthorizationServer) => unknown]>([
    ['protect', (to) => registerRouter(to, { scopes: ['read'] } as never)],
    ['protect', (to) => registerRouter(to, { protect: {}, scopes: ['read'] } as never)],
    ['protect', (to) => registerRouter(to, undefined as never)],
    ['initialAccessToken', (to) => registerRouter(to, { protect: { initialAccessToken: 'guess' }, scopes: ['read'] })],
    ['scopes', (to) => registerRouter(to, { protect: 'open' } as never)],
    ['nonsense', (to) => registerRouter(to, { protect: 'open', scopes: 'read nonsense' })],
    ['password', (to) => registerRouter(to, { ...open, grantTypes: ['password'] })],
  ])('without a right %s it does not start', (word, make) => {
    expect(() => make(server())).toThrow(TypeError)
    expect(() => make(server())).toThrow(word)
  })

  it('a guard: the token it wants, and no other', async () => {
    host = await createHost({
      mount: (to, s) =>
        void to.use(REGISTER, registerRouter(s, { protect: bearerGuard(s, { scope: 'clients' }), scopes: ['read'] })),
    })
    await host.register({ clientId: 'console', scopes: ['clients', 'read'] })
    const tokenOf = async (scope: string) =>
      (await issueTokens(host.server, { clientId: 'console', userId: 'alice', scope })).access_token
    const none = await register()
    const weak = await register().auth(await tokenOf('read'), { type: 'bearer' })
    const right = await register().auth(await tokenOf('clients'), { type: 'bearer' })
    expect([none.status, weak.status, right.status]).toEqual([401, 403, 201])
  })

  it('a middleware that fails lets nobody in', async () => {
    const failing = [
      (_req: unknown, _res: unknown, next: (error: unknown) => void) => next(new Error('no')),
      async () => Promise.reject(new Error('no')),
    ]
    for (const protect of failing) {
      host = await hostWith({ ...open, protect })
      const answer = await register()
      expect([answer.status, answer.body.error]).toEqual([500, 'server_error'])
    }
  })

  it('a middleware may go on with null, as Express takes it', async () => {
    host = await hostWith({ ...open, protect: (_req, _res, next) => next(null) })
    expect((await register()).status).toBe(201)
  })

  const initial = 'an-initial-access-token-of-43-characters-abc'
  it.each<[string, RegisterRouterOptions['protect']]>([
    ['a string', { initialAccessToken: initial }],
    ['a function', { initialAccessToken: async (token) => token === initial }],
  ])('an initial access token (§3), as %s', async (_, protect) => {
    host = await hostWith({ ...open, protect })
    const none = await register()
    const wrong = await register().auth(`${initial}x`, { type: 'bearer' })
    const right = await register().auth(initial, { type: 'bearer' })
    expect([none.status, wrong.status, right.status]).toEqual([401, 401, 201])
    expect(none.headers['www-authenticate']).toBe('Bearer realm="registration"')
    expect(wrong.headers['www-authenticate']).toContain('error="invalid_token"')
  })

  it('a function that does not answer true lets nobody in', async () => {
    for (const answer of [1, 'yes', {}, undefined]) {
      host = await hostWith({ ...open, protect: { initialAccessToken: () => answer as never } })
      expect((await register().auth(initial, { type: 'bearer' })).status).toBe(401)
    }
  })

  it('whoever has the token, at any pace', async () => {
    host = await hostWith({ ...open, protect: { initialAccessToken: initial } }, { throttle: memoryThrottle() })
    for (let i = 0; i < 51; i++) expect((await register().auth(initial, { type: 'bearer' })).status).toBe(201)
  })

  it('everybody, at a pace: 50 from one network in a quarter of an hour, and mistakes do not count', async () => {
    const trusting: express.RequestHandler = (req, _res, next) => {
      req.app.set('trust proxy', true)
      next()
    }
    host = await hostWith(open, { throttle: memoryThrottle(), before: [trusting] })
    const from = (ip: string, body: object = publicApp) => register(body).set('X-Forwarded-For', ip)
    for (let i = 0; i < 5; i++) expect((await from('192.0.2.1', {})).status).toBe(400)
    for (let i = 0; i < 50; i++) expect((await from('192.0.2.1')).status).toBe(201)
    const last = await from('192.0.2.1')
    expect([last.status, last.body.error]).toEqual([429, 'temporarily_unavailable'])
    // one customer has a /48 of IPv6 at most
    for (let i = 0; i < 50; i++) expect((await from(`2001:db8:1:${i}::1`)).status).toBe(201)
    expect((await from('2001:db8:1:ffff::1')).status).toBe(429)
    expect((await from('2001:db8:2::1')).status).toBe(201)
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0)
    expect(host.events).toContainEqual(expect.objectContaining({ type: 'attempt.throttled', kind: 'registration' }))
    expect((await from('198.51.100.1')).status).toBe(201)
    expect(await listClients(host.server)).toHaveLength(51 + 51 + 3)
  })
})

describe('management (RFC 7592)', () => {
  let client: Registered
  beforeEach(async () => {
    client = await registered({ ...app, token_endpoint_auth_method: 'client_secret_basic' })
  })
  const replacement = () => ({ client_id: client.client_id, ...app })

  it('reads the registration (§2.1), never its secret again', async () => {
    const answer = await by('get', client)
    const { client_secret: _, ...rest } = client
    expect([answer.status, answer.body]).toEqual([200, rest])
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('keeps neither token nor secret readable', async () => {
    const kept = JSON.stringify(await host.storage.clients.find(client.client_id))
    expect(kept).not.toContain(client.registration_access_token)
    expect(kept).not.toContain(client.client_secret)
  })

  it('replaces, and what is left out is gone (§2.2)', async () => {
    const answer = await by('put', client, { client_id: client.client_id, redirect_uris: ['https://new.example/cb'] })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      redirect_uris: ['https://new.example/cb'],
      grant_types: ['authorization_code'],
    })
    expect(answer.body).not.toHaveProperty('client_name')
    expect(answer.body.registration_access_token).toBe(client.registration_access_token)
    expect((await by('get', client)).body).toEqual(answer.body)
    expect(host.eventTypes()).toContain('client.updated')
  })

  it('keeps the secret, which still works, and takes it as proof when it is sent (§2.2)', async () => {
    const { client_secret } = client
    expect((await by('put', client, { ...replacement(), client_secret })).status).toBe(200)
    const answer = await host.send(
      '/oauth2/revoke_token',
      { clientId: client.client_id, clientSecret: client_secret as string, redirectUri: '' },
      { token: 'x' },
    )
    expect(answer.status).toBe(200)
  })

  it('takes any secret that works as proof, also while two do', async () => {
    const { clientSecret } = await rotateClientSecret(host.server, client.client_id, { overlap: 60 })
    for (const client_secret of [client.client_secret, clientSecret]) {
      expect((await by('put', client, { ...replacement(), client_secret })).status).toBe(200)
    }
  })

  it.each<[string, object]>([
    ['no client_id', { client_id: undefined }],
    ['another client_id', { client_id: 'web' }],
    ['a secret of its choice', { client_secret: 'chosen-by-the-client' }],
    ['a secret that is a number', { client_secret: 7 }],
    ['registration_access_token', { registration_access_token: 'x' }],
    ['registration_client_uri', { registration_client_uri: 'https://notes.example/' }],
    ['client_secret_expires_at', { client_secret_expires_at: 0 }],
    ['client_id_issued_at', { client_id_issued_at: 0 }],
    ['a way to do without its secret', { token_endpoint_auth_method: 'none' }],
    ['a URI that runs', { logo_uri: 'javascript:alert(1)' }],
  ])('refuses %s and changes nothing (§2.2)', async (_, change) => {
    const answer = await by('put', client, { ...replacement(), ...change })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_client_metadata'])
    expect(host.storage.calls).not.toContain('clients.update')
  })

  it('what an administrator gave stays, and nothing more comes to it', async () => {
    const { client_id } = client
    await updateClient(host.server, client_id, {
      scopes: ['read', 'write'],
      description: 'Known',
      defaultScopes: ['write'],
    })
    const same = await by('put', client, { ...replacement(), scope: 'read write admin' })
    expect(same.body.scope).toBe('read write')
    expect((await by('put', client, { ...replacement(), scope: 'read' })).body.scope).toBe('read')
    expect(await host.storage.clients.find(client_id)).toMatchObject({
      description: 'Known',
      defaultScopes: [],
      requirePkce: true,
    })
  })

  it('what an administrator took away does not come back by a change of the client itself', async () => {
    const { client_id } = client
    await updateClient(host.server, client_id, { scopes: ['read'], grantTypes: ['authorization_code'] })
    const grant_types = ['authorization_code', 'refresh_token']
    const { body } = await by('put', client, { ...replacement(), scope: 'read write', grant_types })
    expect(body).toMatchObject({ scope: 'read', grant_types: ['authorization_code'] })
    expect(await host.storage.clients.find(client_id)).toMatchObject({
      scopes: ['read'],
      grantTypes: ['authorization_code'],
    })
  })

  it('deletes the client and ends everything that was issued to it (§2.3)', async () => {
    const it = {
      clientId: client.client_id,
      clientSecret: client.client_secret as string,
      redirectUri: 'https://notes.example/cb',
    }
    const tokens = await host.signIn(it)
    const answer = await by('delete', client)
    expect([answer.status, answer.text, answer.headers['cache-control']]).toEqual([204, '', 'no-store'])
    expect(await host.isAlive(tokens)).toBe(false)
    expect((await by('get', client)).status).toBe(401)
    expect(host.eventTypes()).toContain('client.deleted')
  })

  it.each<Verb>(['get', 'put', 'delete'])('%s needs the token of this very client', async (verb) => {
    const other = await registered()
    const body = verb === 'put' ? replacement() : undefined
    const uri = client.registration_client_uri
    for (const token of [undefined, 'wrong', other.registration_access_token, client.client_secret]) {
      const answer = await manage(verb, uri, token, body)
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token'])
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="registration"/)
    }
    expect((await by('get', client)).status).toBe(200)
  })

  it('a digest that was moved into another record opens nothing there', async () => {
    const other = await registered()
    const record = await host.storage.clients.find(other.client_id)
    const { registrationTokenDigest } = (await host.storage.clients.find(client.client_id)) ?? {}
    if (!record || !registrationTokenDigest) throw new Error('no record')
    const { version } = record
    await host.storage.clients.update({ ...record, version: version + 1, registrationTokenDigest }, version)
    expect((await manage('get', other.registration_client_uri, client.registration_access_token)).status).toBe(401)
  })

  it('an access token of a user opens no registration, nor does this token open the API', async () => {
    const { access_token } = await issueTokens(host.server, { clientId: 'web', userId: 'alice' })
    expect((await manage('get', client.registration_client_uri, access_token)).status).toBe(401)
    expect((await host.me(client.registration_access_token)).status).toBe(401)
  })

  it('a client of the host has no registration to manage', async () => {
    for (const id of ['web', 'nobody', '%00', '%zz']) {
      const answer = await manage('get', `${issuer}${REGISTER}/${id}`, client.registration_access_token)
      expect([401, 418]).toContain(answer.status)
    }
  })

  it('two changes at once both hold (a lost one could bring a redirect URI back)', async () => {
    const pause = host.storage.pauseBefore('clients.update')
    const slow = by('put', client, { ...replacement(), redirect_uris: ['https://slow.example/cb'] }).then(
      (answer) => answer,
    )
    await pause.reached
    await updateClient(host.server, client.client_id, { description: 'Meanwhile' })
    pause.resume()
    expect((await slow).status).toBe(200)
    expect(await host.storage.clients.find(client.client_id)).toMatchObject({
      description: 'Meanwhile',
      redirectUris: ['https://slow.example/cb'],
    })
  })

  it('who gets the id while it is changed is not overwritten', async () => {
    const pause = host.storage.pauseBefore('clients.update')
    const slow = by('put', client, replacement()).then((answer) => answer)
    await pause.reached
    await deleteClient(host.server, client.client_id)
    await host.register({ clientId: client.client_id }, 'https://other.example/cb')
    pause.resume()
    expect((await slow).status).toBe(401)
    const kept = await host.storage.clients.find(client.client_id)
    expect(kept?.redirectUris).toEqual(['https://other.example/cb'])
  })

  it('who deletes the client while it is changed has the last word', async () => {
    const pause = host.storage.pauseBefore('clients.update')
    const slow = by('put', client, replacement()).then((answer) => answer)
    await pause.reached
    await by('delete', client)
    pause.resume()
    expect((await slow).status).toBe(401)
    expect(await host.storage.clients.find(client.client_id)).toBeUndefined()
  })
})

it('a code for a registered client goes to its redirect URI only', async () => {
  const { client_id: clientId } = await registered()
  const answer = await host.authorize({ clientId, redirectUri: 'https://notes.example/cb2' })
  expect([answer.status, answer.headers.location, pkce.challenge.length]).toEqual([400, undefined, 43])
})

describe('deleteUnusedClients', () => {
  const DAY = 86_400
  it('deletes those that registered themselves long ago and whom no user has let in', async () => {
    const [unused, used, changed] = [await registered(), await registered(), await registered()]
    host.clock.advance(20 * DAY)
    await issueTokens(host.server, { clientId: used.client_id, userId: 'alice' })
    await by('put', changed, { client_id: changed.client_id, ...app, token_endpoint_auth_method: 'none' })
    host.clock.advance(10 * DAY)
    const fresh = await registered()
    expect(await deleteUnusedClients(host.server, { unusedFor: 30 * DAY })).toBe(1)
    const left = (await listClients(host.server)).map(({ clientId }) => clientId)
    expect(left.sort()).toEqual(['api', 'native', 'web', used.client_id, changed.client_id, fresh.client_id].sort())
    expect((await by('get', unused)).status).toBe(401)
  })

  it('an authorization that is over is no use', async () => {
    const { client_id: clientId } = await registered()
    await issueTokens(host.server, { clientId, userId: 'alice' })
    host.clock.advance(30 * DAY)
    expect(await deleteUnusedClients(host.server, { unusedFor: 30 * DAY })).toBe(1)
  })

  it('leaves those with tokens of their own, whose use cannot be seen', async () => {
    host = await hostWith({ ...open, grantTypes: ['client_credentials'] })
    await registered({ grant_types: ['client_credentials'] })
    host.clock.advance(30 * DAY)
    expect(await deleteUnusedClients(host.server, { unusedFor: 1 })).toBe(0)
  })

  it('goes through more of them than fit on a page', async () => {
    host = await hostWith(open, { throttle: false })
    await Promise.all(Array.from({ length: 100 }, () => host.register()))
    for (let i = 0; i < 120; i++) await registered()
    host.clock.advance(2)
    expect(await deleteUnusedClients(host.server, { unusedFor: 1 })).toBe(120)
  })

  it('needs to know how long', async () => {
    await expect(deleteUnusedClients(host.server, {} as never)).rejects.toThrow('unusedFor')
  })
})

describe('nobody has checked what such a client says of itself', () => {
  const asking = (decide: Decide = consentPage({ signIn: '/login' })) =>
    createHost({
      mount: (to, server) => {
        to.use('/oauth2/authorize', authorizeRouter(server, { decide }))
        to.use(REGISTER, registerRouter(server, open))
      },
    })
  const authorize = async (redirect = 'https://notes.example/cb', name = 'My Bank') => {
    const { client_id } = await registered({ ...publicApp, client_name: name, redirect_uris: [redirect] })
    return { clientId: client_id, answer: await host.authorize({ clientId: client_id, redirectUri: redirect }) }
  }

  it('the consent page says so, and names the host that the answer goes to', async () => {
    host = await asking()
    const { text } = (await authorize()).answer
    expect(text).toContain('This app chose its own name, and it is not verified.')
    expect(text).toContain('Access will be given to <strong>notes.example</strong>')
    expect(text).toContain('Only allow this if you know that site')
    const { text: local } = (await authorize('http://127.0.0.1:5000/cb')).answer
    expect(local).toContain('Access will be given to <strong>an app on this device (127.0.0.1:5000)</strong>')
    expect(local).toContain('Only allow this if you have just started that app yourself on this device')
  })

  it('the page says nothing of the kind about a client of the host', async () => {
    host = await asking()
    expect((await host.authorize()).text).not.toContain('not verified')
  })

  it('a name is text, whatever is in it', async () => {
    host = await asking()
    const { text } = (await authorize(undefined, '<script>alert(1)</script>"&')).answer
    expect(text).not.toContain('<script>')
  })

  it.each([
    ['fills the page', 'This app was checked. '.repeat(10)],
    ['cannot be seen', '\u200b\u3164'],
    ['hides a part of itself', 'Go\u00adogle'],
    ['has no letter', '   ---   '],
    ['grows over its neighbours', `Photos${'\u0301'.repeat(40)}`],
  ])('a name that %s is left out, and its id stands for it', async (_, name) => {
    host = await asking()
    const { answer, clientId } = await authorize(undefined, name)
    expect(answer.text).not.toContain(name)
    expect(answer.text).toContain(clientId)
    expect(await host.storage.clients.find(clientId)).not.toHaveProperty('name')
  })

  it('a page of the host is told', async () => {
    const seen: unknown[] = []
    const render = (view: ConsentView) => {
      seen.push(view.client.unchecked)
      return 'a page'
    }
    host = await asking(consentPage({ signIn: '/login', render }))
    await authorize()
    await host.authorize()
    expect(seen).toEqual([{}, undefined])
  })

  it('approve asks no predicate about it, and takes its id', async () => {
    const ids: string[] = []
    host = await asking(approve({ clients: () => true }))
    // RFC 9700 §4.11.2: nobody was asked, so nobody is sent to that client's page either
    const { answer } = await authorize()
    expect([answer.status, answer.headers.location]).toEqual([400, undefined])
    expect(answerOf(await host.authorize())).toHaveProperty('code')
    host = await asking(approve({ clients: ids }))
    const { clientId } = await authorize()
    ids.push(clientId)
    expect(answerOf(await host.authorize({ clientId, redirectUri: 'https://notes.example/cb' }))).toHaveProperty('code')
  })

  it('nobody below an administrator sees it in the clients API', async () => {
    const client = await registered()
    await host.register({ clientId: 'console', scopes: ['clients', 'admin', 'read'] })
    const call = async (scope: string) => {
      const { access_token } = await issueTokens(host.server, { clientId: 'console', userId: 'alice', scope })
      return (await host.http().get(`/oauth2/clients/${client.client_id}`).auth(access_token, { type: 'bearer' }))
        .status
    }
    expect([await call('clients'), await call('clients admin')]).toEqual([404, 200])
  })
})
