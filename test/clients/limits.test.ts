// What a record says of the lifetimes and the rotation of one client's tokens: never looser than the server, whoever says it.
import {
  authorizationCode,
  clientCredentials,
  ensureClient,
  implicit,
  issueTokens,
  opaque,
  type RefreshTokenOptions,
  type RegisterClientOptions,
  refreshToken,
  registerClient,
  registerRouter,
  updateClient,
} from '../../src/index'
import { createHost, type Host, type HostOptions, paths, startOfTime, type TestClient } from '../support/host'

type Limits = Pick<RegisterClientOptions, 'accessTokenTtl' | 'refreshToken'>

let host: Host
const begin = async (refresh: RefreshTokenOptions = {}, options: HostOptions = {}) => {
  const grants = [authorizationCode(), clientCredentials(), implicit(), refreshToken({ ttl: 1000, ...refresh })]
  host = await createHost({ accessTokens: opaque({ ttl: 600 }), grants, ...options })
}
beforeEach(() => begin())

const limited = (limits: Limits & RegisterClientOptions) =>
  host.register({ grantTypes: [...host.server.grants.keys()], ...limits })

describe('accessTokenTtl', () => {
  it('is the life of every access token of the client, by each grant and refresh', async () => {
    const client = await limited({ accessTokenTtl: 60 })
    const tokens = await host.signIn(client)
    const own = (await host.token(client, { grant_type: 'client_credentials' })).body
    const { body } = await host.refresh(client, tokens.refresh_token).expect(200)
    const asked = { response_type: 'token', code_challenge: undefined, code_challenge_method: undefined }
    const { headers } = await host.authorize(client, asked)
    const inFragment = new URLSearchParams(new URL(headers.location as string).hash.slice(1)).get('expires_in')
    const byHost = await issueTokens(host.server, { clientId: client.clientId, userId: 'alice' })
    expect([tokens, own, body, byHost].map(({ expires_in }) => expires_in)).toEqual([60, 60, 60, 60])
    expect(inFragment).toBe('60')
    expect((await host.introspect(client, body.access_token)).body.exp).toBe(startOfTime + 60)
    host.clock.advance(59)
    expect(await host.isAlive(body)).toBe(true)
    host.clock.advance(1)
    expect(await host.isAlive(body)).toBe(false)
    // and of nobody else's
    expect((await host.signIn(host.web)).expires_in).toBe(600)
  })

  it('is at most that of the server, also where the server lowers its own later', async () => {
    for (const accessTokenTtl of [601, 0, -1, 1.5, '60', null]) {
      const wrong = registerClient(host.server, { accessTokenTtl } as never)
      await expect(wrong).rejects.toMatchObject({ code: 'invalid_client_metadata' })
    }
    const client = await limited({ accessTokenTtl: 600 })
    const record = await host.storage.clients.find(client.clientId)
    host.storage.replace('clients.find', () => ({ ...record, accessTokenTtl: 6000 }))
    const tokens = await host.signIn(client)
    expect(tokens.expires_in).toBe(600)
    expect((await host.refresh(client, tokens.refresh_token)).body.expires_in).toBe(600)
  })
})

describe('refreshToken in a record', () => {
  it('ttl: how long a session may rest', async () => {
    const client = await limited({ refreshToken: { ttl: 100 } })
    let tokens = await host.signIn(client)
    for (let times = 0; times < 3; times++) {
      host.clock.advance(99)
      tokens = (await host.refresh(client, tokens.refresh_token).expect(200)).body
    }
    host.clock.advance(100)
    await host.refresh(client, tokens.refresh_token).expect(400)
  })

  it('maxAge: when a session ends, also one that was there before the limit', async () => {
    const client = await limited({ refreshToken: { maxAge: 300 } })
    const other = await limited({})
    const resting = (await host.signIn(other)).refresh_token
    const sessions: [TestClient, string][] = []
    for (const one of [client, other]) sessions.push([one, (await host.signIn(one)).refresh_token])
    await updateClient(host.server, other.clientId, { refreshToken: { maxAge: 300 } })
    host.clock.advance(299)
    for (const session of sessions) session[1] = (await host.refresh(...session).expect(200)).body.refresh_token
    for (const [one, token] of sessions) expect((await host.introspect(one, token)).body.exp).toBe(startOfTime + 300)
    expect((await host.introspect(other, resting)).body.exp).toBe(startOfTime + 300)
    host.clock.advance(1)
    for (const session of sessions) await host.refresh(...session).expect(400)
    await host.refresh(other, resting).expect(400)
    expect((await host.introspect(other, resting)).body).toEqual({ active: false })
  })

  it('rotate: true where the server does not', async () => {
    await begin({ rotate: false })
    const client = await limited({ refreshToken: { rotate: true } })
    const { refresh_token: first } = await host.signIn(client)
    const { body } = await host.refresh(client, first).expect(200)
    expect(body.refresh_token).not.toBe(first)
    const kept = await host.signIn(host.web)
    expect((await host.refresh(host.web, kept.refresh_token)).body.refresh_token).toBe(kept.refresh_token)
    host.clock.advance(100)
    await host.refresh(client, first).expect(400)
    expect(host.eventTypes()).toContain('refresh.reused')
  })

  it('replayWindow: 0 answers no token twice', async () => {
    const client = await limited({ refreshToken: { replayWindow: 0 } })
    const { refresh_token } = await host.signIn(client)
    await host.refresh(client, refresh_token).expect(200)
    await host.refresh(client, refresh_token).expect(400)
    const other = await host.signIn(host.web)
    await host.refresh(host.web, other.refresh_token).expect(200)
    await host.refresh(host.web, other.refresh_token).expect(200)
  })

  it.each<[string, RefreshTokenOptions, object]>([
    ['ttl', {}, { ttl: 1001 }],
    ['maxAge', { maxAge: 5000 }, { maxAge: 5001 }],
    ['replayWindow', {}, { replayWindow: 61 }],
    ['rotate', {}, { rotate: false }],
    ['rotate of a public client', { rotate: 'public-clients' }, { rotate: false }],
    ['no window without rotation', { rotate: false }, { replayWindow: 0 }],
  ])('is never looser than the server: %s', async (_what, server, limits) => {
    await begin(server)
    const tokenEndpointAuthMethods = ['none'] as const
    const grantTypes = ['authorization_code', 'refresh_token']
    const wrong = registerClient(host.server, { tokenEndpointAuthMethods, grantTypes, refreshToken: limits })
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_client_metadata' })
    // nor is a record that was there before the server's options were
    const client = await host.register({ clientId: 'old', tokenEndpointAuthMethods, grantTypes })
    const record = await host.storage.clients.find('old')
    host.storage.replace('clients.find', () => ({ ...record, refreshToken: limits }))
    const first = await host.signIn(client)
    const again = (await host.refresh(client, first.refresh_token).expect(200)).body
    expect(again.refresh_token === first.refresh_token).toBe(server.rotate === false)
    const row = host.storage.storedIds().find((id) => id.endsWith('~r')) as string
    expect(host.storage.stored(row)?.expiresAt).toBe(startOfTime + 1000)
    host.clock.advance(62)
    if (server.rotate !== false) await host.refresh(client, first.refresh_token).expect(400)
  })

  it.each<unknown>([
    [],
    {},
    7,
    'x',
    { ttl: '60' },
    { ttl: 0 },
    { rotate: 1 },
    { replayWindow: -1 },
    { ttls: 60 },
    { constructor: 1 },
  ])('must be such an object: %j is none', async (limits) => {
    const wrong = registerClient(host.server, { refreshToken: limits as never })
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_client_metadata' })
  })

  it('needs the grant, and a server without it says so', async () => {
    await begin({}, { grants: [authorizationCode()] })
    const wrong = registerClient(host.server, { grantTypes: [], refreshToken: { ttl: 60 } })
    await expect(wrong).rejects.toThrow(/refreshToken\(\)/)
  })

  it('confidential clients may stay without rotation where public ones rotate', async () => {
    await begin({ rotate: 'public-clients' })
    const client = await limited({ refreshToken: { rotate: false, ttl: 100 } })
    const { refresh_token } = await host.signIn(client)
    expect((await host.refresh(client, refresh_token).expect(200)).body.refresh_token).toBe(refresh_token)
    const opened = updateClient(host.server, client.clientId, {
      tokenEndpointAuthMethods: ['none', 'client_secret_post'],
    })
    await expect(opened).rejects.toMatchObject({ code: 'invalid_client_metadata' })
  })
})

it.each([
  { accessTokenTtl: '60' },
  { accessTokenTtl: null },
  { refreshToken: { ttl: Number.NaN } },
  { refreshToken: 60 },
])('storage that returns %j is broken, and nobody gets a token: 503', async (members) => {
  const record = await host.storage.clients.find('web')
  host.storage.replace('clients.find', () => ({ ...record, ...members }) as never)
  await host.token(host.web, { grant_type: 'client_credentials' }).expect(503)
})

it('ensureClient sees a limit that differs', async () => {
  const named = { clientId: 'job', accessTokenTtl: 60, refreshToken: { ttl: 60 } }
  await ensureClient(host.server, named)
  const { client } = await ensureClient(host.server, named)
  expect((await ensureClient(host.server, { ...named, refreshToken: { ttl: 61 } })).client.version).toBe(
    client.version + 1,
  )
  expect((await ensureClient(host.server, { ...named, refreshToken: { ttl: 61 } })).client.refreshToken).toEqual({
    ttl: 61,
  })
})

describe('who may say it', () => {
  beforeEach(() => host.register({ clientId: 'console', scopes: ['clients', 'read', 'admin'] }))
  const call = async (method: 'post' | 'patch' | 'get', path: string, body: object = {}, scope = 'clients read') => {
    const options = { clientId: 'console', userId: 'alice', scope }
    const { access_token } = await issueTokens(host.server, options)
    const sent = host.http()[method](`${paths.clients}${path}`).auth(access_token, { type: 'bearer' })
    return method === 'get' ? sent : sent.send(body)
  }
  const limits = {
    access_token_ttl: 60,
    refresh_token_limits: { ttl: 100, max_age: 200, rotate: true, replay_window: 10 },
  }

  it('the owner, in the clients API, where it tightens; JSON has the names of JSON', async () => {
    const made = await call('post', '', { client_name: 'Own', scope: 'read', ...limits })
    expect([made.status, made.body]).toEqual([201, expect.objectContaining(limits)])
    const { client_id: id } = made.body
    const tighter = { access_token_ttl: 30, refresh_token_limits: { ...limits.refresh_token_limits, ttl: 50 } }
    expect((await call('patch', `/${id}`, tighter)).status).toBe(200)
    expect((await call('get', `/${id}`)).body).toMatchObject(tighter)
    expect((await host.storage.clients.find(id))?.refreshToken).toEqual({
      ttl: 50,
      maxAge: 200,
      rotate: true,
      replayWindow: 10,
    })
  })

  it.each<[string, object]>([
    ['a longer access token', { access_token_ttl: 61 }],
    ['none', { access_token_ttl: null }],
    ['a longer rest', { refresh_token_limits: { ...limits.refresh_token_limits, ttl: 101 } }],
    ['no maximum age', { refresh_token_limits: { ttl: 100, rotate: true, replay_window: 10 } }],
    ['a longer window', { refresh_token_limits: { ...limits.refresh_token_limits, replay_window: 11 } }],
    ['no rotation of its own', { refresh_token_limits: { ttl: 100, max_age: 200, replay_window: 10 } }],
    ['no limits', { refresh_token_limits: null }],
  ])('the host and administrators alone, where it loosens: %s', async (_what, change) => {
    const { body } = await call('post', '', { client_name: 'Own', scope: 'read', ...limits })
    const path = `/${body.client_id}`
    const refused = await call('patch', path, change)
    expect([refused.status, refused.body.error]).toEqual([403, 'access_denied'])
    expect((await call('get', path)).body).toMatchObject(limits)
    // everything else of the record stays the owner's
    expect((await call('patch', path, { client_name: 'Renamed' })).status).toBe(200)
    expect((await call('patch', path, change, 'clients read admin')).status).toBe(200)
  })

  it('nobody beyond the server, and with other words than these nobody', async () => {
    for (const wrong of [
      { access_token_ttl: 601 },
      { access_token_ttl: '60' },
      { refresh_token_limits: { ttl: 1001 } },
      { refresh_token_limits: { maxAge: 60 } },
      { refresh_token_limits: [] },
      { refresh_token_limits: 'x' },
    ]) {
      const { status, body } = await call('post', '', { client_name: 'Own', ...wrong }, 'clients read admin')
      expect([status, body.error]).toEqual([400, 'invalid_client_metadata'])
    }
  })

  it('no client of itself: a registration (RFC 7591) drops it, and does not show it', async () => {
    await begin(
      {},
      {
        mount: (app, server) => {
          app.use('/oauth2/register', registerRouter(server, { protect: 'open', scopes: ['read'] }))
        },
      },
    )
    const metadata = { redirect_uris: ['https://app.example/cb'], ...limits }
    const { status, body } = await host.http().post('/oauth2/register').send(metadata)
    expect(status).toBe(201)
    expect(Object.keys(body)).not.toEqual(expect.arrayContaining(['access_token_ttl']))
    const record = await host.storage.clients.find(body.client_id)
    expect([record?.accessTokenTtl, record?.refreshToken]).toEqual([undefined, undefined])
  })
})
