import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import {
  createAuthorizationServer,
  generateSigningKey,
  issueTokens,
  type JwtOptions,
  jwt,
  memoryStorage,
  type OAuthErrorCode,
  registerClient,
  revokeGrants,
  verifyAccessToken,
} from '../../src'
import type { SigningAlgorithm } from '../../src/jwt/keys'
import type { Credential } from '../../src/storage'
import { createHost, issuer, startOfTime } from '../support/host'

const audience = 'https://api.example.com'
const key = generateSigningKey()
const pem = createPrivateKey({ key, format: 'jwk' }).export({ format: 'pem', type: 'pkcs8' }).toString()
const rsa = generateSigningKey('RS256')

const hostWith = (options: Partial<JwtOptions> = {}) =>
  createHost({ accessTokens: jwt({ keys: key, audience, ...options }) })
const read = (token: string) => {
  const { header, payload } = jsonwebtoken.decode(token, { complete: true, json: true }) ?? {}
  return { header: { ...header }, claims: payload as Record<string, unknown> }
}

describe('a JWT access token', () => {
  it('has the header and the claims of RFC 9068 §2', async () => {
    const host = await hostWith()
    const { access_token } = await host.signIn()
    const { header, claims } = read(access_token)
    expect(header).toEqual({ typ: 'at+jwt', alg: 'ES256', kid: key.kid })
    expect(claims).toEqual({
      iss: issuer,
      sub: 'alice',
      aud: audience,
      client_id: 'web',
      exp: startOfTime + 3600,
      iat: startOfTime,
      jti: expect.stringMatching(/^[\w-]{22}~a\.[\w-]{43}$/),
      scope: 'read write',
    })
  })

  it('is of the client itself where there is no user, and has no scope claim where it has no scope', async () => {
    const host = await hostWith()
    const machine = await host.register({ clientId: 'machine', grantTypes: ['client_credentials'], scopes: [] })
    const { body } = await host.token(machine, { grant_type: 'client_credentials' }).expect(200)
    const { claims } = read(body.access_token)
    expect(claims).toMatchObject({ sub: 'machine', client_id: 'machine' })
    expect(claims).not.toHaveProperty('scope')
    await expect(verifyAccessToken(host.server, body.access_token)).resolves.not.toHaveProperty('userId')
  })

  it('is never made for a user whose id is that of the client (RFC 9068 §5)', async () => {
    const host = await hostWith()
    host.people.set('web', { id: 'web', name: 'A user named like a client' })
    const refused = await host.exchange(host.web, await host.code(host.web, {}, 'web'))
    expect(refused.body.error).toBe('unauthorized_client' satisfies OAuthErrorCode)
  })

  it('passes the guard, with its claims in authInfo', async () => {
    const host = await hostWith({ claims: ({ userId }) => ({ tenant: `of ${userId}`, roles: ['a'], boss: null }) })
    const { access_token } = await host.signIn()
    const { body } = await host.me(access_token).expect(200)
    expect(body.user).toEqual({ id: 'alice', name: 'Alice' })
    expect(body.authInfo).toMatchObject({
      clientId: 'web',
      userId: 'alice',
      scope: ['read', 'write'],
      audience: [audience],
    })
    expect(body.authInfo.claims).toMatchObject({ tenant: 'of alice', roles: ['a'], boss: null, sub: 'alice' })
  })

  it('names the claim that JSON cannot carry, and the code is not used up', async () => {
    let quota: unknown = 10n
    const host = await hostWith({ claims: () => ({ quota }) })
    const code = await host.code()
    await host.exchange(host.web, code).expect(500)
    const fix = 'jwt({ claims }) must return values that JSON can carry: make text or a number of the claim quota'
    expect(host.reportedErrors()[0]?.cause).toEqual(new TypeError(fix))
    quota = 10
    await host.exchange(host.web, code).expect(200)
  })

  it('hands out claims that no handler can change for the next request', async () => {
    const host = await hostWith({ claims: () => ({ roles: ['a'] }) })
    const { access_token } = await host.signIn()
    const { claims } = await verifyAccessToken(host.server, access_token)
    expect(() => (claims as { roles: string[] }).roles.push('admin')).toThrow(TypeError)
  })

  it('has a row with the digest of its jti and of what it is bound to, and costs the guard one storage call', async () => {
    const host = await hostWith()
    const { access_token } = await host.signIn()
    const jti = read(access_token).claims.jti as string
    const row = host.storage.stored(jti.split('.')[0] as string)
    const { clientId, userId, grantId, scope, startedAt } = row as Credential
    const audience = ['https://api.example.com']
    // format 1: names sorted, as written in src/credentials/bound.ts
    const bound = JSON.stringify([1, grantId, clientId, jti, { audience, grantId, scope, startedAt, userId }])
    expect(row?.digest).toBe(createHash('sha256').update(bound).digest('base64url'))
    host.storage.calls.length = 0
    await host.me(access_token).expect(200)
    expect(host.storage.calls).toEqual(['grants.find'])
  })

  it('is refused once it is expired, also when it was remembered as valid', async () => {
    const host = await hostWith({ ttl: 60 })
    const tokens = await host.signIn()
    expect(await host.isAlive(tokens)).toBe(true)
    host.clock.advance(59)
    expect(await host.isAlive(tokens)).toBe(true)
    host.clock.advance(1)
    expect(await host.isAlive(tokens)).toBe(false)
    host.clock.advance(-1)
    expect(await host.isAlive(tokens)).toBe(true)
  })

  it('is refused at once when it, its grant, its user or its client is revoked', async () => {
    const host = await hostWith()
    const [byToken, byRefresh] = [await host.signIn(), await host.signIn()]
    const [byUser, byClient] = [await host.signIn(), await host.signIn(host.web, {}, 'bob')]
    for (const tokens of [byToken, byRefresh, byUser]) expect(await host.isAlive(tokens)).toBe(true)
    await host.revoke(host.web, byToken.access_token).expect(200)
    expect(await host.isAlive(byToken)).toBe(false)
    await host.revoke(host.web, byRefresh.refresh_token).expect(200)
    expect(await host.isAlive(byRefresh)).toBe(false)
    await revokeGrants(host.server, { userId: 'alice' })
    expect(await host.isAlive(byUser)).toBe(false)
    await revokeGrants(host.server, { clientId: 'web' })
    expect(await host.isAlive(byClient)).toBe(false)
  })

  it('is refreshed like any other, and the same again within the replay window', async () => {
    const host = await hostWith()
    const tokens = await host.signIn()
    host.clock.advance(10)
    const first = await host.refresh(host.web, tokens.refresh_token).expect(200)
    const again = await host.refresh(host.web, tokens.refresh_token).expect(200)
    expect(again.body.access_token).toBe(first.body.access_token)
    expect(read(first.body.access_token).claims.iat).toBe(startOfTime + 10)
    expect(await host.isAlive(tokens)).toBe(true)
    expect(await host.isAlive(first.body)).toBe(true)
  })
})

describe('the claims hook', () => {
  const standard = ['iss', 'sub', 'aud', 'client_id', 'exp', 'nbf', 'iat', 'jti', 'scope']

  it('cannot say anything about the claims of RFC 9068', async () => {
    const forged = Object.fromEntries(standard.map((claim) => [claim, claim === 'exp' ? 9e9 : 'admin']))
    const host = await hostWith({ claims: () => ({ ...forged, tenant: 't1' }) })
    const { claims } = read((await host.signIn()).access_token)
    expect(claims).toMatchObject({ iss: issuer, sub: 'alice', client_id: 'web', scope: 'read write', tenant: 't1' })
    expect(Object.values(claims)).not.toContain('admin')
    expect(claims).not.toHaveProperty('nbf')
  })

  it('cannot give a scope to a token without one', async () => {
    const host = await hostWith({ claims: () => ({ scope: 'write' }) })
    const plain = await host.register({ scopes: [] })
    const { claims } = read((await host.signIn(plain, { scope: undefined })).access_token)
    expect(claims).not.toHaveProperty('scope')
  })

  it('gets to know what the token is made for', async () => {
    const claims = jest.fn(() => ({}))
    const host = await hostWith({ claims })
    await host.signIn()
    expect(claims).toHaveBeenCalledWith({
      clientId: 'web',
      userId: 'alice',
      scope: ['read', 'write'],
      audience: [audience],
      grantId: expect.any(String),
    })
  })

  it.each<[string, () => never]>([
    [
      'throws',
      () => {
        throw new Error('the tenant database is down')
      },
    ],
    ['returns nothing', () => undefined as never],
    ['returns null', () => null as never],
    ['returns a text', () => 'tenant' as never],
  ])('gives no token when it %s', async (_, claims) => {
    const host = await hostWith({ claims })
    const code = await host.code()
    const { body } = await host.exchange(host.web, code).expect(500)
    expect(body).toEqual({ error: 'server_error', error_description: expect.not.stringContaining('database') })
    expect(host.storage.storedIds().filter((id) => id.endsWith('~a'))).toEqual([])
  })
})

describe('stateless JWTs', () => {
  const stateless = () => hostWith({ stateless: true })

  it('live for 300 seconds and cost the guard no storage call', async () => {
    const host = await stateless()
    const tokens = await host.signIn()
    expect(tokens.expires_in).toBe(300)
    host.storage.calls.length = 0
    const { body } = await host.me(tokens.access_token).expect(200)
    expect(host.storage.calls).toEqual([])
    expect(body.user).toEqual({ id: 'alice', name: 'Alice' })
    host.clock.advance(300)
    expect(await host.isAlive(tokens)).toBe(false)
  })

  it('have no row, with and without a refresh token', async () => {
    const host = await stateless()
    const { refresh_token } = await host.signIn()
    await host.refresh(host.web, refresh_token).expect(200)
    await host.token(host.web, { grant_type: 'client_credentials' }).expect(200)
    await issueTokens(host.server, { clientId: 'web', userId: 'alice', refreshToken: false })
    expect(
      host.storage
        .storedIds()
        .map((id) => id.slice(-2))
        .sort(),
    ).toEqual(['~c', '~n', '~r'])
  })

  it('end with their user, and not with a revocation, which says so (RFC 7009 §2.2.1)', async () => {
    const host = await stateless()
    const tokens = await host.signIn()
    const refused = await host.revoke(host.web, tokens.access_token).expect(400)
    expect(refused.body.error).toBe('unsupported_token_type' satisfies OAuthErrorCode)
    // somebody else's token: nothing is said about it
    await host.revoke(host.api, tokens.access_token).expect(200, {})
    await host.revoke(host.web, tokens.refresh_token).expect(200, {})
    expect(await host.isAlive(tokens)).toBe(true)
    host.people.delete('alice')
    expect(await host.isAlive(tokens)).toBe(false)
  })

  it('are introspected', async () => {
    const host = await stateless()
    const { access_token } = await host.signIn()
    const { body } = await host.introspect(host.api, access_token).expect(200)
    expect(body).toMatchObject({ active: true, client_id: 'web', sub: 'alice', aud: audience, scope: 'read write' })
  })

  it('notice the second use of a code all the same', async () => {
    const host = await stateless()
    const code = await host.code()
    const { body } = await host.exchange(host.web, code).expect(200)
    await host.exchange(host.web, code).expect(400)
    await host.refresh(host.web, body.refresh_token).expect(400)
  })

  it('do not bring a revoked token with a row back to life', async () => {
    const storage = memoryStorage()
    const host = await createHost({ storage, accessTokens: jwt({ keys: key, audience }) })
    const tokens = await host.signIn()
    await host.revoke(host.web, tokens.access_token).expect(200)
    const later = createAuthorizationServer({
      issuer,
      storage,
      scopes: ['read', 'write'],
      accessTokens: jwt({ keys: key, audience, stateless: true }),
      now: () => startOfTime,
    })
    await expect(verifyAccessToken(later, tokens.access_token)).rejects.toMatchObject({ code: 'invalid_token' })
  })
})

describe('keys', () => {
  it.each<[string, JwtOptions['keys'], SigningAlgorithm | undefined, SigningAlgorithm]>([
    ['a JWK', key, undefined, 'ES256'],
    ['a PEM', pem, undefined, 'ES256'],
    ['a KeyObject', createPrivateKey(pem), 'ES256', 'ES256'],
    ['an RSA JWK that says RS256', rsa, undefined, 'RS256'],
    ['an RSA JWK that says PS256', generateSigningKey('PS256'), undefined, 'PS256'],
    ['an RSA KeyObject', createPrivateKey({ key: rsa, format: 'jwk' }), 'PS256', 'PS256'],
    ['an RSA KeyObject that says nothing', createPrivateKey({ key: rsa, format: 'jwk' }), undefined, 'RS256'],
  ])('may be %s', async (_, keys, algorithm, expected) => {
    const host = await hostWith({ keys, ...(algorithm && { algorithm }) })
    const tokens = await host.signIn()
    expect(read(tokens.access_token).header.alg).toBe(expected)
    expect(await host.isAlive(tokens)).toBe(true)
  })

  it('have the same id in every form: the thumbprint of RFC 7638', async () => {
    const kids = [key, pem, createPrivateKey(pem)].map(async (keys) => {
      const host = await hostWith({ keys: keys as JwtOptions['keys'] })
      return read((await host.signIn()).access_token).header.kid
    })
    expect(new Set(await Promise.all(kids))).toEqual(new Set([key.kid]))
    // the example of RFC 7638 §3.1
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
    const format = jwt({ keys: { current: key, retired: [{ kty: 'RSA', n, e: 'AQAB', alg: 'RS256' }] }, audience })
    expect(format.jwks?.().keys).toContainEqual(
      expect.objectContaining({ kid: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' }),
    )
  })

  it('are published without their private half', () => {
    const format = jwt({ keys: { current: key, next: rsa, retired: [generateSigningKey()] }, audience })
    const { keys } = format.jwks?.() ?? { keys: [] }
    expect(keys.map((one) => Object.keys(one).sort())).toEqual([
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
      ['alg', 'e', 'kid', 'kty', 'n', 'use'],
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
    ])
  })

  it('verify while they are current, next or retired, and no longer', async () => {
    const [first, second, third] = [generateSigningKey(), generateSigningKey('RS256'), generateSigningKey()]
    let keys: JwtOptions['keys'] = { current: first }
    const host = await hostWith({ keys: () => keys as typeof first })
    const old = await host.signIn()
    expect(await host.isAlive(old)).toBe(true)
    keys = { current: second, next: third, retired: [createPublicKey({ key: first, format: 'jwk' })] }
    const newer = await host.signIn()
    expect(read(newer.access_token).header).toMatchObject({ kid: second.kid, alg: 'RS256' })
    expect([await host.isAlive(old), await host.isAlive(newer)]).toEqual([true, true])
    keys = { current: third, next: second }
    expect([await host.isAlive(old), await host.isAlive(newer)]).toEqual([false, true])
  })

  it.each(['RS256', 'PS256'] as const)(
    'of RSA without alg verify what they signed with %s, once they are retired',
    async (algorithm) => {
      const text = createPrivateKey({ key: rsa, format: 'jwk' }).export({ format: 'pem', type: 'pkcs8' }).toString()
      const host = await hostWith({ keys: text, algorithm })
      const old = await host.signIn()
      const later = createAuthorizationServer({
        issuer: host.server.issuer,
        storage: host.storage,
        scopes: [...host.server.scopes.keys()],
        accessTokens: jwt({ keys: { current: key, retired: [text] }, audience }),
        now: () => host.clock.now,
      })
      await expect(verifyAccessToken(later, old.access_token)).resolves.toMatchObject({ userId: 'alice' })
      const [, published] = later.accessTokens.jwks?.().keys ?? []
      expect(published).toMatchObject({ kty: 'RSA', use: 'sig' })
      expect(published).not.toHaveProperty('alg')
    },
  )

  it('are asked for when a token is made: a host function that throws makes none', async () => {
    let broken = false
    const host = await hostWith({
      keys: () => {
        if (broken) throw new Error('the vault is closed')
        return key
      },
    })
    const code = await host.code()
    broken = true
    const { text } = await host.exchange(host.web, code).expect(500)
    expect(text).not.toContain('vault')
    expect(host.reportedErrors()).toEqual([expect.objectContaining({ cause: new Error('the vault is closed') })])
  })
})

describe('a token of two servers with one format', () => {
  it('is good at the one that issued it, and not at the other', async () => {
    const accessTokens = jwt({ keys: key, audience })
    const storage = memoryStorage()
    const server = (name: string) =>
      createAuthorizationServer({ issuer: name, storage, scopes: ['read'], accessTokens, now: () => startOfTime })
    const [one, other] = [server('https://one.example'), server('https://other.example')]
    await registerClient(one, { clientId: 'web', scopes: ['read'] })
    const { access_token } = await issueTokens(one, { clientId: 'web', userId: 'alice' })
    await expect(verifyAccessToken(one, access_token)).resolves.toMatchObject({ userId: 'alice' })
    await expect(verifyAccessToken(other, access_token)).rejects.toMatchObject({ code: 'invalid_token' })
  })
})

describe('wrong options', () => {
  const publicPem = createPublicKey(pem).export({ format: 'pem', type: 'spki' }).toString()
  const ed25519 = generateKeyPairSync('ed25519').privateKey
  const rsaPss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey

  it.each<[string, object | null | undefined, RegExp]>([
    ['no options', undefined, /jwt/],
    ['no keys', { audience }, /jwt needs keys/],
    ['no audience', { keys: key }, /jwt\(\{ audience \}\)/],
    ['an empty audience', { keys: key, audience: [] }, /jwt\(\{ audience \}\)/],
    ['an audience without a name', { keys: key, audience: '' }, /jwt\(\{ audience \}\)/],
    ['an audience one of which has no name', { keys: key, audience: [audience, ''] }, /jwt\(\{ audience \}\)/],
    ['an audience one of which is a number', { keys: key, audience: [audience, 7] }, /jwt\(\{ audience \}\)/],
    ['an audience that is an object', { keys: key, audience: {} }, /jwt\(\{ audience \}\)/],
    ['no options', null, /jwt needs \{ keys, audience \}/],
    ['keys of nothing', { keys: null, audience }, /jwt needs keys/],
    ['a public key to sign with', { keys: publicPem, audience }, /current must be a private key/],
    ['a public KeyObject to sign with', { keys: createPublicKey(pem), audience }, /current must be a private key/],
    ['a public JWK to sign with', { keys: { ...key, d: undefined }, audience }, /current must be a private key/],
    ['a text that is no key', { keys: 'secret', audience }, /current must be a key/],
    ['a symmetric JWK', { keys: { kty: 'oct', k: 'c2VjcmV0' }, audience }, /current must be a key/],
    ['another kind of key', { keys: ed25519, audience }, /current must be an EC key on P-256/],
    ['an RSA-PSS key, which is for one algorithm', { keys: rsaPss, audience }, /current must be an EC key on P-256/],
    ['another curve', { keys: p384, audience }, /current must be an EC key on P-256/],
    ['a short RSA key', { keys: short, audience }, /at least 2048 bits/],
    ['a key twice', { keys: { current: key, next: pem }, audience }, /next is there twice/],
    [
      'a flag that is text',
      { keys: key, audience, stateless: 'false' as never },
      /jwt's stateless must be true or false/,
    ],
    [
      'an RSA key for ES256',
      { keys: createPrivateKey({ key: rsa, format: 'jwk' }), audience, algorithm: 'ES256' },
      /is a key for RS256, but algorithm is ES256/,
    ],
    ['a retired text', { keys: { current: key, retired: ['old'] }, audience }, /retired\[0\] must be a key/],
    [
      'another algorithm than that of the key',
      { keys: key, audience, algorithm: 'RS256' },
      /current is a key for ES256/,
    ],
    [
      'an algorithm that there is not',
      { keys: key, audience, algorithm: 'HS256' },
      /algorithm }\) must be one of ES256, RS256, PS256/,
    ],
    ['a lifetime of nothing', { keys: key, audience, ttl: 0 }, /ttl/],
    ['claims that are no function', { keys: key, audience, claims: {} }, /claims/],
  ])('throw at start-up: %s', (_, options, message) => {
    expect(() => jwt(options as JwtOptions)).toThrow(message)
    expect(() => jwt(options as JwtOptions)).toThrow(TypeError)
  })

  it('throw at start-up: an algorithm for which no key is generated', () => {
    expect(() => generateSigningKey('HS256' as SigningAlgorithm)).toThrow(TypeError)
  })
})

describe('what is remembered of verified tokens', () => {
  it('saves the next signatures, and never outlives the key', async () => {
    const verify = jest.spyOn(require('node:crypto'), 'verify')
    let keys = { current: key }
    const host = await hostWith({ keys: () => keys })
    const tokens = await host.signIn()
    for (let i = 0; i < 5; i++) expect(await host.isAlive(tokens)).toBe(true)
    expect(verify).toHaveBeenCalledTimes(1)
    verify.mockRestore()
    keys = { current: generateSigningKey() }
    expect(await host.isAlive(tokens)).toBe(false)
  })

  it('holds for exactly that token: another signature over the same claims is looked at afresh', async () => {
    const host = await hostWith()
    const { access_token } = await host.signIn()
    expect(await host.isAlive({ access_token })).toBe(true)
    const stranger = createPrivateKey({ key: generateSigningKey(), format: 'jwk' })
    const { header, claims } = read(access_token)
    const forged = jsonwebtoken.sign(claims, stranger, { algorithm: 'ES256', header: header as never })
    expect(await host.isAlive({ access_token: forged })).toBe(false)
  })
})
