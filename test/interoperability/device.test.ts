// The device flow (RFC 8628) by other people's clients: oauth4webapi, with a DPoP key, too, and openid-client, which polls.
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { createApp } from '../../examples/devices/cli'
import { listen, type RunningApp } from '../../examples/shared/start'
import { dpop } from '../../src/index'
import { later } from '../support/later'
import { openBrowser } from './browser'

const http = { [oauth.allowInsecureRequests]: true }
const cli: oauth.Client = { client_id: 'cli' }
let app: RunningApp
let as: oauth.AuthorizationServer

beforeAll(async () => {
  jest.spyOn(console, 'info').mockImplementation(() => {})
  app = await listen((issuer) => createApp(issuer, { senderConstraints: [dpop()] }))
  const issuer = new URL(app.issuer)
  as = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http }),
  )
})
afterAll(async () => {
  await app.close()
  jest.restoreAllMocks()
})

/** The user of the device, who has followed its link. */
async function answer(link: string, button = 'Allow'): Promise<void> {
  const browser = openBrowser()
  const page = await browser.follow(await browser.get(link), app.issuer)
  const back = await browser.submit(page, 'Sign in', { username: 'ada', password: 'analytical engine' })
  const code = new URL(link).searchParams.get('user_code') ?? ''
  const asked = await browser.submit(await browser.follow(back, app.issuer), 'Continue', { user_code: code })
  const { text } = await browser.follow(await browser.submit(asked, button), app.issuer)
  if (!/You can close this page/.test(text)) throw new Error(text)
}

/** What oauth4webapi is told by a poll: the tokens, or the error. */
async function poll(deviceCode: string, options: oauth.TokenEndpointRequestOptions = {}) {
  const sent = await oauth.deviceCodeGrantRequest(as, cli, oauth.None(), deviceCode, { ...http, ...options })
  return oauth.processDeviceCodeResponse(as, cli, sent)
}

async function start() {
  const sent = await oauth.deviceAuthorizationRequest(as, cli, oauth.None(), { scope: 'profile' }, http)
  return oauth.processDeviceAuthorizationResponse(as, cli, sent)
}

describe('oauth4webapi', () => {
  it('asks, waits, is told to wait longer, and has a token that works', async () => {
    const started = await start()
    await expect(poll(started.device_code)).rejects.toMatchObject({ error: 'authorization_pending' })
    await expect(poll(started.device_code)).rejects.toMatchObject({ error: 'slow_down' })
    await answer(started.verification_uri_complete as string)
    const tokens = await poll(started.device_code)
    const me = await fetch(`${app.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    expect(await me.json()).toMatchObject({ username: 'ada' })
    await expect(poll(started.device_code)).rejects.toMatchObject({ error: 'invalid_grant' })
  })

  it('has a token that is bound to its DPoP key, and refreshes it with that key', async () => {
    const DPoP = oauth.DPoP(cli, await oauth.generateKeyPair('ES256'))
    const started = await start()
    await answer(started.verification_uri_complete as string)
    const tokens = await poll(started.device_code, { DPoP })
    expect(tokens.token_type).toBe('dpop')
    const url = new URL(`${app.issuer}/me`)
    const call = { DPoP, ...http }
    const me = await oauth.protectedResourceRequest(tokens.access_token, 'GET', url, undefined, undefined, call)
    expect(await me.json()).toMatchObject({ username: 'ada' })
    const stolen = await fetch(url, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    expect(stolen.status).toBe(401)
    const refreshed = await oauth.refreshTokenGrantRequest(as, cli, oauth.None(), tokens.refresh_token as string, call)
    expect((await oauth.processRefreshTokenResponse(as, cli, refreshed)).token_type).toBe('dpop')
  })
})

describe('openid-client', () => {
  const discover = () =>
    openid.discovery(new URL(app.issuer), 'cli', undefined, openid.None(), {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
    })

  it('polls by itself until the user has answered', async () => {
    const config = await discover()
    const started = await openid.initiateDeviceAuthorization(config, { scope: 'profile' })
    await answer(started.verification_uri_complete as string)
    later(1)
    const tokens = await openid.pollDeviceAuthorizationGrant(config, { ...started, interval: 1 })
    expect(tokens.scope).toBe('profile')
  })

  it('is told of a no', async () => {
    const config = await discover()
    const started = await openid.initiateDeviceAuthorization(config, { scope: 'profile' })
    await answer(started.verification_uri_complete as string, 'Deny')
    const polled = openid.pollDeviceAuthorizationGrant(config, { ...started, interval: 1 })
    await expect(polled).rejects.toMatchObject({ error: 'access_denied', status: 400 })
  })
})
