// Other people's clients with real certificates (RFC 8705): over TLS to this process, and behind a real nginx.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import express, { type Express } from 'express'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { listen, type RunningApp } from '../../examples/shared/start'
import {
  type AuthorizationServer,
  type AuthorizationServerEvent,
  bearerGuard,
  clientSecret,
  createAuthorizationServer,
  dpop,
  generateSigningKey,
  jwt,
  type MutualTlsOptions,
  memoryStorage,
  mutualTls,
  oauthRouter,
  pushedAuthorizationRequests,
  registerClient,
  remoteServer,
  verifyAccessToken,
} from '../../src'
import { authority, certificate, type TestCertificate } from '../support/certificates'
import { describeNginx, startNginx } from '../support/nginx'
import { fetchOver } from '../support/tls'

const ca = authority()
const serverCertificate = certificate({ subject: '/CN=127.0.0.1', names: 'IP:127.0.0.1' })
const issued = certificate({ subject: '/C=DE/O=Example/CN=ledger', names: 'DNS:ledger.example', by: ca })
const selfSigned = certificate({ subject: '/CN=ledger', names: 'DNS:ledger.example' })
const thief = certificate({ subject: '/CN=thief', by: ca })
const redirectUri = 'https://ledger.example/callback'
const resource = 'https://api.example.com'

/** What a client with this certificate has for its connections; without one it sends none. */
const over = (made?: TestCertificate) =>
  fetchOver({ ca: serverCertificate.cert, ...(made && { cert: made.cert, key: made.key }) })
const plain = { key: serverCertificate.key, cert: serverCertificate.cert }
/** Asks for a certificate, and lets those without a trusted one in: what they may do is said by their record. */
const asking = { ...plain, ca: ca.cert, requestCert: true, rejectUnauthorized: false }

interface Bank {
  server: AuthorizationServer
  events: AuthorizationServerEvent[]
  app: Express
  clock: { ahead: number }
}

/** An authorization server, its API, and an API that knows it only by its name. Alice says yes to everything. */
async function createBank(issuer: string, options: MutualTlsOptions = {}): Promise<Bank> {
  const events: AuthorizationServerEvent[] = []
  const clock = { ahead: 0 }
  const now = () => Math.floor(Date.now() / 1000) + clock.ahead
  const tls = mutualTls(options)
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: ['read'],
    accessTokens: jwt({ keys: generateSigningKey(), audience: resource }),
    clientAuthentication: [clientSecret(), tls],
    senderConstraints: [tls, dpop()],
    requests: [pushedAuthorizationRequests()],
    onEvent: (event) => void events.push(event),
    now,
  })
  const record = {
    redirectUris: [redirectUri],
    scopes: ['read'],
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    tlsClientCertificateBoundAccessTokens: true,
  }
  const names = { tlsClientAuthSubjectDn: 'CN=ledger,O=Example,C=DE' }
  const methods = ['tls_client_auth', 'self_signed_tls_client_auth', 'none'] as const
  const [byName, byKeys, none] = methods.map((method) => ({ clientId: method, tokenEndpointAuthMethods: [method] }))
  await registerClient(server, { ...record, ...byName, ...names })
  await registerClient(server, { ...record, ...byKeys, jwks: { keys: [selfSigned.jwk] } })
  await registerClient(server, { ...record, ...none, grantTypes: ['authorization_code', 'refresh_token'] })
  await registerClient(server, {
    ...record,
    ...byName,
    ...names,
    clientId: 'free',
    tlsClientCertificateBoundAccessTokens: false,
  })
  const app = express()
  app.use(oauthRouter(server, { decide: () => ({ allow: true, userId: 'alice' }), protect: false }))
  const answer: express.RequestHandler = (req, res) => void res.json({ confirmation: req.authInfo?.confirmation })
  app.get('/api', bearerGuard(server, { user: false }), answer)
  return { server, events, app, clock }
}

interface Place {
  bank: Bank
  /** Where clients with a certificate go. */
  origin: string
  close: () => Promise<void>
}

/** Over TLS to this process. The issuer asks for no certificate, and its aliases do. */
async function directly(options: MutualTlsOptions = {}): Promise<Place> {
  let app: Express = express()
  const aliases = await listen(() => express().use((req, res, next) => app(req, res, next)), 0, asking)
  let bank: Bank | undefined
  const main: RunningApp = await listen(
    async (issuer) => {
      bank = await createBank(issuer, { aliases: aliases.issuer, ...options })
      app = bank.app
      return app
    },
    0,
    plain,
  )
  return {
    bank: bank as Bank,
    origin: aliases.issuer,
    close: async () => void (await Promise.all([main.close(), aliases.close()])),
  }
}

/** Behind nginx, which has the connection, and says in two headers what it saw. */
async function behindNginx(): Promise<Place> {
  let app: Express = express()
  const inside = await listen(() => express().use((req, res, next) => app(req, res, next)))
  const nginx = await startNginx((port) => [
    `listen 127.0.0.1:${port} ssl;`,
    `ssl_certificate ${serverCertificate.certFile};`,
    `ssl_certificate_key ${serverCertificate.keyFile};`,
    `ssl_client_certificate ${ca.certFile};`,
    // self-signed ones are let in, too, and said to have failed
    'ssl_verify_client optional_no_ca;',
    'location / {',
    `proxy_pass ${inside.issuer};`,
    'proxy_set_header Host $http_host;',
    'proxy_set_header X-Forwarded-Proto https;',
    'proxy_set_header X-Client-Cert $ssl_client_escaped_cert;',
    'proxy_set_header X-Client-Verify $ssl_client_verify;',
    '}',
  ])
  const bank = await createBank(nginx.origin, {
    certificate: (req) => req.headers['x-client-cert'],
    verified: (req) => req.headers['x-client-verify'] === 'SUCCESS',
  })
  bank.app.set('trust proxy', 1)
  app = bank.app
  return { bank, origin: nginx.origin, close: async () => void (await Promise.all([nginx.stop(), inside.close()])) }
}

let place: Place
const describeWith: [string, (name: string, body: () => void) => void, () => Promise<Place>][] = [
  ['over TLS to this process', describe, directly],
  ['behind nginx', describeNginx, behindNginx],
]
for (const [name, describeHere, begin] of describeWith) {
  describeHere(name, () => {
    beforeAll(async () => {
      place = await begin()
    })
    beforeEach(() => {
      place.bank.events.length = 0
      place.bank.clock.ahead = 0
    })
    afterAll(() => place.close())

    it.each([
      ['tls_client_auth', issued],
      ['self_signed_tls_client_auth', selfSigned],
    ])('oauth4webapi goes the whole way by %s, with tokens that are bound to its certificate', async (method, made) => {
      const { as, client, auth, http } = await oauthClient(method, made)
      expect(as.tls_client_certificate_bound_access_tokens).toBe(true)
      expect(as.token_endpoint_auth_methods_supported).toContain(method)
      const tokens = await signIn(as, client, auth, http)
      expect(await call(tokens.access_token, made)).toEqual([200, { 'x5t#S256': made.thumbprint }])
      for (const other of [undefined, thief]) expect((await call(tokens.access_token, other))[0]).toBe(401)
      const refreshToken = tokens.refresh_token as string
      const again = await oauth.refreshTokenGrantRequest(as, client, auth, refreshToken, http)
      const next = await oauth.processRefreshTokenResponse(as, client, again)
      const own = await oauth.processClientCredentialsResponse(
        as,
        client,
        await oauth.clientCredentialsGrantRequest(as, client, auth, {}, http),
      )
      expect(await call(own.access_token, made)).toEqual([200, { 'x5t#S256': made.thumbprint }])
      const asked = async (token: string) =>
        oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token, http))
      expect(await asked(next.access_token)).toMatchObject({ active: true, cnf: { 'x5t#S256': made.thumbprint } })
      const { refresh_token: last = '' } = next
      await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, last, http))
      expect(await asked(next.access_token)).toEqual({ active: false })
    })

    it('oauth4webapi pushes its request, and binds its tokens to a key of DPoP as well', async () => {
      const { as, client, auth, http } = await oauthClient('tls_client_auth', issued)
      const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
      const tokens = await signIn(as, client, auth, { ...http, DPoP }, true)
      expect(tokens.token_type).toBe('dpop')
      const asked = (made: TestCertificate) =>
        oauth.protectedResourceRequest(
          tokens.access_token,
          'GET',
          new URL(`${place.bank.server.issuer}/api`),
          undefined,
          null,
          {
            [oauth.customFetch]: withAlias(made) as never,
            DPoP,
          },
        )
      expect((await asked(issued)).status).toBe(200)
      await expect(asked(thief)).rejects.toThrow(oauth.WWWAuthenticateChallengeError)
    })

    it('oauth4webapi as a public client: its refresh token is bound, too (§4)', async () => {
      const { as, client, auth, http } = await oauthClient('none', selfSigned)
      const { refresh_token: token = '' } = await signIn(as, client, auth, http)
      const refresh = async (made: TestCertificate) =>
        oauth.processRefreshTokenResponse(
          as,
          client,
          await oauth.refreshTokenGrantRequest(as, client, auth, token, { [oauth.customFetch]: over(made) as never }),
        )
      await expect(refresh(thief)).rejects.toMatchObject({ error: 'invalid_grant' })
      expect((await refresh(selfSigned)).token_type).toBe('bearer')
    })

    it.each([
      ['tls_client_auth', issued],
      ['self_signed_tls_client_auth', selfSigned],
    ])('openid-client goes the same way by %s', async (method, made) => {
      const { issuer } = place.bank.server
      const options: openid.DiscoveryRequestOptions = { algorithm: 'oauth2', [openid.customFetch]: over(made) as never }
      const metadata = { use_mtls_endpoint_aliases: true }
      const config = await openid.discovery(new URL(issuer), method, metadata, openid.TlsClientAuth(), options)
      const pkceCodeVerifier = openid.randomPKCECodeVerifier()
      const expectedState = openid.randomState()
      const url = await openid.buildAuthorizationUrlWithPAR(config, {
        redirect_uri: redirectUri,
        scope: 'read',
        state: expectedState,
        code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
      })
      const tokens = await openid.authorizationCodeGrant(config, await answered(url), {
        pkceCodeVerifier,
        expectedState,
      })
      expect(await call(tokens.access_token, made)).toEqual([200, { 'x5t#S256': made.thumbprint }])
      const next = await openid.refreshTokenGrant(config, tokens.refresh_token as string)
      const said = await openid.tokenIntrospection(config, next.access_token)
      expect(said).toMatchObject({ active: true, cnf: { 'x5t#S256': made.thumbprint } })
      await openid.tokenRevocation(config, next.refresh_token as string)
      expect(await openid.clientCredentialsGrant(config, {})).toMatchObject({ token_type: 'bearer' })
    })

    it.each<[string, string, TestCertificate | undefined]>([
      ['no certificate', 'tls_client_auth', undefined],
      ['another certificate of the same CA', 'tls_client_auth', thief],
      ['a self-signed one of the same name', 'tls_client_auth', certificate({ subject: '/C=DE/O=Example/CN=ledger' })],
      ['no certificate', 'self_signed_tls_client_auth', undefined],
      [
        'another self-signed one of the same name',
        'self_signed_tls_client_auth',
        certificate({ subject: '/CN=ledger' }),
      ],
      ['one of a trusted CA that is not registered', 'self_signed_tls_client_auth', thief],
    ])('%s: invalid_client (%s)', async (_, method, made) => {
      const { as, client, auth, http } = await oauthClient(method, made)
      const asked = async () =>
        oauth.processClientCredentialsResponse(
          as,
          client,
          await oauth.clientCredentialsGrantRequest(as, client, auth, {}, http),
        )
      await expect(asked()).rejects.toMatchObject({ error: 'invalid_client', status: 401 })
    })

    it('an expired certificate is refused, and the event says why', async () => {
      const { as, client, auth, http } = await oauthClient('tls_client_auth', issued)
      const sent = await oauth.clientCredentialsGrantRequest(as, client, auth, {}, http)
      expect(sent.status).toBe(200)
      place.bank.clock.ahead = 3651 * 24 * 3600
      const late = await oauth.clientCredentialsGrantRequest(as, client, auth, {}, http)
      expect([late.status, ((await late.json()) as { error: string }).error]).toEqual([401, 'invalid_client'])
      const said = place.bank.events.flatMap((event) => ('reason' in event ? [event.reason] : []))
      expect(said).toEqual(['The client certificate has expired.'])
    })

    it('a header that a client sends itself is worth nothing', async () => {
      const forged = { 'x-client-cert': encodeURIComponent(selfSigned.cert), 'x-client-verify': 'SUCCESS' }
      for (const made of [undefined, thief]) {
        const answer = await over(made)(`${place.origin}/oauth2/token`, {
          method: 'POST',
          body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'self_signed_tls_client_auth' }),
          headers: forged,
        })
        expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([401, 'invalid_client'])
      }
    })
  })
}

describe('over TLS to this process', () => {
  beforeAll(async () => {
    place = await directly()
  })
  afterAll(() => place.close())

  it('a resumed session is that of the same certificate, also for the CA', async () => {
    const { hostname: host, port } = new URL(place.origin)
    const ask = (session?: Buffer) =>
      new Promise<{ status: string; session: Buffer | undefined; reused: boolean }>((resolve, reject) => {
        const body = 'grant_type=client_credentials&client_id=tls_client_auth'
        const { cert, key } = issued
        let known: Buffer | undefined
        let isReused = false
        const socket = connect(
          { host, port: Number(port), ca: serverCertificate.cert, ...(session ? { session } : { cert, key }) },
          () => {
            isReused = socket.isSessionReused()
            const head = [
              'POST /oauth2/token HTTP/1.1',
              `Host: ${host}:${port}`,
              'Connection: close',
              `Content-Length: ${body.length}`,
            ]
            socket.write(`${head.join('\r\n')}\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n${body}`)
          },
        )
        let text = ''
        socket.on('session', (one: Buffer) => {
          known = one
        })
        socket.on('data', (chunk: Buffer) => {
          text += chunk
        })
        socket.on('error', reject)
        socket.on('close', () => resolve({ status: text.split(' ')[1] ?? '', session: known, reused: isReused }))
      })
    const first = await ask()
    const second = await ask(first.session)
    expect([first.status, first.reused, second.status, second.reused]).toEqual(['200', false, '200', true])
  })

  it('a request that becomes a WebSocket has the certificate of its connection (verifyAccessToken)', async () => {
    const { as, client, auth, http } = await oauthClient('tls_client_auth', issued)
    const sent = await oauth.clientCredentialsGrantRequest(as, client, auth, {}, http)
    const { access_token: token } = await oauth.processClientCredentialsResponse(as, client, sent)
    const sockets = await listen(
      () =>
        express().use((req, res) => {
          verifyAccessToken(place.bank.server, token, { request: req }).then(
            () => res.json({}),
            ({ code }) => res.status(401).json({ code }),
          )
        }),
      0,
      asking,
    )
    const statuses = []
    for (const made of [issued, thief, undefined]) statuses.push((await over(made)(sockets.issuer)).status)
    await sockets.close()
    expect(statuses).toEqual([200, 401, 401])
  })

  it('an API in another process takes the token by cnf of the JWT (remoteServer), and one that lists no mutualTls() does not', async () => {
    const { as, client, auth, http } = await oauthClient('tls_client_auth', issued)
    const sent = await oauth.clientCredentialsGrantRequest(as, client, auth, {}, http)
    const { access_token: token } = await oauth.processClientCredentialsResponse(as, client, sent)
    const { issuer } = place.bank.server
    // what stands between the two is not what is tested
    const inside = createServer(place.bank.app).listen(0, '127.0.0.1')
    await once(inside, 'listening')
    const reachableAt = `http://127.0.0.1:${(inside.address() as AddressInfo).port}`
    const statuses: number[] = []
    for (const senderConstraints of [[mutualTls()], [mutualTls(), dpop()], [dpop()], []]) {
      const remote = remoteServer({ issuer, reachableAt, resource, senderConstraints, onEvent: () => {} })
      const api = await listen(
        () => express().get('/', bearerGuard(remote, { user: false }), (_req, res) => void res.json({})),
        0,
        asking,
      )
      const headers = { authorization: `Bearer ${token}` }
      for (const made of [issued, thief, undefined]) statuses.push((await over(made)(api.issuer, { headers })).status)
      await api.close()
    }
    inside.close()
    expect(statuses).toEqual([200, 401, 401, 200, 401, 401, 401, 401, 401, 401, 401, 401])
  })

  it('a certificate that the record does not ask for binds nothing', async () => {
    const { as, client, auth, http } = await oauthClient('free', issued)
    const sent = await oauth.clientCredentialsGrantRequest(as, client, auth, {}, http)
    const { access_token: token } = await oauth.processClientCredentialsResponse(as, client, sent)
    expect(await call(token)).toEqual([200, undefined])
  })
})

/** Requests of a client to the aliases, where it has a certificate; what it asks the issuer goes there as well. */
const withAlias = (made?: TestCertificate): typeof fetch => {
  const { issuer } = place.bank.server
  return (input, init) =>
    over(made)(String((input as Request).url ?? input).replace(`${issuer}/api`, `${place.origin}/api`), init)
}

async function oauthClient(clientId: string, made?: TestCertificate) {
  const issuer = new URL(place.bank.server.issuer)
  const http = { [oauth.customFetch]: over(made) as never }
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http })
  const as = await oauth.processDiscoveryResponse(issuer, found)
  const client: oauth.Client = { client_id: clientId, use_mtls_endpoint_aliases: place.origin !== issuer.origin }
  const auth = clientId === 'none' ? oauth.None() : oauth.TlsClientAuth()
  return { as, client, auth, http }
}

async function signIn(
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  auth: oauth.ClientAuth,
  http: oauth.TokenEndpointRequestOptions & oauth.PushedAuthorizationRequestOptions,
  isPushed = false,
) {
  const verifier = oauth.generateRandomCodeVerifier()
  const sent = new URLSearchParams({
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: redirectUri,
    scope: 'read',
    state: 'a state',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const url = new URL(as.authorization_endpoint as string)
  if (isPushed) {
    const pushed = await oauth.pushedAuthorizationRequest(as, client, auth, sent, http)
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, pushed)
    url.search = String(new URLSearchParams({ client_id: client.client_id, request_uri }))
  } else url.search = String(sent)
  const answer = oauth.validateAuthResponse(as, client, await answered(url), 'a state')
  const asked = await oauth.authorizationCodeGrantRequest(as, client, auth, answer, redirectUri, verifier, http)
  return oauth.processAuthorizationCodeResponse(as, client, asked)
}

/** Alice's browser, which has no certificate. */
async function answered(url: URL): Promise<URL> {
  const answer = await over()(url)
  const { location } = Object.fromEntries(answer.headers)
  if (location === undefined) throw new Error(`${answer.status} ${await answer.text()}`)
  return new URL(location)
}

/** The API, called with the token as Bearer: the status, and what the token is bound to. */
async function call(token: string, made?: TestCertificate): Promise<[number, unknown]> {
  const answer = await over(made)(`${place.origin}/api`, { headers: { authorization: `Bearer ${token}` } })
  const { confirmation } = (await answer.json()) as { confirmation?: unknown }
  return [answer.status, confirmation]
}
