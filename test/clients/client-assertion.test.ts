// privateKeyJwt(): client assertions (RFC 7523 §2.2, §3, draft-ietf-oauth-rfc7523bis), signed by jose.
import { createHmac } from 'node:crypto'
import { type JWTPayload, SignJWT } from 'jose'
import { clientSecret, type PrivateKeyJwtOptions, privateKeyJwt, revokeGrants, updateClient } from '../../src'
import {
  type AssertionChange,
  asserted,
  assertionType,
  type ClientKey,
  clientKey,
  signAssertion,
} from '../support/assertions'
import {
  createHost,
  encode,
  type Host,
  type HostOptions,
  issuer,
  type Parameters,
  paths,
  startOfTime,
} from '../support/host'

/** The endpoints at which clients authenticate, and a request for each. */
const endpoints: [string, string, Parameters][] = [
  ['token', paths.token, { grant_type: 'client_credentials' }],
  ['revocation', paths.revoke, { token: 'x' }],
  ['introspection', paths.introspect, { token: 'x' }],
]
const [, tokenPath, tokenRequest] = endpoints[0] as (typeof endpoints)[0]

let key: ClientKey
let other: ClientKey
let host: Host
beforeAll(async () => {
  ;[key, other] = await Promise.all([clientKey(), clientKey()])
})
const begin = async (options: HostOptions = {}, more: object = {}) => {
  host = await createHost(options)
  await host.register({
    clientId: 'robot',
    tokenEndpointAuthMethods: ['private_key_jwt'],
    grantTypes: ['client_credentials'],
    jwks: { keys: [key.jwk] },
    ...more,
  })
  host.storage.calls.length = 0
  host.events.length = 0
}
beforeEach(() => begin())

const send = (path: string, parameters: Parameters) => host.http().post(path).type('form').send(encode(parameters))
const tryWith = (assertion: string, parameters: Parameters = {}, path = tokenPath) =>
  send(path, { ...tokenRequest, ...asserted(assertion), ...parameters })
const signed = (change?: AssertionChange, by = key) => signAssertion('robot', by, change)
const answerTo = async (change: AssertionChange, by = key) => {
  const { status, body } = await tryWith(await signed(change, by))
  return [status, body.error ?? 'none', body.error_description]
}
const generic = [401, 'invalid_client', 'Client authentication failed.']
const reasons = () =>
  host.events.flatMap((event) => (event.type === 'client.authentication_failed' ? [event.reason] : []))

describe.each(endpoints)('an assertion at the %s endpoint', (_name, path, parameters) => {
  it('authenticates its client, with one look at the record and one insert', async () => {
    await send(path, { ...parameters, ...asserted(await signed()) }).expect(200)
    expect(host.storage.calls.slice(0, 2)).toEqual(['clients.find', 'grants.insert'])
  })

  it('counts once: of twenty at the same time one wins (RFC 7523 §3, jti)', async () => {
    const sent = { ...parameters, ...asserted(await signed()) }
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(path, sent)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(401)])
    const refused = answers.find(({ status }) => status === 401)
    expect(refused?.body).toEqual({
      error: 'invalid_client',
      error_description: 'This client_assertion was used before. Its id must be new.',
    })
    expect(refused?.headers).not.toHaveProperty('www-authenticate')
    expect(reasons()).toHaveLength(19)
  })

  it('and not at another endpoint afterwards', async () => {
    const sent = asserted(await signed())
    await send(path, { ...parameters, ...sent }).expect(200)
    for (const [, elsewhere, request] of endpoints) await send(elsewhere, { ...request, ...sent }).expect(401)
  })

  it('goes with the client_id of its client and with no other one, and is not used up by that (RFC 7521 §4.2)', async () => {
    const sent = { ...parameters, ...asserted(await signed()) }
    const wrong = await send(path, { ...sent, client_id: 'web' })
    expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_request'])
    expect(host.storage.calls).not.toContain('grants.insert')
    await send(path, { ...sent, client_id: 'robot' }).expect(200)
  })

  it('beside a secret is invalid_request: one method in one request (RFC 6749 §2.3)', async () => {
    const sent = { ...parameters, ...asserted(await signed()) }
    for (const answer of [
      await send(path, sent).auth('web', host.web.clientSecret as string),
      await send(path, { ...sent, client_id: 'web', client_secret: host.web.clientSecret }),
    ]) {
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
    }
    expect(host.storage.calls).toEqual([])
    await send(path, sent).expect(200)
  })

  it('is not used up by a database that fails: 503, and it can be sent again', async () => {
    const sent = { ...parameters, ...asserted(await signed()) }
    host.storage.replace('grants.insert', () => Promise.reject(new Error('the database is down')))
    const { body } = await send(path, sent).expect(503)
    expect(body.error).toBe('server_error')
    host.storage.restore()
    await send(path, sent).expect(200)
  })

  it('is the only way in for a client whose record names it', async () => {
    await send(path, { ...parameters, client_id: 'robot' }).expect(401)
    await send(path, { ...parameters, client_id: 'robot', client_secret: 'x' }).expect(401)
    await send(path, parameters).auth('robot', '').expect(401)
  })

  it('is no way in for a client whose record does not name it', async () => {
    for (const clientId of ['web', 'native']) {
      await send(path, { ...parameters, ...asserted(await signAssertion(clientId, key)) }).expect(401)
    }
  })
})

describe('an assertion with one thing wrong is refused, and the answer says what', () => {
  const now = startOfTime
  const token = `${issuer}${paths.token}`
  const aud = `aud of the client_assertion must be ${issuer} as a string.`
  const early = 'iat or nbf of the client_assertion is in the future.'
  it.each<[string, AssertionChange, string]>([
    ['iss is another client', { claims: { iss: 'web' } }, 'iss of the client_assertion must be the client_id, as sub.'],
    ['iss is missing', { claims: { iss: undefined } }, 'iss of the client_assertion must be the client_id, as sub.'],
    ['aud is missing', { claims: { aud: undefined } }, aud],
    ['aud is another server', { claims: { aud: 'https://other.example' } }, aud],
    ['aud has a slash more', { claims: { aud: `${issuer}/` } }, aud],
    ['aud is the token endpoint', { claims: { aud: token } }, aud],
    ['aud is a list', { claims: { aud: [issuer] } }, aud],
    ['aud is a list with another server', { claims: { aud: [issuer, 'https://other.example'] } }, aud],
    ['exp is missing', { claims: { exp: undefined } }, 'client_assertion must have exp.'],
    ['exp is a text', { claims: { exp: String(now + 60) } }, 'client_assertion must have exp.'],
    ['exp is now', { claims: { exp: now } }, 'client_assertion has expired.'],
    [
      'exp is further ahead',
      { claims: { exp: now + 311 } },
      'exp of the client_assertion must be at most 300 seconds ahead.',
    ],
    ['iat is ahead', { claims: { iat: now + 11 } }, early],
    ['iat is a text', { claims: { iat: 'today' } }, early],
    ['nbf is ahead', { claims: { nbf: now + 11 } }, early],
    ['nbf is null', { claims: { nbf: null } }, early],
    ['jti is missing', { claims: { jti: undefined } }, 'client_assertion must have a jti.'],
    ['jti is empty', { claims: { jti: '' } }, 'client_assertion must have a jti.'],
    ['jti is a number', { claims: { jti: 7 } }, 'client_assertion must have a jti.'],
    [
      'sub is missing',
      { claims: { sub: undefined } },
      'client_assertion must be a signed JWT with the client_id as sub.',
    ],
    ['sub has a NUL', { claims: { sub: 'a\0' } }, 'client_assertion must be a signed JWT with the client_id as sub.'],
    [
      'typ is an access token',
      { header: { typ: 'at+jwt' } },
      'client_assertion must be a signed JWT with the client_id as sub.',
    ],
    ['kid is a number', { header: { kid: 7 } }, 'client_assertion must be a signed JWT with the client_id as sub.'],
  ])('%s', async (_, change, description) => {
    expect(await answerTo(change)).toEqual([401, 'invalid_client', description])
    expect(host.storage.calls).not.toContain('grants.insert')
    expect(reasons()).toEqual([description])
  })

  it('crit names an extension that must be understood (RFC 7515 §4.1.11)', async () => {
    const payload = { iss: 'robot', sub: 'robot', aud: issuer, exp: now + 60, jti: 'x' }
    const header = { alg: 'ES256', kid: key.kid, crit: ['b64'], b64: true }
    const assertion = await new SignJWT(payload).setProtectedHeader(header).sign(key.privateKey)
    await tryWith(assertion).expect(401)
  })

  it.each(['', 'a.b.c', 'x', `${'e30.'.repeat(2)}x`])('%j is no JWT', async (assertion) => {
    const { body } = await tryWith(assertion).expect(401)
    expect(body.error).toBe('invalid_client')
  })

  it.each(['urn:ietf:params:oauth:client-assertion-type:saml2-bearer', undefined])(
    'client_assertion_type is %s',
    async (client_assertion_type) => {
      const { body } = await tryWith(await signed(), { client_assertion_type }).expect(401)
      expect(body).toEqual({
        error: 'invalid_client',
        error_description: `client_assertion_type must be ${assertionType}.`,
      })
    },
  )
})

describe('the right side of each bound is taken', () => {
  const now = startOfTime
  it.each<[string, AssertionChange]>([
    ['exp in five minutes of a clock that is ten seconds ahead', { claims: { iat: now + 10, exp: now + 310 } }],
    ['exp in a second', { claims: { exp: now + 1 } }],
    ['exp with a fraction', { claims: { exp: now + 59.5 } }],
    ['iat and nbf ten seconds ahead', { claims: { iat: now + 10, nbf: now + 10 } }],
    ['iat long ago', { claims: { iat: 1 } }],
    ['no iat', { claims: { iat: undefined } }],
    ['typ client-authentication+jwt (rfc7523bis)', { header: { typ: 'client-authentication+jwt' } }],
    ['the same with application/', { header: { typ: 'application/client-authentication+jwt' } }],
    ['typ JWT', { header: { typ: 'JWT' } }],
    ['no kid', { header: { kid: undefined } }],
  ])('%s', async (_, change) => {
    expect(await answerTo(change)).toEqual([200, 'none', undefined])
  })
})

describe('the signature', () => {
  it('is that of a key of the client: another key, and one that names its kid, are refused alike', async () => {
    expect(await answerTo({}, other)).toEqual(generic)
    expect(await answerTo({ header: { kid: key.kid } }, other)).toEqual(generic)
    expect(await answerTo({ header: { kid: undefined } }, other)).toEqual(generic)
    expect(reasons()).toEqual([
      'the client has no key for ES256 with that kid',
      'the signature of the client_assertion is wrong',
      'the signature of the client_assertion is wrong',
    ])
  })

  it('of an unknown client is refused in the same words', async () => {
    const { status, body } = await tryWith(await signAssertion('nobody', key))
    expect([status, body.error, body.error_description]).toEqual(generic)
  })

  it('covers what is said: a claim that is changed afterwards is refused', async () => {
    const [header, , signature] = (await signed()).split('.')
    const claims: JWTPayload = { iss: 'robot', sub: 'robot', aud: issuer, exp: startOfTime + 60, jti: 'mine' }
    const changed = Buffer.from(JSON.stringify(claims)).toString('base64url')
    await tryWith(`${header}.${changed}.${signature}`).expect(401)
  })

  it.each(['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'])(
    'may be by %s',
    async (alg) => {
      const own = await clientKey(alg)
      await begin({}, { jwks: { keys: [own.jwk] }, tokenEndpointAuthSigningAlg: alg })
      expect(await answerTo({}, own)).toEqual([200, 'none', undefined])
    },
  )

  const accepted = 'ES256, PS256, RS256, ES384, PS384, RS384, ES512, PS512, RS512'

  it('is by no other algorithm, and the answer says which are taken', async () => {
    const edwards = await clientKey('EdDSA')
    expect(await answerTo({}, edwards)).toEqual([
      401,
      'invalid_client',
      `client_assertion must be signed with one of ${accepted}.`,
    ])
  })

  it('is by no secret that is really a public key, and never by none (RFC 8725 §2.1)', async () => {
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = encoded({ iss: 'robot', sub: 'robot', aud: issuer, exp: startOfTime + 60, jti: 'x' })
    for (const alg of ['HS256', 'none', 'None']) {
      const text = `${encoded({ alg, kid: key.kid })}.${claims}`
      const mac = createHmac('sha256', JSON.stringify(key.jwk)).update(text).digest('base64url')
      const { body } = await tryWith(`${text}.${alg === 'HS256' ? mac : ''}`).expect(401)
      expect(body.error).toBe('invalid_client')
    }
  })

  it('is by the algorithm that the record fixes (token_endpoint_auth_signing_alg), and by no other one', async () => {
    const rsa = await clientKey('PS256')
    const { alg: _, ...jwk } = rsa.jwk
    await begin({}, { jwks: { keys: [jwk] }, tokenEndpointAuthSigningAlg: 'RS256' })
    expect(await answerTo({}, rsa)).toEqual(generic)
    expect(reasons()).toEqual(['the client_assertion is signed with PS256, and the record wants RS256'])
    await updateClient(host.server, 'robot', { tokenEndpointAuthSigningAlg: 'PS256' })
    expect(await answerTo({}, rsa)).toEqual([200, 'none', undefined])
  })

  it('is by the algorithm of its JWK where that names one', async () => {
    const rsa = await clientKey('PS256')
    await begin({}, { jwks: { keys: [{ ...rsa.jwk, alg: 'RS256' }] } })
    expect(await answerTo({}, rsa)).toEqual(generic)
  })

  it('is by no key for encryption', async () => {
    await begin({}, { jwks: { keys: [other.jwk, { ...key.jwk, use: 'enc' }] } })
    expect(await answerTo({})).toEqual(generic)
  })

  it('by a key that is taken out of the record is refused at once', async () => {
    expect(await answerTo({})).toEqual([200, 'none', undefined])
    await updateClient(host.server, 'robot', { jwks: { keys: [other.jwk] } })
    expect(await answerTo({})).toEqual(generic)
    expect(await answerTo({}, other)).toEqual([200, 'none', undefined])
  })
})

it('a jti is of its client: two clients may use the same', async () => {
  await host.register({
    clientId: 'other',
    tokenEndpointAuthMethods: ['private_key_jwt'],
    grantTypes: ['client_credentials'],
    jwks: { keys: [key.jwk] },
  })
  for (const clientId of ['robot', 'other']) {
    await tryWith(await signAssertion(clientId, key, { claims: { jti: 'one' } })).expect(200)
  }
})

it('what was used stays used when everything of the client is revoked', async () => {
  const assertion = await signed()
  await tryWith(assertion).expect(200)
  await revokeGrants(host.server, { clientId: 'robot' })
  host.clock.advance(1)
  await tryWith(assertion).expect(401)
})

it('a jti is kept until its assertion is refused everywhere, and no longer', async () => {
  await tryWith(await signed()).expect(200)
  const row = host.storage.stored(host.storage.storedIds().find((id) => id.includes('~j')) as string)
  expect(row).toMatchObject({ kind: 'jti', state: 'used', expiresAt: startOfTime + 120, issuedAt: startOfTime })
  expect(row?.id).toMatch(/^[\w-]{43}~j[\w-]{43}$/)
  expect(JSON.stringify(row)).not.toContain('robot')
})

describe('the option audience', () => {
  const withAudience = (audience: PrivateKeyJwtOptions['audience']) =>
    begin({ clientAuthentication: [clientSecret(), privateKeyJwt({ ...(audience && { audience }) })] })

  it("'issuer-or-token-endpoint' also takes the URL of the token endpoint, as one string", async () => {
    await withAudience('issuer-or-token-endpoint')
    const token = `${issuer}${paths.token}`
    for (const aud of [token, issuer]) expect(await answerTo({ claims: { aud } })).toEqual([200, 'none', undefined])
    for (const aud of [[token], `${issuer}${paths.revoke}`, `${token}/`]) {
      expect((await answerTo({ claims: { aud } }))[0]).toBe(401)
    }
  })

  it.each<[unknown, string]>([
    [{ audience: 'token-endpoint' }, "privateKeyJwt({ audience }) must be 'issuer' or 'issuer-or-token-endpoint'"],
    [{ audiences: 'issuer' }, 'Unknown privateKeyJwt option audiences; there are audience, dangerouslyAllowLoopback'],
    [{ dangerouslyAllowLoopback: 'no' }, "privateKeyJwt's dangerouslyAllowLoopback must be true or false"],
  ])('%j is refused at start-up', (options, message) => {
    expect(() => privateKeyJwt(options as PrivateKeyJwtOptions)).toThrow(message)
  })
})

describe('the metadata (RFC 8414 §2)', () => {
  const algorithms = ['ES256', 'PS256', 'RS256', 'ES384', 'PS384', 'RS384', 'ES512', 'PS512', 'RS512']
  const metadata = async () => (await host.http().get('/.well-known/oauth-authorization-server').expect(200)).body

  it('names the method and the algorithms, for each endpoint', async () => {
    const proven = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
    expect(await metadata()).toMatchObject({
      token_endpoint_auth_methods_supported: ['none', ...proven],
      token_endpoint_auth_signing_alg_values_supported: algorithms,
      revocation_endpoint_auth_methods_supported: ['none', ...proven],
      revocation_endpoint_auth_signing_alg_values_supported: algorithms,
      introspection_endpoint_auth_methods_supported: proven,
      introspection_endpoint_auth_signing_alg_values_supported: algorithms,
    })
  })

  it('names them for no endpoint that there is not', async () => {
    await begin({ endpoints: { authorize: paths.authorize, token: paths.token } })
    expect(await metadata()).not.toHaveProperty('revocation_endpoint_auth_signing_alg_values_supported')
    expect(await metadata()).not.toHaveProperty('introspection_endpoint_auth_signing_alg_values_supported')
  })

  it('names neither where the list of the server does not have the method', async () => {
    host = await createHost({ clientAuthentication: [clientSecret()] })
    expect(JSON.stringify(await metadata())).not.toMatch(/private_key_jwt|signing_alg/)
  })
})
