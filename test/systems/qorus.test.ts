/** Qorus, as documented: examples/old-apis/qorus.ts. Codes and tokens; test/systems/qorus-clients.test.ts has the clients API. */
import * as oauth4webapi from 'oauth4webapi'
import { createApp } from '../../examples/old-apis/qorus'
import { registerClient, revokeGrants } from '../../src/index'
import { browser, expectDeadToken, expectRefusal, expectTokenHeaders, play, useExample } from './example'

const example = useExample(createApp, ['read', 'write', 'admin'])

const path = '/oauth2/v1/public/token'
const redirectUri = 'http://127.0.0.1:3999/oauth2/code'
const bob: [string, string] = ['bob', 'bob-password']
const pkce = {
  verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
}

const documentedTokens = { access_token: expect.stringMatching(/./), token_type: 'Bearer', expires_in: 3600 }
const withRefresh = { ...documentedTokens, refresh_token: expect.stringMatching(/./), scope: 'read write' }

const post = (body: string | object) => example.http.post(path).send(body)
const me = (accessToken: string) => example.http.get('/api/me').auth(accessToken, { type: 'bearer' })
const getCode = (query: string, [username, password] = bob) =>
  example.http.get(`/oauth2/v1/code?${query}`).auth(username, password)
const authorizeUrl = (more = '', responseType = 'code') =>
  `${example.issuer}${path}?response_type=${responseType}&client_id=qorus-ui&redirect_uri=${encodeURIComponent(redirectUri)}${more}`

async function code(more = ''): Promise<string> {
  return (await getCode(`type=code&client_id=qorus-ui${more}`)).body.code
}
async function signIn(): Promise<{ access_token: string; refresh_token: string }> {
  return (await post('grant_type=password&username=bob&password=bob-password&client_id=qorus-ui')).body
}

describe('GET /oauth2/v1/public/token?response_type=code', () => {
  it('leads the browser over sign-in to the approval page, and from there with code and state to the client', async () => {
    const answer = await browser(example).answer(authorizeUrl('&scope=read&state=a%20b%2Fc'), bob, 'allow')
    expect(answer.origin + answer.pathname).toBe(redirectUri)
    expect(Object.fromEntries(answer.searchParams)).toEqual({
      code: expect.stringMatching(/./),
      state: 'a b/c',
      iss: example.issuer,
    })
    const body = `grant_type=authorization_code&code=${answer.searchParams.get('code')}&redirect_uri=${redirectUri}&client_id=qorus-ui`
    const tokens = await post(body)
    expect(tokens.body).toEqual({ ...withRefresh, scope: 'read' })
    expect((await me(tokens.body.access_token)).body).toMatchObject({ username: 'bob' })
  })

  it('shows who asks for what, and sends nothing away from this server before the user has answered', async () => {
    const chrome = browser(example)
    const login = (await chrome.get(authorizeUrl())).headers.location as string
    expect(login).toMatch(/^\/login\?return_to=/)
    const asked = (await chrome.submit(login, '', { username: 'bob', password: 'bob-password' })).headers.location
    const page = await chrome.get(asked as string)
    expect(page.text).toContain('qorus-ui')
    expect(page.text).toContain('See workflows and orders')
    expect(page.text).not.toContain('<script')
    expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'")
  })

  it('sends error=access_denied when the user says no', async () => {
    const answer = await browser(example).answer(authorizeUrl('&state=xyz'), bob, 'deny')
    expect(answer.origin + answer.pathname).toBe(redirectUri)
    expect(Object.fromEntries(answer.searchParams)).toMatchObject({ error: 'access_denied', state: 'xyz' })
    expect(answer.searchParams.has('code')).toBe(false)
  })

  it('lets a wrong password not sign in', async () => {
    const chrome = browser(example)
    const login = (await chrome.get(authorizeUrl())).headers.location as string
    expect((await chrome.submit(login, '', { username: 'bob', password: 'wrong' })).status).toBe(401)
    expect((await chrome.get(authorizeUrl())).headers.location).toBe(login)
  })

  it.each([
    ['an unknown client', () => authorizeUrl().replace('qorus-ui', 'nobody')],
    ['a redirect URI that is not registered', () => authorizeUrl().replace('127.0.0.1%3A3999', 'evil.example')],
    ['no client', () => `${example.issuer}${path}?response_type=code`],
  ])('shows a page and redirects nowhere for %s', async (_, url) => {
    const answer = await browser(example).get(url())
    expect(answer.status).toBe(400)
    expect(answer.headers['content-type']).toContain('text/html')
    expect(answer.headers.location).toBeUndefined()
  })
})

describe('GET /oauth2/v1/public/token?response_type=token', () => {
  it('sends the documented members to the client in the fragment, and no refresh token', async () => {
    const answer = await browser(example).answer(authorizeUrl('&state=xyz', 'token'), bob, 'allow')
    expect(answer.search).toBe('')
    const parameters = Object.fromEntries(new URLSearchParams(answer.hash.slice(1)))
    expect(parameters).toEqual({
      ...documentedTokens,
      expires_in: '3600',
      scope: 'read write',
      state: 'xyz',
      iss: example.issuer,
    })
    expect((await me(parameters.access_token as string)).status).toBe(200)
  })

  it('sends error=access_denied in the fragment when the user says no', async () => {
    const answer = await browser(example).answer(authorizeUrl('&state=xyz', 'token'), bob, 'deny')
    expect(new URLSearchParams(answer.hash.slice(1)).get('error')).toBe('access_denied')
  })
})

describe('POST /oauth2/v1/public/token', () => {
  it('exchanges a code as documented, by form', async () => {
    const answer = await play(
      example,
      `POST /oauth2/v1/public/token HTTP/1.1
Host: qorus
Content-Type: application/x-www-form-urlencoded

grant_type=authorization_code&code=${await code()}&redirect_uri=${redirectUri}&client_id=qorus-ui`,
    )
    expectTokenHeaders(answer)
    expect(answer.body).toEqual(withRefresh)
  })

  it('exchanges a code as documented, by JSON, and echoes the state', async () => {
    const answer = await post({
      grant_type: 'authorization_code',
      code: await code(),
      redirect_uri: redirectUri,
      client_id: 'qorus-ui',
      state: 'xyz',
    })
    expectTokenHeaders(answer)
    expect(answer.body).toEqual({ ...withRefresh, state: 'xyz' })
  })

  it('takes a password, with and without the secret, and echoes the state', async () => {
    const body = 'grant_type=password&username=bob&password=bob-password&client_id=qorus-ui'
    expect((await post(body)).body).toEqual(withRefresh)
    const answer = await post(`${body}&client_secret=qorus-ui-secret&scope=read&state=xyz`)
    expect(answer.body).toEqual({ ...withRefresh, scope: 'read', state: 'xyz' })
  })

  it('takes a refresh token, and echoes the state', async () => {
    const { refresh_token } = await signIn()
    const body = `grant_type=refresh_token&refresh_token=${refresh_token}&client_id=qorus-ui&state=xyz`
    expect((await post(body)).body).toEqual({ ...withRefresh, state: 'xyz' })
  })

  it('takes client credentials in the header and in the body: a token of no user', async () => {
    const inHeader = await post('grant_type=client_credentials&state=xyz').auth('qorus-ui', 'qorus-ui-secret')
    expect(inHeader.body).toEqual({ ...documentedTokens, scope: 'read write', state: 'xyz' })
    const inBody = await post('grant_type=client_credentials&client_id=qorus-ui&client_secret=qorus-ui-secret')
    expect(inBody.body).toEqual({ ...documentedTokens, scope: 'read write' })
  })

  it.each([
    ['a wrong password', 'grant_type=password&username=bob&password=wrong&client_id=qorus-ui', 400, 'invalid_grant'],
    ['an unknown user', 'grant_type=password&username=eve&password=x&client_id=qorus-ui', 400, 'invalid_grant'],
    [
      'a wrong secret',
      'grant_type=password&username=bob&password=bob-password&client_id=qorus-ui&client_secret=wrong',
      401,
      'invalid_client',
    ],
    ['an unknown client', 'grant_type=password&username=bob&password=bob-password&client_id=x', 401, 'invalid_client'],
    [
      'client credentials without a secret',
      'grant_type=client_credentials&client_id=qorus-ui',
      400,
      'unauthorized_client',
    ],
    ['another grant', 'grant_type=implicit&client_id=qorus-ui', 400, 'unsupported_grant_type'],
    ['no grant', 'client_id=qorus-ui', 400, 'invalid_request'],
    ['a made-up code', 'grant_type=authorization_code&code=x&client_id=qorus-ui', 400, 'invalid_grant'],
    ['a made-up refresh token', 'grant_type=refresh_token&refresh_token=x&client_id=qorus-ui', 400, 'invalid_grant'],
    [
      'a scope beyond the permissions of the client',
      'grant_type=password&username=admin&password=admin-password&client_id=qorus-ui&scope=admin',
      400,
      'invalid_scope',
    ],
  ])('refuses %s', async (_, body, status, error) => {
    expectRefusal(await post(body), status, error)
  })

  it('refuses a used code and revokes what it became, an expired one, and one with another redirect_uri', async () => {
    const body = async () => `grant_type=authorization_code&code=${await code()}&client_id=qorus-ui`
    const used = await body()
    const { access_token } = (await post(used)).body
    expectRefusal(await post(used), 400, 'invalid_grant')
    expectDeadToken(await me(access_token))
    expectRefusal(await post(`${await body()}&redirect_uri=https://evil.example`), 400, 'invalid_grant')
    const late = await body()
    example.clock.advance(60)
    expectRefusal(await post(late), 400, 'invalid_grant')
  })

  it('refuses revoked and expired tokens', async () => {
    const refreshBody = (token: string) => `grant_type=refresh_token&refresh_token=${token}&client_id=qorus-ui`
    const revoked = await signIn()
    await revokeGrants(example.server, { userId: 'bob' })
    example.clock.advance(1)
    expectDeadToken(await me(revoked.access_token))
    expectRefusal(await post(refreshBody(revoked.refresh_token)), 400, 'invalid_grant')
    const expired = await signIn()
    example.clock.advance(3600)
    expectDeadToken(await me(expired.access_token))
    example.clock.advance(14 * 24 * 3600)
    expectRefusal(await post(refreshBody(expired.refresh_token)), 400, 'invalid_grant')
  })
})

describe('GET /oauth2/v1/code', () => {
  it('answers type=code with a code and its type', async () => {
    const answer = await getCode('type=code&client_id=qorus-ui')
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toContain('application/json')
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.body).toEqual({ code: expect.stringMatching(/./), type: 'code' })
    const tokens = await post(`grant_type=authorization_code&code=${answer.body.code}&client_id=qorus-ui`)
    expect((await me(tokens.body.access_token)).body).toMatchObject({ username: 'bob' })
  })

  it('answers type=token with an access token and its type', async () => {
    const answer = await getCode('type=token&client_id=qorus-ui')
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ code: expect.stringMatching(/./), type: 'token' })
    expect((await me(answer.body.code)).body).toMatchObject({ username: 'bob' })
  })

  it('binds the code to the code_challenge that the approval page passes on, and takes empty parameters for none', async () => {
    const query = `&code_challenge=${pkce.challenge}&code_challenge_method=S256&state=xyz&redirect_uri=`
    const body = `grant_type=authorization_code&code=${await code(query)}&client_id=qorus-ui`
    expectRefusal(await post(body), 400, 'invalid_grant')
    expectRefusal(await post(`${body}&code_verifier=${pkce.challenge}`), 400, 'invalid_grant')
    expectTokenHeaders(await post(`${body}&code_verifier=${pkce.verifier}`))
  })

  it('keeps to the scope that is asked', async () => {
    const tokens = await post(`grant_type=authorization_code&code=${await code('&scope=read')}&client_id=qorus-ui`)
    expect(tokens.body.scope).toBe('read')
  })

  it('works for a user who signed in on the page', async () => {
    const chrome = browser(example)
    const login = '/login?return_to=/'
    await chrome.submit(login, '', { username: 'bob', password: 'bob-password' })
    const answer = await chrome.get('/oauth2/v1/code?type=code&client_id=qorus-ui')
    expect(answer.body).toMatchObject({ type: 'code' })
  })

  it('refuses nobody, a wrong password and an unknown user with 401 and a challenge', async () => {
    const path = '/oauth2/v1/code?type=code&client_id=qorus-ui'
    for (const answer of [
      await example.http.get(path),
      await example.http.get(path).auth('bob', 'wrong'),
      await example.http.get(path).auth('eve', 'bob-password'),
      await example.http.get(path).auth('qorus-ui', 'qorus-ui-secret'),
      await example.http.get(path).set('Authorization', 'Basic %%%'),
      await example.http.get(path).auth((await signIn()).access_token, { type: 'bearer' }),
    ]) {
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toMatch(/^Basic realm="/)
      expect(answer.body.err).toBe('AUTHENTICATION-ERROR')
    }
  })

  it.each([
    ['an unknown client', 'type=code&client_id=nobody', 404, 'invalid_client'],
    ['an unknown client for a token', 'type=token&client_id=nobody', 404, 'invalid_client'],
    ['no client', 'type=code', 404, 'invalid_client'],
    ['another type', 'type=refresh_token&client_id=qorus-ui', 400, 'invalid_request'],
    ['no type', 'client_id=qorus-ui', 400, 'invalid_request'],
    ['a scope beyond the permissions of the client', 'type=code&client_id=qorus-ui&scope=admin', 400, 'invalid_scope'],
    [
      'a redirect URI that is not registered',
      'type=code&client_id=qorus-ui&redirect_uri=https://evil.example',
      400,
      'invalid_request',
    ],
  ])('refuses %s as its clients understand it', async (_, query, status, error) => {
    const answer = await getCode(query)
    expectRefusal(answer, status, error)
    expect(answer.body).toMatchObject({ err: 'OAUTH2-EXCEPTION', desc: expect.any(String) })
  })

  it('gives a client no code and no token that its record does not allow', async () => {
    await registerClient(example.server, { clientId: 'limited', grantTypes: [] })
    for (const type of ['code', 'token']) {
      expectRefusal(await getCode(`type=${type}&client_id=limited`), 400, 'unauthorized_client')
    }
  })
})

it('serves oauth4webapi: code with PKCE and iss, implicit, password, refresh, client credentials', async () => {
  const { issuer } = example
  const as = {
    issuer,
    token_endpoint: `${issuer}${path}`,
    authorization_response_iss_parameter_supported: true,
  }
  const client = { client_id: 'qorus-ui' }
  const none = oauth4webapi.None()
  const secret = oauth4webapi.ClientSecretBasic('qorus-ui-secret')
  const insecure = { [oauth4webapi.allowInsecureRequests]: true }
  const verifier = oauth4webapi.generateRandomCodeVerifier()
  const challenge = await oauth4webapi.calculatePKCECodeChallenge(verifier)

  const url = authorizeUrl(`&state=xyz&code_challenge=${challenge}&code_challenge_method=S256`)
  const answered = await browser(example).answer(url, bob, 'allow')
  const answer = oauth4webapi.validateAuthResponse(as, client, answered, 'xyz')
  const tokens = await oauth4webapi.processAuthorizationCodeResponse(
    as,
    client,
    await oauth4webapi.authorizationCodeGrantRequest(as, client, none, answer, redirectUri, verifier, insecure),
  )
  const refreshed = await oauth4webapi.processRefreshTokenResponse(
    as,
    client,
    await oauth4webapi.refreshTokenGrantRequest(as, client, none, tokens.refresh_token as string, insecure),
  )
  expect((await me(refreshed.access_token)).body).toMatchObject({ username: 'bob' })

  const { hash } = await browser(example).answer(authorizeUrl('&state=abc', 'token'), bob, 'allow')
  const implicit = oauth4webapi.validateAuthResponse(as, client, new URLSearchParams(hash.slice(1)), 'abc')
  expect((await me(implicit.get('access_token') as string)).body).toMatchObject({ username: 'bob' })

  const user = { username: 'bob', password: 'bob-password' }
  const signedIn = await oauth4webapi.processGenericTokenEndpointResponse(
    as,
    client,
    await oauth4webapi.genericTokenEndpointRequest(as, client, none, 'password', user, insecure),
  )
  expect((await me(signedIn.access_token)).body).toMatchObject({ username: 'bob' })

  const own = await oauth4webapi.processClientCredentialsResponse(
    as,
    client,
    await oauth4webapi.clientCredentialsGrantRequest(as, client, secret, { scope: 'read' }, insecure),
  )
  // it has the scope, and is nobody's
  expect((await me(own.access_token)).status).toBe(403)
})
