// ATTACKS 8: a JWT that was not issued, or not for this, presented to the guard, here and in another process, to introspection and to revocation.
import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { generateSigningKey, jwt, verifyAccessToken } from '../../src/index'
import { createHost, type Host, startOfTime, type Tokens } from '../support/host'
import { createApi, createRemoteHost, type RemoteHost } from '../support/remote'

type Members = Record<string, unknown>
type Signer = (text: string) => string

const audience = 'https://api.example.com'
const [currentKey, nextKey, strangersKey] = [generateSigningKey(), generateSigningKey('RS256'), generateSigningKey()]
const privateKey = (jwk: typeof currentKey) => createPrivateKey({ key: jwk, format: 'jwk' })
const current = privateKey(currentKey)
const next = privateKey(nextKey)
const stranger = privateKey(strangersKey)
const publicKey = createPublicKey(current)
const publicPem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
const { d: _, ...publicJwk } = currentKey

const es256 =
  (key: KeyObject): Signer =>
  (text) =>
    sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
const rs256 =
  (key: KeyObject): Signer =>
  (text) =>
    sign('sha256', Buffer.from(text), key).toString('base64url')
const ps256 =
  (key: KeyObject): Signer =>
  (text) =>
    sign('sha256', Buffer.from(text), { key, padding: 6, saltLength: 32 }).toString('base64url')
const hs256 =
  (secret: string | Buffer): Signer =>
  (text) =>
    createHmac('sha256', secret).update(text).digest('base64url')
const unsigned: Signer = () => ''

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as Members

interface Genuine {
  token: string
  header: Members
  claims: Members
}

/** The genuine token with other members (undefined leaves one out), signed again. */
function forge(
  { header, claims }: Genuine,
  signer: Signer,
  other: { header?: Members; claims?: Members } = {},
): string {
  const text = `${encode({ ...header, ...other.header })}.${encode({ ...claims, ...other.claims })}`
  return `${text}.${signer(text)}`
}

const forgeries: [string, (genuine: Genuine) => string][] = [
  ['alg none', (genuine) => forge(genuine, unsigned, { header: { alg: 'none' } })],
  ['alg None', (genuine) => forge(genuine, unsigned, { header: { alg: 'None' } })],
  ['alg none with the real signature', (g) => forge(g, () => g.token.split('.')[2] ?? '', { header: { alg: 'none' } })],
  ['no alg', (genuine) => forge(genuine, es256(current), { header: { alg: undefined } })],
  ['no signature', (genuine) => genuine.token.replace(/[^.]+$/, '')],
  ['a signature of zeros', (genuine) => forge(genuine, () => Buffer.alloc(64).toString('base64url'))],
  ['HS256 with the public key as PEM', (genuine) => forge(genuine, hs256(publicPem), { header: { alg: 'HS256' } })],
  ['HS256 with the public key as PEM, trimmed', (g) => forge(g, hs256(publicPem.trim()), { header: { alg: 'HS256' } })],
  [
    'HS256 with the public key as DER',
    (g) => forge(g, hs256(publicKey.export({ format: 'der', type: 'spki' })), { header: { alg: 'HS256' } }),
  ],
  [
    'HS256 with the public key as the published JWK',
    (genuine) => forge(genuine, hs256(JSON.stringify(publicJwk)), { header: { alg: 'HS256' } }),
  ],
  ['HS256 with an empty secret', (genuine) => forge(genuine, hs256(''), { header: { alg: 'HS256' } })],
  ['re-signed by another key', (genuine) => forge(genuine, es256(stranger))],
  [
    'signed by a key that the header brings along (jwk)',
    (genuine) => forge(genuine, es256(stranger), { header: { jwk: { ...strangersKey, d: undefined } } }),
  ],
  [
    'signed by a key at a URL of the header (jku, x5u)',
    (genuine) =>
      forge(genuine, es256(stranger), {
        header: { kid: strangersKey.kid, jku: 'https://evil.example/jwks', x5u: 'https://evil.example/x5u' },
      }),
  ],
  ['the real jti with a forged scope', (genuine) => forge(genuine, es256(stranger), { claims: { scope: 'admin' } })],
  [
    'the real signature under a forged scope',
    (g) => forge(g, () => g.token.split('.')[2] ?? '', { claims: { scope: 'admin' } }),
  ],
  ['another issuer', (genuine) => forge(genuine, es256(current), { claims: { iss: 'https://evil.example' } })],
  [
    'the issuer with a slash',
    (genuine) => forge(genuine, es256(current), { claims: { iss: `${genuine.claims.iss}/` } }),
  ],
  ['another audience', (genuine) => forge(genuine, es256(current), { claims: { aud: 'https://other.example' } })],
  ['an audience that begins alike', (g) => forge(g, es256(current), { claims: { aud: `${audience}.evil.example` } })],
  ['no audience', (genuine) => forge(genuine, es256(current), { claims: { aud: undefined } })],
  ['an empty audience', (genuine) => forge(genuine, es256(current), { claims: { aud: [] } })],
  ['an audience of objects', (genuine) => forge(genuine, es256(current), { claims: { aud: [audience, {}] } })],
  ['typ JWT: an ID token of the same key', (genuine) => forge(genuine, es256(current), { header: { typ: 'JWT' } })],
  ['no typ', (genuine) => forge(genuine, es256(current), { header: { typ: undefined } })],
  ['a typ that contains the right one', (g) => forge(g, es256(current), { header: { typ: 'x-at+jwt' } })],
  ['a typ that goes on', (g) => forge(g, es256(current), { header: { typ: 'at+jwt2' } })],
  ['a typ that is a list', (g) => forge(g, es256(current), { header: { typ: ['at+jwt'] } })],
  ['a list for alg', (g) => forge(g, es256(current), { header: { alg: ['ES256'] } })],
  ['an extension that must be understood', (g) => forge(g, es256(current), { header: { crit: ['x'], x: 1 } })],
  ['an expired exp', (genuine) => forge(genuine, es256(current), { claims: { exp: startOfTime } })],
  ['no exp', (genuine) => forge(genuine, es256(current), { claims: { exp: undefined } })],
  ['an exp that is text', (genuine) => forge(genuine, es256(current), { claims: { exp: '9999999999' } })],
  ['an exp without end', (g) => signed(`${encode(g.header)}.${endless(g)}`)],
  ['an nbf in the future', (genuine) => forge(genuine, es256(current), { claims: { nbf: startOfTime + 60 } })],
  ['no jti', (genuine) => forge(genuine, es256(current), { claims: { jti: undefined } })],
  ['no client_id', (genuine) => forge(genuine, es256(current), { claims: { client_id: undefined } })],
  ['no sub', (genuine) => forge(genuine, es256(current), { claims: { sub: undefined } })],
  ...['iss', 'sub', 'client_id', 'jti'].flatMap((name): typeof forgeries => [
    [`an empty ${name}`, (g) => forge(g, es256(current), { claims: { [name]: '' } })],
    [`a number for ${name}`, (g) => forge(g, es256(current), { claims: { [name]: 7 } })],
  ]),
  ['no iat', (genuine) => forge(genuine, es256(current), { claims: { iat: undefined } })],
  ['a scope that is a list', (g) => forge(g, es256(current), { claims: { scope: ['read'] } })],
  ['claims that are text', ({ header }) => signed(`${encode(header)}.${encode('admin')}`)],
  ['claims that are a list', ({ header }) => signed(`${encode(header)}.${encode(['admin'])}`)],
  ['claims that are null', ({ header }) => signed(`${encode(header)}.${encode(null)}`)],
  ...(
    [
      ['a path', '../../../../../dev/null'],
      ['SQL', "x' UNION SELECT 'secret' --"],
      ['missing', undefined],
      ['empty', ''],
      ['__proto__', '__proto__'],
      ['constructor', 'constructor'],
      ['a number', 0],
      ['a list', [currentKey.kid]],
      ['an object', { toString: 'x' }],
      ['of another key, which did not sign', nextKey.kid],
    ] as [string, unknown][]
  ).map(([name, kid]): [string, (genuine: Genuine) => string] => [
    `a kid that is ${name}`,
    (genuine) => forge(genuine, es256(current), { header: { kid } }),
  ]),
  ['a kid of one key and the signature of another', (g) => forge(g, rs256(next), { header: { alg: 'RS256' } })],
  [
    'an RS256 key used for PS256',
    (genuine) => forge(genuine, ps256(next), { header: { alg: 'PS256', kid: nextKey.kid } }),
  ],
  ['two tokens in one', (genuine) => `${genuine.token}.${genuine.token}`],
  ['a header that is no JSON', (genuine) => genuine.token.replace(/^[^.]+/, 'eyJh')],
]

function signed(text: string): string {
  return `${text}.${es256(current)(text)}`
}

/** JSON that says Infinity. */
function endless({ claims }: Genuine): string {
  return Buffer.from(JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e999')).toString('base64url')
}

/** Signed with the right key, as somebody would who has stolen it. */
const forgedIds: Record<'stored' | 'stateless', typeof forgeries> = {
  stored: [
    ['a made-up jti', (genuine) => forge(genuine, es256(current), { claims: { jti: 'x'.repeat(22) } })],
    [
      'the id of the row with another secret',
      (g) => forge(g, es256(current), { claims: { jti: `${String(g.claims.jti).split('.')[0]}.${'A'.repeat(43)}` } }),
    ],
    [
      'the id of the refresh token of the same grant',
      (g) => forge(g, es256(current), { claims: { jti: String(g.claims.jti).replace('~a', '~r') } }),
    ],
  ],
  stateless: [
    [
      'the jti of a token that has a row',
      (g) => forge(g, es256(current), { claims: { jti: `${'A'.repeat(22)}~a.${'A'.repeat(43)}` } }),
    ],
  ],
}

describe.each([
  ['with a row', false],
  ['stateless', true],
])('JWT access tokens %s', (_, stateless) => {
  let remote: RemoteHost
  let host: Host
  let tokens: Tokens
  let genuine: Genuine
  /** The same API in other processes: one knows the published keys, the other asks. */
  let verifying: ReturnType<typeof createApi>
  let asking: ReturnType<typeof createApi>
  beforeAll(async () => {
    const accessTokens = jwt({ keys: { current: currentKey, next: nextKey }, audience, stateless })
    remote = await createRemoteHost({ accessTokens })
    host = remote.host
    verifying = createApi(remote, { resource: audience })
    const introspect = { clientId: 'api', clientSecret: host.api.clientSecret as string }
    asking = createApi(remote, { resource: audience, introspect })
    tokens = await host.signIn(host.web, { scope: 'read' })
    const [header, claims] = tokens.access_token.split('.')
    genuine = { token: tokens.access_token, header: decode(header), claims: decode(claims) }
  })
  afterAll(() => remote.close())
  // which is what makes every test below worth something
  afterEach(async () => {
    expect(await host.isAlive(tokens)).toBe(true)
    for (const api of [verifying, asking]) await api.call(tokens.access_token).expect(200)
  })

  it('are accepted as they were issued, and also when they are signed again by the right key', async () => {
    expect(await host.isAlive({ access_token: forge(genuine, es256(current)) })).toBe(true)
    const byNext = forge(genuine, rs256(next), { header: { alg: 'RS256', kid: nextKey.kid } })
    expect(await host.isAlive({ access_token: byNext })).toBe(true)
    await verifying.call(byNext).expect(200)
    await asking.call(byNext).expect(200)
  })

  it('are judged by the clock of the host, and read as another server may write them', async () => {
    const header = { typ: 'application/AT+JWT' }
    const claims = { nbf: startOfTime - 1, aud: [audience, 'https://other.example'], scope: ' read  write' }
    const token = forge(genuine, es256(current), { header, claims })
    expect((await verifying.call(token).expect(200)).body.authInfo.scope).toEqual(['read', 'write'])
    const bare = forge(genuine, es256(current), { claims: { scope: undefined } })
    expect((await verifying.call(bare).expect(200)).body.authInfo.scope).toEqual([])
  })

  const refused = [...forgeries, ...(stateless ? forgedIds.stateless : forgedIds.stored)]
  it.each(refused)('are refused by the guard: %s', async (_name, make) => {
    host.storage.calls.length = 0
    const answer = await host.me(make(genuine)).expect(401)
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"')
    expect(answer.body).not.toHaveProperty('user')
  })

  it.each(refused)('are not active at introspection: %s', async (_name, make) => {
    await host.introspect(host.api, make(genuine)).expect(200, { active: false })
    await host.introspect(host.web, make(genuine)).expect(200, { active: false })
  })

  it.each(forgeries)(
    'are refused by a guard in another process that verifies with the keys: %s',
    async (_name, make) => {
      const answer = await verifying.call(make(genuine)).expect(401)
      expect(answer.headers['www-authenticate']).toContain('error="invalid_token"')
    },
  )

  it.each(refused)('are refused by a guard in another process that introspects: %s', async (_name, make) => {
    const answer = await asking.call(make(genuine)).expect(401)
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"')
  })

  it.each(refused)('revoke nothing: %s', async (_name, make) => {
    await host.revoke(host.web, make(genuine)).expect(200, {})
    expect(host.eventTypes()).not.toContain('token.revoked')
  })
})

describe('a forged JWT', () => {
  it('never reaches storage', async () => {
    const host = await createHost({ accessTokens: jwt({ keys: currentKey, audience }) })
    const { access_token } = await host.signIn()
    const [header, claims] = access_token.split('.')
    host.storage.calls.length = 0
    const forged = forge({ token: access_token, header: decode(header), claims: decode(claims) }, es256(stranger))
    await host.me(forged).expect(401)
    expect(host.storage.calls).toEqual([])
  })

  it('gets the scope, the user and the client of its row, even where it is signed with a stolen key', async () => {
    const host = await createHost({ accessTokens: jwt({ keys: currentKey, audience }) })
    const { access_token } = await host.signIn(host.web, { scope: 'read' })
    const [header, claims] = access_token.split('.')
    const forged = forge({ token: access_token, header: decode(header), claims: decode(claims) }, es256(current), {
      claims: { scope: 'admin', sub: 'bob', client_id: 'api', exp: startOfTime + 10 ** 9 },
    })
    await expect(verifyAccessToken(host.server, forged)).resolves.toMatchObject({
      scope: ['read'],
      userId: 'alice',
      clientId: 'web',
      expiresAt: startOfTime + 3600,
    })
    host.clock.advance(3600)
    await expect(verifyAccessToken(host.server, forged)).rejects.toMatchObject({ code: 'invalid_token' })
  })

  it('is no refresh token and no code', async () => {
    const host = await createHost({ accessTokens: jwt({ keys: currentKey, audience }) })
    const { access_token } = await host.signIn()
    await host.refresh(host.web, access_token).expect(400)
    await host.exchange(host.web, access_token).expect(400)
  })
})
