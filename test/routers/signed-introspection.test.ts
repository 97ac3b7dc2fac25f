// Introspection responses as signed JWTs (RFC 9701), read by jose and oauth4webapi.
import express from 'express'
import fc from 'fast-check'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import request from 'supertest'
import {
  bearerGuard,
  type Client,
  generateSigningKey,
  issueTokens,
  jwt,
  mutualTls,
  registerRouter,
  remoteServer,
  updateClient,
  verifyAccessToken,
} from '../../src'
import { openid } from '../../src/openid'
import { asksForJwt, signIntrospection } from '../../src/tokens/signed-introspection'
import { certificate } from '../support/certificates'
import { runs } from '../support/fuzz'
import { createHost, type Host, type HostOptions, issuer, paths, type TestClient } from '../support/host'
import { createRemoteHost } from '../support/remote'

const mediaType = 'application/token-introspection+jwt'
const resource = 'https://api.example.com'
const keys = { current: [generateSigningKey(), generateSigningKey('PS256')] }

let host: Host
/** An API whose record names ES256. */
let api: TestClient
let token: string
const begin = async (options: HostOptions = {}) => {
  host = await createHost({ accessTokens: jwt({ keys, audience: resource }), ...options })
  api = await host.register({
    clientId: 'signed',
    grantTypes: [],
    resourceServer: true,
    introspectionSignedResponseAlg: 'ES256',
  })
  token = (await host.signIn()).access_token
}
beforeEach(() => begin())

const asText = (res: NodeJS.ReadableStream, done: (error: Error | null, text: string) => void) => {
  const chunks: Buffer[] = []
  res.on('data', (chunk: Buffer) => chunks.push(chunk))
  res.on('end', () => done(null, Buffer.concat(chunks).toString()))
}
const ask = (client: TestClient | undefined, sent = token, accept: string | undefined = mediaType) =>
  accept === '' ? host.introspect(client, sent) : host.introspect(client, sent).set('Accept', accept)
/** Of a media type that supertest does not know. */
const textOf = async (sent: ReturnType<typeof ask>) => String((await sent.buffer(true).parse(asText as never)).body)
const read = async (client: TestClient, sent = token) => {
  const signed = await textOf(ask(client, sent))
  const { body: jwks } = await host.http().get('/.well-known/jwks.json')
  const options = {
    issuer,
    audience: client.clientId,
    typ: 'token-introspection+jwt',
    currentDate: new Date(host.clock.now * 1000),
  }
  return jwtVerify(signed, createLocalJWKSet(jwks as JSONWebKeySet), options)
}

it('is signed where the record names an algorithm and Accept asks for it: for this API alone, without sub and exp (§5)', async () => {
  const { status, headers } = await ask(api)
  expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, mediaType, 'no-store'])
  const { payload, protectedHeader } = await read(api)
  expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'token-introspection+jwt' })
  const { body: plain } = await ask(api, token, 'application/json')
  expect(payload).toEqual({ iss: issuer, aud: 'signed', iat: host.clock.now, token_introspection: plain })
  expect(plain).toMatchObject({ active: true, sub: 'alice' })
})

it('says nothing but active: false of every token that is none of the business of the API (§5)', async () => {
  await updateClient(host.server, 'signed', { resourceServer: false })
  for (const sent of [token, 'x', `${token}x`]) {
    expect((await read(api, sent)).payload.token_introspection).toEqual({ active: false })
  }
})

it('is signed by the algorithm of the record', async () => {
  await updateClient(host.server, 'signed', { introspectionSignedResponseAlg: 'PS256' })
  expect((await read(api)).protectedHeader.alg).toBe('PS256')
})

it.each(['', 'application/json', '*/*', 'application/*', 'application/jwt', `${mediaType};q=0`])(
  'Accept: %s is answered by plain JSON',
  async (accept) => {
    const { headers, body } = await ask(api, token, accept)
    expect([headers['content-type'], body.active]).toEqual(['application/json', true])
  },
)

it('is plain JSON for an API whose record names no algorithm, at a server without the default one (§6)', async () => {
  const { headers, body } = await ask(host.api)
  expect([headers['content-type'], body.active]).toEqual(['application/json', true])
})

it('is signed by RS256, the default, for an API whose record names no algorithm (§6)', async () => {
  const current = [generateSigningKey(), generateSigningKey('RS256')]
  await begin({ accessTokens: jwt({ keys: { current }, audience: resource }) })
  expect((await read(host.api)).protectedHeader.alg).toBe('RS256')
  expect((await read(api)).protectedHeader.alg).toBe('ES256')
  expect((await ask(host.api, token, '')).headers['content-type']).toBe('application/json')
  // whoever registers itself could have signatures made
  const { headers, body } = await ask(host.web)
  expect([headers['content-type'], body.active]).toEqual(['application/json', true])
})

describe('without authentication (§4, §5)', () => {
  const answerTo = async (sent: ReturnType<typeof ask>) => {
    const { status, headers, body } = await sent
    return [status, headers['content-type'], body.error, headers['www-authenticate'] !== undefined]
  }
  const refused = (status: number, isChallenged = false) => [
    ...[status, 'application/json', 'invalid_client', isChallenged],
  ]

  it('is refused with 400, and the error is plain JSON: with nothing, a public client, a wrong secret in the body', async () => {
    for (const client of [undefined, host.native]) expect(await answerTo(ask(client))).toEqual(refused(400))
    const wrong = host.send(paths.introspect, undefined, { token, client_id: 'signed', client_secret: 'x' })
    expect(await answerTo(wrong.set('Accept', mediaType))).toEqual(refused(400))
  })

  it('keeps the 401 and the challenge where wrong credentials stand in the header (RFC 6749 §5.2)', async () => {
    expect(await answerTo(ask({ ...api, clientSecret: 'x' }))).toEqual(refused(401, true))
  })

  it('keeps the 401 of RFC 7662 for a request that asks for no JWT', async () => {
    for (const client of [undefined, host.native]) expect(await answerTo(ask(client, token, ''))).toEqual(refused(401))
  })

  it('leaves other errors what they are', async () => {
    expect((await ask(api, '')).body.error).toBe('invalid_request')
    host.storage.replace('clients.find', () => Promise.reject(new Error('no database')))
    expect((await ask(undefined)).status).toBe(400)
    expect((await ask(host.native)).status).toBe(503)
  })
})

describe('is no access token (§8.1)', () => {
  const guarded = async (source: Parameters<typeof bearerGuard>[0], sent: string) => {
    const app = express().get('/', bearerGuard(source, { user: false }), (_req, res) => void res.end())
    return (await request(app).get('/').auth(sent, { type: 'bearer' })).status
  }

  /** Made for a client whose id is the URI of the API, so that its audience is right. */
  const signedForApi = async () => {
    const named = { clientId: resource, introspectionSignedResponseAlg: 'ES256' }
    const { clientSecret } = await host.register({ ...named, grantTypes: [], resourceServer: true })
    const parameters = { token, client_id: resource, client_secret: clientSecret as string }
    const signed = await textOf(host.send(paths.introspect, undefined, parameters).set('Accept', mediaType))
    expect(decodeJwt(signed)).toMatchObject({ aud: resource, token_introspection: { active: true } })
    return signed
  }

  it('here, whatever its audience', async () => {
    for (const signed of [await textOf(ask(api)), await signedForApi()]) {
      expect(decodeProtectedHeader(signed).typ).toBe('token-introspection+jwt')
      await expect(verifyAccessToken(host.server, signed)).rejects.toMatchObject({ code: 'invalid_token' })
      expect([await guarded(host.server, signed), await guarded(host.server, token)]).toEqual([401, 200])
      expect((await read(api, signed)).payload.token_introspection).toEqual({ active: false })
    }
  })

  it.each([false, true])('at an API elsewhere, and with stateless tokens, either: %s', async (stateless) => {
    const now = () => Math.floor(Date.now() / 1000)
    const remote = await createRemoteHost({ accessTokens: jwt({ keys, audience: resource, stateless }), now })
    try {
      host = remote.host
      token = (await host.signIn()).access_token
      const signed = await signedForApi()
      const source = remoteServer({ issuer: remote.issuer, resource })
      expect([await guarded(source, signed), await guarded(source, token)]).toEqual([401, 200])
      await expect(verifyAccessToken(host.server, signed)).rejects.toMatchObject({ code: 'invalid_token' })
    } finally {
      await remote.close()
    }
  })

  it('and no assertion of a client', async () => {
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    const keyed = await host.register({
      ...{ clientId: 'keyed', tokenEndpointAuthMethods: ['private_key_jwt'], grantTypes: ['client_credentials'] },
      jwks: (await host.http().get('/.well-known/jwks.json')).body,
    })
    const proof = { client_assertion: await textOf(ask(api)), client_assertion_type: type }
    const { body } = await host.token(undefined, {
      ...{ grant_type: 'client_credentials', client_id: keyed.clientId, ...proof },
    })
    expect(body.error).toBe('invalid_client')
  })
})

it('shows a resource server what is its own alone, and inactive tokens of no kind (§5)', async () => {
  const other = 'https://other.example.com'
  await begin({ resources: [resource, other] })
  await updateClient(host.server, 'signed', { resourceServer: [resource] })
  const tokens = await host.signIn(host.web, { resource: `${resource} ${other}` })
  const seen = async (sent: string) => (await read(api, sent)).payload.token_introspection
  expect(await seen(tokens.access_token)).toMatchObject({ active: true, aud: resource })
  const elsewhere = await host.signIn(host.web, { resource: other })
  for (const sent of [elsewhere.access_token, elsewhere.refresh_token as string]) {
    expect(await seen(sent)).toEqual({ active: false })
  }
  await host.revoke(host.web, tokens.access_token)
  expect(await seen(tokens.access_token)).toEqual({ active: false })
  const late = (await host.signIn(host.web, { resource })).access_token
  host.clock.advance(3600)
  expect(await seen(late)).toEqual({ active: false })
})

it('the metadata names the algorithms (§7), and none where there are no keys', async () => {
  const metadata = async () => (await host.http().get('/.well-known/oauth-authorization-server')).body
  expect((await metadata()).introspection_signing_alg_values_supported).toEqual(['ES256', 'PS256'])
  host = await createHost()
  expect(await metadata()).not.toHaveProperty('introspection_signing_alg_values_supported')
})

it('encryption is not offered: the metadata names none (§7), and no record names one (§6)', async () => {
  const app = express().use('/register', registerRouter(host.server, { protect: 'open', scopes: ['read'] }))
  const { body } = await host.http().get('/.well-known/oauth-authorization-server')
  expect(Object.keys(body).filter((name) => name.startsWith('introspection_encryption'))).toEqual([])
  for (const member of ['introspection_encrypted_response_alg', 'introspection_encrypted_response_enc']) {
    const { status, body } = await request(app)
      .post('/register')
      .send({ redirect_uris: ['https://app.example/callback'], [member]: 'RSA-OAEP' })
    // RFC 7591 §3.2.1: the answer says what was registered
    expect([status, body.client_id === undefined, member in body]).toEqual([201, false, false])
  }
})

it('opaque tokens may be introspected so, by the keys of openid()', async () => {
  await begin({ accessTokens: undefined as never, openid: openid({ keys, authentication: () => undefined }) })
  expect((await read(api)).payload.token_introspection).toMatchObject({ active: true })
})

it('the key of a certificate-bound token is in it', async () => {
  const made = certificate()
  await begin({ senderConstraints: [mutualTls({ certificate: () => made.x509 })] })
  await host.register({
    clientId: 'tls',
    grantTypes: ['client_credentials'],
    tlsClientCertificateBoundAccessTokens: true,
  })
  const confirmation = { 'x5t#S256': made.thumbprint }
  const client = await host.server.storage.clients.find('tls')
  if (!client) throw new Error('no client')
  const request = {
    ...{ client, grantType: 'client_credentials', parameters: new Map(), startedAt: host.clock.now, confirmation },
    ...{ authenticated: true, req: {} as never },
  }
  const issued = await issueTokens(host.server, { clientId: 'tls', request })
  expect((await read(api, issued.access_token)).payload.token_introspection).toMatchObject({ cnf: confirmation })
})

describe('a record', () => {
  it.each(['RS256', 'none', 'HS256', 'es256'])('that names %s is refused: no key signs by it', async (alg) => {
    const changed = updateClient(host.server, 'signed', { introspectionSignedResponseAlg: alg })
    await expect(changed).rejects.toMatchObject({
      code: 'invalid_client_metadata',
      description: 'introspectionSignedResponseAlg must be one of ES256, PS256.',
    })
  })

  it('that names one at a server without keys is refused, and an empty one is none', async () => {
    host = await createHost()
    const register = (alg: string) => host.register({ introspectionSignedResponseAlg: alg })
    await expect(register('ES256')).rejects.toMatchObject({ description: expect.stringContaining('jwt({ keys })') })
    await expect(register('')).resolves.toBeDefined()
  })

  it('whose key is gone: an error that names the fix', async () => {
    const client = await host.server.storage.clients.find('signed')
    const accessTokens = { ...host.server.accessTokens, signers: () => new Map() }
    expect(() => signIntrospection({ ...host.server, accessTokens }, client as Client, {})).toThrow(
      'add a key for ES256 to jwt({ keys: { current: [...] } }), or change the record',
    )
  })
})

it('oauth4webapi asks for it, and verifies it', async () => {
  const remote = await createRemoteHost({
    accessTokens: jwt({ keys, audience: resource }),
    now: () => Math.floor(Date.now() / 1000),
    endpoints: { token: '/oauth2/token', introspect: '/oauth2/introspect', authorize: '/oauth2/authorize' },
  })
  try {
    const registered = await remote.host.register({
      ...{ clientId: 'signed', grantTypes: [], resourceServer: true },
      introspectionSignedResponseAlg: 'ES256',
    })
    const http = { [oauth.allowInsecureRequests]: true }
    const found = await oauth.discoveryRequest(new URL(remote.issuer), { algorithm: 'oauth2', ...http })
    const as = await oauth.processDiscoveryResponse(new URL(remote.issuer), found)
    const client = { client_id: 'signed', introspection_signed_response_alg: 'ES256' }
    const auth = oauth.ClientSecretBasic(registered.clientSecret as string)
    const { access_token: sent } = await remote.host.signIn()
    const options = { ...http, requestJwtResponse: true }
    const response = await oauth.introspectionRequest(as, client, auth, sent, options)
    expect(response.headers.get('content-type')).toBe(mediaType)
    const answer = await oauth.processIntrospectionResponse(as, client, response)
    expect(answer).toMatchObject({ active: true, client_id: 'web' })
    await oauth.validateApplicationLevelSignature(as, response, http)
  } finally {
    await remote.close()
  }
})

it('any Accept header is read, and only the media type itself asks', () => {
  const part = fc.constantFrom(mediaType, 'application/json', ';q=0', ';q=0.5', ',', ' ', ';', '*/*', 'x')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const accept = parts.join('')
      if (asksForJwt(accept)) expect(accept).toContain(mediaType)
    }),
    runs(200),
  )
  expect(
    [mediaType, mediaType.toUpperCase(), `text/html, ${mediaType};q=0.5`, ` ${mediaType} ;v=1`].map(asksForJwt),
  ).toEqual([true, true, true, true])
  expect([`x${mediaType}`, `${mediaType}x`, `${mediaType};q=0.000`, undefined].map(asksForJwt)).toEqual([
    ...[false, false, false, false],
  ])
})
