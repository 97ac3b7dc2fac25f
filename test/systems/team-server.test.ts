/** Team Server, as documented: examples/old-apis/team-server.ts. */
import * as oauth4webapi from 'oauth4webapi'
import { AuthorizationCode } from 'simple-oauth2'
import { createApp } from '../../examples/old-apis/team-server'
import { revokeGrants } from '../../src/index'
import { browser, expectDeadToken, expectRefusal, expectTokenHeaders, play, useExample } from './example'

const example = useExample(createApp, ['read', 'write'])

const clientId = '6a2a39ba-9688-493d-b348-187468f599ae'
const clientSecret = 'a28e0ca4-27cb-4361-bf97-3b26c612d66a'
const redirectUri = 'http://127.0.0.1:3999/callback'

const documentedTokens = {
  access_token: expect.stringMatching(/./),
  token_type: 'bearer',
  refresh_token: expect.stringMatching(/./),
  expires_in: 86_400,
  scope: 'read write',
}

const documentedQuery =
  'username=username&password=password&client_id=6a2a39ba-9688-493d-b348-187468f599ae&client_secret=a28e0ca4-27cb-4361-bf97-3b26c612d66a&grant_type=password'

const get = (query: string) =>
  play(
    example,
    `GET /api/oauth/token?${query} HTTP/1.1
Host: teamserver.example.com

`,
  )
const client = `client_id=${clientId}&client_secret=${clientSecret}`
const refresh = (refreshToken: string) => get(`${client}&grant_type=refresh_token&refresh_token=${refreshToken}`)
const me = (accessToken: string) => example.http.get(`/api/v1/me?access_token=${accessToken}`)
const signIn = async () => (await get(documentedQuery)).body as { access_token: string; refresh_token: string }
const authorizeUrl = (state: string) =>
  `${example.issuer}/api/oauth/authorize?response_type=code&client_id=${clientId}&redirect_uri=${encodeURIComponent(redirectUri)}&state=${state}`

describe('GET /api/oauth/token with a password', () => {
  it('answers the documented URL with the documented members', async () => {
    const answer = await get(documentedQuery)
    expectTokenHeaders(answer)
    expect(answer.body).toEqual(documentedTokens)
  })

  it('takes the parameters in any order, a trailing slash, and a POST with a form', async () => {
    const turned = documentedQuery.split('&').reverse().join('&')
    expect((await get(turned)).body).toEqual(documentedTokens)
    expect((await example.http.get(`/api/oauth/token/?${documentedQuery}`)).body).toEqual(documentedTokens)
    expect((await example.http.post('/api/oauth/token').send(documentedQuery)).body).toEqual(documentedTokens)
    expect((await example.http.post(`/api/oauth/token?${documentedQuery}`)).body).toEqual(documentedTokens)
  })

  it.each([
    ['a wrong password', 'password=password', 'password=wrong', 400, 'invalid_grant'],
    ['an unknown user', 'username=username', 'username=nobody', 400, 'invalid_grant'],
    ['a wrong secret', clientSecret, '00000000-0000-0000-0000-000000000000', 401, 'invalid_client'],
    ['an empty secret', clientSecret, '', 401, 'invalid_client'],
    ['an unknown client', clientId, '00000000-0000-0000-0000-000000000000', 401, 'invalid_client'],
    ['another grant', 'grant_type=password', 'grant_type=client_credentials', 400, 'unsupported_grant_type'],
    ['no grant', '&grant_type=password', '', 400, 'invalid_request'],
    [
      'a parameter that comes twice',
      'username=username',
      'username=username&username=username',
      400,
      'invalid_request',
    ],
  ])('refuses %s', async (_, good, bad, status, error) => {
    expectRefusal(await get(documentedQuery.replace(good, bad)), status, error)
  })

  it('refuses a parameter that is in the URL and in the body', async () => {
    const answer = await example.http.post(`/api/oauth/token?${documentedQuery}`).send('grant_type=password')
    expectRefusal(answer, 400, 'invalid_request')
  })

  it('gives nothing to HEAD', async () => {
    expect((await example.http.head(`/api/oauth/token?${documentedQuery}`)).status).toBe(405)
  })
})

describe('GET /api/oauth/token with a refresh token', () => {
  it('answers with a new access token, as often as it is asked with the same refresh token', async () => {
    const before = await signIn()
    for (let day = 0; day < 20; day++) {
      const answer = await refresh(before.refresh_token)
      expectTokenHeaders(answer)
      expect(answer.body).toEqual({ ...documentedTokens, refresh_token: before.refresh_token })
      expect(answer.body.access_token).not.toBe(before.access_token)
      example.clock.advance(86_400)
    }
  })

  it('refuses an expired, a revoked and a made-up one, and a wrong secret', async () => {
    const expired = await signIn()
    example.clock.advance(14 * 24 * 3600)
    expectRefusal(await refresh(expired.refresh_token), 400, 'invalid_grant')
    const revoked = await signIn()
    await revokeGrants(example.server, { userId: '1' })
    example.clock.advance(1)
    expectRefusal(await refresh(revoked.refresh_token), 400, 'invalid_grant')
    expectRefusal(await refresh('bcd5a78c-9f0a-4ba6-9baa-5872e5acf7bb'), 400, 'invalid_grant')
    const { refresh_token } = await signIn()
    const query = `client_id=${clientId}&client_secret=wrong&grant_type=refresh_token&refresh_token=${refresh_token}`
    expectRefusal(await get(query), 401, 'invalid_client')
  })
})

describe('API calls', () => {
  it('take the access token in the query, and in the header', async () => {
    const { access_token } = await signIn()
    const user = { id: '1', username: 'username', name: 'User Name' }
    expect((await me(access_token)).body).toEqual(user)
    expect((await example.http.get('/api/v1/me').auth(access_token, { type: 'bearer' })).body).toEqual(user)
  })

  it('refuse a token in both, twice, empty, made up, expired or revoked', async () => {
    const { access_token } = await signIn()
    expect((await me(access_token).auth(access_token, { type: 'bearer' })).status).toBe(400)
    expect((await me(`${access_token}&access_token=${access_token}`)).status).toBe(400)
    expect((await me('')).headers['www-authenticate']).toBe('Bearer realm="api"')
    expectDeadToken(await me('d4ac0c07-0013-4939-b9ee-0112fdbb7d64'))
    example.clock.advance(86_400)
    expectDeadToken(await me(access_token))
    const revoked = await signIn()
    await revokeGrants(example.server, { clientId })
    example.clock.advance(1)
    expectDeadToken(await me(revoked.access_token))
  })
})

describe('the web server flow', () => {
  it('leads a browser through sign-in and consent to a code, which GET exchanges once', async () => {
    const answer = await browser(example).answer(authorizeUrl('xyz'), ['username', 'password'], 'allow')
    expect(answer.href).toContain(`${redirectUri}?`)
    expect(answer.searchParams.get('state')).toBe('xyz')
    const query = `${client}&grant_type=authorization_code&code=${answer.searchParams.get('code')}&redirect_uri=${redirectUri}`
    const tokens = await get(query)
    expectTokenHeaders(tokens)
    expect(tokens.body).toEqual(documentedTokens)
    expect((await me(tokens.body.access_token)).status).toBe(200)
    expectRefusal(await get(query), 400, 'invalid_grant')
    expectDeadToken(await me(tokens.body.access_token))
  })

  it('tells the client when the user says no', async () => {
    const answer = await browser(example).answer(authorizeUrl('xyz'), ['username', 'password'], 'deny')
    expect(Object.fromEntries(answer.searchParams)).toMatchObject({ error: 'access_denied', state: 'xyz' })
  })

  it('needs the secret for the exchange', async () => {
    const answer = await browser(example).answer(authorizeUrl('xyz'), ['username', 'password'], 'allow')
    const code = answer.searchParams.get('code')
    const query = `client_id=${clientId}&grant_type=authorization_code&code=${code}&redirect_uri=${redirectUri}`
    expectRefusal(await get(query), 401, 'invalid_client')
  })

  it('serves simple-oauth2, which sends what is documented as a form by POST', async () => {
    const app = new AuthorizationCode({
      client: { id: clientId, secret: clientSecret },
      auth: {
        tokenHost: example.issuer,
        tokenPath: '/api/oauth/token',
        authorizePath: '/api/oauth/authorize',
      },
      options: { authorizationMethod: 'body' },
    })
    const url = app.authorizeURL({ redirect_uri: redirectUri, scope: 'read write', state: 'xyz' })
    const answer = await browser(example).answer(url, ['username', 'password'], 'allow')
    const code = answer.searchParams.get('code') as string
    const tokens = await app.getToken({ code, redirect_uri: redirectUri })
    const refreshed = await tokens.refresh()
    expect((await me(refreshed.token.access_token as string)).status).toBe(200)
  })
})

it('serves oauth4webapi: password, refresh, code with iss', async () => {
  const { issuer } = example
  const as = {
    issuer,
    token_endpoint: `${issuer}/api/oauth/token`,
    authorization_response_iss_parameter_supported: true,
  }
  const app = { client_id: clientId }
  const secret = oauth4webapi.ClientSecretPost(clientSecret)
  const insecure = { [oauth4webapi.allowInsecureRequests]: true }
  const user = { username: 'username', password: 'password' }
  const signedIn = await oauth4webapi.processGenericTokenEndpointResponse(
    as,
    app,
    await oauth4webapi.genericTokenEndpointRequest(as, app, secret, 'password', user, insecure),
  )
  const refreshed = await oauth4webapi.processRefreshTokenResponse(
    as,
    app,
    await oauth4webapi.refreshTokenGrantRequest(as, app, secret, signedIn.refresh_token as string, insecure),
  )
  expect((await me(refreshed.access_token)).status).toBe(200)

  const url = await browser(example).answer(authorizeUrl('abc'), ['username', 'password'], 'allow')
  const answer = oauth4webapi.validateAuthResponse(as, app, url, 'abc')
  const tokens = await oauth4webapi.processAuthorizationCodeResponse(
    as,
    app,
    await oauth4webapi.authorizationCodeGrantRequest(
      as,
      app,
      secret,
      answer,
      redirectUri,
      oauth4webapi.nopkce,
      insecure,
    ),
  )
  expect((await me(tokens.access_token)).status).toBe(200)
})
