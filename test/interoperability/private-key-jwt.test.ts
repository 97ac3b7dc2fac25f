// Other people's clients with a key of their own (RFC 7523 §2.2), against the quickstart over HTTP: the whole flow, and every
// endpoint at which they prove who they are.
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { type ClientKey, clientKey } from '../support/assertions'
import { openBrowser } from './browser'
import { type Quickstart, startQuickstart } from './quickstart'

const redirectUri = 'https://app.example/callback'
let quickstart: Quickstart
beforeAll(async () => {
  quickstart = await startQuickstart()
})
afterAll(() => quickstart.close())

async function register(key: ClientKey): Promise<string> {
  const registered = await quickstart.register({
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [key.jwk] },
  })
  expect(registered.clientSecret).toBe('')
  return registered.clientId
}
const apiUrl = () => new URL(`${quickstart.issuer}/api/me`)

it.each(['ES256', 'PS256', 'RS256'])(
  'oauth4webapi signs with %s: code, refresh, own token, introspection, revocation',
  async (alg) => {
    const http = { [oauth.allowInsecureRequests]: true }
    const key = await clientKey(alg)
    const client = { client_id: await register(key) }
    const issuer = new URL(quickstart.issuer)
    const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http })
    const as = await oauth.processDiscoveryResponse(issuer, discovered)
    expect(as.token_endpoint_auth_signing_alg_values_supported).toContain(alg)
    const auth = oauth.PrivateKeyJwt({ key: key.privateKey, kid: key.kid })

    const codeVerifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const query = new URLSearchParams({
      response_type: 'code',
      ...client,
      redirect_uri: redirectUri,
      scope: 'profile',
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    })
    const answer = new URL(await openBrowser().authorize(`${as.authorization_endpoint}?${query}`))
    const parameters = oauth.validateAuthResponse(as, client, answer, state)
    const tokens = await oauth.processAuthorizationCodeResponse(
      as,
      client,
      await oauth.authorizationCodeGrantRequest(as, client, auth, parameters, redirectUri, codeVerifier, http),
    )
    const api = await oauth.protectedResourceRequest(tokens.access_token, 'GET', apiUrl(), undefined, null, http)
    expect(await api.json()).toMatchObject({ user: { name: 'Ada Lovelace' } })

    const refreshToken = tokens.refresh_token as string
    const next = await oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(as, client, auth, refreshToken, http),
    )
    const own = await oauth.processClientCredentialsResponse(
      as,
      client,
      await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: 'profile' }, http),
    )
    const introspect = async (token: string) =>
      oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token, http))
    expect(await introspect(own.access_token)).toMatchObject({ active: true, ...client })
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(as, client, auth, next.refresh_token as string, http),
    )
    expect(await introspect(next.access_token)).toEqual({ active: false })
  },
)

it('openid-client goes the same way', async () => {
  const key = await clientKey('ES256')
  const auth = openid.PrivateKeyJwt({ key: key.privateKey, kid: key.kid })
  const options: openid.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] }
  const config = await openid.discovery(new URL(quickstart.issuer), await register(key), undefined, auth, options)
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'profile',
    state: expectedState,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  const answer = new URL(await openBrowser().authorize(url.href))
  const tokens = await openid.authorizationCodeGrant(config, answer, { pkceCodeVerifier, expectedState })
  const next = await openid.refreshTokenGrant(config, tokens.refresh_token as string)
  expect((await openid.fetchProtectedResource(config, next.access_token, apiUrl(), 'GET')).status).toBe(200)
  expect(await openid.tokenIntrospection(config, next.access_token)).toMatchObject({ active: true })
  await openid.tokenRevocation(config, next.refresh_token as string)
  expect(await openid.tokenIntrospection(config, next.access_token)).toEqual({ active: false })
  expect(await openid.clientCredentialsGrant(config, { scope: 'profile' })).toMatchObject({ token_type: 'bearer' })
})

it('a key that is not the one registered is told invalid_client, as each of them understands it', async () => {
  const [key, other] = await Promise.all([clientKey(), clientKey()])
  const auth = openid.PrivateKeyJwt({ key: other.privateKey, kid: key.kid })
  const options: openid.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] }
  const config = await openid.discovery(new URL(quickstart.issuer), await register(key), undefined, auth, options)
  await expect(openid.clientCredentialsGrant(config)).rejects.toMatchObject({ error: 'invalid_client', status: 401 })
})
