// The id_token: OpenID Connect Core §2, §3.1.3.6, §12.2. jose verifies it, as a relying party would.
import { createHash } from 'node:crypto'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { approve, implicit, jwt, updateClient } from '../../src/index'
import { sidOf } from '../../src/openid/signed-in'
import { issuer, startOfTime } from '../support/host'
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
