/** BreakOut, as documented: examples/old-apis/breakout.ts. */
import * as oauth4webapi from 'oauth4webapi'
import { ResourceOwnerPassword } from 'simple-oauth2'
import { createApp } from '../../examples/old-apis/breakout'
import { revokeGrants } from '../../src/index'
import { basic, expectDeadToken, expectRefusal, expectTokenHeaders, play, useExample } from './example'

const example = useExample(createApp, ['read', 'write'])

const documentedTokens = {
  access_token: expect.stringMatching(/./),
  token_type: 'bearer',
  refresh_token: expect.stringMatching(/./),
  expires_in: 43_200,
  scope: 'read write',
}

const credentials = basic('breakout_app', '123456789')

const passwordRequest = `POST /oauth/token HTTP/1.1
Authorization: ${credentials}
Accept: application/json
Content-Type: application/x-www-form-urlencoded
Host: yourdomain.org
Connection: close
Content-Length: 85

username=admin%40break-out.org&password=password&grant_type=password&scope=read+write`

const token = (body: string, authorization = credentials) =>
  example.http.post('/oauth/token').set('Authorization', authorization).send(body)
const refresh = (refreshToken: string, authorization = credentials) =>
  play(
    example,
    `POST /oauth/token HTTP/1.1
Authorization: ${authorization}
Content-Type: application/x-www-form-urlencoded
Host: yourdomain.org
Connection: close

refresh_token=${refreshToken}&grant_type=refresh_token`,
  )
const me = (accessToken: string) =>
  play(
    example,
    `GET /me/ HTTP/1.1
Authorization: Bearer ${accessToken}
Content-Type: application/json
Host: yourdomain.org
Connection: close

`,
  )
const signIn = async () =>
  (await play(example, passwordRequest)).body as { access_token: string; refresh_token: string }

describe('POST /oauth/token with a password', () => {
  it('answers the documented request with the documented members', async () => {
    const answer = await play(example, passwordRequest)
    expectTokenHeaders(answer)
    expect(answer.body).toEqual(documentedTokens)
  })

  it('takes the parameters in any order, with and without scope', async () => {
    const answer = await token('grant_type=password&username=admin@break-out.org&password=password')
    expect(answer.body).toEqual(documentedTokens)
  })

  it('grants what is asked and not more', async () => {
    const answer = await token('grant_type=password&username=admin%40break-out.org&password=password&scope=read')
    expect(answer.body).toEqual({ ...documentedTokens, scope: 'read' })
  })

  it.each([
    ['a wrong password', 'username=admin%40break-out.org&password=wrong', 'invalid_grant'],
    ['an unknown user', 'username=nobody%40break-out.org&password=password', 'invalid_grant'],
    ['no password', 'username=admin%40break-out.org', 'invalid_request'],
    ['a scope that there is not', 'username=admin%40break-out.org&password=password&scope=admin', 'invalid_scope'],
  ])('refuses %s', async (_, body, error) => {
    expectRefusal(await token(`grant_type=password&${body}`), 400, error)
  })

  it.each([
    ['a wrong secret', basic('breakout_app', '987654321')],
    ['an unknown client', basic('nobody', '123456789')],
    ['no secret', basic('breakout_app', '')],
    ['what is no Basic', 'Basic BASE64ENCODEDCLIENTCREDENTIALS'],
  ])('refuses %s with 401 and a challenge', async (_, authorization) => {
    const body = 'username=admin%40break-out.org&password=password&grant_type=password&scope=read+write'
    const answer = await token(body, authorization)
    expectRefusal(answer, 401, 'invalid_client')
    expect(answer.headers['www-authenticate']).toMatch(/^Basic realm="/)
  })
})

describe('GET /me/', () => {
  it('answers the documented request with the user of the token', async () => {
    const { access_token } = await signIn()
    const answer = await me(access_token)
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ id: '1', username: 'admin@break-out.org', name: 'Admin' })
  })

  it('refuses no token, a made-up one, a refresh token, and a token in the query', async () => {
    const { access_token, refresh_token } = await signIn()
    for (const query of ['', `?access_token=${access_token}`]) {
      const answer = await example.http.get(`/me/${query}`)
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="api"')
    }
    expectDeadToken(await me('YOURACCESSTOKENHERE'))
    expectDeadToken(await me(refresh_token))
  })

  it('refuses an expired token', async () => {
    const { access_token } = await signIn()
    example.clock.advance(43_199)
    expect((await me(access_token)).status).toBe(200)
    example.clock.advance(1)
    expectDeadToken(await me(access_token))
  })

  it('refuses a revoked token', async () => {
    const { access_token } = await signIn()
    await revokeGrants(example.server, { userId: '1' })
    example.clock.advance(1)
    expectDeadToken(await me(access_token))
  })

  it('wants the scope read', async () => {
    const { body } = await token('grant_type=password&username=admin%40break-out.org&password=password&scope=write')
    const answer = await me(body.access_token)
    expect(answer.status).toBe(403)
    expect(answer.headers['www-authenticate']).toContain('error="insufficient_scope"')
  })
})

describe('POST /oauth/token with a refresh token', () => {
  it('answers the documented request with a new access token', async () => {
    const before = await signIn()
    const answer = await refresh(before.refresh_token)
    expectTokenHeaders(answer)
    expect(answer.body).toEqual(documentedTokens)
    expect(answer.body.access_token).not.toBe(before.access_token)
    expect((await me(answer.body.access_token)).status).toBe(200)
  })

  it('takes the same refresh token again and again, as clients have it that keep the first', async () => {
    const { refresh_token } = await signIn()
    for (let day = 0; day < 30; day++) {
      example.clock.advance(43_200)
      expectTokenHeaders(await refresh(refresh_token))
    }
  })

  it('refuses an expired, a revoked and a made-up one', async () => {
    const expired = await signIn()
    example.clock.advance(14 * 24 * 3600)
    expectRefusal(await refresh(expired.refresh_token), 400, 'invalid_grant')
    const revoked = await signIn()
    await revokeGrants(example.server, { clientId: 'breakout_app' })
    example.clock.advance(1)
    expectRefusal(await refresh(revoked.refresh_token), 400, 'invalid_grant')
    expectRefusal(await refresh('YOURREFRESHTOKEN'), 400, 'invalid_grant')
  })

  it('refuses a wrong secret and an unknown client', async () => {
    const { refresh_token } = await signIn()
    expectRefusal(await refresh(refresh_token, basic('breakout_app', '987654321')), 401, 'invalid_client')
    expectRefusal(await refresh(refresh_token, basic('nobody', '123456789')), 401, 'invalid_client')
  })
})

it('serves simple-oauth2: password, refresh', async () => {
  const client = new ResourceOwnerPassword({
    client: { id: 'breakout_app', secret: '123456789' },
    auth: { tokenHost: example.issuer, tokenPath: '/oauth/token' },
  })
  const user = { username: 'admin@break-out.org', password: 'password', scope: ['read', 'write'] }
  const refreshed = await (await client.getToken(user)).refresh()
  expect((await me(refreshed.token.access_token as string)).status).toBe(200)
})

it('serves oauth4webapi: password, refresh', async () => {
  const { issuer } = example
  const as = { issuer, token_endpoint: `${issuer}/oauth/token` }
  const client = { client_id: 'breakout_app' }
  const secret = oauth4webapi.ClientSecretBasic('123456789')
  const insecure = { [oauth4webapi.allowInsecureRequests]: true }
  const user = { username: 'admin@break-out.org', password: 'password', scope: 'read write' }
  const signedIn = await oauth4webapi.processGenericTokenEndpointResponse(
    as,
    client,
    await oauth4webapi.genericTokenEndpointRequest(as, client, secret, 'password', user, insecure),
  )
  const refreshed = await oauth4webapi.processRefreshTokenResponse(
    as,
    client,
    await oauth4webapi.refreshTokenGrantRequest(as, client, secret, signedIn.refresh_token as string, insecure),
  )
  expect((await me(refreshed.access_token)).status).toBe(200)
})
