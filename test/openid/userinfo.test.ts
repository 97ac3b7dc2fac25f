// The userinfo endpoint: OpenID Connect Core §5.3.
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { approve, dpop, issueTokens, jwt, updateClient } from '../../src/index'
import { proof, proofKey } from '../support/dpop'
import { issuer, startOfTime } from '../support/host'
import { createOpenIdHost, openIdPaths, signingKeys } from '../support/openid'

const decide = approve({ clients: () => true })
const all = 'openid profile email'

it('tells the claims of the scope, without those that the user has not, and the sub of the id_token', async () => {
  const host = await createOpenIdHost({ decide })
  const tokens = await host.signIn(host.web, { scope: all })
  const { body, headers } = await host.userinfo(tokens.access_token).expect(200)
  expect(body).toEqual({
    sub: decodeJwt(tokens.id_token as string).sub,
    name: 'Alice',
    given_name: 'Alice',
    email: 'alice@example.com',
    email_verified: true,
  })
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'content-type': expect.stringMatching(/^application\/json/),
  })
  const { access_token: onlyOpenId } = await host.signIn(host.web, { scope: 'openid' })
  expect((await host.userinfo(onlyOpenId).expect(200)).body).toEqual({ sub: 'alice' })
})

it.each([null, undefined, '', () => 'x', Number.NaN, new Date(Number.NaN), { toJSON: () => null }])(
  'leaves out a claim that is %p: Core §5.3.2',
  async (value) => {
    const host = await createOpenIdHost({ decide })
    host.people.set('alice', { id: 'alice', name: value as string, ...{ given_name: 'Alice', email_verified: false } })
    const { access_token } = await host.signIn(host.web, { scope: all })
    expect((await host.userinfo(access_token).expect(200)).body).toEqual({
      sub: 'alice',
      given_name: 'Alice',
      email_verified: false,
    })
  },
)

const cycle: Record<string, unknown> = {}
cycle.itself = cycle

it.each([
  ['a BigInt', 10n],
  ['a cycle', cycle],
])(
  'a claim that is %s is a mistake of the host, which an event names, and nothing is used up',
  async (_case, value) => {
    let claim: unknown = value
    const users = { find: (id: string) => ({ id }), current: () => ({ id: 'alice' }), signIn: '/login' }
    const host = await createOpenIdHost({ users: { ...users, claims: () => ({ name: claim }) }, decide })
    const code = await host.code(host.web, { scope: 'openid profile', claims: '{"id_token":{"name":null}}' })
    const fix =
      /^TypeError: users.claims must return values that JSON can carry: make text or a number of the claim name/
    await host.exchange(host.web, code).expect(500)
    expect(String(host.reportedErrors()[0]?.cause)).toMatch(fix)
    claim = 'Alice'
    const { body } = await host.exchange(host.web, code).expect(200)
    claim = value
    await host.userinfo(body.access_token).expect(500)
    expect(String(host.reportedErrors()[1]?.cause)).toMatch(fix)
  },
)

it('reads users.claims, and scopes of the host itself', async () => {
  const host = await createOpenIdHost({
    decide,
    users: {
      find: (id) => ({ id, mail: 'alice@example.com' }) as Express.User,
      claims: async (user) => ({
        email: (user as { mail?: string }).mail,
        department: 'Research',
        updated_at: new Date((startOfTime + 0.5) * 1000),
      }),
      current: (req) => req.user,
      signIn: '/login',
    },
    openid: { claims: { employee: ['department', 'floor'], address: [] } },
  })
  expect([...host.server.scopes.keys()]).toEqual(
    expect.arrayContaining(['openid', 'offline_access', 'profile', 'email', 'phone', 'employee']),
  )
  expect(host.server.scopes.has('address')).toBe(false)
  const { access_token } = await host.signIn(host.web, { scope: `${all} employee` })
  const { body } = await host.userinfo(access_token).expect(200)
  expect(body).toEqual({
    sub: 'alice',
    email: 'alice@example.com',
    department: 'Research',
    updated_at: startOfTime,
  })
})

it('takes the token by POST, in the header or in a form, and in one of them alone', async () => {
  const host = await createOpenIdHost({ decide })
  const { access_token } = await host.signIn(host.web, { scope: 'openid' })
  const post = () => host.http().post(openIdPaths.userinfo)
  await post().auth(access_token, { type: 'bearer' }).expect(200, { sub: 'alice' })
  await post().type('form').send({ access_token }).expect(200, { sub: 'alice' })
  const both = await post().auth(access_token, { type: 'bearer' }).type('form').send({ access_token })
  expect([both.status, both.body.error]).toEqual([400, 'invalid_request'])
  // RFC 6750 §2.3: it is not taken from a URL
  await host.http().get(`${openIdPaths.userinfo}?access_token=${access_token}`).expect(401)
})

it('answers 403 insufficient_scope without openid, and to a client without a user', async () => {
  const host = await createOpenIdHost({ decide })
  const { access_token } = await host.signIn(host.web, { scope: 'read email' })
  const refused = await host.userinfo(access_token).expect(403)
  expect(refused.headers['www-authenticate']).toMatch(
    /^Bearer realm="userinfo", error="insufficient_scope",.*scope="openid"/,
  )
  await updateClient(host.server, 'web', { grantTypes: ['authorization_code', 'client_credentials'] })
  const own = await issueTokens(host.server, { clientId: 'web', scope: 'openid' })
  expect((await host.userinfo(own.access_token).expect(403)).body.error).toBe('insufficient_scope')
})

it('answers 401 to what is no token, has expired or was revoked, or whose user is gone', async () => {
  const host = await createOpenIdHost({ decide })
  const refused = async (token: string) => (await host.userinfo(token).expect(401)).headers['www-authenticate']
  expect((await host.http().get(openIdPaths.userinfo).expect(401)).headers['www-authenticate']).toBe(
    'Bearer realm="userinfo"',
  )
  expect(await refused('nonsense')).toContain('invalid_token')
  const { access_token } = await host.signIn(host.web, { scope: 'openid' })
  const { access_token: revoked } = await host.signIn(host.web, { scope: 'openid' })
  await host.revoke(host.web, revoked).expect(200)
  expect(await refused(revoked)).toContain('invalid_token')
  host.people.delete('alice')
  expect(await refused(access_token)).toContain('invalid_token')
})

it('answers with a signed JWT where the record asks for it', async () => {
  const host = await createOpenIdHost({ decide })
  await updateClient(host.server, 'web', { userinfoSignedResponseAlg: 'ES256' })
  const tokens = await host.signIn(host.web, { scope: all })
  const { text, headers } = await host
    .userinfo(tokens.access_token)
    .buffer(true)
    .parse((res, done) => {
      let body = ''
      res.on('data', (chunk) => {
        body += chunk
      })
      res.on('end', () => done(null, body))
    })
    .expect(200)
    .then(({ body, headers }) => ({ text: body as string, headers }))
  expect(headers['content-type']).toBe('application/jwt')
  const { body: jwks } = await host.http().get('/.well-known/jwks.json')
  const { payload, protectedHeader } = await jwtVerify(text, createLocalJWKSet(jwks), { issuer, audience: 'web' })
  expect(payload).toMatchObject({ sub: 'alice', email: 'alice@example.com' })
  expect(protectedHeader.alg).toBe('ES256')
  // RFC 8725 §3.11: it is no id_token, though the same key has signed it
  const hint = await host.authorize(host.web, { scope: 'openid', id_token_hint: text })
  expect(hint.headers.location).toContain('error=invalid_request')
})

it('takes a token that is bound to a key with its proof alone: RFC 9449 §7', async () => {
  const host = await createOpenIdHost({ decide, senderConstraints: [dpop()] })
  const key = await proofKey()
  const code = await host.code(host.web, { scope: 'openid' })
  const exchanged = await host
    .exchange(host.web, code)
    .set('DPoP', await proof(key))
    .expect(200)
  const { access_token: token } = exchanged.body
  const url = `${issuer}${openIdPaths.userinfo}`
  const call = () => host.http().get(openIdPaths.userinfo).set('Authorization', `DPoP ${token}`)
  await call()
    .set('DPoP', await proof(key, { method: 'GET', url, token }))
    .expect(200, { sub: 'alice' })
  const unproven = await call().expect(401)
  expect(unproven.headers['www-authenticate']).toContain('DPoP')
  await host.userinfo(token).expect(401)
})

it('lets web pages of other origins call where cors says so', async () => {
  const host = await createOpenIdHost({ decide, router: { cors: { origin: ['https://spa.example'] } } })
  const preflight = await host
    .http()
    .options(openIdPaths.userinfo)
    .set('Origin', 'https://spa.example')
    .set('Access-Control-Request-Method', 'GET')
    .set('Access-Control-Request-Headers', 'authorization')
  expect(preflight.headers).toMatchObject({
    'access-control-allow-origin': 'https://spa.example',
    'access-control-allow-headers': 'authorization',
  })
})

it.each([false, true])('tells the claims that were asked for by name: Core §5.5 (stateless: %s)', async (stateless) => {
  const accessTokens = jwt({ keys: signingKeys, audience: 'https://api.example', stateless })
  const host = await createOpenIdHost({ decide, accessTokens })
  const claims = JSON.stringify({
    userinfo: { email: { essential: true }, unheard_of: null, name: null },
    id_token: { phone_number: null, picture: null },
  })
  const tokens = await host.signIn(host.web, { scope: 'openid', claims })
  const { body } = await host.userinfo(tokens.access_token).expect(200)
  expect(body).toEqual({ sub: 'alice', email: 'alice@example.com', name: 'Alice' })
  const idToken = decodeJwt(tokens.id_token as string)
  expect(idToken).toMatchObject({ phone_number: '+1 555 0100' })
  expect(Object.keys(idToken)).not.toContain('picture')
  const again = await host.refresh(host.web, tokens.refresh_token).expect(200)
  expect(decodeJwt(again.body.id_token)).toMatchObject({ phone_number: '+1 555 0100' })
  expect((await host.userinfo(again.body.access_token).expect(200)).body).toEqual(body)
})

describe('claims by name are no way around scopes', () => {
  const claims = JSON.stringify({ userinfo: { email: null, name: null }, id_token: { phone_number: null } })
  const learnt = async (host: Awaited<ReturnType<typeof createOpenIdHost>>, tokens: Record<string, unknown>) => {
    const idToken = decodeJwt(tokens.id_token as string)
    const { body } = await host.userinfo(tokens.access_token as string).expect(200)
    return [...Object.keys(body), ...Object.keys(idToken)].filter((name) => /^name|email|phone/.test(name))
  }

  it('a client learns nothing whose scope its record does not have', async () => {
    const host = await createOpenIdHost({ decide })
    await updateClient(host.server, host.web.clientId, { scopes: ['openid', 'profile'] })
    expect(await learnt(host, await host.signIn(host.web, { scope: 'openid', claims }))).toEqual(['name'])
  })

  it('what the record has lost since is told no more', async () => {
    const host = await createOpenIdHost({ decide })
    const tokens = await host.signIn(host.web, { scope: 'openid', claims })
    await updateClient(host.server, host.web.clientId, { scopes: ['openid'] })
    const { body } = await host.refresh(host.web, tokens.refresh_token).expect(200)
    expect(await learnt(host, body)).toEqual([])
    expect((await host.userinfo(tokens.access_token).expect(200)).body).toEqual({ sub: 'alice' })
  })

  it('a scope that was asked for and not granted takes its claims along', async () => {
    const host = await createOpenIdHost({ decide: () => ({ allow: true, userId: 'alice', scope: 'openid profile' }) })
    const tokens = await host.signIn(host.web, { scope: 'openid profile email', claims })
    expect(await learnt(host, tokens)).toEqual(['name', 'phone_number'])
  })
})
