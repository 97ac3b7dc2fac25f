// Request objects (RFC 9101): signed authorization requests by value, with one thing wrong at a time.
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type AuthorizationServerOptions,
  clientSecret,
  consentPage,
  dpop,
  oauthRouter,
  privateKeyJwt,
  pushedAuthorizationRequests,
  type RegisterClientOptions,
  registerClient,
  requestObjects,
  updateClient,
} from '../../src/index'
import {
  type AssertionChange,
  asserted,
  type ClientKey,
  clientKey,
  signAssertion,
  signRequest,
} from '../support/assertions'
import { answerConsent, fieldsOf } from '../support/consent'
import { proof, proofKey } from '../support/dpop'
import {
  answerOf,
  createHost,
  encode,
  type Host,
  type HostOptions,
  issuer,
  paths,
  pkce,
  startOfTime,
} from '../support/host'

let key: ClientKey
let other: ClientKey
beforeAll(async () => {
  ;[key, other] = await Promise.all([clientKey(), clientKey()])
})

const redirectUri = 'https://app.example/cb'
const parameters = {
  response_type: 'code',
  redirect_uri: redirectUri,
  scope: 'read',
  state: 'inside',
  code_challenge: pkce.challenge,
  code_challenge_method: 'S256',
}
const signer = { clientId: 'signer', redirectUri }

async function signing(options: HostOptions = {}, metadata: RegisterClientOptions = {}): Promise<Host> {
  const host = await createHost({ requests: [requestObjects(), pushedAuthorizationRequests()], ...options })
  await host.register({
    clientId: 'signer',
    tokenEndpointAuthMethods: ['private_key_jwt'],
    jwks: { keys: [key.jwk] },
    ...metadata,
  })
  host.events.length = 0
  return host
}
const sign = (change: AssertionChange = {}, more: object = {}, by = key) =>
  signRequest('signer', by, { ...parameters, ...more }, change)
const open = (host: Host, request: string, more = {}) => host.open({ client_id: 'signer', request, ...more })
const prove = async () => asserted(await signAssertion('signer', key))

async function exchange(host: Host, code: string) {
  const sent = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: pkce.verifier }
  return host.token(undefined, { ...sent, ...(await prove()) })
}

describe('a request object', () => {
  it('says everything: redirect URI, scope, state and challenge are those inside', async () => {
    const host = await signing()
    const answer = answerOf(await open(host, await sign()).expect(302))
    expect(answer).toMatchObject({ state: 'inside', iss: issuer })
    const { body, status } = await exchange(host, answer.code as string)
    expect([status, body.scope]).toEqual([200, 'read'])
  })

  it('takes nothing from outside, not even what it lacks (§6.3)', async () => {
    const host = await signing()
    const outside = { redirect_uri: 'https://evil.example/cb', state: 'outside', scope: 'read write', resource: 'x' }
    const opened = await open(host, await sign({}, { scope: undefined, state: undefined }), outside).expect(302)
    const answer = answerOf(opened)
    expect(opened.headers.location).toMatch(/^https:\/\/app\.example\/cb\?/)
    expect(answer.state).toBeUndefined()
    const without = await sign({}, { code_challenge: undefined, code_challenge_method: undefined })
    const downgraded = await open(host, without, { code_challenge: pkce.challenge, code_challenge_method: 'S256' })
    expect(answerOf(downgraded)).toMatchObject({ error: 'invalid_request', state: 'inside' })
  })

  it('is pushed, too, and what is pushed is what it says (RFC 9126 §3)', async () => {
    const host = await signing()
    const push = async (request: string, more = {}) =>
      host.send(paths.pushedAuthorization, undefined, { request, state: 'outside', ...more, ...(await prove()) })
    const { body } = await push(await sign())
    const opened = await host.open({ client_id: 'signer', request_uri: body.request_uri }).expect(302)
    expect(answerOf(opened)).toMatchObject({ state: 'inside', code: expect.any(String) })
    const stored = JSON.stringify(host.storage.storedIds().map((id) => host.storage.stored(id)))
    expect(stored).not.toContain('outside')
    const wrong = await push(await sign({}, {}, other))
    expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_request_object'])
    const another = await push(await sign({ claims: { client_id: 'web', iss: 'web' } }))
    expect([another.status, another.body.error]).toEqual([400, 'invalid_request_object'])
    const wide = await push(await sign({}, { redirect_uri: 'https://evil.example/cb' }))
    expect([wide.status, wide.body.error]).toEqual([400, 'invalid_request'])
  })

  it('works with sign-in and the consent page, whose answer is for this very object', async () => {
    const host = await signing({ decide: consentPage({ signIn: '/login' }) })
    const narrow = { client_id: 'signer', request: await sign() }
    const wide = { client_id: 'signer', request: await sign({}, { scope: 'read write' }) }
    const away = await host.open(narrow, null).expect(303)
    expect(decodeURIComponent(away.headers.location as string)).toContain(`request=${narrow.request}`)
    const fields = fieldsOf(await host.open(narrow).expect(200))
    expect((await answerConsent(host, encode(wide), fields).expect(400)).headers.location).toBeUndefined()
    const again = fieldsOf(await host.open(narrow).expect(200))
    expect(answerOf(await answerConsent(host, encode(narrow), again).expect(303)).code).toBeDefined()
  })

  it.each(['in the browser', 'pushed'])('that expires while its user reads, %s', async (how) => {
    const host = await signing({ decide: consentPage({ signIn: '/login' }) })
    const sent: Record<string, string> = { client_id: 'signer', request: await sign() }
    if (how === 'pushed') {
      const pushed = await host.send(paths.pushedAuthorization, undefined, { ...sent, ...(await prove()) }).expect(201)
      sent.request_uri = pushed.body.request_uri
      delete sent.request
    }
    const fields = fieldsOf(await host.open(sent).expect(200))
    const answer = await answerConsent(host, encode(sent), fields, { after: 400 })
    // only what was looked at when it was pushed is good for longer
    expect(answerOf(answer).code === undefined).toBe(how !== 'pushed')
    expect(answer.text.includes('invalid_request_object')).toBe(how !== 'pushed')
  })

  it('writes numbers as text, objects as JSON, and lists of resources one by one (§4)', async () => {
    let seen: ReadonlyMap<string, string> = new Map()
    const host = await signing({
      resources: ['https://a.example', 'https://b.example'],
      decide(request) {
        seen = request.parameters
        return { allow: false }
      },
    })
    const more = { max_age: 60, claims: { id_token: null }, resource: ['https://a.example', 'https://b.example'] }
    await open(host, await sign({}, more)).expect(302)
    expect(Object.fromEntries(seen)).toEqual({
      ...parameters,
      client_id: 'signer',
      max_age: '60',
      claims: '{"id_token":null}',
      resource: 'https://a.example https://b.example',
    })
  })

  it.each<[what: string, change: AssertionChange]>([
    ['no client_id', { claims: { client_id: undefined } }],
    ['the client_id of another client', { claims: { client_id: 'web' } }],
    ['a client_id that is no text', { claims: { client_id: ['signer'] } }],
    ['no iss', { claims: { iss: undefined } }],
    ['another iss', { claims: { iss: 'web' } }],
    ['sub as in a client assertion (§10.8)', { claims: { sub: 'signer' } }],
    ['no aud', { claims: { aud: undefined } }],
    ['the aud of another server', { claims: { aud: 'https://other.example' } }],
    ['other servers alone in aud', { claims: { aud: ['https://other.example', `${issuer}/`] } }],
    ['the token endpoint as aud', { claims: { aud: `${issuer}/oauth2/token` } }],
    ['no exp', { claims: { exp: undefined } }],
    ['an exp that is no number', { claims: { exp: String(startOfTime + 60) } }],
    ['an exp that is over', { claims: { exp: startOfTime } }],
    ['an exp more than an hour ahead', { claims: { exp: startOfTime + 3611 } }],
    ['nbf in the future', { claims: { nbf: startOfTime + 11 } }],
    ['nbf that is no number', { claims: { nbf: 'now' } }],
    ['iat in the future', { claims: { iat: startOfTime + 11 } }],
    ['iat that is no number', { claims: { iat: 'now' } }],
    ['a request inside (§4)', { claims: { request: 'a.b.c' } }],
    ['a request_uri inside (§4)', { claims: { request_uri: 'urn:x' } }],
    ['the typ of an access token', { header: { typ: 'at+jwt' } }],
    ['the typ of a client assertion', { header: { typ: 'client-authentication+jwt' } }],
    ['an extension that must be understood', { header: { crit: ['b64'], b64: true } }],
    ['another kid', { header: { kid: 'unknown' } }],
    ['a character that no parameter may have', { claims: { state: 'a\0b' } }],
    ['a resource that is no text', { claims: { resource: [1] } }],
  ])('with %s is refused, on a page', async (_, change) => {
    const host = await signing()
    const refused = await open(host, await sign(change).catch(() => 'x.y.z')).expect(400)
    expect(refused.text).toContain('invalid_request_object')
    expect(refused.headers.location).toBeUndefined()
    expect(host.storage.calls).not.toContain('grants.insert')
  })

  it.each<[what: string, change: AssertionChange]>([
    ['typ JWT', { header: { typ: 'JWT' } }],
    ['no typ', { header: { typ: undefined } }],
    ['nbf 10 seconds ahead (FAPI 2.0 §5.3.2.1)', { claims: { nbf: startOfTime + 10 } }],
    ['application/jwt as typ, as some write it (§4)', { header: { typ: 'application/jwt' } }],
    ['a media type as typ', { header: { typ: 'application/oauth-authz-req+jwt' } }],
    ['no kid', { header: { kid: undefined } }],
    ['no iat and no nbf', { claims: { iat: undefined, nbf: undefined } }],
    ['a list with this server as aud', { claims: { aud: [issuer, 'https://other.example'] } }],
    ['an hour to live, by a clock that is ahead', { claims: { exp: startOfTime + 3610, iat: startOfTime + 10 } }],
    ['an id and a subject of its own', { claims: { jti: 'x', sub: 'alice' } }],
  ])('with %s is taken', async (_, change) => {
    await open(await signing(), await sign(change)).expect(302)
  })

  it('is refused without a signature, with another one, and with a secret as the key', async () => {
    const host = await signing()
    const right = await sign()
    const [header = '', payload = ''] = right.split('.')
    const encodeJson = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const none = `${encodeJson({ alg: 'none', typ: 'oauth-authz-req+jwt' })}.${payload}.`
    const hmacHead = `${encodeJson({ alg: 'HS256', kid: key.kid, typ: 'oauth-authz-req+jwt' })}.${payload}`
    const hmac = `${hmacHead}.${createHmac('sha256', JSON.stringify(key.jwk)).update(hmacHead).digest('base64url')}`
    const swapped = `${header}.${encodeJson({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), state: 'evil' })}.${right.split('.')[2]}`
    for (const request of [
      none,
      hmac,
      swapped,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      'x',
      await sign({}, {}, other),
    ]) {
      const refused = await open(host, request).expect(400)
      expect(refused.text).toContain('invalid_request_object')
    }
    const refused = host.events.filter(({ type }) => type === 'request.refused')
    expect(refused).toHaveLength(7)
    expect(refused[0]).toMatchObject({ clientId: 'signer', reason: expect.any(String) })
    expect(JSON.stringify(host.events)).not.toContain(payload)
  })

  it('of a client without keys, or whose keys were replaced, is refused', async () => {
    const host = await signing()
    const request = await signRequest('web', key, parameters)
    expect((await host.open({ client_id: 'web', request }).expect(400)).text).toContain('invalid_request_object')
    await updateClient(host.server, 'signer', { jwks: { keys: [other.jwk] } })
    await open(host, await sign()).expect(400)
    await open(host, await sign({}, {}, other)).expect(302)
  })

  it('is verified with the keys at the jwks_uri of its client', async () => {
    const listener = createServer(
      (_req, res) => void res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: [key.jwk] })),
    ).unref()
    await once(listener.listen(0, '127.0.0.1'), 'listening')
    const jwksUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/jwks.json`
    const clientAuthentication = [clientSecret(), privateKeyJwt({ dangerouslyAllowLoopback: true })]
    const host = await signing({ clientAuthentication }, { jwks: { keys: [] }, jwksUri })
    await open(host, await sign()).expect(302)
    await open(host, await sign({}, {}, other)).expect(400)
    listener.close().closeAllConnections()
    host.clock.advance(400)
    const now = host.clock.now
    const answer = await open(host, await sign({ now })).expect(400)
    expect(answer.text).toContain('temporarily_unavailable')
  })

  it('beside a request_uri is refused (§5), and twice', async () => {
    const host = await signing()
    const request = await sign()
    expect((await open(host, request, { request_uri: 'urn:x' }).expect(400)).text).toContain('exclude each other')
    const twice = `${paths.authorize}?${encode({ client_id: 'signer', request })}&request=x`
    expect((await host.http().get(twice).set('X-User', 'alice').expect(400)).text).toContain('more than once')
  })

  it('is nothing without the client_id beside it (§5), and encrypted none that is read here', async () => {
    const host = await signing()
    const request = await sign()
    expect((await host.open({ request }).expect(400)).text).toContain('client_id')
    const parts = request.split('.')
    for (const jwe of [
      [...parts, 'a', 'b'],
      [parts[0], '', parts[1], parts[2], 'tag'],
    ]) {
      expect((await open(host, jwe.join('.')).expect(400)).text).toContain('invalid_request_object')
    }
  })

  it('that is pushed says the key of the code, and none beside it that differs (RFC 9449 §10.1)', async () => {
    const host = await signing({ senderConstraints: [dpop()] })
    const [own, other] = await Promise.all([proofKey(), proofKey()])
    const push = async (dpop_jkt: string, by = own) => {
      const sent = { request: await sign({}, { dpop_jkt }), ...(await prove()) }
      const url = `${issuer}${paths.pushedAuthorization}`
      return host.send(paths.pushedAuthorization, undefined, sent).set('DPoP', await proof(by, { url }))
    }
    expect((await push(other.jkt)).body.error).toBe('invalid_dpop_proof')
    const { body } = await push(own.jkt)
    const { code = '' } = answerOf(await host.open({ client_id: 'signer', request_uri: body.request_uri }).expect(302))
    expect((await exchange(host, code)).body.error).toBe('invalid_dpop_proof')
  })

  it('goes only as far as the client may: redirect URI, scope and grants are looked at as ever', async () => {
    const host = await signing()
    const evil = await open(host, await sign({}, { redirect_uri: 'https://evil.example/cb' })).expect(400)
    expect(evil.headers.location).toBeUndefined()
    expect(answerOf(await open(host, await sign({}, { scope: 'admin' })))).toMatchObject({ error: 'invalid_scope' })
    expect(answerOf(await open(host, await sign({}, { response_type: 'token' })))).toMatchObject({
      error: 'unsupported_response_type',
    })
  })

  it('is no client assertion, and a client assertion is none', async () => {
    const host = await signing()
    const asAssertion = await host.token(undefined, { grant_type: 'client_credentials', ...asserted(await sign()) })
    expect(asAssertion.body.error).toBe('invalid_client')
    await open(host, await signAssertion('signer', key)).expect(400)
  })
})

describe('what a record or the server may fix', () => {
  it('the algorithm of one client', async () => {
    const host = await signing({}, { requestObjectSigningAlg: 'PS256' })
    expect((await open(host, await sign()).expect(400)).text).toContain('PS256')
    const ps = await clientKey('PS256')
    await updateClient(host.server, 'signer', { jwks: { keys: [ps.jwk, key.jwk] } })
    await open(host, await sign({}, {}, ps)).expect(302)
  })

  it('the algorithms of all', async () => {
    const host = await signing({ requests: [requestObjects({ algorithms: ['PS256'] })] })
    expect((await open(host, await sign()).expect(400)).text).toContain('PS256')
    await expect(updateClient(host.server, 'signer', { requestObjectSigningAlg: 'ES256' })).rejects.toThrow(
      'requestObjectSigningAlg must be one of PS256',
    )
  })

  it('a record of before allows no algorithm that the server has given up', async () => {
    const host = await signing({ requests: [requestObjects({ algorithms: ['PS256'] })] })
    host.storage.replace('clients.find', async (call) => ({
      ...((await call()) as object),
      requestObjectSigningAlg: 'ES256',
    }))
    expect((await open(host, await sign()).expect(400)).text).toContain('invalid_request_object')
  })

  it.each<[what: string, required: boolean, metadata: RegisterClientOptions]>([
    ['by the server', true, {}],
    ['by the record', false, { requireSignedRequestObject: true }],
  ])('that requests are signed, %s: at both doors', async (_, required, metadata) => {
    const requests = [requestObjects({ required }), pushedAuthorizationRequests()]
    const host = await signing({ requests }, metadata)
    expect((await host.authorize(signer).expect(400)).text).toContain('need the parameter request')
    const plain = { ...parameters, ...(await prove()) }
    const pushed = await host.send(paths.pushedAuthorization, undefined, plain)
    expect([pushed.status, pushed.body.error]).toEqual([400, 'invalid_request'])
    const signed = { request: await sign(), ...(await prove()) }
    const { body } = await host.send(paths.pushedAuthorization, undefined, signed).expect(201)
    await host.open({ client_id: 'signer', request_uri: body.request_uri }).expect(302)
    await open(host, await sign()).expect(302)
    expect((await host.authorize(host.web)).status).toBe(required ? 400 : 302)
  })

  it('that they are signed and pushed', async () => {
    const requests = [requestObjects(), pushedAuthorizationRequests({ required: true })]
    const host = await signing({ requests })
    expect((await open(host, await sign()).expect(400)).text).toContain('need the parameter request_uri')
  })

  it('is in the metadata, and in registrations', async () => {
    const metadata = async (options: Partial<AuthorizationServerOptions>) => {
      const host = await createHost(options)
      return (await host.http().get('/.well-known/oauth-authorization-server')).body
    }
    expect(await metadata({ requests: [requestObjects({ algorithms: ['ES256'], required: true })] })).toMatchObject({
      request_parameter_supported: true,
      request_uri_parameter_supported: false,
      request_object_signing_alg_values_supported: ['ES256'],
      require_signed_request_object: true,
    })
    expect(await metadata({ requests: [requestObjects()] })).not.toHaveProperty('require_signed_request_object')
    const host = await signing({
      mount: (app, server) =>
        app.use(
          oauthRouter(server, {
            decide: () => undefined,
            protect: false,
            register: { protect: 'open', scopes: ['read'] },
          }),
        ),
    })
    const asked = {
      redirect_uris: [redirectUri],
      request_object_signing_alg: 'ES256',
      require_signed_request_object: true,
    }
    const { body } = await host.http().post('/oauth2/register').send(asked).expect(201)
    expect(body).toMatchObject(asked)
    const none = await host
      .http()
      .post('/oauth2/register')
      .send({ ...asked, request_object_signing_alg: 'none' })
    expect(none.body.error).toBe('invalid_client_metadata')
  })
})

describe('the options', () => {
  it.each<[options: object, problem: RegExp]>([
    [{ algorithms: [] }, /algorithms/],
    [{ algorithms: ['none'] }, /algorithms/],
    [{ algorithms: ['HS256'] }, /algorithms/],
    [{ algorithms: 'ES256' }, /algorithms/],
    [{ required: 1 }, /required/],
    [{ ttl: 1 }, /ttl/],
  ])('%j are refused at start-up', (options, problem) => {
    expect(() => requestObjects(options)).toThrow(problem)
  })

  it('need the keys of clients, which privateKeyJwt() brings along', async () => {
    await expect(createHost({ requests: [requestObjects()], clientAuthentication: [clientSecret()] })).rejects.toThrow(
      'requestObjects() needs privateKeyJwt() in clientAuthentication',
    )
  })

  it('are no members of a server without them', async () => {
    const { server } = await createHost()
    await expect(registerClient(server, { requireSignedRequestObject: true })).rejects.toThrow(
      'requireSignedRequestObject',
    )
  })
})
