// What the server says of single resources: how long their access tokens live, and which scopes they have, by every grant.
import express from 'express'
import { decode } from 'jsonwebtoken'
import request from 'supertest'
import * as oauth from '../../src/index'
import { issuePersonalToken, personalTokens } from '../../src/personal-tokens/index'
import type { AccessTokenFormat } from '../../src/types/access-token'
import { answerDevice, enterCode, poll, startDevice } from '../support/device'
import { answerOf, createHost, deviceGrant, type Host, type HostOptions, startOfTime } from '../support/host'
import { createOpenIdHost } from '../support/openid'

const files = 'https://files.example.com'
const mail = 'https://mail.example.com/v1'
const open = 'https://open.example.com'
const both = `${files} ${mail}`
const resources = {
  [files]: { ttl: 300, scopes: ['read', 'clients'] },
  [mail]: { ttl: 120, scopes: ['write', 'clients'] },
  [open]: {},
}
const key = oauth.generateSigningKey()
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

const limited = (options: HostOptions = {}) =>
  createHost({
    resources,
    accessTokens: oauth.opaque({ ttl: 600 }),
    grants: [
      oauth.authorizationCode(),
      oauth.clientCredentials(),
      oauth.refreshToken(),
      oauth.password({ verify: (username, password) => (password === 'right' ? username : undefined) }),
      oauth.implicit(),
      oauth.deviceCode(),
      oauth.tokenExchange({ allow: ({ subject }) => ({ userId: subject.userId }) }),
    ],
    ...options,
  })

type Answered = { scope?: unknown; expires_in?: unknown }
const said = ({ scope, expires_in }: Answered) => [scope, Number(expires_in)]
const errorOf = ({ status, body }: { status: number; body: { error?: string } }) => [status, body.error]

const formats: [string, () => AccessTokenFormat][] = [
  ['opaque', () => oauth.opaque({ ttl: 600 })],
  ['JWT', () => oauth.jwt({ keys: key, audience: files, ttl: 600 })],
  ['stateless JWT', () => oauth.jwt({ keys: key, audience: files, ttl: 600, stateless: true })],
]

describe.each(formats)('%s tokens for one resource', (name, format) => {
  let host: Host
  beforeEach(async () => {
    host = await limited({ accessTokens: format() })
  })

  it('live as long and have what it says, by every grant; for several the shortest, and what one of them accepts', async () => {
    for (const [resource, scope, ttl] of [
      [files, 'read', 300],
      [mail, 'write', 120],
      [open, 'read write', 600],
      [both, 'read write', 120],
      [`${mail} ${open}`, 'read write', 120],
    ] as const) {
      const named = { resource, scope: 'read write' }
      const began = host.server.now()
      const code = await host.signIn(host.web, named)
      const refreshed = (await host.refresh(host.web, code.refresh_token).expect(200)).body
      const own = (await host.token(host.web, { grant_type: 'client_credentials', ...named }).expect(200)).body
      const user = { username: 'alice', password: 'right' }
      const byPassword = (await host.token(host.web, { grant_type: 'password', ...user, ...named }).expect(200)).body
      const asked = { response_type: 'token', code_challenge: undefined, code_challenge_method: undefined }
      const inFragment = answerOf(await host.authorize(host.web, { ...asked, ...named }))
      const byHost = { clientId: 'web', userId: 'alice', resource: resource.split(' '), scope: 'read write' }
      const issued = await oauth.issueTokens(host.server, byHost)
      const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
      const made = await oauth.issueCode(host.server, { ...byHost, codeChallenge: challenge })
      const redeemed = (await host.exchange(host.web, made.code).expect(200)).body
      const device = await startDevice(host, host.web, named)
      await answerDevice(host, device.user_code)
      const polled = (await poll(host, host.web, device.device_code).expect(200)).body
      const parameters = {
        grant_type: exchangeGrant,
        subject_token: (await host.signIn(host.web, { resource: `${both} ${open}` })).access_token,
        subject_token_type: accessTokenType,
      }
      const exchanged = (await host.token(host.web, { ...parameters, ...named }).expect(200)).body
      const all = { code, refreshed, own, byPassword, inFragment, issued, redeemed, polled, exchanged }
      for (const [grant, answer] of Object.entries(all)) {
        // the subject token of the exchange ends by then
        const end = grant === 'exchanged' ? Math.min(ttl, 120) : ttl
        expect([grant, ...said(answer as Answered)]).toEqual([grant, scope, end])
        if (name === 'opaque') continue
        const claims = decode(answer.access_token as string) as { scope: string; exp: number; iat: number }
        expect([grant, claims.scope, claims.exp - claims.iat]).toEqual([grant, scope, end])
      }
      expect((await host.introspect(host.api, code.access_token)).body).toMatchObject({
        scope,
        exp: began + ttl,
      })
    }
  })

  it('keep the session whole: a refresh for another resource has what that one accepts', async () => {
    const first = await host.signIn(host.web, { resource: both, scope: 'read write' })
    let { refresh_token } = first
    for (const [resource, scope, ttl] of [
      [files, 'read', 300],
      [mail, 'write', 120],
      [files, 'read', 300],
    ] as const) {
      const { body } = await host.refresh(host.web, refresh_token, { resource }).expect(200)
      expect(said(body)).toEqual([scope, ttl])
      refresh_token = body.refresh_token
    }
    const { body } = await host.refresh(host.web, refresh_token, { resource: mail, scope: 'read' })
    expect(body.error).toBe('invalid_scope')
    const [grant] = await oauth.listGrants(host.server, { userId: 'alice' })
    expect(grant?.scope).toEqual(['read', 'write'])
    // nothing was used up
    expect(said((await host.refresh(host.web, refresh_token).expect(200)).body)).toEqual(['read write', 120])
  })

  it('are narrowed where the code is exchanged, which a wrong resource does not use up', async () => {
    const code = await host.code(host.web, { resource: both, scope: 'read' })
    expect(errorOf(await host.exchange(host.web, code, { resource: mail }))).toEqual([400, 'invalid_scope'])
    const { body } = await host.exchange(host.web, code, { resource: files }).expect(200)
    expect(said(body)).toEqual(['read', 300])
    const other = await host.code(host.web, { resource: both, scope: 'read write' })
    expect(said((await host.exchange(host.web, other, { resource: mail }).expect(200)).body)).toEqual(['write', 120])
    expect(host.events.at(-1)).toMatchObject({ type: 'token.issued', scope: ['write'] })
    host.clock.advance(299)
    expect(await host.isAlive(body)).toBe(true)
    host.clock.advance(1)
    expect(await host.isAlive(body)).toBe(false)
  })

  it('are the same again for the same refresh token, and for another resource none', async () => {
    const { refresh_token } = await host.signIn(host.web, { resource: both })
    const first = (await host.refresh(host.web, refresh_token, { resource: mail }).expect(200)).body
    expect((await host.refresh(host.web, refresh_token, { resource: mail }).expect(200)).body).toEqual(first)
    expect(errorOf(await host.refresh(host.web, refresh_token, { resource: files }))).toEqual([400, 'invalid_scope'])
  })
})

it('twenty refreshes at once for one resource are one answer, with what it accepts', async () => {
  const host = await limited()
  const { refresh_token } = await host.signIn(host.web, { resource: both })
  const sent = Array.from({ length: 20 }, () => host.refresh(host.web, refresh_token, { resource: mail }))
  const bodies = (await Promise.all(sent)).map(({ body }) => body)
  expect(bodies.map(said)).toEqual(Array(20).fill(['write', 120]))
  expect(new Set(bodies.map(({ access_token }) => access_token)).size).toBe(1)
})

it('a refresh without rotation keeps to them, too', async () => {
  const grants = [oauth.authorizationCode(), oauth.refreshToken({ rotate: false })]
  const host = await limited({ grants })
  const { refresh_token } = await host.signIn(host.web, { resource: both })
  expect(said((await host.refresh(host.web, refresh_token, { resource: mail }).expect(200)).body)).toEqual([
    'write',
    120,
  ])
  expect(said((await host.refresh(host.web, refresh_token, { resource: files }).expect(200)).body)).toEqual([
    'read',
    300,
  ])
})

describe('a request of which nothing is left', () => {
  it.each([
    ['what it names is accepted there by no one', { resource: mail, scope: 'read' }],
    ['the default scope of the client is not', { resource: mail, scope: undefined }],
  ])('is invalid_scope: %s', async (_, named) => {
    const host = await limited()
    const reader = await host.register({
      grantTypes: [...host.server.grants.keys()],
      scopes: ['read', 'write'],
      defaultScopes: ['read'],
    })
    expect(answerOf(await host.authorize(reader, named)).error).toBe('invalid_scope')
    const own = await host.token(reader, { grant_type: 'client_credentials', ...named })
    expect(errorOf(own)).toEqual([400, 'invalid_scope'])
    const device = await host.send('/oauth2/device_authorization', reader, named)
    expect(errorOf(device)).toEqual([400, 'invalid_scope'])
    const given = { clientId: reader.clientId, userId: 'alice', ...named }
    await expect(oauth.issueTokens(host.server, given)).rejects.toMatchObject({ code: 'invalid_scope' })
    await expect(oauth.issueCode(host.server, { ...given, codeChallenge: 'a'.repeat(43) })).rejects.toMatchObject({
      code: 'invalid_scope',
    })
    expect(host.eventTypes()).not.toContain('token.issued')
  })

  it('is so before the password is looked at: the answer does not tell whether it was right', async () => {
    const host = await limited()
    const send = (password: string) =>
      host.token(host.web, { grant_type: 'password', username: 'alice', password, resource: mail, scope: 'read' })
    expect(errorOf(await send('right'))).toEqual([400, 'invalid_scope'])
    expect(errorOf(await send('wrong'))).toEqual([400, 'invalid_scope'])
  })

  it('is none where there was nothing: a client without scopes has its tokens', async () => {
    const host = await limited()
    const bare = await host.register({ scopes: [], grantTypes: ['client_credentials'] })
    const { body } = await host.token(bare, { grant_type: 'client_credentials', resource: mail }).expect(200)
    expect(said(body)).toEqual([undefined, 120])
  })
})

it('users are asked for what the resource accepts alone', async () => {
  const host = await limited({ decide: oauth.consentPage({ signIn: '/login' }) })
  const { text } = await host.authorize(host.web, { resource: mail, scope: 'read write' }).expect(200)
  expect(text).toContain('Change your data')
  expect(text).not.toContain('See your data')
  const { user_code } = await startDevice(host, host.web, { resource: mail, scope: 'read write' })
  const page = await enterCode(host, user_code)
  expect(page.text).toContain('Change your data')
  expect(page.text).not.toContain('See your data')
})

describe('a record of a client', () => {
  it('makes its tokens live shorter, and never longer', async () => {
    const host = await limited()
    const grantTypes = ['client_credentials']
    for (const [accessTokenTtl, ttl] of [
      [100, 100],
      [400, 300],
    ] as const) {
      const client = await host.register({ accessTokenTtl, grantTypes })
      const { body } = await host.token(client, { grant_type: 'client_credentials', resource: files }).expect(200)
      expect(body.expires_in).toBe(ttl)
    }
  })

  it('that names its resources has no more scope at them', async () => {
    const host = await limited()
    const client = await host.register({ resources: [mail], grantTypes: ['client_credentials'] })
    const { body } = await host.token(client, { grant_type: 'client_credentials' }).expect(200)
    expect(said(body)).toEqual(['write', 120])
  })
})

it('an exchange leaves the subject token what it was, and gives what the resource accepts', async () => {
  const seen: unknown[] = []
  const host = await limited({
    grants: [
      oauth.authorizationCode(),
      oauth.refreshToken(),
      oauth.tokenExchange({
        allow({ subject, scope, audience }) {
          seen.push([scope, audience])
          return { userId: subject.userId, refreshToken: true }
        },
      }),
    ],
  })
  const { access_token } = await host.signIn(host.web, { resource: `${files} ${open}` })
  const parameters = { grant_type: exchangeGrant, subject_token: access_token, subject_token_type: accessTokenType }
  const { body } = await host.token(host.web, { ...parameters, audience: files }).expect(200)
  expect(said(body)).toEqual(['read', 300])
  expect(seen).toEqual([[['read'], [files]]])
  const refreshed = await host.refresh(host.web, body.refresh_token).expect(200)
  expect(said(refreshed.body)).toEqual(['read', 300])
  const wrong = await host.token(host.web, { ...parameters, audience: files, scope: 'write' })
  expect(errorOf(wrong)).toEqual([400, 'invalid_scope'])
})

describe('OpenID Connect', () => {
  it('has its scopes beside those of the resource: userinfo is the server itself', async () => {
    const decide = () => ({ allow: true as const, userId: 'alice' })
    const host = await createOpenIdHost({ decide, resources: { [mail]: { scopes: ['write'] } } })
    const tokens = await host.signIn(host.web, { scope: 'openid profile read write', resource: mail })
    expect(tokens.scope).toBe('openid profile write')
    expect(tokens.id_token).toEqual(expect.any(String))
    const refreshed = (await host.refresh(host.web, tokens.refresh_token).expect(200)).body
    expect(refreshed).toMatchObject({ scope: 'openid profile write', id_token: expect.any(String) })
    await host.http().get('/oauth2/userinfo').auth(tokens.access_token, { type: 'bearer' }).expect(200)
  })
})

describe('a token for several resources', () => {
  it('has at each of them what that one accepts: at the guard, and at introspection by that API (RFC 7662 §2.2)', async () => {
    const host = await limited()
    const { access_token, refresh_token } = await host.signIn(host.web, { resource: both })
    const apis = express()
    for (const [path, resource] of [
      ['/files', files],
      ['/mail', mail],
    ] as const) {
      const guard = oauth.bearerGuard(host.server, { resource, user: false })
      apis.get(path, guard, (req, res) => void res.json([req.authInfo?.scope, oauth.accessToken(req).scope]))
    }
    apis.get('/write', oauth.bearerGuard(host.server, { resource: files, user: false }), oauth.requireScope('write'))
    const get = (path: string) => request(apis).get(path).auth(access_token, { type: 'bearer' })
    expect((await get('/files')).body).toEqual([['read'], ['read']])
    expect((await get('/mail')).body).toEqual([['write'], ['write']])
    expect((await get('/write')).status).toBe(403)
    const verified = await oauth.verifyAccessToken(host.server, access_token, { resource: mail })
    expect(verified.scope).toEqual(['write'])
    const postman = await host.register({ clientId: 'postman', grantTypes: [], resourceServer: [mail] })
    expect((await host.introspect(postman, access_token)).body).toMatchObject({ scope: 'write', aud: mail })
    expect((await host.introspect(host.web, access_token)).body.scope).toBe('read write')
    expect((await host.introspect(host.web, refresh_token)).body.scope).toBe('read write')
  })

  it('of before the limits has no more either, and becomes none that has', async () => {
    const before = await limited({ resources: [files, mail] })
    const tokens = await before.signIn(before.web, { resource: mail })
    expect(said(tokens)).toEqual(['read write', 600])
    const server = oauth.createAuthorizationServer({
      issuer: before.server.issuer,
      storage: before.storage,
      scopes: ['read', 'write'],
      grants: [
        oauth.authorizationCode(),
        oauth.refreshToken(),
        oauth.tokenExchange({ allow: ({ subject }) => ({ userId: subject.userId }) }),
      ],
      resources: { [files]: {}, [mail]: { ttl: 120, scopes: ['write'] } },
      users: { find: (id) => ({ id }) },
      now: () => before.clock.now,
    })
    const verified = await oauth.verifyAccessToken(server, tokens.access_token, { resource: mail })
    expect(verified.scope).toEqual(['write'])
    const app = express().use('/oauth2/token', oauth.tokenRouter(server))
    const { clientId, clientSecret = '' } = before.web
    const send = (form: object) =>
      request(app).post('/oauth2/token').auth(clientId, clientSecret).type('form').send(form)
    const exchange = {
      grant_type: exchangeGrant,
      subject_token: tokens.access_token,
      subject_token_type: accessTokenType,
    }
    expect(said((await send(exchange)).body)).toEqual(['write', 120])
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    expect(said((await send(refresh)).body)).toEqual(['write', 120])
  })
})

describe('a personal token', () => {
  it('has what the resource accepts, and is refused where it would live longer than the resource allows', async () => {
    const accessTokens = personalTokens({ prefix: 'acme_pat_', format: oauth.opaque({ ttl: 600 }) })
    const host = await limited({ accessTokens })
    await host.register({ clientId: 'personal', grantTypes: [], scopes: ['read', 'write'] })
    const asked = { clientId: 'personal', userId: 'alice', name: 'script' }
    const made = await issuePersonalToken(host.server, { ...asked, resource: mail, expiresIn: 120 })
    expect(made).toMatchObject({ scope: ['write'], expiresAt: startOfTime + 120 })
    const longer = issuePersonalToken(host.server, { ...asked, resource: mail, expiresIn: 121 })
    await expect(longer).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('120') })
    const free = await issuePersonalToken(host.server, { ...asked, resource: open, expiresIn: 86_400 })
    expect(free).toMatchObject({ scope: ['read', 'write'], expiresAt: startOfTime + 86_400 })
  })
})

describe('the metadata', () => {
  it('of a resource names the scopes that it accepts (RFC 9728 §2), and that of the server all of them', async () => {
    const host = await limited()
    const apis = express()
    apis.use(oauth.protectedResourceRouter(host.server, { resource: mail }))
    apis.use(oauth.protectedResourceRouter(host.server, { resource: open }))
    const of = async (path: string) => (await request(apis).get(`/.well-known/oauth-protected-resource${path}`)).body
    expect((await of('/v1')).scopes_supported).toEqual(['write', 'clients'])
    expect((await of('')).scopes_supported).toEqual(['read', 'write', 'clients', 'admin'])
    const { body } = await host.http().get('/.well-known/oauth-authorization-server')
    expect(body.scopes_supported).toEqual(['read', 'write', 'clients', 'admin'])
  })
})

describe('at start-up', () => {
  const start = (given: unknown, options: Partial<oauth.AuthorizationServerOptions> = {}) =>
    oauth.createAuthorizationServer({
      issuer: 'https://auth.example.com',
      storage: oauth.memoryStorage(),
      scopes: ['read', 'write'],
      accessTokens: oauth.opaque({ ttl: 600 }),
      resources: given as never,
      ...options,
    })

  it.each<[string, unknown, RegExp]>([
    ['a ttl above that of the server', { [files]: { ttl: 601 } }, /resources\['https:\/\/files.*'\]\.ttl is 601.*600/],
    ['a ttl that is no time', { [files]: { ttl: 0 } }, /\.ttl must be a whole number of seconds/],
    ['a ttl in milliseconds', { [files]: { ttl: 300_000 } }, /milliseconds/],
    ['a ttl that is not set', { [files]: { ttl: undefined } }, /ttl is undefined/],
    ['a scope that the server does not have', { [files]: { scopes: ['read', 'fly'] } }, /\.scopes has fly/],
    ['scopes as one string', { [files]: { scopes: 'read' } }, /\.scopes must be a list/],
    ['no scope at all', { [files]: { scopes: [] } }, /\.scopes must be a list/],
    ['an unknown member', { [files]: { scope: ['read'] } }, /Unknown resources\['https:\/\/files.*'\] member scope/],
    ['what is no object', { [files]: 300 }, /members must be one object/],
    ['nothing', { [files]: null }, /members must be one object/],
    ['a URI that is none', { 'files.example.com': {} }, /resources must be a list of absolute URIs/],
    ['a URI with a fragment', { [`${files}#a`]: {} }, /resources must be a list of absolute URIs/],
    ['neither a list nor an object', files, /resources must be a list of absolute URIs/],
    ['a Map', new Map([[files, {}]]), /resources must be a list of absolute URIs/],
    ['a Set', new Set([files]), /resources must be a list of absolute URIs/],
    ['null', null, /resources must be a list of absolute URIs/],
  ])('%s is refused, with the option and the fix', (_, given, message) => {
    expect(() => start(given)).toThrow(TypeError)
    expect(() => start(given)).toThrow(message)
  })

  it('the audience of jwt() in another spelling is refused: it would be without the limit', () => {
    const accessTokens = oauth.jwt({ keys: key, audience: files })
    expect(() => start({ [`${files}/`]: { ttl: 60 } }, { accessTokens })).toThrow(/spell both the same/)
    expect(start({ [files]: { ttl: 60 } }, { accessTokens }).resources).toEqual([files])
  })

  it('an empty object of each is the list', () => {
    const server = start({ [files]: {}, [mail]: {} })
    expect([server.resources, server.audience, server.resourceLimits]).toEqual([[files, mail], [files], undefined])
    expect(start([files]).resourceLimits).toBeUndefined()
  })

  it('a guard that needs what its resource does not accept would let nobody pass', () => {
    const server = start({ [files]: { scopes: ['read'] }, [mail]: { scopes: ['write'] } })
    expect(() => oauth.bearerGuard(server, { scope: 'write' })).toThrow(/bearerGuard's scope write/)
    expect(() => oauth.bearerGuard(server, { scope: 'write', resource: files })).toThrow(/scope write.*files/)
    oauth.bearerGuard(server, { scope: 'write', resource: mail })
    oauth.bearerGuard(server, { scope: 'read' })
  })

  it('warns of a replay window that is longer than the tokens of a resource live', () => {
    const events: oauth.AuthorizationServerEvent[] = []
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined)
    start({ [files]: { ttl: 30 } }, { onEvent: (event) => events.push(event) })
    expect(events).toMatchObject([{ type: 'warning', code: 'replay_window_exceeds_access_token' }])
    warn.mockRestore()
  })
})

it('is what the grant of a user has, as their page of apps shows it', async () => {
  const host = await limited()
  const asked = { clientId: 'web', userId: 'alice', resource: mail, scope: 'read write' }
  await oauth.issueTokens(host.server, asked)
  await host.signIn(host.web, { resource: mail, scope: 'read write' })
  const grants = await oauth.listGrants(host.server, { userId: 'alice' })
  expect(grants.map(({ scope }) => scope)).toEqual([['write'], ['write']])
})

it('is in the events: what was issued, and not what was asked', async () => {
  const host = await limited({ grants: [oauth.authorizationCode(), oauth.refreshToken(), oauth.deviceCode()] })
  expect(host.server.grants.has(deviceGrant)).toBe(true)
  const { refresh_token } = await host.signIn(host.web, { resource: both })
  host.events.length = 0
  await host.refresh(host.web, refresh_token, { resource: mail }).expect(200)
  expect(host.events).toMatchObject([{ type: 'token.issued', scope: ['write'] }])
})

it('a scope that one resource names is no scope of the server itself, also where openid({ claims }) names it', async () => {
  const host = await createOpenIdHost({ openid: { claims: { write: ['department'] } }, resources })
  const asked = { clientId: 'web', userId: 'alice', scope: 'read write' }
  const { scope } = await oauth.issueTokens(host.server, { ...asked, resource: files })
  expect(scope).toBe('read')
  expect(() => oauth.bearerGuard(host.server, { resource: files, scope: 'write' })).toThrow(TypeError)
})
