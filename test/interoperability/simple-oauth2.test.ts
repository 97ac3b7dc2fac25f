import { createHash, randomBytes } from 'node:crypto'
import express from 'express'
import {
  bcryptPasswords,
  createAuthorizationServer,
  memoryStorage,
  oauthRouter,
  password,
  refreshToken,
  registerClient,
} from 'express-authorization-server'
import { AuthorizationCode, ClientCredentials, ResourceOwnerPassword } from 'simple-oauth2'
import { listen } from '../../examples/shared/start'
import { createUsers } from '../../examples/shared/users'
import { openBrowser } from './browser'
import { type Quickstart, type RegisteredApp, startQuickstart } from './quickstart'

const redirectUri = 'https://app.example/callback'

let quickstart: Quickstart
let app: RegisteredApp

beforeAll(async () => {
  quickstart = await startQuickstart()
  app = await quickstart.register({
    client_secret: 'Kaffee & Kuchen: 100 % +1',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  })
})
afterAll(() => quickstart.close())

const styles = [
  { authorizationMethod: 'header', bodyFormat: 'form', credentialsEncodingMode: 'strict' },
  { authorizationMethod: 'header', bodyFormat: 'form', credentialsEncodingMode: 'loose' },
  { authorizationMethod: 'body', bodyFormat: 'form' },
  { authorizationMethod: 'body', bodyFormat: 'json' },
  { authorizationMethod: 'header', bodyFormat: 'json' },
] as const

const configuration = (
  options: (typeof styles)[number],
  { issuer } = quickstart,
  { clientId, clientSecret } = app,
) => ({
  client: { id: clientId, secret: clientSecret },
  auth: {
    tokenHost: issuer,
    tokenPath: '/oauth2/token',
    revokePath: '/oauth2/revoke_token',
  },
  options,
})

const callApi = (accessToken: unknown) =>
  fetch(`${quickstart.issuer}/api/me`, { headers: { Authorization: `Bearer ${accessToken}` } })

describe.each(styles)('simple-oauth2 with %j', (style) => {
  it('signs in by authorization code, refreshes, and revokes', async () => {
    const { auth, ...others } = configuration(style)
    const client = new AuthorizationCode({ ...others, auth: { ...auth, authorizePath: '/oauth2/authorize' } })
    const verifier = randomBytes(32).toString('base64url')
    const pkce = {
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }
    const url = client.authorizeURL({ redirect_uri: redirectUri, scope: ['profile'], state: 'a state', ...pkce })
    const answer = new URL(await openBrowser().authorize(url)).searchParams
    expect(answer.get('state')).toBe('a state')

    const parameters = { code: answer.get('code') ?? '', redirect_uri: redirectUri, code_verifier: verifier }
    const first = await client.getToken(parameters)
    expect((await callApi(first.token.access_token)).status).toBe(200)
    expect(first.expired()).toBe(false)

    const second = await first.refresh()
    expect(second.token.access_token).not.toBe(first.token.access_token)
    expect((await callApi(second.token.access_token)).status).toBe(200)

    await second.revokeAll()
    expect((await callApi(second.token.access_token)).status).toBe(401)
    await expect(second.refresh()).rejects.toMatchObject({
      output: { statusCode: 400 },
      data: { payload: { error: 'invalid_grant' } },
    })
  })

  it('gets a token of its own by client credentials', async () => {
    const { token } = await new ClientCredentials(configuration(style)).getToken({ scope: 'profile' })
    expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
    expect(token).not.toHaveProperty('refresh_token')
    expect((await callApi(token.access_token)).status).toBe(200)
  })

  it('learns that its secret is wrong', async () => {
    const wrong = configuration(style, quickstart, { ...app, clientSecret: 'wrong' })
    await expect(new ClientCredentials(wrong).getToken({ scope: 'profile' })).rejects.toMatchObject({
      output: { statusCode: 401 },
      data: { payload: { error: 'invalid_client' } },
    })
  })

  it('learns that the quickstart has no password grant', async () => {
    const client = new ResourceOwnerPassword(configuration(style))
    const parameters = { username: 'ada', password: 'analytical engine', scope: 'profile' }
    await expect(client.getToken(parameters)).rejects.toMatchObject({
      output: { statusCode: 400 },
      data: { payload: { error: 'unsupported_grant_type' } },
    })
  })

  it('signs in by password where a host has named that grant', async () => {
    const users = await createUsers([{ id: '1', username: 'ada', name: 'Ada', password: 'p&ss wörd+%' }])
    const host = await listen(async (issuer) => {
      const server = createAuthorizationServer({
        issuer,
        storage: memoryStorage(),
        scopes: ['profile'],
        grants: [password({ verify: bcryptPasswords(users) }), refreshToken()],
        users: { find: users.find },
      })
      await registerClient(server, { ...app, grantTypes: ['password', 'refresh_token'], scopes: ['profile'] })
      return express().use(oauthRouter(server, { protect: false }))
    })
    try {
      const client = new ResourceOwnerPassword(configuration(style, { ...quickstart, ...host }))
      const parameters = { username: 'ada', password: 'p&ss wörd+%', scope: 'profile' }
      const { token } = await client.getToken(parameters)
      expect(token).toMatchObject({ access_token: expect.any(String), refresh_token: expect.any(String) })
      await expect(client.getToken({ ...parameters, password: 'wrong' })).rejects.toMatchObject({
        output: { statusCode: 400 },
        data: { payload: { error: 'invalid_grant' } },
      })
    } finally {
      await host.close()
    }
  })
})
