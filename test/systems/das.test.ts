/** DAS, as documented: examples/old-apis/das.ts. */
import * as oauth4webapi from 'oauth4webapi'
import request from 'supertest'
import { createApp } from '../../examples/old-apis/das'
import { issueTokens, registerClient } from '../../src/index'
import { expectDeadToken, expectRefusal, expectTokenHeaders, play, useExample } from './example'

const example = useExample(createApp, [])

const documentedTokens = {
  access_token: expect.stringMatching(/./),
  token_type: 'Bearer',
  expires_in: 3600,
  refresh_token: expect.stringMatching(/./),
}

const passwordRequest = `POST /oauth2/token/ HTTP/1.1
Host: das-server
Content-Type: application/x-www-form-urlencoded
Accept: application/json

grant_type=password&username=billybob&password=foobar&client_id=1`

const signIn = async () =>
  (await play(example, passwordRequest)).body as { access_token: string; refresh_token: string }

const token = (body: string) => example.http.post('/oauth2/token/').send(body)
const revoke = (body: string) => example.http.post('/oauth2/revoke_token/').send(body)
const authorize = (query: string, accessToken: string) =>
  example.http.get(`/oauth2/authorize/?${query}`).auth(accessToken, { type: 'bearer' })
const codeRequest = 'response_type=code&client_id=1&redirect_uri=http://tempuri.org/callback?foo=bar'

const codeOf = (location: string | undefined) => new URL(location as string).searchParams.get('code')

async function code(): Promise<string> {
  const { access_token } = await signIn()
  return codeOf((await authorize(codeRequest, access_token)).headers.location) as string
}

describe('POST /oauth2/token/ with a password', () => {
  it('answers the documented request with the documented members', async () => {
    const answer = await play(example, passwordRequest)
    expectTokenHeaders(answer)
    expect(answer.body).toEqual(documentedTokens)
  })

  it('takes the empty client_secret that the documentation allows, and the right one', async () => {
    for (const secret of ['', 'gobblygook']) {
      const body = `grant_type=password&username=billybob&password=foobar&client_id=1&client_secret=${secret}`
      expectTokenHeaders(await token(body))
    }
  })

  it('takes the secret in the Authorization header, too, where libraries put it', async () => {
    const answer = await token('grant_type=password&username=billybob&password=foobar').auth('1', 'gobblygook')
    expectTokenHeaders(answer)
    const refused = await token('grant_type=password&username=billybob&password=foobar').auth('1', 'wrong')
    expectRefusal(refused, 401, 'invalid_client')
  })

  it.each([
    ['a wrong password', 'username=billybob&password=wrong&client_id=1', 400, 'invalid_grant'],
    ['an unknown user', 'username=nobody&password=foobar&client_id=1', 400, 'invalid_grant'],
    ['an empty password', 'username=billybob&password=&client_id=1', 400, 'invalid_request'],
    ['a wrong secret', 'username=billybob&password=foobar&client_id=1&client_secret=wrong', 401, 'invalid_client'],
    ['an unknown client', 'username=billybob&password=foobar&client_id=2', 401, 'invalid_client'],
    ['no client', 'username=billybob&password=foobar', 401, 'invalid_client'],
  ])('refuses %s', async (_, body, status, error) => {
    expectRefusal(await token(`grant_type=password&${body}`), status, error)
  })

  it('does not read credentials from the URL', async () => {
    const answer = await example.http.post(
      '/oauth2/token/?grant_type=password&username=billybob&password=foobar&client_id=1',
    )
    expect(answer.status).toBe(401)
  })
})

describe('POST /oauth2/token/ with a refresh token', () => {
  const refreshRequest = (refreshToken: string) => `POST /oauth2/token/ HTTP/1.1
Host: das-server
Content-Type: application/x-www-form-urlencoded
Accept: application/json

grant_type=refresh_token&refresh_token=${refreshToken}&client_id=1&client_secret=gobblygook`

  it('answers the documented request with new tokens', async () => {
    const before = await signIn()
    const answer = await play(example, refreshRequest(before.refresh_token))
    expectTokenHeaders(answer)
    expect(answer.body).toEqual(documentedTokens)
    expect(answer.body.access_token).not.toBe(before.access_token)
    expect(answer.body.refresh_token).not.toBe(before.refresh_token)
  })

  it('takes an empty or no client_secret, and refuses a wrong one without using the token up', async () => {
    const { refresh_token } = await signIn()
    const body = `grant_type=refresh_token&refresh_token=${refresh_token}&client_id=1`
    expectRefusal(await token(`${body}&client_secret=wrong`), 401, 'invalid_client')
    expectTokenHeaders(await token(`${body}&client_secret=`))
    expectTokenHeaders(await token(body))
  })

  it("refuses the documentation's own token, an access token, and the token of another client", async () => {
    const { access_token, refresh_token } = await signIn()
    expectRefusal(await play(example, refreshRequest('fHp597b9iYc0bumaUqlcwDiJsWExFW98nM0fveWM')), 400, 'invalid_grant')
    expectRefusal(await play(example, refreshRequest(access_token)), 400, 'invalid_grant')
    const body = `grant_type=refresh_token&refresh_token=${refresh_token}&client_id=das`
    expectRefusal(await token(body), 400, 'invalid_grant')
  })

  it('refuses an expired token, and one that was used before: then both are worth nothing', async () => {
    const first = await signIn()
    const { body: second } = await play(example, refreshRequest(first.refresh_token))
    example.clock.advance(3600)
    expectRefusal(await play(example, refreshRequest(first.refresh_token)), 400, 'invalid_grant')
    expectRefusal(await play(example, refreshRequest(second.refresh_token)), 400, 'invalid_grant')
    const third = await signIn()
    example.clock.advance(14 * 24 * 3600)
    expectRefusal(await play(example, refreshRequest(third.refresh_token)), 400, 'invalid_grant')
  })
})

describe('GET /oauth2/authorize/', () => {
  it('answers the documented request of a signed-in user with 200 and a Location that keeps ?foo=bar', async () => {
    const { access_token } = await signIn()
    // the documentation prints the query below the headers, and calls it "Query Parameters"
    const answer = await play(
      example,
      `GET /oauth2/authorize/?${codeRequest} HTTP/1.1
Host: das-server
Authorization: Bearer ${access_token}

`,
    )
    expect(answer.status).toBe(200)
    const location = new URL(answer.headers.location as string)
    expect(location.origin + location.pathname).toBe('http://tempuri.org/callback')
    expect(location.searchParams.getAll('foo')).toEqual(['bar'])
    expect(location.searchParams.get('code')).toMatch(/./)
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('takes the redirect URI percent-encoded, and leaves it out where there is no choice', async () => {
    const { access_token } = await signIn()
    const encoded = `response_type=code&client_id=1&redirect_uri=${encodeURIComponent('http://tempuri.org/callback?foo=bar')}`
    expect((await authorize(encoded, access_token)).status).toBe(200)
    expect((await authorize('response_type=code&client_id=1', access_token)).status).toBe(200)
  })

  it('gives a code that can be exchanged once', async () => {
    const body = `grant_type=authorization_code&code=${await code()}&client_id=1&redirect_uri=http%3A%2F%2Ftempuri.org%2Fcallback%3Ffoo%3Dbar`
    const answer = await token(body)
    expectTokenHeaders(answer)
    expect(answer.body).toEqual(documentedTokens)
    expectRefusal(await token(body), 400, 'invalid_grant')
  })

  it('gives a code that expires', async () => {
    const late = await code()
    example.clock.advance(60)
    const body = `grant_type=authorization_code&code=${late}&client_id=1&redirect_uri=http://tempuri.org/callback?foo=bar`
    expectRefusal(await token(body), 400, 'invalid_grant')
  })

  it('is for users: no token, a dead one, a client id alone and a token of the app itself get no code', async () => {
    const nobody = await example.http.get(`/oauth2/authorize/?${codeRequest}`)
    expect(nobody.status).toBe(401)
    expect(nobody.headers['www-authenticate']).toBe('Bearer realm="api"')
    expectDeadToken(await authorize(codeRequest, 'JlOZZ7B8syj0jvi1unArrPesy5IFwqjIMU2dw4NS'))
    const own = await issueTokens(example.server, { clientId: '1' })
    const asApp = await authorize(codeRequest, own.access_token)
    expectRefusal(asApp, 403, 'access_denied')
    expect(asApp.headers.location).toBeUndefined()
  })

  it.each([
    ['an unknown client', codeRequest.replace('client_id=1', 'client_id=2'), 'invalid_client'],
    ['another redirect URI', codeRequest.replace('foo=bar', 'foo=baz'), 'invalid_request'],
    ['a redirect URI without its query', codeRequest.replace('?foo=bar', ''), 'invalid_request'],
    ['a redirect URI with more in it', `${codeRequest}%26x=y`, 'invalid_request'],
    ['another response_type', codeRequest.replace('=code', '=token'), 'unsupported_response_type'],
  ])('refuses %s, without a Location', async (_, query, error) => {
    const { access_token } = await signIn()
    const answer = await authorize(query, access_token)
    expectRefusal(answer, 400, error)
    expect(answer.headers.location).toBeUndefined()
  })

  it('approves nobody in silence but the clients it names', async () => {
    const { access_token } = await signIn()
    await registerClient(example.server, { clientId: 'other', redirectUris: ['https://other.example/cb'] })
    const answer = await authorize('response_type=code&client_id=other', access_token)
    expectRefusal(answer, 403, 'access_denied')
  })
})

describe('POST /oauth2/revoke_token/', () => {
  // the document revokes as `das` what it gave to `1`; a client revokes only its own (RFC 7009 §2.1)
  const revokeRequest = (revoked: string) => `POST /oauth2/revoke_token/ HTTP/1.1
Host: das-server
Content-Type: application/x-www-form-urlencoded
Accept: application/json

token=${revoked}&client_id=das`

  it('answers the documented request with 200', async () => {
    expect((await play(example, revokeRequest('fHp597b9iYc0bumaUqlcwDiJsWExFW98nM0fveWM'))).status).toBe(200)
  })

  it("revokes the client's own tokens: the refresh token with everything of it", async () => {
    const { body } = await token('grant_type=password&username=billybob&password=foobar&client_id=das')
    expect((await example.http.get('/api/me').auth(body.access_token, { type: 'bearer' })).status).toBe(200)
    expect((await play(example, revokeRequest(body.refresh_token))).status).toBe(200)
    expectDeadToken(await example.http.get('/api/me').auth(body.access_token, { type: 'bearer' }))
    const again = `grant_type=refresh_token&refresh_token=${body.refresh_token}&client_id=das`
    expectRefusal(await token(again), 400, 'invalid_grant')
  })

  it('revokes an access token alone, with an empty client_secret, too', async () => {
    const { access_token, refresh_token } = await signIn()
    expect((await revoke(`token=${access_token}&client_id=1&client_secret=`)).status).toBe(200)
    expectDeadToken(await example.http.get('/api/me').auth(access_token, { type: 'bearer' }))
    expectTokenHeaders(await token(`grant_type=refresh_token&refresh_token=${refresh_token}&client_id=1`))
  })

  it("leaves another client's token alone, and says nothing about it", async () => {
    const { access_token } = await signIn()
    expect((await play(example, revokeRequest(access_token))).status).toBe(200)
    expect((await example.http.get('/api/me').auth(access_token, { type: 'bearer' })).status).toBe(200)
  })

  it('refuses a wrong secret and an unknown client, and revokes nothing', async () => {
    const { access_token } = await signIn()
    expectRefusal(await revoke(`token=${access_token}&client_id=1&client_secret=wrong`), 401, 'invalid_client')
    expectRefusal(await revoke(`token=${access_token}&client_id=2`), 401, 'invalid_client')
    expect((await example.http.get('/api/me').auth(access_token, { type: 'bearer' })).status).toBe(200)
  })
})

describe('API calls', () => {
  it('take a user with a token', async () => {
    const { access_token } = await signIn()
    const answer = await example.http.get('/api/assets').auth(access_token, { type: 'bearer' })
    expect(answer.body).toMatchObject({ user: { username: 'billybob' }, client_id: '1' })
  })

  it('take an app with its client_id: as nobody', async () => {
    const answer = await example.http.get('/api/assets?client_id=1')
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ assets: [], client_id: '1' })
  })

  it('refuse an unknown, empty or repeated client_id, and none at all', async () => {
    for (const query of ['client_id=2', 'client_id=', 'client_id=1&client_id=1', '']) {
      const answer = await example.http.get(`/api/assets?${query}`)
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="api"')
    }
  })

  it('refuse a dead token also beside a client_id', async () => {
    const { access_token } = await signIn()
    example.clock.advance(3600)
    expectDeadToken(await example.http.get('/api/assets?client_id=1').auth(access_token, { type: 'bearer' }))
  })

  it("refuse an app where the call is a user's", async () => {
    expect((await example.http.get('/api/me?client_id=1')).status).toBe(401)
  })
})

it('serves oauth4webapi: password, code, exchange, refresh, revocation', async () => {
  const { issuer } = example
  const as = {
    issuer,
    token_endpoint: `${issuer}/oauth2/token/`,
    revocation_endpoint: `${issuer}/oauth2/revoke_token/`,
  }
  const client = { client_id: '1' }
  const none = oauth4webapi.None()
  const insecure = { [oauth4webapi.allowInsecureRequests]: true }
  const user = { username: 'billybob', password: 'foobar' }
  const signedIn = await oauth4webapi.processGenericTokenEndpointResponse(
    as,
    client,
    await oauth4webapi.genericTokenEndpointRequest(as, client, none, 'password', user, insecure),
  )

  // the user's app fetches the code as the documentation says, and no browser is redirected
  const asked = await request(issuer)
    .get(`/oauth2/authorize/?${codeRequest}&state=xyz`)
    .auth(signedIn.access_token, { type: 'bearer' })
  const answer = oauth4webapi.validateAuthResponse(as, client, new URL(asked.headers.location as string), 'xyz')
  const tokens = await oauth4webapi.processAuthorizationCodeResponse(
    as,
    client,
    await oauth4webapi.authorizationCodeGrantRequest(
      as,
      client,
      none,
      answer,
      'http://tempuri.org/callback?foo=bar',
      oauth4webapi.nopkce,
      insecure,
    ),
  )
  const refreshed = await oauth4webapi.processRefreshTokenResponse(
    as,
    client,
    await oauth4webapi.refreshTokenGrantRequest(as, client, none, tokens.refresh_token as string, insecure),
  )
  const api = new URL(`${issuer}/api/me`)
  const called = await oauth4webapi.protectedResourceRequest(
    refreshed.access_token,
    'GET',
    api,
    undefined,
    null,
    insecure,
  )
  expect(await called.json()).toMatchObject({ username: 'billybob' })
  const revoked = await oauth4webapi.revocationRequest(as, client, none, refreshed.refresh_token as string, insecure)
  await oauth4webapi.processRevocationResponse(revoked)
  await expect(
    oauth4webapi.protectedResourceRequest(refreshed.access_token, 'GET', api, undefined, null, insecure),
  ).rejects.toThrow(oauth4webapi.WWWAuthenticateChallengeError)
})
