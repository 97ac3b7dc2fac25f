// Other people's clients with DPoP (RFC 9449) over HTTP: code, refresh and a guarded route, here and behind `remoteServer`,
// with nonces and without.
import express from 'express'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { listen } from '../../examples/shared/start'
import {
  type AuthorizationServer,
  accessToken,
  approve,
  bearerGuard,
  createAuthorizationServer,
  dpop,
  generateSigningKey,
  jwt,
  memoryStorage,
  oauthRouter,
  registerClient,
  remoteServer,
} from '../../src'

const redirectUri = 'https://app.example/callback'
const http = { [oauth.allowInsecureRequests]: true }

describe.each([
  ['without nonces', false],
  ['with nonces', { secret: 'of all processes, and long enough' }],
] as const)('%s', (_, nonce) => {
  let issuer: string
  let api: string
  const closing: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    let audience = ''
    const elsewhere = await listen(async (name) => {
      audience = name
      const app = express()
      return app.get(
        '/notes',
        (req, res, next) => guard(req, res, next),
        (req, res) => void res.json(accessToken(req).confirmation),
      )
    })
    api = elsewhere.issuer
    const here = await listen(async (name) => {
      const server: AuthorizationServer = createAuthorizationServer({
        issuer: name,
        storage: memoryStorage(),
        scopes: ['read'],
        accessTokens: jwt({ keys: generateSigningKey(), audience }),
        senderConstraints: [dpop({ nonce })],
        users: { find: (id) => (id === 'ada' ? { id } : undefined), current: () => ({ id: 'ada' }) },
      })
      const shared = { redirectUris: [redirectUri], scopes: ['read'] }
      await registerClient(server, { ...shared, clientId: 'app', tokenEndpointAuthMethods: ['none'] })
      await registerClient(server, { ...shared, clientId: 'web', clientSecret: 'a secret of a web app, long' })
      const app = express()
      app.get(
        '/me',
        bearerGuard(server, { senderConstrained: true }),
        (req, res) => void res.json(accessToken(req).confirmation),
      )
      app.use(oauthRouter(server, { decide: approve({ clients: ['app', 'web'] }), protect: false }))
      return app
    })
    issuer = here.issuer
    const guard = bearerGuard(remoteServer({ issuer, resource: api, senderConstraints: [dpop({ nonce })] }), {
      scope: 'read',
      senderConstrained: true,
    })
    closing.push(here.close, elsewhere.close)
  })
  afterAll(() => Promise.all(closing.map((close) => close())))

  const follow = async (url: string | URL) => {
    const { headers } = await fetch(url, { redirect: 'manual' })
    return new URL(headers.get('location') as string)
  }

  it.each(['app', 'web'])('oauth4webapi: %s', async (client_id) => {
    const discovered = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...http })
    const as = await oauth.processDiscoveryResponse(new URL(issuer), discovered)
    expect(as.dpop_signing_alg_values_supported).toContain('ES256')
    const client: oauth.Client = { client_id }
    const auth = client_id === 'app' ? oauth.None() : oauth.ClientSecretPost('a secret of a web app, long')
    const key = await oauth.generateKeyPair('ES256')
    const DPoP = oauth.DPoP(client, key)
    const options = { DPoP, ...http }
    const verifier = oauth.generateRandomCodeVerifier()
    const query = new URLSearchParams({
      response_type: 'code',
      client_id,
      redirect_uri: redirectUri,
      scope: 'read',
      state: 'state',
      dpop_jkt: await DPoP.calculateThumbprint(),
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const answer = await follow(`${as.authorization_endpoint}?${query}`)
    const parameters = oauth.validateAuthResponse(as, client, answer, 'state')
    // as its README says: a nonce that is asked for is remembered, and the request sent again
    const again = async <T>(attempt: () => Promise<T>): Promise<T> => {
      try {
        return await attempt()
      } catch (error) {
        if (oauth.isDPoPNonceError(error)) return attempt()
        throw error
      }
    }
    const tokens = await again(async () =>
      oauth.processAuthorizationCodeResponse(
        as,
        client,
        await oauth.authorizationCodeGrantRequest(as, client, auth, parameters, redirectUri, verifier, options),
      ),
    )
    expect(tokens.token_type).toBe('dpop')
    const next = await again(async () =>
      oauth.processRefreshTokenResponse(
        as,
        client,
        await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token as string, options),
      ),
    )
    for (const url of [`${issuer}/me`, `${api}/notes`]) {
      const call = async () => {
        const response = await oauth.protectedResourceRequest(
          next.access_token,
          'GET',
          new URL(url),
          undefined,
          null,
          options,
        )
        return [response.status, await response.json()]
      }
      expect(await again(call)).toEqual([200, { jkt: await DPoP.calculateThumbprint() }])
      const stolen = await fetch(url, { headers: { authorization: `Bearer ${next.access_token}` } })
      expect(stolen.status).toBe(401)
    }
  })

  it('openid-client', async () => {
    const options: openid.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] }
    const config = await openid.discovery(new URL(issuer), 'app', undefined, openid.None(), options)
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'))
    const pkceCodeVerifier = openid.randomPKCECodeVerifier()
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'read',
      state: 'state',
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    })
    const checks = { pkceCodeVerifier, expectedState: 'state' }
    const tokens = await openid.authorizationCodeGrant(config, await follow(url), checks, undefined, { DPoP })
    const next = await openid.refreshTokenGrant(config, tokens.refresh_token as string, undefined, { DPoP })
    for (const place of [`${issuer}/me`, `${api}/notes`]) {
      const call = () =>
        openid.fetchProtectedResource(config, next.access_token, new URL(place), 'GET', null, undefined, { DPoP })
      expect((await call()).status).toBe(200)
    }
    const without = openid.refreshTokenGrant(config, next.refresh_token as string)
    await expect(without).rejects.toMatchObject({ error: 'invalid_dpop_proof' })
  })
})
