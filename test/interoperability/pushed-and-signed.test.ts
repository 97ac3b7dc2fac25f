// Other people's clients push their requests (RFC 9126), sign them (RFC 9101), and prove themselves by a key (RFC 7523),
// over HTTP, as the FAPI 2.0 Security Profile has it: what is not pushed is refused.
import express from 'express'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { listen, type RunningApp } from '../../examples/shared/start'
import {
  bearerGuard,
  createAuthorizationServer,
  memoryStorage,
  oauthRouter,
  pushedAuthorizationRequests,
  registerClient,
  requestObjects,
} from '../../src/index'
import { type ClientKey, clientKey } from '../support/assertions'

const redirectUri = 'https://app.example/callback'
let key: ClientKey
let app: RunningApp
/** A server that has neither. */
let plain: RunningApp
/** What the browser sent, by name. */
let sent: string[] = []

beforeAll(async () => {
  key = await clientKey('PS256')
  app = await listen((issuer) =>
    createHost(issuer, [
      pushedAuthorizationRequests({ required: true }),
      requestObjects({ algorithms: ['PS256', 'ES256'] }),
    ]),
  )
  plain = await listen((issuer) => createHost(issuer, [requestObjects()]))
})
afterAll(() => Promise.all([app.close(), plain.close()]))

async function createHost(issuer: string, requests: Parameters<typeof createAuthorizationServer>[0]['requests'] = []) {
  const server = createAuthorizationServer({ issuer, storage: memoryStorage(), scopes: ['read'], requests })
  await registerClient(server, {
    clientId: 'bank-app',
    redirectUris: [redirectUri],
    scopes: ['read'],
    tokenEndpointAuthMethods: ['private_key_jwt'],
    jwks: { keys: [key.jwk] },
  })
  const decide = (request: { sent: ReadonlyMap<string, string> }) => {
    sent = [...request.sent.keys()]
    return { allow: true as const, userId: 'ada' }
  }
  return express()
    .use(oauthRouter(server, { decide, protect: false }))
    .get('/me', bearerGuard(server, { scope: 'read' }), (req, res) => void res.json(req.user))
}

async function browse(url: URL): Promise<URL> {
  const { status, headers } = await fetch(url, { redirect: 'manual' })
  expect(status).toBe(302)
  return new URL(headers.get('location') as string)
}

it.each([false, true])('oauth4webapi pushes its request (signed: %s), and gets its code and tokens', async (signed) => {
  const http = { [oauth.allowInsecureRequests]: true }
  const issuer = new URL(app.issuer)
  const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http })
  const as = await oauth.processDiscoveryResponse(issuer, discovered)
  expect(as.require_pushed_authorization_requests).toBe(true)
  const client = { client_id: 'bank-app' }
  const auth = oauth.PrivateKeyJwt({ key: key.privateKey, kid: key.kid })
  const codeVerifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const request = new URLSearchParams({
    ...client,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'read',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  })
  const object = signed && (await oauth.issueRequestObject(as, client, request, { key: key.privateKey, kid: key.kid }))
  const parameters = object ? new URLSearchParams({ ...client, request: object }) : request
  const push = await oauth.pushedAuthorizationRequest(as, client, auth, parameters, http)
  const pushed = await oauth.processPushedAuthorizationResponse(as, client, push)
  expect(pushed.expires_in).toBe(60)
  const query = new URLSearchParams({ ...client, request_uri: pushed.request_uri })
  const answer = await browse(new URL(`${as.authorization_endpoint}?${query}`))
  expect(sent).toEqual(['client_id', 'request_uri'])
  const validated = oauth.validateAuthResponse(as, client, answer, state)
  const exchange = await oauth.authorizationCodeGrantRequest(
    ...([as, client, auth, validated, redirectUri, codeVerifier, http] as const),
  )
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, exchange)
  const api = new URL('/me', app.issuer)
  const me = await oauth.protectedResourceRequest(tokens.access_token, 'GET', api, undefined, null, http)
  expect(await me.json()).toEqual({ id: 'ada' })
})

it('oauth4webapi understands what is wrong with a pushed request', async () => {
  const http = { [oauth.allowInsecureRequests]: true }
  const issuer = new URL(app.issuer)
  const as = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http }),
  )
  const client = { client_id: 'bank-app' }
  const auth = oauth.PrivateKeyJwt({ key: key.privateKey, kid: key.kid })
  const wrong = { ...client, response_type: 'code', redirect_uri: 'https://evil.example/' }
  const push = await oauth.pushedAuthorizationRequest(as, client, auth, wrong, http)
  await expect(oauth.processPushedAuthorizationResponse(as, client, push)).rejects.toMatchObject({
    error: 'invalid_request',
    status: 400,
  })
})

async function discover(issuer: string): Promise<openid.Configuration> {
  const auth = openid.PrivateKeyJwt({ key: key.privateKey, kid: key.kid })
  const options: openid.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] }
  return openid.discovery(new URL(issuer), 'bank-app', undefined, auth, options)
}

it.each(['pushed', 'signed', 'signed and pushed'])('openid-client goes the same way: %s', async (how) => {
  const running = how === 'signed' ? plain : app
  const config = await discover(running.issuer)
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  const request = {
    redirect_uri: redirectUri,
    scope: 'read',
    state: expectedState,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  }
  const signing = { key: key.privateKey, kid: key.kid }
  const signed = how === 'pushed' ? undefined : await openid.buildAuthorizationUrlWithJAR(config, request, signing)
  const inside = signed ? signed.searchParams : request
  const url = how === 'signed' && signed ? signed : await openid.buildAuthorizationUrlWithPAR(config, inside)
  const answer = await browse(url)
  expect(sent.sort()).toEqual(how === 'signed' ? ['client_id', 'request'] : ['client_id', 'request_uri'])
  const tokens = await openid.authorizationCodeGrant(config, answer, { pkceCodeVerifier, expectedState })
  const me = await openid.fetchProtectedResource(config, tokens.access_token, new URL('/me', running.issuer), 'GET')
  expect(await me.json()).toEqual({ id: 'ada' })
  const next = await openid.refreshTokenGrant(config, tokens.refresh_token as string)
  expect(next.access_token).not.toBe(tokens.access_token)
})

it('a request that is not pushed is refused where it must be', async () => {
  const config = await discover(app.issuer)
  const url = openid.buildAuthorizationUrl(config, { redirect_uri: redirectUri, scope: 'read' })
  const { status, headers } = await fetch(url, { redirect: 'manual' })
  expect([status, headers.get('location')]).toEqual([400, null])
})
