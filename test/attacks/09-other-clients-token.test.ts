// ATTACKS.md row 9: what one client may do with the tokens of another one: nothing.
import { createHost, encode, type Host, paths, type TestClient, type Tokens } from '../support/host'

let host: Host
let other: TestClient
let tokens: Tokens
beforeEach(async () => {
  host = await createHost()
  other = await host.register({ clientId: 'other' })
  tokens = await host.signIn()
})
const inactive = { active: false }

describe('revoking a token of another client', () => {
  it.each(['access_token', 'refresh_token'] as const)(
    'answers 200 and leaves the %s untouched (RFC 7009 §2.1)',
    async (kind) => {
      for (const thief of [other, host.native]) {
        for (const hint of [undefined, 'access_token', 'refresh_token', 'nonsense']) {
          const answer = await host.revoke(thief, tokens[kind], { token_type_hint: hint })
          expect([answer.status, answer.text]).toEqual([200, '{}'])
        }
      }
      expect(await host.isAlive(tokens)).toBe(true)
      await host.refresh(host.web, tokens.refresh_token).expect(200)
      expect(host.eventTypes()).not.toContain('grant.revoked')
      expect(host.eventTypes()).not.toContain('token.revoked')
    },
  )

  it('looks the same as revoking a token that never was', async () => {
    const unknown = `${tokens.access_token.slice(0, -3)}AAA`
    const answers = [
      await host.revoke(other, tokens.access_token),
      await host.revoke(other, unknown),
      await host.revoke(other, 'x'),
    ]
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
  })

  it('does not work with the refresh token as the access token of the same grant', async () => {
    const half = tokens.refresh_token.slice(0, tokens.refresh_token.indexOf('.') + 44)
    for (const forged of [half, half.replace('~r.', '~a.'), tokens.refresh_token.replace('~r.', '~a.')]) {
      await host.revoke(host.web, forged).expect(200)
      expect(await host.isAlive(tokens)).toBe(true)
    }
    await host.refresh(host.web, tokens.refresh_token).expect(200)
  })
})

describe('introspecting a token of another client', () => {
  it('is {"active":false} for one that is no resource server', async () => {
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      expect((await host.introspect(other, token).expect(200)).body).toEqual(inactive)
    }
  })

  it('is allowed to a resource server for access tokens, and not for refresh tokens', async () => {
    expect((await host.introspect(host.api, tokens.access_token)).body.active).toBe(true)
    expect((await host.introspect(host.api, tokens.refresh_token)).body).toEqual(inactive)
  })

  it('is refused to a client that proves nothing', async () => {
    for (const client of [
      host.native,
      { ...host.api, clientSecret: undefined as never },
      { ...host.api, clientSecret: 'guess' },
    ]) {
      const answer = await host.introspect(client, tokens.access_token)
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
    }
  })
})

describe('failed client authentication is 401 and not 200, and does nothing:', () => {
  it.each([
    ['a wrong secret', (): TestClient => ({ ...host.web, clientSecret: 'guess' })],
    ['no secret', (): TestClient => ({ clientId: 'web', redirectUri: '' })],
    ['an unknown client', (): TestClient => ({ clientId: 'nobody', redirectUri: '' })],
  ])('%s', async (_, client) => {
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      const answer = await host.revoke(client(), token)
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
    }
    const nobody = await host
      .http()
      .post(paths.revoke)
      .type('form')
      .send(encode({ token: tokens.access_token }))
    expect(nobody.status).toBe(401)
    expect(await host.isAlive(tokens)).toBe(true)
    await host.refresh(host.web, tokens.refresh_token).expect(200)
  })
})

describe('using what was issued to another client', () => {
  it('refreshing with it is invalid_grant, and the session of its owner goes on', async () => {
    for (const thief of [other, host.native]) {
      const answer = await host.refresh(thief, tokens.refresh_token)
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
    }
    const next = (await host.refresh(host.web, tokens.refresh_token).expect(200)).body as Tokens
    // also with an older one, which in the hands of its owner is a reuse
    await host.refresh(host.web, next.refresh_token).expect(200)
    await host.refresh(other, tokens.refresh_token).expect(400)
    expect(await host.isAlive(next)).toBe(true)
    expect(host.eventTypes()).not.toContain('refresh.reused')
  })

  it('a used code presented by another client revokes nothing', async () => {
    const code = await host.code()
    const live = (await host.exchange(host.web, code).expect(200)).body as Tokens
    const answer = await host.exchange({ ...other, redirectUri: host.web.redirectUri }, code)
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
    expect(await host.isAlive(live)).toBe(true)
  })
})
