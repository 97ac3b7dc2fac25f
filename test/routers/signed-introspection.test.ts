// Introspection responses as signed JWTs (RFC 9701), read by jose and oauth4webapi.
import fc from 'fast-check'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import {
  type Client,
  generateSigningKey,
  issueTokens,
  jwt,
  mutualTls,
  updateClient,
  verifyAccessToken,
} from '../../src'
import { openid } from '../../src/openid'
import { asksForJwt, signIntrospection } from '../../src/tokens/signed-introspection'
import { certificate } from '../support/certificates'
import { runs } from '../support/fuzz'
import { createHost, type Host, type HostOptions, issuer, type TestClient } from '../support/host'
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

it('is plain JSON for an API whose record names no algorithm', async () => {
  const { headers, body } = await ask(host.api)
  expect([headers['content-type'], body.active]).toEqual(['application/json', true])
})

it('is refused without authentication, and the error is plain JSON (§4)', async () => {
  for (const client of [undefined, host.native]) {
    const { status, headers, body } = await ask(client)
    expect([status, headers['content-type'], body.error]).toEqual([401, 'application/json', 'invalid_client'])
  }
})

it('is no access token (§8.1)', async () => {
  const signed = await textOf(ask(api))
  expect(decodeProtectedHeader(signed).typ).toBe('token-introspection+jwt')
  await expect(verifyAccessToken(host.server, signed)).rejects.toMatchObject({ code: 'invalid_token' })
})

it('the metadata names the algorithms (§7), and none where there are no keys', async () => {
  const metadata = async () => (await host.http().get('/.well-known/oauth-authorization-server')).body
  expect((await metadata()).introspection_signing_alg_values_supported).toEqual(['ES256', 'PS256'])
  host = await createHost()
  expect(await metadata()).not.toHaveProperty('introspection_signing_alg_values_supported')
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
