// The id_token: OpenID Connect Core §2, §3.1.3.6, §12.2. jose verifies it, as a relying party would.
import { createHash } from 'node:crypto'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { approve, type IssueCodeOptions, implicit, issueCode, jwt, password, updateClient } from '../../src/index'
import { logoutSessions } from '../../src/openid/index'
import { sidOf } from '../../src/openid/sessions'
import { createHost, issuer, pkce, startOfTime } from '../support/host'
import { createOpenIdHost, type OpenIdHost, signingKeys } from '../support/openid'

const decide = approve({ clients: () => true })

async function verified(host: OpenIdHost, idToken: unknown, audience = 'web') {
  const { body } = await host.http().get('/.well-known/jwks.json').expect(200)
  const currentDate = new Date(host.clock.now * 1000)
  return jwtVerify(idToken as string, createLocalJWKSet(body), { issuer, audience, currentDate })
}

it('has the members of Core §2, with the nonce as it was sent', async () => {
  const host = await createOpenIdHost({ decide })
  host.sessions.set('alice', {
    time: new Date((startOfTime - 5.5) * 1000),
    acr: 'mfa',
    amr: ['pwd', 'otp'],
    sessionId: 's1',
  })
  const tokens = await host.signIn(host.web, { scope: 'openid read', nonce: 'n-0S6_WzA2Mj' })
  expect(tokens.scope).toBe('openid read')
  const { payload, protectedHeader } = await verified(host, tokens.id_token)
  const half = createHash('sha256').update(tokens.access_token).digest().subarray(0, 16).toString('base64url')
  expect(payload).toEqual({
    iss: issuer,
    sub: 'alice',
    aud: 'web',
    exp: startOfTime + 3600,
    iat: startOfTime,
    auth_time: startOfTime - 6,
    nonce: 'n-0S6_WzA2Mj',
    acr: 'mfa',
    amr: ['pwd', 'otp'],
    at_hash: half,
    sid: sidOf(host.server, 'web', 's1'),
  })
  expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: expect.any(String) })
})

it('comes only where openid was granted', async () => {
  const host = await createOpenIdHost({ decide })
  expect(await host.signIn(host.web, { scope: 'read', nonce: 'n' })).not.toHaveProperty('id_token')
})

it('comes by no URL: response_type=token has none, and so none without a nonce (Core 3.2.2.1)', async () => {
  const host = await createOpenIdHost({ decide, grants: [implicit()] })
  const redirectUri = 'https://one.example/a'
  const client = await host.register(
    { scopes: ['openid'], redirectUris: [redirectUri], grantTypes: ['implicit'] },
    redirectUri,
  )
  const answer = await host.authorize(client, { scope: 'openid', response_type: 'token', nonce: 'n' })
  expect(answer.headers.location).toMatch(/#access_token=/)
  expect(answer.headers.location).not.toContain('id_token')
})

it('is signed by the algorithm of the record, and never by none', async () => {
  const host = await createOpenIdHost({ decide })
  await updateClient(host.server, 'web', { idTokenSignedResponseAlg: 'ES256' })
  const tokens = await host.signIn(host.web, { scope: 'openid' })
  expect((await verified(host, tokens.id_token)).protectedHeader.alg).toBe('ES256')
  for (const alg of ['none', 'HS256', 'PS256']) {
    await expect(updateClient(host.server, 'web', { idTokenSignedResponseAlg: alg })).rejects.toThrow(
      'idTokenSignedResponseAlg must be one of RS256, ES256',
    )
  }
})

it('is no access token, and an access token is no id_token', async () => {
  const accessTokens = jwt({ keys: signingKeys, audience: 'https://api.example' })
  const host = await createOpenIdHost({ decide, accessTokens })
  const tokens = await host.signIn(host.web, { scope: 'openid read' })
  expect(await host.isAlive({ access_token: tokens.id_token as string })).toBe(false)
  await host.userinfo(tokens.id_token as string).expect(401)
  expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({ typ: 'at+jwt', alg: 'RS256' })
  const { body } = await host.http().get('/.well-known/jwks.json')
  expect(body.keys.map(({ alg }: { alg: string }) => alg)).toEqual(['RS256', 'ES256'])
  const hint = await host.authorize(host.web, { scope: 'openid', id_token_hint: tokens.access_token })
  expect(hint.headers.location).toContain('error=invalid_request')
})

it('says the same again at a refresh, without the nonce: Core §12.2', async () => {
  const host = await createOpenIdHost({ decide })
  host.sessions.set('alice', { time: startOfTime - 100, acr: 'mfa', sessionId: 's1' })
  const tokens = await host.signIn(host.web, { scope: 'openid read', nonce: 'n' })
  const first = (await verified(host, tokens.id_token)).payload
  host.clock.advance(1000)
  host.sessions.set('alice', { time: startOfTime + 900 })
  const { body } = await host.refresh(host.web, tokens.refresh_token).expect(200)
  const again = (await verified(host, body.id_token)).payload
  const { nonce: _, ...same } = first
  expect(again).toEqual({ ...same, iat: startOfTime + 1000, exp: startOfTime + 4600, at_hash: again.at_hash })
  expect(again.at_hash).not.toBe(first.at_hash)
  const narrowed = await host.refresh(host.web, body.refresh_token, { scope: 'read' }).expect(200)
  expect(narrowed.body).not.toHaveProperty('id_token')
})

it('is signed anew with the first iat where the answer of a refresh was lost', async () => {
  const host = await createOpenIdHost({ decide })
  const tokens = await host.signIn(host.web, { scope: 'openid' })
  host.clock.advance(100)
  const lost = await host.refresh(host.web, tokens.refresh_token).expect(200)
  // §3.1.3.3
  expect(lost.headers['cache-control']).toBe('no-store')
  host.clock.advance(20)
  const { body } = await host.refresh(host.web, tokens.refresh_token).expect(200)
  expect(body.access_token).toBe(lost.body.access_token)
  expect((await verified(host, body.id_token)).payload).toEqual((await verified(host, lost.body.id_token)).payload)
})

it.each(['é', 'a'.repeat(256), 'a\n'])(
  'a user id that no sub can carry is an error that names the fix: %j',
  async (id) => {
    const host = await createOpenIdHost({ decide })
    host.people.set('odd', { id, name: 'Odd' })
    host.people.set(id, { id, name: 'Odd' })
    host.sessions.set('odd', { time: startOfTime })
    const code = await host.code(host.web, { scope: 'openid' }, 'odd')
    await host.exchange(host.web, code).expect(500)
    expect(host.reportedErrors().map(({ cause }) => String(cause))).toEqual([
      expect.stringContaining('give the user another id, or set openid({ subject: pairwise({ salt }) })'),
    ])
  },
)

describe("a code of the host's own code (issueCode)", () => {
  const options = (more: Partial<IssueCodeOptions>): IssueCodeOptions => ({
    ...{ clientId: 'web', userId: 'alice', scope: 'openid read', codeChallenge: pkce.challenge },
    ...more,
  })
  const signIn = { time: startOfTime - 60, acr: 'mfa', amr: ['otp'], sessionId: 's1' }

  it('brings an id_token that says how its user signed in, and ends with the session', async () => {
    const host = await createOpenIdHost({ decide })
    const { code } = await issueCode(host.server, options({ authentication: signIn, nonce: 'n' }))
    const { body } = await host.exchange(host.web, code).expect(200)
    expect((await verified(host, body.id_token)).payload).toMatchObject({
      ...{ sub: 'alice', nonce: 'n', auth_time: startOfTime - 60, acr: 'mfa', amr: ['otp'] },
      sid: sidOf(host.server, 'web', 's1'),
    })
    await host.userinfo(body.access_token).expect(200)
    const second = await issueCode(host.server, options({ authentication: signIn }))
    await logoutSessions(host.server, { userId: 'alice', sessionId: 's1' })
    expect(await host.isAlive(body)).toBe(false)
    await host.exchange(host.web, second.code).expect(400)
  })

  it('needs to know that with the scope openid, and with no other', async () => {
    const host = await createOpenIdHost({ decide })
    const fix = 'issueCode: the scope openid needs authentication: { time }, how the user signed in'
    for (const scope of ['openid read', undefined]) {
      await expect(issueCode(host.server, options({ scope }))).rejects.toThrow(fix)
    }
    for (const more of [{}, { authentication: signIn, nonce: 'n' }]) {
      const { code } = await issueCode(host.server, options({ scope: 'read', ...more }))
      expect((await host.exchange(host.web, code).expect(200)).body).not.toHaveProperty('id_token')
    }
  })

  it.each([null, 'now', {}, { time: Date.now() }, { time: 1, acr: 1 }, { time: 1, sessionId: '' }])(
    'refuses the sign-in %j',
    async (authentication) => {
      const host = await createOpenIdHost({ decide })
      const issuing = issueCode(host.server, options({ authentication: authentication as never }))
      await expect(issuing).rejects.toThrow('authentication of openid() or issueCode must be { time')
    },
  )

  it('has none at a server without OpenID Connect', async () => {
    const { server } = await createHost()
    await expect(issueCode(server, options({ scope: 'read', authentication: signIn }))).rejects.toThrow(
      'issueCode: authentication needs the option openid of the server',
    )
  })
})

it('comes by no grant at which nobody was sent to sign in: its token reads userinfo', async () => {
  const host = await createOpenIdHost({ decide, grants: [password({ verify: () => 'alice' })] })
  const parameters = { grant_type: 'password', username: 'alice', password: 'x', scope: 'openid' }
  const { body } = await host.token(host.web, parameters).expect(200)
  expect(body).toMatchObject({ scope: 'openid' })
  expect(body).not.toHaveProperty('id_token')
  expect((await host.userinfo(body.access_token).expect(200)).body).toEqual({ sub: 'alice' })
})
