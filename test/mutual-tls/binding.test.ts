// What is bound to a certificate (RFC 8705 §3, §4, §7.1): access tokens, and the refresh tokens of public clients.
import express from 'express'
import { decodeJwt } from 'jose'
import request from 'supertest'
import {
  type AuthorizationServerEvent,
  bearerGuard,
  clientSecret,
  dpop,
  generateSigningKey,
  implicit,
  issueTokens,
  jwt,
  mutualTls,
  privateKeyJwt,
  pushedAuthorizationRequests,
  refreshToken,
  updateClient,
  verifyAccessToken,
} from '../../src'
import { certificate, inHeader, type TestCertificate } from '../support/certificates'
import { proof, proofKey } from '../support/dpop'
import {
  answerOf,
  createHost,
  type Host,
  type HostOptions,
  issuer,
  type TestClient,
  type Tokens,
} from '../support/host'

const header = 'x-client-cert'
const tls = mutualTls({ certificate: (req) => req.headers[header] })
const own = certificate()
const other = certificate()
const flag = { tlsClientCertificateBoundAccessTokens: true } as const

let host: Host
/** A public client, and one that authenticates by a secret: the records of both ask for bound tokens. */
let app: TestClient
let web: TestClient
const begin = async (options: HostOptions = {}) => {
  host = await createHost({ senderConstraints: [tls], ...options })
  const grantTypes = [...host.server.grants.keys()]
  app = await host.register({ clientId: 'app', tokenEndpointAuthMethods: ['none'], ...flag })
  web = await host.register({ clientId: 'bound', grantTypes, ...flag })
}
beforeEach(() => begin())

type Sent = ReturnType<Host['token']>
const by = (sent: Sent, made: TestCertificate | undefined): Sent => (made ? sent.set(header, inHeader(made)) : sent)
const exchange = async (client: TestClient, made: TestCertificate | undefined = own, code?: string) =>
  by(host.exchange(client, code ?? (await host.code(client))), made)
const signIn = async (client: TestClient, made = own) => (await exchange(client, made)).body as Tokens
const refresh = async (client: TestClient, token: string, made?: TestCertificate) =>
  by(host.refresh(client, token), made)
const boundTo = async (token: string) => (await host.introspect(host.api, token)).body.cnf
const isTaken = async (token: string, made?: TestCertificate, scheme = 'Bearer') =>
  (await by(host.http().get('/me').set('Authorization', `${scheme} ${token}`), made)).status
const refusals = () => host.events.flatMap((event) => (event.type === 'proof.refused' ? [event.reason] : []))

describe('a token request of a client whose record asks for bound tokens (§3.4)', () => {
  it('gets a bearer token with the thumbprint of its certificate: in introspection, JWT, event and response', async () => {
    const { body } = await exchange(web)
    expect([body.token_type, await boundTo(body.access_token)]).toEqual(['Bearer', { 'x5t#S256': own.thumbprint }])
    const issued = host.events.find(({ type }) => type === 'token.issued')
    expect(issued).toMatchObject({ confirmation: { 'x5t#S256': own.thumbprint } })
    await begin({ accessTokens: jwt({ keys: generateSigningKey(), audience: 'https://api.example' }) })
    expect(decodeJwt((await signIn(web)).access_token).cnf).toEqual({ 'x5t#S256': own.thumbprint })
  })

  it.each<[string, () => TestClient]>([
    ['public', () => app],
    ['confidential', () => web],
  ])('of a %s client without a certificate is refused, and the code stays good', async (_, client) => {
    const code = await host.code(client())
    const { status, body } = await by(host.exchange(client(), code), undefined)
    expect([status, body.error]).toEqual([400, 'invalid_request'])
    expect((await exchange(client(), own, code)).status).toBe(200)
    expect(refusals()).toHaveLength(1)
  })

  it.each([
    ['has expired', 3650 * 24 * 3600],
    ['is not valid yet', -365 * 24 * 3600],
  ])('with a certificate that %s is refused', async (problem, seconds) => {
    host.clock.advance(seconds)
    const { status, body } = await exchange(web)
    expect([status, body.error]).toEqual([400, 'invalid_request'])
    expect(refusals()).toEqual([`The client certificate ${problem}.`])
  })

  it('with something that is no certificate is refused', async () => {
    const { status, body } = await host.exchange(web, await host.code(web)).set(header, 'x')
    expect([status, body.error]).toEqual([400, 'invalid_request'])
  })

  it('is refused by every grant, and in the code of the host, whatever the server lists', async () => {
    for (const senderConstraints of [[tls], []]) {
      const server = { ...host.server, senderConstraints }
      const issued = issueTokens(server, { clientId: 'bound', userId: 'alice' })
      await expect(issued).rejects.toMatchObject({ code: 'invalid_request' })
    }
    expect((await host.token(web, { grant_type: 'client_credentials' })).body.error).toBe('invalid_request')
  })

  it('gets none by the implicit grant (§6.4)', async () => {
    await begin({ grants: [...host.server.grants.values(), implicit()] })
    const answer = answerOf(await host.authorize(web, { response_type: 'token' }))
    expect([answer.error, answer.access_token]).toEqual(['unauthorized_client', undefined])
  })
})

it('a certificate binds nothing where the record does not ask for it', async () => {
  for (const client of [host.web, host.native]) {
    const { body } = await exchange(client)
    expect([body.token_type, await boundTo(body.access_token)]).toEqual(['Bearer', undefined])
    expect(await isTaken(body.access_token)).toBe(200)
  }
})

describe('at the guard (§3)', () => {
  it('a bound token is taken with its certificate, again and again', async () => {
    const { access_token: token } = await signIn(web)
    for (let n = 0; n < 3; n++) expect(await isTaken(token, own)).toBe(200)
    const { body } = await by(host.me(token), own)
    expect(body.authInfo.confirmation).toEqual({ 'x5t#S256': own.thumbprint })
  })

  it.each<[string, string | undefined, string]>([
    ['without a certificate', undefined, 'The access token is bound to a certificate, and the request has none.'],
    ['with another one', inHeader(other), 'The access token is bound to another certificate.'],
    ['with what is none', 'x', 'cannot be read'],
    ['with two', `${inHeader(own)}, ${inHeader(other)}`, 'cannot be read'],
  ])('a bound token %s is 401 invalid_token', async (_, sent, problem) => {
    const { access_token: token } = await signIn(web)
    const asked = host.me(token)
    const { status, headers } = await (sent === undefined ? asked : asked.set(header, sent))
    expect([status, headers['www-authenticate']]).toEqual([401, expect.stringContaining('error="invalid_token"')])
    expect(refusals()).toEqual([expect.stringContaining(problem)])
  })

  it('with the right certificate, when that has expired, it is refused', async () => {
    await begin({ accessTokens: jwt({ keys: generateSigningKey(), audience: 'https://api.example', ttl: 10 ** 9 }) })
    const { access_token: token } = await signIn(web)
    expect(await isTaken(token, own)).toBe(200)
    host.clock.advance(3650 * 24 * 3600)
    expect(await isTaken(token, own)).toBe(401)
    expect(refusals()).toEqual(['The client certificate has expired.'])
  })

  it('no other scheme is taken, and the challenge names Bearer alone', async () => {
    const { access_token: token } = await signIn(web)
    const { access_token: free } = await host.signIn()
    for (const scheme of ['DPoP', 'Basic']) {
      expect([await isTaken(token, own, scheme), await isTaken(free, own, scheme)]).toEqual([401, 401])
    }
    expect((await host.http().get('/me')).headers['www-authenticate']).toBe('Bearer realm="api"')
  })

  it('senderConstrained refuses a bearer token that is bound to nothing', async () => {
    const api = express()
    api.get('/', bearerGuard(host.server, { senderConstrained: true }), (_req, res) => void res.json({}))
    const { access_token: token } = await signIn(web)
    const { access_token: free } = await host.signIn()
    const call = (sent: string) => request(api).get('/').auth(sent, { type: 'bearer' })
    expect((await by(call(token), own)).status).toBe(200)
    const { status, headers } = await by(call(free), own)
    expect([status, headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Bearer .*invalid_token/)])
  })

  it('verifyAccessToken takes the request that the token came with', async () => {
    const { access_token: token } = await signIn(web)
    const upgrade = (made: TestCertificate) => ({
      method: 'GET',
      url: '/ws',
      headers: { authorization: `Bearer ${token}`, [header]: inHeader(made) },
      rawHeaders: [],
    })
    await expect(verifyAccessToken(host.server, token, { request: upgrade(own) })).resolves.toMatchObject({
      clientId: 'bound',
    })
    const refused = { code: 'invalid_token' }
    await expect(verifyAccessToken(host.server, token, { request: upgrade(other) })).rejects.toMatchObject(refused)
    await expect(verifyAccessToken(host.server, token)).rejects.toMatchObject(refused)
  })

  it('a server that lists no mutualTls() any more refuses bound tokens', async () => {
    const { access_token: token } = await signIn(web)
    await expect(verifyAccessToken({ ...host.server, senderConstraints: [] }, token)).rejects.toMatchObject({
      code: 'invalid_token',
    })
  })
})

describe('a refresh token', () => {
  it('of a public client is bound to the certificate (§4)', async () => {
    const { refresh_token: token } = await signIn(app)
    for (const made of [undefined, other]) {
      const { status, body } = await refresh(app, token, made)
      expect(status).toBe(400)
      expect(body.error).toBe(made ? 'invalid_grant' : 'invalid_request')
    }
    expect(host.eventTypes()).not.toContain('refresh.reused')
    expect((await refresh(app, token, own)).status).toBe(200)
  })

  it('of a client that authenticates is not (§7.1): a new certificate gets a token bound to itself', async () => {
    const { refresh_token: token } = await signIn(web)
    const { status, body } = await refresh(web, token, other)
    expect([status, await boundTo(body.access_token)]).toEqual([200, { 'x5t#S256': other.thumbprint }])
  })

  it('that is sent twice gets the same answer for the same certificate alone', async () => {
    const { refresh_token: token } = await signIn(web)
    const first = await refresh(web, token, own)
    const again = await refresh(web, token, own)
    expect(again.body.access_token).toBe(first.body.access_token)
    const { status, body } = await refresh(web, token, other)
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
    expect(host.eventTypes()).not.toContain('refresh.reused')
  })

  it('that does not rotate serves two instances with a certificate each', async () => {
    const grants = [...host.server.grants.values()].filter(({ grantType }) => grantType !== 'refresh_token')
    await begin({ grants: [...grants, refreshToken({ rotate: false })] })
    const { refresh_token: token } = await signIn(web)
    const tokens = []
    for (const made of [own, other, own, other])
      tokens.push([(await refresh(web, token, made)).body.access_token, made])
    for (const [sent, made] of tokens.slice(2)) expect(await isTaken(sent, made)).toBe(200)
  })

  it('of a public client whose record asks later is bound from then on', async () => {
    const free = await host.register({ clientId: 'free', tokenEndpointAuthMethods: ['none'] })
    const { refresh_token: token } = await host.signIn(free)
    await updateClient(host.server, 'free', flag)
    const next = await refresh(free, token, own)
    expect(await boundTo(next.body.access_token)).toEqual({ 'x5t#S256': own.thumbprint })
    expect((await refresh(free, next.body.refresh_token, other)).body.error).toBe('invalid_grant')
  })
})

it('of 20 exchanges of one code with 20 certificates one wins, and its token is bound to its own', async () => {
  const made = Array.from({ length: 20 }, () => certificate())
  const code = await host.code(app)
  const answers = await Promise.all(made.map((one) => exchange(app, one, code)))
  const won = answers.flatMap(({ status }, at) => (status === 200 ? [at] : []))
  expect(won).toHaveLength(1)
  const [at = -1] = won
  expect(await boundTo(answers[at]?.body.access_token)).toEqual({ 'x5t#S256': made[at]?.thumbprint })
})

describe('beside dpop()', () => {
  it.each<[string, () => HostOptions]>([
    ['certificates first', () => ({ senderConstraints: [tls, dpop()] })],
    ['proofs first', () => ({ senderConstraints: [dpop(), tls] })],
  ])('a token may be bound to both, and then needs both (%s)', async (_, options) => {
    await begin(options())
    const key = await proofKey()
    const now = { now: host.clock.now }
    const sent = host.exchange(app, await host.code(app)).set('DPoP', await proof(key, now))
    const { body } = await by(sent, own)
    const cnf = { jkt: key.jkt, 'x5t#S256': own.thumbprint }
    expect([body.token_type, await boundTo(body.access_token)]).toEqual(['DPoP', cnf])
    const call = async (scheme: string, made?: TestCertificate, proven = true) => {
      const change = { method: 'GET', url: `${issuer}/me`, token: body.access_token, ...now }
      const asked = host.http().get('/me').set('Authorization', `${scheme} ${body.access_token}`)
      if (proven) asked.set('DPoP', await proof(key, change))
      return (await by(asked, made)).status
    }
    expect([
      await call('DPoP', own),
      await call('DPoP', other),
      await call('DPoP'),
      await call('DPoP', own, false),
    ]).toEqual([200, 401, 401, 401])
    expect(await call('Bearer', own)).toBe(401)
    for (const [made, proven, status] of [
      [own, false, 400],
      [other, true, 400],
      [own, true, 200],
    ] as const) {
      const again = host.refresh(app, body.refresh_token)
      if (proven) again.set('DPoP', await proof(key, now))
      expect((await by(again, made)).status).toBe(status)
    }
  })

  it('clients without the flag have bearer tokens or DPoP tokens, as without mutualTls()', async () => {
    await begin({ senderConstraints: [tls, dpop()], requests: [pushedAuthorizationRequests()] })
    const key = await proofKey()
    const sent = host.exchange(host.web, await host.code()).set('DPoP', await proof(key, { now: host.clock.now }))
    expect(await boundTo((await by(sent, own)).body.access_token)).toEqual({ jkt: key.jkt })
    const challenge = (await host.http().get('/me')).headers['www-authenticate']
    expect(challenge).toMatch(/^Bearer realm="api", DPoP realm="api", algs=/)
  })
})

describe('the metadata', () => {
  const metadata = async () => (await host.http().get('/.well-known/oauth-authorization-server')).body
  const aliases = 'https://mtls.example.com'

  it('says that tokens may be bound, and where clients with a certificate go (§3.3, §5)', async () => {
    const value = mutualTls({ aliases })
    await begin({ senderConstraints: [value], requests: [pushedAuthorizationRequests()] })
    expect(await metadata()).toMatchObject({
      tls_client_certificate_bound_access_tokens: true,
      mtls_endpoint_aliases: {
        token_endpoint: `${aliases}/oauth2/token`,
        revocation_endpoint: `${aliases}/oauth2/revoke_token`,
        introspection_endpoint: `${aliases}/oauth2/introspect`,
        pushed_authorization_request_endpoint: `${aliases}/oauth2/par`,
      },
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    })
    expect((await metadata()).mtls_endpoint_aliases).not.toHaveProperty('authorization_endpoint')
  })

  it('says neither where the server has neither', async () => {
    host = await createHost({ clientAuthentication: [clientSecret(), mutualTls()] })
    const said = await metadata()
    expect(said.token_endpoint_auth_methods_supported).toEqual([
      ...['none', 'client_secret_basic', 'client_secret_post'],
      ...['tls_client_auth', 'self_signed_tls_client_auth'],
    ])
    expect(said).not.toHaveProperty('mtls_endpoint_aliases')
    expect(said).not.toHaveProperty('tls_client_certificate_bound_access_tokens')
  })
})

it('one value in both lists is one; two values say their rows once', async () => {
  for (const [first, second] of [
    [tls, tls],
    [mutualTls(), mutualTls()],
  ] as const) {
    const options = { clientAuthentication: [clientSecret(), privateKeyJwt(), first], senderConstraints: [second] }
    await expect(createHost(options)).resolves.toBeDefined()
  }
  await expect(createHost({ senderConstraints: [mutualTls(), mutualTls()] })).rejects.toThrow(
    'senderConstraints has mutualTls() more than once',
  )
})

it('no event says a certificate, only its thumbprint', async () => {
  await signIn(app)
  await refresh(app, (await signIn(app)).refresh_token, other)
  const said = JSON.stringify(host.events satisfies AuthorizationServerEvent[])
  expect(said).toContain(own.thumbprint)
  expect(said).not.toContain(own.x5c.slice(0, 40))
})
