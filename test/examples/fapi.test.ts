// examples/fapi/fapi.ts over TLS: row by row what the README.md beside it says, with oauth4webapi as the client, and one thing
// wrong at a time; and as a person meets it, with the client of the example in a process of its own.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { promisify } from 'node:util'
import { UnsecuredJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { createApp } from '../../examples/fapi/fapi'
import { listen, type RunningApp } from '../../examples/shared/start'
import { makeCertificate, tlsOptions } from '../../examples/shared/tls'
import { type AuthorizationServerEvent, createAuthorizationServer, memoryStorage, registerClient } from '../../src'
import { openBrowser } from '../interoperability/browser'
import { asserted, type ClientKey, clientKey, signAssertion, signRequest } from '../support/assertions'
import { type ProofKey, proof, proofKey } from '../support/dpop'
import { fetchOver, handshake } from '../support/tls'

const root = join(__dirname, '..', '..')
const certificate = makeCertificate()
const trusting = fetchOver({ ca: certificate.cert })
const http = { [oauth.customFetch]: trusting as never }
/** Seconds by which the bank's clock is ahead of the machine's. */
let ahead = 0
const client: oauth.Client = {
  client_id: 'ledger',
  get [oauth.clockSkew]() {
    return ahead
  },
}
const redirectUri = 'https://ledger.example/callback'
const verifier = oauth.generateRandomCodeVerifier()

const storage = memoryStorage()
const events: AuthorizationServerEvent[] = []
const clock = () => Math.floor(Date.now() / 1000) + ahead

let key: ClientKey
let other: ClientKey
let dpopKey: ProofKey
let thief: ProofKey
let bank: RunningApp
let as: oauth.AuthorizationServer
let auth: oauth.ClientAuth

beforeAll(async () => {
  ;[key, other] = await Promise.all([clientKey(), clientKey('RS256')])
  ;[dpopKey, thief] = await Promise.all([proofKey(), proofKey()])
  const record = { jwks: { keys: [key.jwk, other.jwk] }, redirectUris: [redirectUri] }
  const options = {
    storage,
    now: () => Date.now() / 1000 + ahead,
    onEvent: (event: AuthorizationServerEvent) => void events.push(event),
  }
  bank = await listen((issuer) => createApp(issuer, record, options), 0, tlsOptions(certificate))
  const url = new URL(bank.issuer)
  as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...http }))
  auth = oauth.PrivateKeyJwt({ key: key.privateKey, kid: key.kid })
})
afterAll(() => bank.close())

/** A key for proofs, as oauth4webapi has it: by the bank's clock of this moment. */
const handle = () => oauth.generateKeyPair('ES256').then((pair) => oauth.DPoP(client, pair))
const parameters = async (more: Record<string, string> = {}) => ({
  response_type: 'code',
  redirect_uri: redirectUri,
  scope: 'accounts',
  state: 'a state',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  ...more,
})
type Handle = oauth.DPoPHandle | undefined
const using = (DPoP: Handle) => ({ ...http, ...(DPoP && { DPoP }) })

async function push(DPoP?: Handle, more = {}) {
  const sent = await oauth.pushedAuthorizationRequest(as, client, auth, await parameters(more), using(DPoP))
  return oauth.processPushedAuthorizationResponse(as, client, sent)
}

/** Through sign-in and consent, with a browser of its own. */
async function answered(request_uri: string): Promise<URLSearchParams> {
  const query = new URLSearchParams({ client_id: 'ledger', request_uri })
  const there = await openBrowser(trusting).authorize(`${as.authorization_endpoint}?${query}`)
  return oauth.validateAuthResponse(as, client, new URL(there), 'a state')
}

async function exchange(answer: URLSearchParams, DPoP?: Handle) {
  const sent = [answer, redirectUri, verifier, using(DPoP)] as const
  return oauth.processAuthorizationCodeResponse(
    as,
    client,
    await oauth.authorizationCodeGrantRequest(as, client, auth, ...sent),
  )
}

async function refresh(token: string, DPoP?: Handle) {
  return oauth.processRefreshTokenResponse(
    as,
    client,
    await oauth.refreshTokenGrantRequest(as, client, auth, token, using(DPoP)),
  )
}

const call = (token: string, DPoP?: Handle) =>
  oauth.protectedResourceRequest(token, 'GET', new URL('/accounts', bank.issuer), undefined, null, using(DPoP))

async function signIn() {
  const DPoP = await handle()
  const tokens = await exchange(await answered((await push(DPoP)).request_uri), DPoP)
  return { ...tokens, refresh_token: tokens.refresh_token as string, DPoP }
}

/** A form by hand, for what no client of somebody else would send. */
async function post(url: string | undefined, form: Record<string, string>, headers: Record<string, string> = {}) {
  const answer = await trusting(url as string, { method: 'POST', body: new URLSearchParams(form), headers })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, string> }
}
const assertion = (claims = {}, by = key) =>
  signAssertion('ledger', by, { claims: { aud: bank.issuer, ...claims }, now: clock() })
const pushing = async (claims = {}, by = key) => ({ ...(await parameters()), ...asserted(await assertion(claims, by)) })
const errorOf = async (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'none',
    (error) => error.error ?? error.cause?.[0]?.parameters?.error,
  )
const path = (endpoint: string) => `${bank.issuer}${endpoint}`
const tls = (more: ConnectionOptions) => handshake(bank.issuer, { ca: certificate.cert, ...more })

/** What examples/fapi/README.md says, by the section of its row: each throws where it does not hold. */
const claims: Record<string, () => Promise<unknown>> = {
  async '5.2.1 (1)'() {
    const urls = Object.entries(as).filter(([name]) => name === 'issuer' || /_endpoint$|_uri$/.test(name))
    expect(urls.length).toBeGreaterThan(4)
    for (const [, url] of urls) expect(url).toMatch(/^https:/)
    await expect(fetch(bank.issuer.replace('https', 'http'))).rejects.toThrow()
    const server = createAuthorizationServer({ issuer: bank.issuer, storage, scopes: [] })
    const tokenEndpointAuthMethods = ['private_key_jwt'] as const
    const registered = registerClient(server, {
      tokenEndpointAuthMethods: [...tokenEndpointAuthMethods],
      jwksUri: 'http://ledger.example/keys',
    })
    await expect(registered).rejects.toThrow('https')
  },
  async '5.2.1 (2)'() {
    expect(await tls({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).toMatch(
      /PROTOCOL|ALERT/,
    )
    expect(await tls({ maxVersion: 'TLSv1.2' })).toMatch(/^TLSv1\.2 /)
    expect(await tls({})).toMatch(/^TLSv1\.3 TLS_AES_256_GCM_SHA384$/)
  },
  async '5.2.1 (3)'() {
    const text = readFileSync(join(root, 'examples/shared/tls.ts'), 'utf8')
    expect(text).not.toMatch(/secureOptions|ALLOW_|rejectUnauthorized/)
  },
  async '5.2.1 (5)'() {
    expect(await handshake(bank.issuer, {})).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY/)
    await expect(fetch(bank.issuer)).rejects.toThrow()
  },
  async '5.2.2 (1)'() {
    const version = { maxVersion: 'TLSv1.2' } as const
    for (const suite of ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384']) {
      expect(await tls({ ...version, ciphers: suite })).toMatch(/^TLSv1\.2 TLS_ECDHE_ECDSA_WITH_AES_(128|256)_GCM/)
    }
    // with the right kind of certificate, and some that Node takes by default
    for (const suite of [
      'ECDHE-ECDSA-CHACHA20-POLY1305',
      'ECDHE-ECDSA-AES128-SHA256',
      'ECDHE-ECDSA-AES256-SHA',
      'ECDHE-ECDSA-AES128-CCM',
    ]) {
      expect(await tls({ ...version, ciphers: suite })).toMatch(/HANDSHAKE_FAILURE/)
    }
  },
  async '5.2.3 (1)'() {
    for (const place of ['/login', '/accounts', '/oauth2/authorize', '/oauth2/token']) {
      const { headers } = await trusting(path(place))
      expect(headers.get('strict-transport-security')).toBe('max-age=63072000; includeSubDomains')
    }
  },
  '5.2.3 (2)': () => claims['5.2.2 (1)']?.() as Promise<unknown>,
  async '5.2.3 (3)'() {
    const origin = { Origin: 'https://elsewhere.example' }
    for (const method of ['OPTIONS', 'GET']) {
      const { headers } = await trusting(as.authorization_endpoint as string, { method, headers: origin })
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  },
  async '5.3.2.1 (1)'() {
    expect(as).toMatchObject({
      issuer: bank.issuer,
      require_pushed_authorization_requests: true,
      dpop_signing_alg_values_supported: ['ES256', 'PS256'],
      request_object_signing_alg_values_supported: ['ES256', 'PS256'],
      authorization_response_iss_parameter_supported: true,
    })
  },
  async '5.3.2.1 (2)'() {
    const form = {
      grant_type: 'password',
      username: 'ada',
      password: 'analytical engine',
      ...asserted(await assertion()),
    }
    const headers = { DPoP: await proof(dpopKey, { url: as.token_endpoint as string, now: clock() }) }
    expect((await post(as.token_endpoint, form, headers)).body.error).toBe('unsupported_grant_type')
    expect(as.grant_types_supported).toEqual(['authorization_code', 'refresh_token'])
  },
  async '5.3.2.1 (3)'() {
    expect(as.registration_endpoint).toBeUndefined()
    const { body } = await post(as.token_endpoint, { grant_type: 'authorization_code', client_id: 'ledger', code: 'x' })
    expect(body.error).toBe('invalid_client')
  },
  async '5.3.2.1 (4)'() {
    const answer = await answered((await push()).request_uri)
    expect(await errorOf(exchange(answer))).toBe('invalid_dpop_proof')
    const { refresh_token: token } = await signIn()
    expect(await errorOf(refresh(token))).toBe('invalid_dpop_proof')
  },
  async '5.3.2.1 (5)'() {
    const { token_type: type } = await signIn()
    expect(type).toBe('dpop')
    expect(events.filter(({ type }) => type === 'token.issued').at(-1)).toHaveProperty('confirmation.jkt')
  },
  async '5.3.2.1 (6)'() {
    const secret = { Authorization: `Basic ${Buffer.from('ledger:a secret').toString('base64')}` }
    expect((await post(as.token_endpoint, { grant_type: 'refresh_token', refresh_token: 'x' }, secret)).status).toBe(
      401,
    )
    const wrong = await clientKey()
    const { status, body } = await post(as.pushed_authorization_request_endpoint, await pushing({}, wrong))
    expect([status, body.error]).toEqual([401, 'invalid_client'])
  },
  async '5.3.2.1 (7)'() {
    const query = new URLSearchParams({ client_id: 'ledger', redirect_uri: 'https://elsewhere.example/', state: 'x' })
    const answer = await trusting(`${as.authorization_endpoint}?${query}`)
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
    expect(await errorOf(push(undefined, { redirect_uri: 'https://elsewhere.example/' }))).toBe('invalid_request')
    const login = await trusting(path('/login?return_to=//elsewhere.example'), {
      method: 'POST',
      body: new URLSearchParams({ username: 'ada', password: 'analytical engine' }),
    })
    expect(login.headers.get('location')).toBe('/')
  },
  async '5.3.2.1 (8)'() {
    for (const aud of [
      [bank.issuer],
      as.token_endpoint,
      as.pushed_authorization_request_endpoint,
      [bank.issuer, 'x'],
    ]) {
      const { status, body } = await post(as.pushed_authorization_request_endpoint, await pushing({ aud }))
      expect([status, body.error]).toEqual([401, 'invalid_client'])
    }
    expect((await post(as.pushed_authorization_request_endpoint, await pushing())).status).toBe(201)
  },
  async '5.3.2.1 (9)'() {
    const { refresh_token: token, DPoP } = await signIn()
    for (let n = 0; n < 3; n++) {
      const next = await refresh(token, DPoP)
      expect(next.refresh_token ?? token).toBe(token)
      expect((await call(next.access_token, DPoP)).status).toBe(200)
    }
  },
  async '5.3.2.1 (10)'() {
    const sent = await proof(dpopKey, { url: path('/oauth2/token'), now: clock() })
    const { headers } = await post(
      as.token_endpoint,
      { grant_type: 'x', ...asserted(await assertion()) },
      { DPoP: sent },
    )
    expect(headers.get('dpop-nonce')).toBeNull()
  },
  async '5.3.2.1 (11)'() {
    const [intime, late] = [await answered((await push()).request_uri), await answered((await push()).request_uri)]
    ahead += 55
    expect(await errorOf(exchange(intime, await handle()))).toBe('none')
    ahead += 10
    expect(await errorOf(exchange(late, await handle()))).toBe('invalid_grant')
    ahead = 0
  },
  async '5.3.2.1 (12)'() {
    const DPoP = await handle()
    const bound = [await push(DPoP), await push(undefined, { dpop_jkt: await DPoP.calculateThumbprint() })]
    for (const { request_uri } of bound) {
      const answer = await answered(request_uri)
      expect(await errorOf(exchange(answer, await handle()))).toBe('invalid_dpop_proof')
      expect(await errorOf(exchange(answer, DPoP))).toBe('none')
    }
  },
  async '5.3.2.1 (13)'() {
    const endpoint = as.pushed_authorization_request_endpoint
    for (const [seconds, status] of [
      [8, 201],
      [61, 401],
    ] as const) {
      expect((await post(endpoint, await pushing({ iat: clock() + seconds }))).status).toBe(status)
      expect((await post(endpoint, await pushing({ nbf: clock() + seconds }))).status).toBe(status)
    }
    const proven = async (seconds: number) => {
      const DPoP = await proof(dpopKey, { url: endpoint as string, now: clock() + seconds })
      return (await post(endpoint, await pushing(), { DPoP })).status
    }
    expect([await proven(8), await proven(61)]).toEqual([201, 400])
    const signed = async (seconds: number) => {
      const iat = clock() + seconds
      const request = await signRequest('ledger', key, await parameters(), {
        claims: { aud: bank.issuer, iat },
        now: clock(),
      })
      return (await post(endpoint, { client_id: 'ledger', request, ...asserted(await assertion()) })).status
    }
    expect([await signed(8), await signed(61)]).toEqual([201, 400])
  },
  async '5.3.2.1 (14)'() {
    expect(await errorOf(push(undefined, { scope: 'accounts payments' }))).toBe('invalid_scope')
  },
  async '5.3.2.2 (1)'() {
    for (const response_type of ['token', 'code token', 'id_token', 'none']) {
      expect(await errorOf(push(undefined, { response_type }))).toBe('unsupported_response_type')
    }
    expect(as.response_types_supported).toEqual(['code'])
  },
  async '5.3.2.2 (2)'() {
    const { request_uri, expires_in } = await push()
    expect((await answered(request_uri)).get('code')).toEqual(expect.any(String))
    expect(expires_in).toBe(60)
  },
  async '5.3.2.2 (3)'() {
    for (const signed of [false, true]) {
      const change = { claims: { aud: bank.issuer }, now: clock() }
      const request = signed
        ? { client_id: 'ledger', request: await signRequest('ledger', key, await parameters(), change) }
        : { client_id: 'ledger', ...(await parameters()) }
      const page = await openBrowser(trusting).get(`${as.authorization_endpoint}?${new URLSearchParams(request)}`)
      expect([page.status, page.location]).toEqual([400, undefined])
    }
  },
  async '5.3.2.2 (4)'() {
    const sent = await post(as.pushed_authorization_request_endpoint, { client_id: 'ledger', ...(await parameters()) })
    expect([sent.status, sent.body.error]).toEqual([401, 'invalid_client'])
  },
  async '5.3.2.2 (5)'() {
    const { code_challenge, code_challenge_method, ...without } = await parameters()
    const wrong = [
      without,
      { ...without, code_challenge },
      { ...without, code_challenge, code_challenge_method: 'plain' },
    ]
    for (const request of wrong) {
      const { body } = await post(as.pushed_authorization_request_endpoint, {
        ...request,
        ...asserted(await assertion()),
      })
      expect(body.error).toBe('invalid_request')
    }
    expect([as.code_challenge_methods_supported, code_challenge_method]).toEqual([['S256'], 'S256'])
  },
  async '5.3.2.2 (6)'() {
    const { redirect_uri, ...without } = await parameters()
    const { body } = await post(as.pushed_authorization_request_endpoint, {
      ...without,
      ...asserted(await assertion()),
    })
    expect([body.error, redirect_uri]).toEqual(['invalid_request', redirectUri])
  },
  async '5.3.2.2 (7)'() {
    const query = new URLSearchParams({ client_id: 'ledger', request_uri: (await push()).request_uri })
    for (const button of ['Allow', 'Deny']) {
      query.set('request_uri', (await push()).request_uri)
      const there = await openBrowser(trusting).authorize(`${as.authorization_endpoint}?${query}`, { button })
      expect(new URL(there).searchParams.get('iss')).toBe(bank.issuer)
    }
  },
  async '5.3.2.2 (8)'() {
    const server = createAuthorizationServer({ issuer: bank.issuer, storage, scopes: [] })
    const registered = registerClient(server, { redirectUris: ['http://ledger.example/callback'] })
    await expect(registered).rejects.toThrow('must use https')
  },
  async '5.3.2.2 (9)'() {
    const DPoP = await handle()
    const answer = await answered((await push(DPoP)).request_uri)
    const tokens = await exchange(answer, DPoP)
    expect((await call(tokens.access_token, DPoP)).status).toBe(200)
    expect(await errorOf(exchange(answer, DPoP))).toBe('invalid_grant')
    await expect(call(tokens.access_token, DPoP)).rejects.toMatchObject({ status: 401 })
  },
  async '5.3.2.2 (10)'() {
    const browser = openBrowser(trusting)
    const query = new URLSearchParams({ client_id: 'ledger', request_uri: (await push()).request_uri })
    const page = await browser.get(`${as.authorization_endpoint}?${query}`)
    const signedIn = await browser.submit(await browser.follow(page, bank.issuer), 'Sign in', {
      username: 'ada',
      password: 'analytical engine',
    })
    const consent = await browser.follow(signedIn, bank.issuer)
    const allowed = await browser.submit(consent, 'Allow')
    expect([page, signedIn, consent, allowed].map(({ status }) => status)).toEqual([303, 303, 200, 303])
  },
  '5.3.2.2 (11)': () => claims['5.3.2.2 (10)']?.() as Promise<unknown>,
  async '5.3.2.2 (12)'() {
    const { request_uri, expires_in } = await push()
    expect(expires_in).toBeLessThan(600)
    ahead += 60
    const query = new URLSearchParams({ client_id: 'ledger', request_uri })
    expect((await openBrowser(trusting).get(`${as.authorization_endpoint}?${query}`)).status).toBe(400)
    ahead = 0
  },
  async '5.3.2.2 (13)'() {
    const browser = openBrowser(trusting)
    const query = new URLSearchParams({ client_id: 'ledger', request_uri: (await push()).request_uri })
    const page = await browser.follow(await browser.get(`${as.authorization_endpoint}?${query}`), bank.issuer)
    const signedIn = await browser.submit(page, 'Sign in', { username: 'ada', password: 'analytical engine' })
    const { text } = await browser.follow(signedIn, bank.issuer)
    for (const words of ['Ledger', 'See your accounts and their balances', 'ledger.example'])
      expect(text).toContain(words)
  },
  async '5.3.4 (1)'() {
    const { access_token: token, DPoP } = await signIn()
    const answer = await call(token, DPoP)
    expect(await answer.json()).toEqual({ owner: 'Ada Lovelace', balance: '£1,842.00' })
  },
  async '5.3.4 (2)'() {
    const { access_token: token } = await signIn()
    const answer = await trusting(path(`/accounts?access_token=${token}`))
    expect(answer.status).toBe(401)
  },
  async '5.3.4 (3)'() {
    const { access_token: token, refresh_token: refreshToken, DPoP } = await signIn()
    await expect(call(`${token.slice(0, -2)}xx`, DPoP)).rejects.toMatchObject({ status: 401 })
    expect((await call(token, DPoP)).status).toBe(200)
    const revoked = await oauth.revocationRequest(as, client, auth, refreshToken, http)
    await oauth.processRevocationResponse(revoked)
    await expect(call(token, DPoP)).rejects.toMatchObject({ status: 401 })
    const { access_token: expiring, DPoP: its } = await signIn()
    expect((await call(expiring, its)).status).toBe(200)
    ahead += 300
    await expect(call(expiring, await handle())).rejects.toMatchObject({ status: 401 })
    ahead = 0
  },
  async '5.3.4 (4)'() {
    const { access_token: token } = await signIn()
    const url = path('/payments')
    const sent = { Authorization: `DPoP ${token}`, DPoP: await proof(dpopKey, { url, token, now: clock() }) }
    // the key comes first: whoever does not have it learns nothing of the token's scope
    expect((await post(url, {}, sent)).status).toBe(401)
    const DPoP = await handle()
    const tokens = await exchange(await answered((await push(DPoP)).request_uri), DPoP)
    const refused = oauth.protectedResourceRequest(
      tokens.access_token,
      'POST',
      new URL(url),
      undefined,
      null,
      using(DPoP),
    )
    const parameters = { error: 'insufficient_scope', scope: 'payments' }
    await expect(refused).rejects.toMatchObject({ status: 403, cause: [{ scheme: 'dpop', parameters }] })
    const { headers } = await trusting(path('/accounts'))
    expect(headers.get('www-authenticate')).toBe('DPoP realm="api", algs="ES256 PS256"')
  },
  async '5.3.4 (5)'() {
    const { access_token: token, DPoP } = await signIn()
    const sent = async (headers: Record<string, string>) => (await trusting(path('/accounts'), { headers })).status
    const right = { url: path('/accounts'), method: 'GET', token, now: clock() }
    expect(await sent({ Authorization: `Bearer ${token}` })).toBe(401)
    expect(await sent({ Authorization: `DPoP ${token}` })).toBe(401)
    expect(await sent({ Authorization: `DPoP ${token}`, DPoP: await proof(thief, right) })).toBe(401)
    expect((await call(token, DPoP)).status).toBe(200)
  },
  async '5.4.1 (1)'() {
    const endpoint = as.pushed_authorization_request_endpoint
    const unsigned = new UnsecuredJWT({
      iss: 'ledger',
      sub: 'ledger',
      aud: bank.issuer,
      jti: 'x',
      exp: clock() + 60,
    }).encode()
    for (const wrong of [asserted(unsigned), asserted(await assertion({}, other))]) {
      expect((await post(endpoint, { ...(await parameters()), ...wrong })).status).toBe(401)
    }
    const change = { claims: { aud: bank.issuer }, now: clock() }
    const request = await signRequest('ledger', other, await parameters(), change)
    expect((await post(endpoint, { client_id: 'ledger', request, ...asserted(await assertion()) })).body.error).toBe(
      'invalid_request_object',
    )
    const DPoP = await proof(await proofKey('RS256'), { url: endpoint as string, now: clock() })
    expect((await post(endpoint, await pushing(), { DPoP })).body.error).toBe('invalid_dpop_proof')
  },
  async '5.4.1 (2)'() {
    const { generateKeyPairSync } = await import('node:crypto')
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const jwk = publicKey.export({ format: 'jwk' })
    const server = createAuthorizationServer({ issuer: bank.issuer, storage, scopes: [] })
    const tokenEndpointAuthMethods = ['private_key_jwt']
    const registered = registerClient(server, { tokenEndpointAuthMethods, jwks: { keys: [jwk] } } as never)
    await expect(registered).rejects.toThrow('jwks must have a public key')
    expect(privateKey.asymmetricKeyDetails?.modulusLength).toBe(1024)
  },
  async '5.4.1 (3)'() {
    const { generateKeyPairSync } = await import('node:crypto')
    const server = createAuthorizationServer({ issuer: bank.issuer, storage, scopes: [] })
    for (const namedCurve of ['secp256k1', 'prime192v1']) {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve })
      // the name of a curve of 192 bits is none that a JWK can have
      const jwk =
        namedCurve === 'secp256k1' ? publicKey.export({ format: 'jwk' }) : { kty: 'EC', crv: 'P-192', x: 'AA', y: 'AA' }
      const registered = registerClient(server, {
        tokenEndpointAuthMethods: ['private_key_jwt'],
        jwks: { keys: [jwk] },
      })
      await expect(registered).rejects.toThrow('jwks must have a public key')
    }
  },
  async '5.4.1 (4)'() {
    const { request_uri } = await push()
    const answer = await answered(request_uri)
    const { access_token, refresh_token } = await signIn()
    for (const secret of [request_uri, answer.get('code'), access_token, refresh_token]) {
      // 43 characters of base64url are 256 bits
      expect(secret?.split('.').at(-1)).toMatch(/^[\w-]{43,}$/)
    }
  },
  async '5.4.2'() {
    expect(as.jwks_uri).toBeUndefined()
    const header = { jku: path('/keys'), x5u: path('/keys'), kid: undefined }
    const stranger = await clientKey()
    const forged = await signAssertion('ledger', stranger, { claims: { aud: bank.issuer }, header, now: clock() })
    expect(
      (await post(as.pushed_authorization_request_endpoint, { ...(await parameters()), ...asserted(forged) })).status,
    ).toBe(401)
  },
  async '5.4.3'() {
    const [first, second] = [await clientKey('PS256', 'twice'), await clientKey('ES256', 'twice')]
    const server = createAuthorizationServer({ issuer: bank.issuer, storage, scopes: ['accounts'] })
    await registerClient(server, {
      clientId: 'twice',
      jwks: { keys: [first.jwk, second.jwk] },
      redirectUris: [redirectUri],
      scopes: ['accounts'],
      tokenEndpointAuthMethods: ['private_key_jwt'],
    })
    for (const by of [first, second]) {
      const signed = await signAssertion('twice', by, { claims: { aud: bank.issuer }, now: clock() })
      const request = await parameters()
      const { status } = await post(as.pushed_authorization_request_endpoint, { ...request, ...asserted(signed) })
      expect(status).toBe(201)
    }
  },
}

const page = readFileSync(join(root, 'examples/fapi/README.md'), 'utf8')
const rows = [...page.matchAll(/^\| (5\.[^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
  ([, section = '', rule = '', place = '']) => ({ section, rule, place }),
)
/** What the example has nothing to do with, or no program can show. */
const shown = rows.filter(({ place }) => place !== 'not used' && !place.startsWith('*yours*'))

describe('the page of the FAPI 2.0 Security Profile', () => {
  it('has a row for each requirement that is tried here, and none that is not', () => {
    expect(shown.map(({ section }) => section)).toEqual(Object.keys(claims))
    expect(rows.length - shown.length).toBe(3)
  })

  it('shows the options of the example, and its record', () => {
    const example = readFileSync(join(root, 'examples/fapi/fapi.ts'), 'utf8').replace(/\s+/g, ' ')
    const [options = '', record = ''] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text]) => text)
    const lines = [...options.split('\n').slice(3, -2), ...record.split('\n').slice(4, -2)].map((line) => line.trim())
    expect(lines).toHaveLength(8)
    for (const line of lines) expect(example).toContain(line)
  })

  it.each(shown)('§$section $rule', async ({ section }) => {
    await claims[section]?.()
  })
})

describe('npm run example -- fapi', () => {
  let running: ChildProcess
  let lines: string[]
  beforeAll(async () => {
    running = spawn(process.execPath, [join(root, '.scripts', 'example.js'), 'fapi'], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [printed] = await once(running.stdout as NodeJS.ReadableStream, 'data')
    lines = String(printed).trimEnd().split('\n')
  }, 60_000)
  afterAll(async () => {
    running.kill()
    await once(running, 'exit')
  })
  const run = async (line: string | undefined) => (await promisify(execFile)('sh', ['-c', line as string])).stdout

  it('prints lines that work as they are: what is public, and three refusals', async () => {
    const [listening, open, metadata, ...refused] = lines
    expect(listening).toMatch(/^listening on https:\/\/127\.0\.0\.1:\d+$/)
    expect(open).toMatch(/^Open https:\/\/127\.0\.0\.1:\d+ /)
    expect(JSON.parse(await run(metadata))).toMatchObject({ require_pushed_authorization_requests: true })
    const [account, authorize, par] = await Promise.all(refused.map(run))
    expect(account).toMatch(/^HTTP\/1\.1 401 [\s\S]*www-authenticate: DPoP /i)
    expect(authorize).toMatch(/^HTTP\/1\.1 400 /)
    expect(JSON.parse(par as string)).toMatchObject({ error: 'invalid_client' })
  }, 30_000)

  it('leads a browser from its client to the balance: pushed request, key, proof, code, refresh, API', async () => {
    const url = /https:\S+/.exec(lines[1] as string)?.[0] as string
    const issuer = /https:\S+/.exec(lines[0] as string)?.[0] as string
    // both certificates are of their own making
    const browser = openBrowser(fetchOver({ rejectUnauthorized: false }))
    const { location = '' } = await browser.get(`${url}/connect`)
    expect(location).toMatch(`${issuer}/oauth2/authorize?`)
    expect([...new URL(location).searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
    const { status, text } = await browser.get(await browser.authorize(location))
    expect([status, text]).toEqual([200, expect.stringContaining('£1,842.00')])
    expect(text).toContain('&#34;token_type&#34;: &#34;dpop&#34;')
    // and once more, without a request of this browser
    expect((await browser.get(`${url}/callback?code=x&state=y`)).location).toBe(`${url}/`)
  }, 30_000)
})
