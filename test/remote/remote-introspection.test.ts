// A guard in another process that asks about each token: remoteServer({ issuer, introspect }).
import { generateSigningKey, jwt, type RemoteServerOptions } from '../../src/index'
import type { HostOptions } from '../support/host'
import { createApi, createRemoteHost, type RemoteHost } from '../support/remote'

const resource = 'https://api.example.com'
const INTROSPECT = '/oauth2/introspect'

let remote: RemoteHost
async function begin(options: HostOptions = {}): Promise<void> {
  await remote?.close()
  remote = await createRemoteHost(options)
}
beforeEach(() => begin())
afterAll(() => remote.close())

const credentials = () => ({ clientId: 'api', clientSecret: remote.host.api.clientSecret as string })
const api = (options: Partial<RemoteServerOptions> = {}) => createApi(remote, { introspect: credentials(), ...options })
const introspections = () => remote.asked.filter((path) => path === INTROSPECT).length

describe('a guard that introspects', () => {
  it('lets opaque tokens in', async () => {
    const { access_token } = await remote.host.signIn()
    const { body } = await api().call(access_token).expect(200)
    expect(body).toEqual({
      user: { id: 'alice' },
      authInfo: {
        clientId: 'web',
        userId: 'alice',
        scope: ['read', 'write'],
        expiresAt: remote.host.clock.now + 3600,
      },
    })
  })

  it('has no user for a token of the client itself', async () => {
    const { body } = await remote.host.token(remote.host.web, { grant_type: 'client_credentials' })
    const answer = await api().call(body.access_token).expect(200)
    expect(answer.body).not.toHaveProperty('user')
  })

  it('asks each time, so that a revocation holds at once', async () => {
    const { call } = api()
    const { access_token } = await remote.host.signIn()
    await call(access_token).expect(200)
    await call(access_token).expect(200)
    expect(introspections()).toBe(2)
    await remote.host.revoke(remote.host.web, access_token).expect(200)
    const { headers } = await call(access_token).expect(401)
    expect(headers['www-authenticate']).toContain('invalid_token')
  })

  it('finds the endpoint once', async () => {
    const { call } = api()
    const { access_token } = await remote.host.signIn()
    for (let i = 0; i < 3; i++) await call(access_token).expect(200)
    expect(remote.asked.filter((path) => path.startsWith('/.well-known'))).toHaveLength(1)
  })

  it('sends id and secret encoded as RFC 6749 §2.3.1 says', async () => {
    const clientSecret = 'ü:+ %&=pass'
    await remote.host.register({ clientId: 'a b:c', clientSecret, resourceServer: true })
    const { access_token } = await remote.host.signIn()
    // no client id may have a colon in Basic unless it is encoded
    await api({ introspect: { clientId: 'a b:c', clientSecret } })
      .call(access_token)
      .expect(200)
  })

  it('bound to its resource by the server, sees tokens for it alone (RFC 7662 §4)', async () => {
    await begin({ resources: [resource, 'https://other.example.com'] })
    const bound = await remote.host.register({ clientId: 'bound', resourceServer: [resource] })
    const { call } = api({ introspect: { clientId: 'bound', clientSecret: bound.clientSecret as string }, resource })
    const { access_token } = await remote.host.signIn()
    expect((await call(access_token).expect(200)).body.authInfo.audience).toEqual([resource])
    const other = await remote.host.signIn(remote.host.web, { resource: 'https://other.example.com' })
    await call(other.access_token).expect(401)
  })

  it('takes no refresh token, not even its own', async () => {
    const own = await remote.host.register({ clientId: 'own', resourceServer: true })
    const { refresh_token } = await remote.host.signIn(own)
    expect((await remote.host.introspect(own, refresh_token)).body.active).toBe(true)
    const introspect = { clientId: 'own', clientSecret: own.clientSecret as string }
    await api({ introspect }).call(refresh_token).expect(401)
  })

  it('is refused by a server at which it may not introspect: nobody gets in', async () => {
    const { access_token } = await remote.host.signIn()
    const other = await remote.host.register({ clientId: 'other' })
    const introspect = { clientId: 'other', clientSecret: other.clientSecret as string }
    await api({ introspect }).call(access_token).expect(401)
    const wrong = api({ introspect: { ...credentials(), clientSecret: 'wrong' } })
    await wrong.call(access_token).expect(503)
    expect(wrong.causes()).toEqual([expect.stringContaining('returned 401')])
  })

  it('answers 503 when nobody answers it, and never 401', async () => {
    const { call } = api()
    const { access_token } = await remote.host.signIn()
    await call(access_token).expect(200)
    remote.bend = (_req, res) => void res.destroy()
    const { headers } = await call(access_token).expect(503)
    expect(headers).not.toHaveProperty('www-authenticate')
    remote.bend = undefined
    await call(access_token).expect(200)
  })

  it('works for JWTs, whose audience must then be its resource', async () => {
    await begin({ accessTokens: jwt({ keys: generateSigningKey(), audience: resource }) })
    const { access_token } = await remote.host.signIn()
    await api({ resource }).call(access_token).expect(200)
    await api({ resource: 'https://other.example' }).call(access_token).expect(401)
    // who has not said what it is takes only tokens that are for nothing in particular
    await api().call(access_token).expect(401)
    await remote.host.revoke(remote.host.web, access_token).expect(200)
    await api({ resource }).call(access_token).expect(401)
  })
})

describe('a cache of answers', () => {
  it('is asked first for so many seconds, in which a revocation is not noticed', async () => {
    const { call } = api({ cache: 30 })
    const { access_token } = await remote.host.signIn()
    await call(access_token).expect(200)
    await remote.host.revoke(remote.host.web, access_token).expect(200)
    remote.host.clock.advance(29)
    await call(access_token).expect(200)
    expect(introspections()).toBe(1)
    remote.host.clock.advance(1)
    await call(access_token).expect(401)
  })

  it('never keeps a token past its exp', async () => {
    const { call } = api({ cache: 86_400 })
    const { access_token } = await remote.host.signIn()
    await call(access_token).expect(200)
    remote.host.clock.advance(3600)
    await call(access_token).expect(401)
  })

  it('keeps no refusal', async () => {
    const { call } = api({ cache: 30 })
    const { access_token } = await remote.host.signIn()
    remote.bend = (req, res, next) => void (req.path === INTROSPECT ? res.json({ active: false }) : next())
    await call(access_token).expect(401)
    remote.bend = undefined
    await call(access_token).expect(200)
  })
})

describe('an answer of introspection', () => {
  const good = { active: true, client_id: 'web', token_type: 'Bearer', scope: 'read', sub: 'alice' }
  const answered = async (answer: unknown) => {
    const tested = api()
    remote.bend = (req, res, next) => void (req.path === INTROSPECT ? res.json(answer) : next())
    return { ...tested, answer: await tested.call('token') }
  }

  it.each<[string, () => object]>([
    ['without exp, iss, aud and scope', () => ({ active: true, client_id: 'web', token_type: 'bearer' })],
    ['with an empty list of audiences', () => ({ ...good, aud: [] })],
    ['that is valid from now on', () => ({ ...good, nbf: remote.host.clock.now })],
  ])('is enough %s', async (_, body) => {
    expect((await answered(body())).answer.status).toBe(200)
  })

  it('whose sub is the client is of no user', async () => {
    const { answer } = await answered({ ...good, sub: 'web' })
    expect(answer.body).toEqual({ authInfo: { clientId: 'web', scope: ['read'] } })
  })

  it.each([
    [' read  write ', ['read', 'write']],
    ['', []],
  ])('with the scope %j has %j', async (scope, held) => {
    expect((await answered({ ...good, scope })).answer.body.authInfo.scope).toEqual(held)
  })

  it.each<[string, () => unknown]>([
    ['is not active', () => ({ ...good, active: false })],
    ['says active as text', () => ({ ...good, active: 'true' })],
    ['is of another issuer', () => ({ ...good, iss: 'https://evil.example' })],
    ['has expired', () => ({ ...good, exp: remote.host.clock.now })],
    ['is not valid yet', () => ({ ...good, nbf: remote.host.clock.now + 1 })],
    ['is of another type', () => ({ ...good, token_type: 'DPoP' })],
    ['does not say that it is an access token', () => ({ ...good, token_type: undefined })],
    ['is for another API', () => ({ ...good, aud: 'https://other.example' })],
  ])('means 401 when it %s', async (_, body) => {
    expect((await answered(body())).answer.status).toBe(401)
  })

  it.each<[string, unknown]>([
    ['has no client_id', { ...good, client_id: undefined }],
    ['has a scope that is a list', { ...good, scope: ['read'] }],
    ['has a sub that is a number', { ...good, sub: 1 }],
    ['has an exp that is text', { ...good, exp: '9999999999' }],
    ['has an aud that is an object', { ...good, aud: {} }],
    ['is null', null],
    ['is text', 'yes'],
  ])('means 503 when it %s: that is no answer', async (_, body) => {
    const { answer, causes } = await answered(body)
    expect(answer.status).toBe(503)
    expect(causes()).toHaveLength(1)
  })

  it('cannot be had where the server has no such endpoint', async () => {
    await begin({ endpoints: { authorize: '/a', token: '/t' } })
    const { call, causes } = api()
    await call('token').expect(503)
    expect(causes()).toEqual([expect.stringContaining('undefined is not an https URL')])
  })
})
