/** Community Translator, as documented: examples/old-apis/community-translator.ts. */
import { ResourceOwnerPassword } from 'simple-oauth2'
import { createApp } from '../../examples/old-apis/community-translator'
import { basic, expectDeadToken, expectRefusal, expectTokenHeaders, play, useExample } from './example'

const example = useExample(createApp, ['write', 'read'])

const documentedTokens = {
  access_token: expect.stringMatching(/./),
  refresh_token: expect.stringMatching(/./),
  token_type: 'Bearer',
  expires_in: 600_000,
  scope: 'write read',
}

const credentials = basic('translator', 'translator-secret')
const passwordBody = '{ "grant_type": "password", "username": "ana", "password": "ana-password" }'

const tokenRequest = (body: string, authorization = credentials) =>
  play(
    example,
    `POST /auth/oauth2/token/ HTTP/1.1
Host: translator
Authorization: ${authorization}
Content-Type: application/json

${body}`,
  )
const refresh = (refreshToken: string) =>
  tokenRequest(`{ "grant_type" : "refresh_token", "refresh_token" : "${refreshToken}" }`)
const revoke = (token: string, clientId = 'translator', clientSecret = 'translator-secret') =>
  play(
    example,
    // the documentation forgot the comma between the last two
    `POST /auth/oauth2/revoke_token/ HTTP/1.1
Host: translator
Content-Type: application/json

{ "token" : "${token}", "client_id" : "${clientId}", "client_secret" : "${clientSecret}" }`,
  )
const me = (accessToken: string) => example.http.get('/community/me/').set('Authorization', `Bearer ${accessToken}`)
const signIn = async () => (await tokenRequest(passwordBody)).body as { access_token: string; refresh_token: string }

describe('POST /auth/oauth2/token/ with a password', () => {
  it('answers the documented JSON request with the documented members: ten minutes in milliseconds, write before read', async () => {
    const answer = await tokenRequest(passwordBody)
    expectTokenHeaders(answer)
    expect(answer.body).toEqual(documentedTokens)
  })

  it.each(['application/json; charset=utf-8', 'application/json;charset=UTF-8', 'Application/JSON'])(
    'takes the content type %s',
    async (type) => {
      const answer = await example.http
        .post('/auth/oauth2/token')
        .set({ Authorization: credentials, 'Content-Type': type })
        .send(passwordBody)
      expect(answer.body).toEqual(documentedTokens)
    },
  )

  it('takes a form, too, and keeps to the scope that is asked', async () => {
    const answer = await example.http
      .post('/auth/oauth2/token/')
      .set('Authorization', credentials)
      .send('grant_type=password&username=ana&password=ana-password&scope=read')
    expectTokenHeaders(answer)
    expect(answer.body).toEqual({ ...documentedTokens, scope: 'read' })
  })

  it.each([
    ['a wrong password', { password: 'wrong' }, 'invalid_grant'],
    ['an unknown user', { username: 'nobody' }, 'invalid_grant'],
    ['another grant', { grant_type: 'client_credentials' }, 'unsupported_grant_type'],
    ['a scope that there is not', { scope: 'admin' }, 'invalid_scope'],
    ['a password that is a number', { password: 1 }, 'invalid_request'],
    ['no username', { username: undefined }, 'invalid_request'],
  ])('refuses %s', async (_, changes, error) => {
    expectRefusal(await tokenRequest(JSON.stringify({ ...JSON.parse(passwordBody), ...changes })), 400, error)
  })

  it.each([
    ['a wrong secret', basic('translator', 'wrong-secret')],
    ['an unknown client', basic('nobody', 'translator-secret')],
    ['no secret', basic('translator', '')],
  ])('refuses %s with 401 and a challenge', async (_, authorization) => {
    const answer = await tokenRequest(passwordBody, authorization)
    expectRefusal(answer, 401, 'invalid_client')
    expect(answer.headers['www-authenticate']).toMatch(/^Basic realm="/)
  })

  it.each([
    ['cut off', '{ "grant_type": "password", '],
    ['no object', '[]'],
    ['empty', '{}'],
  ])('refuses JSON that is %s with 400', async (_, body) => {
    expectRefusal(await tokenRequest(body), 400, 'invalid_request')
  })
})

describe('POST /auth/oauth2/token/ with a refresh token', () => {
  it('answers the documented JSON request with a new pair of the same scope', async () => {
    const before = await signIn()
    const answer = await refresh(before.refresh_token)
    expectTokenHeaders(answer)
    expect(answer.body).toEqual(documentedTokens)
    expect(answer.body.access_token).not.toBe(before.access_token)
    expect(answer.body.refresh_token).not.toBe(before.refresh_token)
  })

  it('answers a repeated request with what is left of the time, in milliseconds, too', async () => {
    const { refresh_token } = await signIn()
    const { body } = await refresh(refresh_token)
    example.clock.advance(10)
    expect((await refresh(refresh_token)).body).toEqual({ ...body, expires_in: 590_000 })
  })

  it('refuses a wrong secret, an unknown token, and an access token', async () => {
    const { access_token, refresh_token } = await signIn()
    const body = JSON.stringify({ grant_type: 'refresh_token', refresh_token })
    expectRefusal(await tokenRequest(body, basic('translator', 'wrong-secret')), 401, 'invalid_client')
    expectRefusal(await refresh('string'), 400, 'invalid_grant')
    expectRefusal(await refresh(access_token), 400, 'invalid_grant')
    expectTokenHeaders(await refresh(refresh_token))
  })
})

describe('lifetimes', () => {
  it('ends an access token after ten minutes', async () => {
    const { access_token } = await signIn()
    example.clock.advance(599)
    expect((await me(access_token)).body).toMatchObject({ username: 'ana' })
    example.clock.advance(1)
    expectDeadToken(await me(access_token))
  })

  it('ends a refresh token after a day', async () => {
    const [early, late] = [await signIn(), await signIn()]
    example.clock.advance(86_399)
    expectTokenHeaders(await refresh(early.refresh_token))
    example.clock.advance(1)
    expectRefusal(await refresh(late.refresh_token), 400, 'invalid_grant')
  })
})

describe('POST /auth/oauth2/revoke_token/', () => {
  it('answers the documented JSON request with 200, and the access token is revoked', async () => {
    const { access_token } = await signIn()
    expect((await revoke(access_token)).status).toBe(200)
    expectDeadToken(await me(access_token))
  })

  it('revokes a refresh token with its access tokens', async () => {
    const { access_token, refresh_token } = await signIn()
    expect((await revoke(refresh_token)).status).toBe(200)
    expectDeadToken(await me(access_token))
    expectRefusal(await refresh(refresh_token), 400, 'invalid_grant')
  })

  it('answers 200 for a token that there is not', async () => {
    expect((await revoke('string')).status).toBe(200)
  })

  it('refuses a wrong secret and an unknown client, and revokes nothing', async () => {
    const { access_token } = await signIn()
    expectRefusal(await revoke(access_token, 'translator', 'wrong-secret'), 401, 'invalid_client')
    expectRefusal(await revoke(access_token, 'nobody'), 401, 'invalid_client')
    expect((await me(access_token)).status).toBe(200)
  })
})

it('serves simple-oauth2 with JSON bodies: password, refresh, revocation', async () => {
  const client = new ResourceOwnerPassword({
    client: { id: 'translator', secret: 'translator-secret' },
    auth: {
      tokenHost: example.issuer,
      tokenPath: '/auth/oauth2/token/',
      revokePath: '/auth/oauth2/revoke_token/',
    },
    options: { bodyFormat: 'json', authorizationMethod: 'header' },
  })
  // its types want a scope, the documentation has none
  const user = { username: 'ana', password: 'ana-password' } as Parameters<typeof client.getToken>[0]
  const signedIn = await client.getToken(user)
  // the library believes RFC 6749 §5.1: six hundred thousand seconds. Who uses it with this API divides by 1000
  expect(signedIn.token.expires_in).toBe(600_000)
  const refreshed = await signedIn.refresh()
  expect((await me(refreshed.token.access_token as string)).status).toBe(200)
  await refreshed.revokeAll()
  expectDeadToken(await me(refreshed.token.access_token as string))
  await expect(refreshed.refresh()).rejects.toThrow('400')
})
