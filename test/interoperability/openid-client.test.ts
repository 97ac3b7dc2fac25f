// openid-client in its OAuth 2 mode, against the quickstart: nothing of OpenID Connect is there, and nothing of it is missed.
import * as client from 'openid-client'
import { createApp } from '../../examples/mcp/mcp-server'
import { listen, type RunningApp } from '../../examples/shared/start'
import { openBrowser } from './browser'
import { type Quickstart, startQuickstart } from './quickstart'

const options: client.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }
const redirectUri = 'http://127.0.0.1:9/callback'
// what RFC 6749 §2.3.1 encodes, and what would end the Basic credentials
const secret = 'Grüße: 100 % & +1'

let quickstart: Quickstart
let registered: { clientId: string; clientSecret: string }

beforeAll(async () => {
  quickstart = await startQuickstart()
  registered = await quickstart.register({
    client_name: 'openid-client',
    client_secret: secret,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  })
})
afterAll(() => quickstart.close())

const discover = (auth: client.ClientAuth = client.ClientSecretBasic(secret)) =>
  client.discovery(new URL(quickstart.issuer), registered.clientId, undefined, auth, options)

/** The code flow up to the redirect back to the client. */
async function authorize(
  config: client.Configuration,
  button = 'Allow',
  parameters: Record<string, string> = { scope: 'profile' },
) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    ...parameters,
    state: expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  const answer = new URL(await openBrowser().authorize(url.href, { button }))
  return { answer, checks: { pkceCodeVerifier, expectedState } }
}

async function signIn(config: client.Configuration) {
  const { answer, checks } = await authorize(config)
  return client.authorizationCodeGrant(config, answer, checks)
}

const callApi = (config: client.Configuration, accessToken: string) =>
  client.fetchProtectedResource(config, accessToken, new URL(`${quickstart.issuer}/api/me`), 'GET')

describe('discovery (RFC 8414)', () => {
  it('finds the metadata of a server that has nothing of OpenID Connect', async () => {
    const config = await discover()
    const metadata = config.serverMetadata()
    expect(metadata.issuer).toBe(quickstart.issuer)
    expect(metadata.supportsPKCE()).toBe(true)
  })
})

describe('the authorization code grant with PKCE', () => {
  it.each([
    ['Basic', () => client.ClientSecretBasic(secret)],
    ['the secret in the body', () => client.ClientSecretPost(secret)],
  ])('signs in with %s, and calls the API', async (_, auth) => {
    const config = await discover(auth())
    const tokens = await signIn(config)
    expect(tokens.expiresIn()).toBeGreaterThan(3590)
    expect(tokens.id_token).toBeUndefined()
    expect(await (await callApi(config, tokens.access_token)).json()).toMatchObject({ user: { name: 'Ada Lovelace' } })
  })

  it('signs a public client in', async () => {
    const home = `${quickstart.issuer}/`
    const config = await client.discovery(new URL(quickstart.issuer), 'demo', undefined, client.None(), options)
    const pkceCodeVerifier = client.randomPKCECodeVerifier()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: home,
      scope: 'profile',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    })
    const answer = new URL(await openBrowser().authorize(url.href))
    const tokens = await client.authorizationCodeGrant(config, answer, { pkceCodeVerifier })
    expect((await callApi(config, tokens.access_token)).status).toBe(200)
  })

  it('expects the iss of RFC 9207, and refuses an answer of another server', async () => {
    const config = await discover()
    const { answer, checks } = await authorize(config)
    const other = new URL(answer)
    other.searchParams.set('iss', 'https://evil.example')
    await expect(client.authorizationCodeGrant(config, other, checks)).rejects.toMatchObject({
      cause: { message: expect.stringContaining('iss') },
    })
    await expect(client.authorizationCodeGrant(config, answer, checks)).resolves.toHaveProperty('access_token')
  })

  it('understands that the user denied', async () => {
    const config = await discover()
    const { answer, checks } = await authorize(config, 'Deny')
    await expect(client.authorizationCodeGrant(config, answer, checks)).rejects.toMatchObject({
      error: 'access_denied',
    })
  })

  it('understands that a code was used twice', async () => {
    const config = await discover()
    const { answer, checks } = await authorize(config)
    await client.authorizationCodeGrant(config, answer, checks)
    await expect(client.authorizationCodeGrant(config, answer, checks)).rejects.toMatchObject({
      error: 'invalid_grant',
      status: 400,
    })
  })
})

describe('the other flows', () => {
  it('refreshes, and rotates the refresh token', async () => {
    const config = await discover()
    const tokens = await signIn(config)
    const next = await client.refreshTokenGrant(config, tokens.refresh_token as string)
    expect(next.refresh_token).not.toBe(tokens.refresh_token)
    expect((await callApi(config, next.access_token)).status).toBe(200)
  })

  it('gives the client a token of its own', async () => {
    const config = await discover()
    const tokens = await client.clientCredentialsGrant(config, { scope: 'profile' })
    expect(tokens).not.toHaveProperty('refresh_token')
    expect(await (await callApi(config, tokens.access_token)).json()).not.toHaveProperty('user')
  })

  it('introspects (RFC 7662) and revokes (RFC 7009)', async () => {
    const config = await discover()
    const tokens = await signIn(config)
    expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({
      active: true,
      client_id: registered.clientId,
      scope: 'profile',
      iss: quickstart.issuer,
    })
    await client.tokenRevocation(config, tokens.refresh_token as string)
    expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false })
    await expect(callApi(config, tokens.access_token)).rejects.toMatchObject({ status: 401 })
  })
})

describe('dynamic registration (RFC 7591)', () => {
  let mcp: RunningApp
  beforeAll(async () => {
    mcp = await listen((issuer) => createApp(issuer))
  })
  afterAll(() => mcp.close())

  it.each<[string, client.ClientAuth]>([
    ['none', client.None()],
    ['client_secret_post', client.ClientSecretPost()],
    ['client_secret_basic', client.ClientSecretBasic()],
  ])('gives a client that nobody knew all that it needs for the code flow, with %s', async (method, auth) => {
    const metadata = {
      client_name: 'openid-client',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: method,
    }
    const server = new URL(mcp.issuer)
    const config = await client.dynamicClientRegistration(server, metadata, auth, options)
    const { client_id, client_secret } = config.clientMetadata()
    expect([typeof client_id, typeof client_secret]).toEqual(['string', method === 'none' ? 'undefined' : 'string'])
    const { answer, checks } = await authorize(config, 'Allow', { scope: 'notes:read', resource: `${mcp.issuer}/mcp` })
    const tokens = await client.authorizationCodeGrant(config, answer, checks)
    expect(tokens.scope).toBe('notes:read')
    const next = await client.refreshTokenGrant(config, tokens.refresh_token as string)
    expect(next.access_token).not.toBe(tokens.access_token)
  })
})
