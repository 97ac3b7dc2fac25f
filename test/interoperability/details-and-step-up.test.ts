// oauth4webapi, somebody else's client: authorization details (RFC 9396) from the request to introspection, and step-up
// (RFC 9470) from a 401 to the token that will do.
import express from 'express'
import * as oauth from 'oauth4webapi'
import { listen, type RunningApp } from '../../examples/shared/start'
import { accessToken, approve, bearerGuard, pushedAuthorizationRequests, requireDetail } from '../../src/index'
import { createOpenIdHost, type OpenIdHost } from '../support/openid'

const http = { [oauth.allowInsecureRequests]: true }
const payment = { members: ['amount'], check: () => {}, describe: () => 'Pay' }
const pay = (amount: string) => ({ type: 'payment', amount })
const seconds = () => Math.floor(Date.now() / 1000)

let host: OpenIdHost
let running: RunningApp
let as: oauth.AuthorizationServer
let client: oauth.Client
let auth: oauth.ClientAuth

beforeAll(async () => {
  running = await listen(async (issuer) => {
    host = await createOpenIdHost({
      ...{ issuer, now: seconds, decide: approve({ clients: () => true }) },
      authorizationDetails: { payment },
      requests: [pushedAuthorizationRequests()],
      openid: { acrValues: ['pwd', 'mfa'] },
    })
    const api = express()
    const strong = bearerGuard(host.server, { acr: 'mfa', maxAge: 300 })
    const fits = (detail: Readonly<Record<string, unknown>>) => detail.amount === '10.00'
    api.get(
      '/pay',
      bearerGuard(host.server),
      requireDetail('payment', fits),
      (req, res) => void res.json(accessToken(req)),
    )
    api.get('/strong', strong, (_req, res) => void res.json({ done: true }))
    return api.use(host.app)
  })
  const issuer = new URL(running.issuer)
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http))
  client = { client_id: host.web.clientId }
  auth = oauth.ClientSecretBasic(host.web.clientSecret as string)
})
afterAll(() => running.close())
beforeEach(() => host.sessions.set('alice', { time: seconds() - 600, acr: 'pwd' }))

const browse = (url: URL | string) => fetch(url, { redirect: 'manual', headers: { 'X-User': 'alice' } })
const call = (token: string, path: string) =>
  oauth.protectedResourceRequest(token, 'GET', new URL(path, running.issuer), undefined, null, http)

/** A sign-in by a pushed request; `atSignIn` is what the user does where the server sends them to sign in. */
async function signIn(asked: Record<string, string>, atSignIn?: (returnTo: string) => void) {
  const verifier = oauth.generateRandomCodeVerifier()
  const parameters = new URLSearchParams({
    ...{ response_type: 'code', redirect_uri: host.web.redirectUri, scope: 'openid read', ...asked },
    ...{ code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
  })
  const pushed = await oauth.pushedAuthorizationRequest(as, client, auth, parameters, http)
  const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, pushed)
  const url = new URL(as.authorization_endpoint as string)
  url.search = new URLSearchParams({ client_id: client.client_id, request_uri }).toString()
  let { headers } = await browse(url)
  if (atSignIn) {
    const back = new URL(headers.get('location') as string, running.issuer).searchParams.get('return_to') as string
    atSignIn(back)
    headers = (await browse(new URL(back, running.issuer))).headers
  }
  const answer = oauth.validateAuthResponse(as, client, new URL(headers.get('location') as string))
  const response = await oauth.authorizationCodeGrantRequest(
    ...([as, client, auth, answer, host.web.redirectUri, verifier, http] as const),
  )
  return oauth.processAuthorizationCodeResponse(as, client, response)
}

it('reads the types in the metadata, and the details in every answer', async () => {
  expect(as.authorization_details_types_supported).toEqual(['payment'])
  const details = [pay('10.00'), pay('20.00')]
  const tokens = await signIn({ authorization_details: JSON.stringify(details) })
  expect(tokens.authorization_details).toEqual(details)
  expect(await (await call(tokens.access_token, '/pay')).json()).toMatchObject({ authorizationDetails: details })

  const additionalParameters = { authorization_details: JSON.stringify([pay('20.00')]) }
  const narrowed = await oauth.processRefreshTokenResponse(
    as,
    client,
    await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token as string, {
      ...{ ...http, additionalParameters },
    }),
  )
  expect(narrowed.authorization_details).toEqual([pay('20.00')])
  const { cause, status } = (await call(narrowed.access_token, '/pay').catch((error) => error)) as never as {
    cause: { parameters: object }[]
    status: number
  }
  expect([status, cause[0]?.parameters]).toMatchObject([403, { error: 'insufficient_scope' }])

  const request = await oauth.introspectionRequest(as, client, auth, narrowed.access_token, http)
  const seen = await oauth.processIntrospectionResponse(as, client, request)
  expect(seen.authorization_details).toEqual([pay('20.00')])
})

it('is told of details that are wrong when it pushes them', async () => {
  const refused = signIn({ authorization_details: JSON.stringify([{ type: 'transfer' }]) })
  await expect(refused).rejects.toMatchObject({ error: 'invalid_authorization_details', status: 400 })
})

it('goes from the challenge to a token that will do (RFC 9470 §4)', async () => {
  const weak = await signIn({})
  const refused = (await call(weak.access_token, '/strong').catch(
    (error) => error,
  )) as oauth.WWWAuthenticateChallengeError
  expect(refused).toBeInstanceOf(oauth.WWWAuthenticateChallengeError)
  const { error, acr_values = '', max_age = '' } = refused.cause[0]?.parameters ?? {}
  expect([refused.status, error, acr_values, max_age]).toEqual([401, 'insufficient_user_authentication', 'mfa', '300'])
  const strong = await signIn({ acr_values, max_age }, (returnTo) => {
    expect(new URL(returnTo, running.issuer).searchParams.get('acr_values')).toBe('mfa')
    host.sessions.set('alice', { time: seconds(), acr: 'mfa' })
  })
  expect(oauth.getValidatedIdTokenClaims(strong)?.acr).toBe('mfa')
  expect(await (await call(strong.access_token, '/strong')).json()).toEqual({ done: true })
})
