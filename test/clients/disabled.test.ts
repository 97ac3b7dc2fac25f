// A client that an administrator has disabled: it gets nothing new, what it had has ended, and it can be enabled again.
import Database from 'better-sqlite3'
import { sqliteStorage } from 'express-authorization-server/sqlite'
import * as oauth from '../../src/index'
import { openid, userinfoRouter } from '../../src/openid'
import { createDeviceHost, enterCode, poll, startDevice } from '../support/device'
import { createHost, type Host, type HostOptions, issuer, paths, startOfTime, type TestClient } from '../support/host'

const sqlite = () => {
  const storage = sqliteStorage(new Database(':memory:'))
  storage.migrate()
  return storage
}
const disable = (host: Host, { clientId }: TestClient = host.web) =>
  oauth.updateClient(host.server, clientId, { disabled: true })
const enable = (host: Host, { clientId }: TestClient = host.web) =>
  oauth.updateClient(host.server, clientId, { disabled: false })
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const refusal = { error: 'invalid_client', error_description: 'This client is disabled.' }

describe.each([
  ['memory', () => oauth.memoryStorage()],
  ['SQLite', sqlite],
])('what was issued before, in %s', (_name, create) => {
  let host: Host
  beforeEach(async () => {
    host = await createHost({ storage: create() })
  })

  it('its tokens stop at once at guards and introspection, and a token of its own, too', async () => {
    const tokens = await host.signIn()
    const own = (await host.token(host.web, { grant_type: 'client_credentials' })).body
    await disable(host)
    for (const { access_token } of [tokens, own]) {
      expect(await host.isAlive({ access_token })).toBe(false)
      expect((await host.introspect(host.api, access_token)).body).toEqual({ active: false })
    }
    await expect(oauth.verifyAccessToken(host.server, tokens.access_token)).rejects.toThrow()
    expect(await oauth.listGrants(host.server, { clientId: 'web' })).toEqual([])
  })

  it('a code that was not exchanged is of no use, not even once the client is enabled again', async () => {
    const code = await host.code()
    await disable(host)
    expect((await host.exchange(host.web, code)).body).toEqual(refusal)
    await enable(host)
    expect((await host.exchange(host.web, code)).body.error).toBe('invalid_grant')
  })

  it('what is stored only after the change, by a request that came before it, is dead as well', async () => {
    const { transition } = host.storage.grants
    let reached = () => {}
    const underWay = new Promise<void>((resolve) => {
      reached = resolve
    })
    let go = () => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const code = await host.code()
    const spy = jest.spyOn(host.storage.grants, 'transition').mockImplementation(async (...asked) => {
      reached()
      await gate
      return transition(...asked)
    })
    const answer = host.exchange(host.web, code).then((response) => response)
    await underWay
    await disable(host)
    go()
    const { status, body } = await answer
    spy.mockRestore()
    expect(status === 200 ? await host.isAlive(body) : false).toBe(false)
  })

  it('enabled again, it works with its secret, and what had ended stays ended', async () => {
    const before = await host.signIn()
    await disable(host)
    await enable(host)
    expect(await host.isAlive(before)).toBe(false)
    expect((await host.refresh(host.web, before.refresh_token)).body.error).toBe('invalid_grant')
    host.clock.advance(1)
    expect(await host.isAlive(await host.signIn())).toBe(true)
  })

  it('other clients of the same user are not touched', async () => {
    const tokens = await host.signIn(host.native)
    await disable(host)
    expect(await host.isAlive(tokens)).toBe(true)
  })
})

describe('every endpoint refuses it', () => {
  let host: Host
  let refreshToken: string
  const options: HostOptions = { requests: [oauth.pushedAuthorizationRequests()] }
  beforeEach(async () => {
    host = await createHost(options)
    refreshToken = (await host.signIn()).refresh_token
    await disable(host)
    host.events.length = 0
  })

  it.each<[string, () => PromiseLike<{ status: number; body: unknown }>]>([
    ['token: client credentials', () => host.token(host.web, { grant_type: 'client_credentials' })],
    ['token: refresh', () => host.refresh(host.web, refreshToken)],
    ['pushed requests', () => host.push(host.web)],
    ['introspection', () => host.introspect(host.web, 'x')],
    ['revocation', () => host.revoke(host.web, refreshToken)],
  ])('%s (RFC 6749 §5.2)', async (_name, send) => {
    const { status, body } = await send()
    expect([status, body]).toEqual([401, refusal])
    const reason = 'the client is disabled'
    expect(host.events).toEqual([
      expect.objectContaining({ type: 'client.authentication_failed', clientId: 'web', reason }),
    ])
  })

  it('a public client, too', async () => {
    const { refresh_token } = await host.signIn(host.native)
    await disable(host, host.native)
    expect((await host.refresh(host.native, refresh_token)).body).toEqual(refusal)
  })

  it('who does not know its secret does not learn that it is disabled', async () => {
    const guess = { ...host.web, clientSecret: 'a-guess-of-somebody' }
    const nobody = { ...guess, clientId: 'nobody' }
    const [one, other] = [await host.token(guess, {}), await host.token(nobody, {})]
    expect(one.status).toBe(401)
    expect([one.status, one.body]).toEqual([other.status, other.body])
    expect(one.body.error_description).not.toMatch(/disabled/)
  })

  it('the authorization endpoint shows a page and sends nobody on', async () => {
    const answer = await host.authorize(host.web)
    expect(answer.status).toBe(400)
    expect(answer.headers.location).toBeUndefined()
    expect(answer.text).toContain('This client is disabled.')
  })

  it('codes and tokens by the code of the host', async () => {
    const asked = { clientId: 'web', userId: 'alice' }
    for (const make of [oauth.issueCode(host.server, asked), oauth.issueTokens(host.server, asked)]) {
      await expect(make).rejects.toMatchObject({ code: 'unauthorized_client' })
    }
  })
})

it('a consent page that was open when the client was disabled allows nothing', async () => {
  const host = await createHost({ decide: oauth.consentPage({ signIn: '/login' }) })
  const page = await host.authorize()
  const value = /name="(\w+)" value="([^"]+)"/.exec(page.text) ?? []
  await disable(host)
  const answer = await host
    .http()
    .post(`${paths.authorize}?${host.authorizationRequest(host.web)}`)
    .set('X-User', 'alice')
    .type('form')
    .send({ [value[1] as string]: value[2], decision: 'allow' })
  expect([answer.status, answer.headers.location]).toEqual([400, undefined])
})

it('a device that asked before is not connected, and polls in vain (RFC 8628)', async () => {
  const host = await createDeviceHost()
  const { device_code, user_code } = await startDevice(host, host.tv)
  await disable(host, host.tv)
  expect((await enterCode(host, user_code)).text).not.toContain('Television')
  expect((await poll(host, host.tv, device_code)).body).toEqual(refusal)
  expect((await host.send(paths.deviceAuthorization, host.tv, {})).body).toEqual(refusal)
})

it('a client that registered itself can neither read, change nor delete its record (RFC 7592)', async () => {
  const register = '/oauth2/register'
  const host = await createHost({
    mount: (app, server) =>
      app.use(
        oauth.oauthRouter(server, {
          decide: () => ({ allow: false }),
          protect: false,
          register: { protect: 'open', scopes: ['read'] },
        }),
      ),
  })
  const { body } = await host
    .http()
    .post(register)
    .send({ redirect_uris: ['https://notes.example/cb'] })
    .expect(201)
  const path = (body.registration_client_uri as string).slice(issuer.length)
  await oauth.updateClient(host.server, body.client_id, { disabled: true })
  for (const method of ['get', 'put', 'delete'] as const) {
    const sent = host.http()[method](path).auth(body.registration_access_token, { type: 'bearer' })
    const { status } = await (method === 'put'
      ? sent.send({ client_id: body.client_id, redirect_uris: ['https://b.example/'] })
      : sent)
    expect([method, status]).toEqual([method, 401])
  }
  await oauth.updateClient(host.server, body.client_id, { disabled: false })
  await host.http().get(path).auth(body.registration_access_token, { type: 'bearer' }).expect(200)
})

it('a call that names the client alone is not admitted (clientIdQuery)', async () => {
  const host = await createHost({
    mount: (app, server) =>
      app.get(
        '/open',
        oauth.bearerGuard(server, { clientIdQuery: true, user: false }),
        (_req, res) => void res.json(1),
      ),
  })
  await host.http().get('/open?client_id=web').expect(200)
  await disable(host)
  await host.http().get('/open?client_id=web').expect(401)
})

it.each([
  ['disabled', (host: Host, app: TestClient) => disable(host, app)],
  ['deleted', (host: Host, { clientId }: TestClient) => oauth.deleteClient(host.server, clientId)],
])('a token without a row is inactive and cannot be exchanged once its client is %s', async (_name, end) => {
  const host = await createHost({
    accessTokens: oauth.jwt({ keys: oauth.generateSigningKey(), audience: 'https://api.example', stateless: true }),
    grants: [
      oauth.authorizationCode(),
      oauth.refreshToken(),
      oauth.tokenExchange({ allow: ({ subject: { userId } }) => ({ userId }) }),
    ],
  })
  const exchanger = await host.register({ clientId: 'exchanger', grantTypes: [exchangeGrant], scopes: ['read'] })
  const { access_token } = await host.signIn()
  const exchanged = () =>
    host.token(exchanger, {
      grant_type: exchangeGrant,
      subject_token: access_token,
      subject_token_type: accessTokenType,
    })
  expect((await exchanged()).status).toBe(200)
  await end(host, host.web)
  expect((await host.introspect(host.api, access_token)).body).toEqual({ active: false })
  expect((await exchanged()).body.error).toBe('invalid_request')
})

it('UserInfo refuses a token without a row (OpenID Connect)', async () => {
  const keys = oauth.generateSigningKey()
  const host = await createHost({
    accessTokens: oauth.jwt({ keys, audience: 'https://api.example', stateless: true }),
    openid: openid({ keys, authentication: () => ({ time: startOfTime, sessionId: 's1' }) }),
    mount: (app, server) => {
      app.use(paths.authorize, oauth.authorizeRouter(server, { decide: () => ({ allow: true, userId: 'alice' }) }))
      app.use(paths.token, oauth.tokenRouter(server))
      app.use('/userinfo', userinfoRouter(server))
    },
  })
  const app = await host.register({ clientId: 'oidc', scopes: ['openid'] })
  const { access_token } = await host.signIn(app)
  await host.http().get('/userinfo').auth(access_token, { type: 'bearer' }).expect(200)
  await disable(host, app)
  await host.http().get('/userinfo').auth(access_token, { type: 'bearer' }).expect(401)
})

describe('who may do so', () => {
  it('an administrator of the clients API, and not the owner, who can do nothing more with the record', async () => {
    const host = await createHost()
    await host.register({ clientId: 'portal', scopes: ['clients', 'admin', 'read', 'write'] })
    const tokenOf = async (userId: string, scope: string) => {
      host.people.set(userId, { id: userId, name: userId })
      return (await oauth.issueTokens(host.server, { clientId: 'portal', userId, scope })).access_token
    }
    const alice = await tokenOf('alice', 'clients read write')
    const admin = await tokenOf('root', 'clients admin read write')
    const own = await host.register({ clientId: 'own', username: 'alice' })
    const change = (token: string, body: object) =>
      host.http().patch(`${paths.clients}/own`).auth(token, { type: 'bearer' }).send(body)
    await change(alice, { disabled: true }).expect(403)
    expect((await change(admin, { disabled: true }).expect(200)).body.disabled).toBe(true)
    await change(alice, { disabled: false }).expect(403)
    await change(alice, { client_name: 'Innocent' }).expect(403)
    await host.http().delete(`${paths.clients}/own`).auth(alice, { type: 'bearer' }).expect(403)
    expect((await host.token(own, { grant_type: 'client_credentials' })).body).toEqual(refusal)
    expect((await change(admin, { disabled: null }).expect(200)).body.disabled).toBeUndefined()
  })

  it('is an event each time it changes', async () => {
    const host = await createHost()
    await disable(host)
    await disable(host)
    await oauth.updateClient(host.server, 'web', { name: 'Web' })
    await enable(host)
    expect(host.eventTypes().filter((type) => type !== 'client.updated')).toEqual(['client.disabled', 'client.enabled'])
  })

  it('where the mark cannot be written, nothing has changed, and it is asked for again', async () => {
    const host = await createHost()
    const tokens = await host.signIn()
    const spy = jest.spyOn(host.storage.grants, 'revoke').mockRejectedValueOnce(new Error('away'))
    await expect(disable(host)).rejects.toMatchObject({ status: 503 })
    expect((await host.storage.clients.find('web'))?.disabled).toBeUndefined()
    expect(await host.isAlive(tokens)).toBe(true)
    await disable(host)
    expect(await host.isAlive(tokens)).toBe(false)
    expect(host.eventTypes()).toContain('client.disabled')
    spy.mockRestore()
  })

  it('a change that is refused ends nothing', async () => {
    const host = await createHost()
    const tokens = await host.signIn()
    const wrong = oauth.updateClient(host.server, 'web', { disabled: true, redirectUris: ['no URI'] })
    await expect(wrong).rejects.toThrow(oauth.OAuthError)
    expect(await host.isAlive(tokens)).toBe(true)
  })

  it('a record that the options of the server do not fit any more can be disabled, by true or false alone', async () => {
    const host = await createHost()
    const { storage } = host
    await oauth.updateClient(host.server, 'web', { scopes: ['write'] })
    const server = oauth.createAuthorizationServer({ issuer, storage, scopes: ['read'] })
    await expect(oauth.updateClient(server, 'web', { name: 'Web' })).rejects.toThrow('write')
    expect((await oauth.updateClient(server, 'web', { disabled: true })).disabled).toBe(true)
    await expect(oauth.updateClient(server, 'web', { disabled: 'no' as never })).rejects.toThrow('true or false')
  })

  it('ensureClient at the next start does not enable it', async () => {
    const host = await createHost()
    await disable(host)
    const { client } = await oauth.ensureClient(host.server, { clientId: 'web', name: 'Web app' })
    expect(client.disabled).toBe(true)
  })
})
