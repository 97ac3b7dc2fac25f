// The JWT bearer grant (RFC 7523 §2.1) and ID-JAG, with one thing wrong at a time. jose signs, as an identity provider would.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT, UnsecuredJWT } from 'jose'
import {
  authorizationCode,
  clientCredentials,
  consentPage,
  dpop,
  generateSigningKey,
  type JwtBearerOptions,
  jwt,
  jwtBearer,
  listGrants,
  refreshToken,
  revokeGrants,
  updateClient,
} from '../../src/index'
import { type ClientKey, clientKey } from '../support/assertions'
import { proof, proofKey } from '../support/dpop'
import { createHost, type Host, type HostOptions, issuer, type Parameters, startOfTime } from '../support/host'

const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const idp = 'https://idp.example'
const partner = 'https://partner.example'
let key: ClientKey
let other: ClientKey
let made = 0
beforeAll(async () => {
  key = await clientKey('ES256', 'idp')
  other = await clientKey('ES256', 'partner')
})

const people: Record<string, string> = { [`${idp} U1`]: 'alice', [`${partner} U1`]: 'bob' }
const findUser: JwtBearerOptions['user'] = ({ issuer: from, sub }) => people[`${from} ${sub}`]

interface Change {
  /** undefined leaves a claim out. */
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  by?: ClientKey
}

/** An ID-JAG of the identity provider for the client `web`, right in every way but for what `change` says. */
async function assertion({ claims, header, by = key }: Change = {}, now = startOfTime): Promise<string> {
  const right = { iss: idp, sub: 'U1', aud: issuer, client_id: 'web', iat: now, exp: now + 300, jti: `jag ${++made}` }
  const said = { alg: by.alg, kid: by.kid, typ: 'oauth-id-jag+jwt', ...header }
  const payload = JSON.parse(JSON.stringify({ ...right, ...claims }))
  return new SignJWT(payload).setProtectedHeader(JSON.parse(JSON.stringify(said))).sign(by.privateKey)
}

const plain = (change: Change = {}) =>
  assertion({
    by: other,
    ...change,
    claims: { iss: partner, client_id: undefined, ...change.claims },
    header: { typ: undefined, ...change.header },
  })

async function bearing(options: HostOptions = {}): Promise<Host> {
  const issuers = [
    { issuer: idp, keys: [key.jwk], profile: 'id-jag' as const },
    { issuer: partner, keys: [other.jwk] },
  ]
  const grants = [authorizationCode(), clientCredentials(), refreshToken(), jwtBearer({ issuers, user: findUser })]
  return createHost({ grants, ...options })
}

const send = (host: Host, text: string, parameters: Parameters = {}, client = host.web) =>
  host.token(client, { grant_type: grant, assertion: text, ...parameters })
const errorOf = ({ status, body }: { status: number; body: { error?: string } }) => [status, body.error]

describe('an assertion', () => {
  it('of an identity provider gives its user an access token, and no refresh token', async () => {
    const host = await bearing()
    const text = await assertion({ claims: { scope: 'read' } })
    const { body } = await send(host, text).expect(200)
    expect(body).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 3600, scope: 'read' })
    const me = await host.me(body.access_token).expect(200)
    expect(me.body).toMatchObject({ user: { id: 'alice' }, authInfo: { clientId: 'web', userId: 'alice' } })
    expect(host.storage.calls.slice(0, 3)).toEqual(['clients.find', 'grants.insert', 'grants.insert'])
    expect(host.events.map(({ type }) => type)).toEqual(['token.issued'])
    await revokeGrants(host.server, { userId: 'alice' })
    expect(await host.isAlive(body)).toBe(false)
  })

  it('without a type is that of an issuer without the profile, whose subjects are its own', async () => {
    const host = await bearing()
    for (const typ of [undefined, 'JWT', 'jwt']) {
      const { body } = await send(host, await plain({ header: { typ } })).expect(200)
      expect((await host.me(body.access_token)).body.user.id).toBe('bob')
    }
    // RFC 7523 §2.1: the client need not authenticate, where its record lets it
    const app = await host.register({ tokenEndpointAuthMethods: ['none'], grantTypes: [grant] })
    await send(host, await plain(), {}, app).expect(200)
  })

  it.each<[what: string, change: Change]>([
    ['of an issuer that is not on the list', { claims: { iss: 'https://evil.example' } }],
    ['of an issuer in another spelling', { claims: { iss: `${idp}/` } }],
    ['without iss', { claims: { iss: undefined } }],
    ['without sub', { claims: { sub: undefined } }],
    ['with an empty sub', { claims: { sub: '' } }],
    ['of another audience', { claims: { aud: 'https://other.example' } }],
    ['of the token endpoint', { claims: { aud: `${issuer}/oauth2/token` } }],
    ['of several audiences', { claims: { aud: [issuer, 'https://other.example'] } }],
    ['of one audience in a list', { claims: { aud: [issuer] } }],
    ['without aud', { claims: { aud: undefined } }],
    ['without exp', { claims: { exp: undefined } }],
    ['with exp as text', { claims: { exp: String(startOfTime + 60) } }],
    ['that has expired', { claims: { exp: startOfTime, iat: startOfTime - 60 } }],
    ['that lives too long', { claims: { exp: startOfTime + 3601, iat: startOfTime } }],
    ['that was made long ago for now', { claims: { iat: startOfTime - 3600, exp: startOfTime + 60 } }],
    ['without iat', { claims: { iat: undefined } }],
    ['made in the future', { claims: { iat: startOfTime + 11 } }],
    ['not yet good', { claims: { nbf: startOfTime + 11 } }],
    ['without jti', { claims: { jti: undefined } }],
    ['with an empty jti', { claims: { jti: '' } }],
    ['with a number as jti', { claims: { jti: 1 } }],
    ['of another client', { claims: { client_id: 'native' } }],
    ['without client_id', { claims: { client_id: undefined } }],
    ['that is bound to a key that nobody looks at', { claims: { cnf: { jkt: 'x' } } }],
    ['with the type of a plain JWT', { header: { typ: 'JWT' } }],
    ['with the type of an id_token', { header: { typ: undefined } }],
    ['with the type of an access token', { header: { typ: 'at+jwt' } }],
    ['with an extension that must be understood', { header: { crit: ['x'], x: 1 } }],
    ['with an unknown kid', { header: { kid: 'nobody' } }],
    ['without a kid', { header: { kid: undefined } }],
    ['of a user whom nobody knows', { claims: { sub: 'U2' } }],
  ])('%s is invalid_grant, and uses nothing up', async (_, change) => {
    const host = await bearing()
    const sent = change.header?.crit
      ? `${Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'idp', typ: 'oauth-id-jag+jwt', crit: ['x'], x: 1 })).toString('base64url')}.${(await assertion()).split('.').slice(1).join('.')}`
      : await assertion(change)
    expect(errorOf(await send(host, sent))).toEqual([400, 'invalid_grant'])
    expect(host.storage.calls).not.toContain('grants.insert')
    expect(host.eventTypes()).toEqual(['assertion.refused'])
  })

  it('signed by another key, by another issuer, by nobody, or with the public key as a secret is invalid_grant', async () => {
    const host = await bearing()
    const stranger = await clientKey('ES256', 'idp')
    const [head = '', body = ''] = (await assertion()).split('.')
    const secret = new TextEncoder().encode(JSON.stringify(key.jwk))
    const claims = {
      iss: idp,
      sub: 'U1',
      aud: issuer,
      client_id: 'web',
      iat: startOfTime,
      exp: startOfTime + 60,
      jti: 'x',
    }
    const forged = [
      await assertion({ by: stranger }),
      await assertion({ by: other }),
      await assertion({ by: { ...other, kid: 'idp' } }),
      `${head}.${body}.`,
      `${head}.${body}.AAAA`,
      new UnsecuredJWT(claims).encode(),
      await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'idp', typ: 'oauth-id-jag+jwt' }).sign(secret),
      'x',
      'a.b.c',
    ]
    for (const text of forged) expect(errorOf(await send(host, text))).toEqual([400, 'invalid_grant'])
    expect(errorOf(await host.token(host.web, { grant_type: grant }))).toEqual([400, 'invalid_request'])
    expect(host.storage.calls).not.toContain('grants.insert')
  })

  it('is good once, also for twenty at once, and for another client no more', async () => {
    const host = await bearing()
    const text = await assertion()
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(host, text)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(400)])
    for (const { status, body } of answers) if (status === 400) expect(body.error).toBe('invalid_grant')
    const shared = await plain()
    await send(host, shared).expect(200)
    const app = await host.register({ tokenEndpointAuthMethods: ['none'], grantTypes: [grant] })
    expect(errorOf(await send(host, shared, {}, app))).toEqual([400, 'invalid_grant'])
    // of another issuer the same id is another one
    await send(host, await assertion({ claims: { jti: 'same' } })).expect(200)
    await send(host, await plain({ claims: { jti: 'same' } })).expect(200)
  })

  it('of an identity provider is for a client that proves to be it', async () => {
    const host = await bearing()
    const app = await host.register({ clientId: 'open', tokenEndpointAuthMethods: ['none'], grantTypes: [grant] })
    const text = await assertion({ claims: { client_id: 'open' } })
    expect(errorOf(await send(host, text, {}, app))).toEqual([400, 'unauthorized_client'])
    expect(errorOf(await send(host, text, {}, host.native))).toEqual([400, 'unauthorized_client'])
    expect(errorOf(await send(host, await assertion(), {}, { ...host.web, clientSecret: 'wrong' }))).toEqual([
      401,
      'invalid_client',
    ])
  })

  it('has a scope that is the ceiling: what is asked is cut to it, and the answer says what was granted', async () => {
    const host = await bearing()
    const scopeOf = async (claim: unknown, scope?: string) => {
      const { body } = await send(host, await assertion({ claims: { scope: claim } }), { scope })
      return body.scope ?? body.error
    }
    expect(await scopeOf('read write', 'read')).toBe('read')
    expect(await scopeOf('read', 'read write')).toBe('read')
    expect(await scopeOf('read', 'write')).toBe('invalid_scope')
    expect(await scopeOf('read admin')).toBe('read')
    expect(await scopeOf('admin')).toBe('invalid_scope')
    expect(await scopeOf('read', 'admin')).toBe('invalid_scope')
    expect(await scopeOf(undefined)).toBe('read write')
    expect(await scopeOf(['read'], 'read')).toBe('invalid_scope')
  })

  it('has at a resource what that one accepts of it, and lives no longer there', async () => {
    const two = 'https://two.example'
    const host = await bearing({ resources: { 'https://one.example': {}, [two]: { ttl: 60, scopes: ['write'] } } })
    const answer = async (scope: string) => send(host, await assertion({ claims: { resource: two, scope } }))
    expect((await answer('read write')).body).toMatchObject({ scope: 'write', expires_in: 60 })
    expect(errorOf(await answer('read'))).toEqual([400, 'invalid_scope'])
    expect(await listGrants(host.server, { userId: 'alice' })).toMatchObject([{ scope: ['write'] }])
  })

  it('has resources that are the ceiling, too (RFC 8707)', async () => {
    const resources = ['https://one.example', 'https://two.example']
    const host = await bearing({ resources })
    const audienceOf = async (claim: unknown, resource?: string) => {
      const { body } = await send(host, await assertion({ claims: { resource: claim } }), { resource })
      if (body.error) return body.error
      return (await host.introspect(host.web, body.access_token)).body.aud
    }
    expect(await audienceOf('https://two.example')).toBe('https://two.example')
    expect(await audienceOf('https://two.example', 'https://one.example')).toBe('invalid_target')
    expect(await audienceOf(resources, 'https://one.example')).toBe('https://one.example')
    expect(await audienceOf('https://three.example')).toBe('invalid_target')
    expect(await audienceOf([1])).toBe('invalid_target')
    expect(await audienceOf(undefined)).toBe('https://one.example')
  })

  it.each(['a row', 'no row'])(
    'that was made before its user was revoked gives nothing, where tokens have %s',
    async (kind) => {
      const accessTokens = jwt({ keys: generateSigningKey(), audience: issuer, stateless: true })
      const host = await bearing(kind === 'no row' ? { accessTokens } : {})
      const text = await assertion()
      host.clock.advance(2)
      await revokeGrants(host.server, { userId: 'alice' })
      host.clock.advance(2)
      expect(errorOf(await send(host, text))).toEqual([400, 'invalid_grant'])
      await send(host, await assertion({}, host.clock.now)).expect(200)
    },
  )

  it('of a user who is gone gives nothing, nor one for whom the function of the host throws or returns no id', async () => {
    jest.spyOn(console, 'warn').mockImplementation(() => {})
    const host = await bearing()
    host.people.delete('alice')
    expect(errorOf(await send(host, await assertion()))).toEqual([400, 'invalid_grant'])
    jest.restoreAllMocks()
    const issuers = [{ issuer: idp, keys: [key.jwk], profile: 'id-jag' as const }]
    const failing = () => {
      throw new Error('database')
    }
    for (const user of [failing, () => ({})]) {
      const odd = await createHost({ grants: [refreshToken(), jwtBearer({ issuers, user })] })
      expect((await send(odd, await assertion())).status).toBe(500)
      expect(odd.reportedErrors()).toHaveLength(1)
    }
  })

  it('gives a token that is bound to the key of the proof (RFC 9449)', async () => {
    const host = await bearing({ senderConstraints: [dpop()] })
    const sent = send(host, await assertion()).set('DPoP', await proof(await proofKey()))
    expect((await sent.expect(200)).body.token_type).toBe('DPoP')
  })

  it('is no yes of its user: a consent page that remembers asks', async () => {
    const host = await bearing({ decide: consentPage({ signIn: '/login', remember: true }) })
    await send(host, await assertion({ claims: { scope: 'read' } })).expect(200)
    expect(await listGrants(host.server, { userId: 'alice' })).toHaveLength(1)
    expect((await host.authorize(host.web, { scope: 'read' })).status).toBe(200)
  })

  it.each([undefined, ''])('that is %j is invalid_request (§2.1)', async (text) => {
    const host = await bearing()
    expect(errorOf(await host.token(host.web, { grant_type: grant, assertion: text }))).toEqual([
      400,
      'invalid_request',
    ])
  })

  it('needs the grant in the record of the client', async () => {
    const host = await bearing()
    await updateClient(host.server, 'web', { grantTypes: ['refresh_token'] })
    expect(errorOf(await send(host, await assertion()))).toEqual([400, 'unauthorized_client'])
  })
})

describe('keys at a URL', () => {
  it('are fetched, and again for a key that is new; while they cannot be, the answer is 503 and an event', async () => {
    let keys: unknown[] = []
    let fails = false
    const listener = createServer((_req, res) => res.writeHead(fails ? 500 : 200).end(JSON.stringify({ keys }))).listen(
      0,
      '127.0.0.1',
    )
    await new Promise((resolve) => listener.once('listening', resolve))
    const jwksUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/jwks`
    const issuers = [{ issuer: idp, jwksUri, profile: 'id-jag' as const }]
    const host = await createHost({ grants: [refreshToken(), jwtBearer({ issuers, user: findUser })] })
    fails = true
    expect((await send(host, await assertion())).status).toBe(503)
    expect(host.reportedErrors()).toHaveLength(1)
    fails = false
    host.clock.advance(5)
    expect(errorOf(await send(host, await assertion({}, host.clock.now)))).toEqual([400, 'invalid_grant'])
    keys = [key.jwk]
    host.clock.advance(20)
    await send(host, await assertion({}, host.clock.now)).expect(200)
    // taken out there, it is believed no more once the set is fetched again
    keys = [other.jwk]
    host.clock.advance(3600)
    expect(errorOf(await send(host, await assertion({}, host.clock.now)))).toEqual([400, 'invalid_grant'])
    listener.close()
  })
})

describe('at start-up', () => {
  const user = findUser
  it.each<[what: string, options: unknown, problem: string]>([
    ['no options', undefined, 'issuers'],
    ['no issuer', { issuers: [], user }, 'jwtBearer({ issuers }) must be a list'],
    ['no user', { issuers: [{ issuer: idp, jwksUri: `${idp}/jwks` }] }, 'jwtBearer({ user }) must be a function'],
    [
      'an unknown option',
      { issuers: [{ issuer: idp, jwksUri: `${idp}/jwks` }], user, ttl: 1 },
      'Unknown jwtBearer option ttl',
    ],
    ['an unknown member', { issuers: [{ issuer: idp, jwks: [] }], user }, 'Unknown jwtBearer issuer member jwks'],
    [
      'an issuer twice',
      { issuers: [idp, idp].map((one) => ({ issuer: one, jwksUri: `${idp}/jwks` })), user },
      'is there twice',
    ],
    ['neither keys nor URL', { issuers: [{ issuer: idp }], user }, 'jwksUri or its keys'],
    ['keys and URL', { issuers: [{ issuer: idp, jwksUri: `${idp}/jwks`, keys: [] }], user }, 'jwksUri or its keys'],
    ['http', { issuers: [{ issuer: idp, jwksUri: 'http://idp.example/jwks' }], user }, 'jwksUri must be an https URL'],
    [
      'another profile',
      { issuers: [{ issuer: idp, jwksUri: `${idp}/jwks`, profile: 'saml' }], user },
      "other than 'id-jag'",
    ],
    [
      'a private key',
      { issuers: [{ issuer: idp, keys: [generateSigningKey()] }], user },
      'each of its keys must be a public JWK',
    ],
    [
      'a key that is none',
      { issuers: [{ issuer: idp, keys: [{ kty: 'oct', k: 'AA', kid: 'x' }] }], user },
      'each of its keys',
    ],
    ['no keys', { issuers: [{ issuer: idp, keys: [] }], user }, 'keys must be a list'],
  ])('%s throws a TypeError that names it', (_, options, problem) => {
    expect(() => jwtBearer(options as never)).toThrow(problem)
  })

  it('the metadata says id-jag where an issuer has that profile, and nothing where none has', async () => {
    const withProfile = await bearing()
    const { body } = await withProfile.http().get('/.well-known/oauth-authorization-server')
    expect(body.authorization_grant_profiles_supported).toEqual(['urn:ietf:params:oauth:grant-profile:id-jag'])
    expect(body.grant_types_supported).toContain(grant)
    const without = await createHost({
      grants: [authorizationCode(), jwtBearer({ issuers: [{ issuer: partner, keys: [other.jwk] }], user })],
    })
    const { body: said } = await without.http().get('/.well-known/oauth-authorization-server')
    expect(said).not.toHaveProperty('authorization_grant_profiles_supported')
  })
})
