import * as oauth from 'oauth4webapi'
import { openBrowser } from './browser'
import { type Quickstart, startQuickstart } from './quickstart'

const http = { [oauth.allowInsecureRequests]: true }
const secret = 'Kaffee & Kuchen: 100 % süß+1'

let quickstart: Quickstart
let as: oauth.AuthorizationServer
let client: oauth.Client
let clientSecret: string
let redirectUri: string

beforeAll(async () => {
  quickstart = await startQuickstart()
  const issuer = new URL(quickstart.issuer)
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http })
  as = await oauth.processDiscoveryResponse(issuer, response)
  redirectUri = 'https://app.example/callback?from=here'
  const registered = await quickstart.register({
    client_name: 'oauth4webapi',
    client_secret: secret,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  })
  client = { client_id: registered.clientId }
  clientSecret = registered.clientSecret
})
afterAll(() => quickstart.close())

/** What the redirect URI is called with, and what the client remembers. */
async function authorize(change: { button?: string; scope?: string; as?: oauth.Client; redirectUri?: string } = {}) {
  const codeVerifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const url = new URL(as.authorization_endpoint as string)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: (change.as ?? client).client_id,
    redirect_uri: change.redirectUri ?? redirectUri,
    scope: change.scope ?? 'profile',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  }).toString()
  const answer = new URL(await openBrowser().authorize(url.href, { button: change.button ?? 'Allow' }))
  return { answer, state, codeVerifier }
}

async function signIn(clientAuth = oauth.ClientSecretBasic(clientSecret)): Promise<oauth.TokenEndpointResponse> {
  const { answer, state, codeVerifier } = await authorize()
  const parameters = oauth.validateAuthResponse(as, client, answer, state)
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    clientAuth,
    parameters,
    redirectUri,
    codeVerifier,
    http,
  )
  return oauth.processAuthorizationCodeResponse(as, client, response)
}

const callApi = (accessToken: string) =>
  oauth.protectedResourceRequest(accessToken, 'GET', new URL(`${quickstart.issuer}/api/me`), undefined, null, http)

/** The challenges of a refusal. */
async function challengesOf(refused: Promise<unknown>) {
  const error = await refused.catch((thrown: unknown) => thrown)
  if (!(error instanceof oauth.WWWAuthenticateChallengeError))
    throw new Error('There was no challenge', { cause: error })
  return { status: error.status, challenges: error.cause }
}

describe('discovery', () => {
  it('finds every endpoint, and no feature that is not there (RFC 8414)', () => {
    const { issuer } = quickstart
    expect(as).toMatchObject({
      issuer,
      authorization_endpoint: `${issuer}/oauth2/authorize`,
      token_endpoint: `${issuer}/oauth2/token`,
      revocation_endpoint: `${issuer}/oauth2/revoke_token`,
      introspection_endpoint: `${issuer}/oauth2/introspect`,
      authorization_response_iss_parameter_supported: true,
      code_challenge_methods_supported: ['S256'],
      jwks_uri: `${issuer}/.well-known/jwks.json`,
    })
    expect(as).not.toHaveProperty('registration_endpoint')
    expect(as).not.toHaveProperty('device_authorization_endpoint')
  })
})

describe('the authorization code grant with PKCE', () => {
  it.each([
    ['Basic, form-encoded', oauth.ClientSecretBasic(secret)],
    ['the secret in the body', oauth.ClientSecretPost(secret)],
  ])('signs in with %s', async (_, clientAuth) => {
    const tokens = await signIn(clientAuth)
    expect(tokens).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 3600,
      ...(tokens.scope !== undefined && { scope: 'profile' }),
    })
    const api = await callApi(tokens.access_token)
    expect(await api.json()).toMatchObject({ user: { name: 'Ada Lovelace' }, token: { clientId: client.client_id } })
  })

  it('signs a public client in', async () => {
    const demo = { client_id: 'demo' }
    const home = `${quickstart.issuer}/`
    const { answer, state, codeVerifier } = await authorize({ as: demo, redirectUri: home })
    const parameters = oauth.validateAuthResponse(as, demo, answer, state)
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      demo,
      oauth.None(),
      parameters,
      home,
      codeVerifier,
      http,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(as, demo, response)
    expect((await callApi(tokens.access_token)).status).toBe(200)
  })

  it('keeps the query of the redirect URI', async () => {
    const { answer } = await authorize()
    expect(answer.href).toMatch(/^https:\/\/app\.example\/callback\?from=here&code=/)
  })

  it('answers with the iss that the client expects (RFC 9207), and the client refuses every other', async () => {
    const { answer, state } = await authorize()
    expect(answer.searchParams.get('iss')).toBe(as.issuer)
    oauth.validateAuthResponse(as, client, answer, state)
    answer.searchParams.set('iss', 'https://evil.example')
    expect(() => oauth.validateAuthResponse(as, client, answer, state)).toThrow('"iss"')
    answer.searchParams.delete('iss')
    expect(() => oauth.validateAuthResponse(as, client, answer, state)).toThrow('"iss"')
  })

  it('lets the client understand that the user denied', async () => {
    const { answer, state } = await authorize({ button: 'Deny' })
    const validate = () => oauth.validateAuthResponse(as, client, answer, state)
    expect(validate).toThrow(oauth.AuthorizationResponseError)
    expect(validate).toThrow(expect.objectContaining({ error: 'access_denied' }))
  })

  it('refuses a code without its verifier, and takes it with the right one afterwards', async () => {
    const { answer, state, codeVerifier } = await authorize()
    const exchange = async (verifier: string) => {
      const parameters = oauth.validateAuthResponse(as, client, answer, state)
      const auth = oauth.ClientSecretBasic(clientSecret)
      return oauth.processAuthorizationCodeResponse(
        as,
        client,
        await oauth.authorizationCodeGrantRequest(as, client, auth, parameters, redirectUri, verifier, http),
      )
    }
    await expect(exchange(oauth.generateRandomCodeVerifier())).rejects.toMatchObject({
      error: 'invalid_grant',
      status: 400,
    })
    await expect(exchange(codeVerifier)).resolves.toHaveProperty('access_token')
    // RFC 6749 §4.1.2: used twice
    await expect(exchange(codeVerifier)).rejects.toMatchObject({ error: 'invalid_grant', status: 400 })
  })
})

describe('the other grants', () => {
  it('refreshes, and rotates the refresh token', async () => {
    const tokens = await signIn()
    const auth = oauth.ClientSecretBasic(clientSecret)
    const refreshToken = tokens.refresh_token as string
    const response = await oauth.refreshTokenGrantRequest(as, client, auth, refreshToken, http)
    const next = await oauth.processRefreshTokenResponse(as, client, response)
    expect(next.access_token).not.toBe(tokens.access_token)
    expect(next.refresh_token).not.toBe(refreshToken)
    expect((await callApi(next.access_token)).status).toBe(200)
  })

  it('gives the client a token of its own', async () => {
    const auth = oauth.ClientSecretBasic(clientSecret)
    const response = await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: 'profile' }, http)
    const tokens = await oauth.processClientCredentialsResponse(as, client, response)
    expect(tokens).not.toHaveProperty('refresh_token')
    const api = (await (await callApi(tokens.access_token)).json()) as object
    expect(api).not.toHaveProperty('user')
  })

  it('refuses a scope that the client does not have', async () => {
    const auth = oauth.ClientSecretBasic(clientSecret)
    const response = await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: 'clients' }, http)
    await expect(oauth.processClientCredentialsResponse(as, client, response)).rejects.toMatchObject({
      error: 'invalid_scope',
      status: 400,
    })
  })
})

describe('revocation and introspection', () => {
  const auth = oauth.ClientSecretBasic(secret)

  async function introspect(token: string): Promise<oauth.IntrospectionResponse> {
    const response = await oauth.introspectionRequest(as, client, auth, token, http)
    return oauth.processIntrospectionResponse(as, client, response)
  }

  it('introspects a token of its own', async () => {
    const { access_token, refresh_token } = await signIn()
    expect(await introspect(access_token)).toMatchObject({
      active: true,
      client_id: client.client_id,
      sub: '1',
      scope: 'profile',
      iss: as.issuer,
      token_type: 'Bearer',
    })
    expect(await introspect(refresh_token as string)).toMatchObject({ active: true })
    expect(await introspect('no.token')).toEqual({ active: false })
  })

  it.each(['access_token', 'refresh_token'] as const)('revokes the whole sign-in by its %s', async (kind) => {
    const tokens = await signIn()
    const response = await oauth.revocationRequest(as, client, auth, tokens[kind] as string, http)
    await expect(oauth.processRevocationResponse(response)).resolves.toBeUndefined()
    expect(await introspect(tokens[kind] as string)).toEqual({ active: false })
    const { status, challenges } = await challengesOf(callApi(tokens.access_token))
    expect([status, challenges[0]?.parameters.error]).toEqual([401, 'invalid_token'])
  })
})

describe('challenges', () => {
  it('reads the challenge to a bad token (RFC 6750 §3)', async () => {
    expect(await challengesOf(callApi('no.token'))).toEqual({
      status: 401,
      challenges: [
        {
          scheme: 'bearer',
          parameters: {
            realm: 'api',
            error: 'invalid_token',
            error_description: expect.any(String),
          },
        },
      ],
    })
  })

  it('reads the scope that was missing', async () => {
    const { answer, state, codeVerifier } = await authorize({
      as: { client_id: 'demo' },
      redirectUri: `${quickstart.issuer}/`,
      scope: 'clients',
    })
    const demo = { client_id: 'demo' }
    const parameters = oauth.validateAuthResponse(as, demo, answer, state)
    const { access_token } = await oauth.processAuthorizationCodeResponse(
      as,
      demo,
      await oauth.authorizationCodeGrantRequest(
        as,
        demo,
        oauth.None(),
        parameters,
        `${quickstart.issuer}/`,
        codeVerifier,
        http,
      ),
    )
    const { status, challenges } = await challengesOf(callApi(access_token))
    expect(status).toBe(403)
    expect(challenges[0]?.parameters).toMatchObject({ error: 'insufficient_scope', scope: 'profile' })
  })

  it('reads the challenge to a wrong client secret (RFC 6749 §5.2)', async () => {
    const request = async () =>
      oauth.processClientCredentialsResponse(
        as,
        client,
        await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretBasic('wrong'), {}, http),
      )
    const { status, challenges } = await challengesOf(request())
    expect(status).toBe(401)
    expect(challenges).toEqual([{ scheme: 'basic', parameters: { realm: 'OAuth', charset: 'UTF-8' } }])
  })

  it('reads the error of a wrong secret in the body, where there is no challenge', async () => {
    const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretPost('wrong'), {}, http)
    await expect(oauth.processClientCredentialsResponse(as, client, response)).rejects.toMatchObject({
      error: 'invalid_client',
      status: 401,
    })
  })
})
