// Apps that sign their users in here with other people's OpenID Connect libraries, over real HTTP: the server of examples/openid/openid.ts.
import express, { type Express } from 'express'
import session from 'express-session'
import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { Passport } from 'passport'
import { type Profile, Strategy, type VerifyCallback } from 'passport-openidconnect'
import { createApp, shop } from '../../examples/openid/openid'
import { createShop } from '../../examples/shared/shop'
import { listen, type RunningApp } from '../../examples/shared/start'
import type { RegisterClientOptions } from '../../src'
import { freePort } from '../support/free-port'
import { later } from '../support/later'
import { createListener } from '../support/logout'
import { openBrowser } from './browser'

const scope = 'openid profile email'
const running: RunningApp[] = []
afterEach(async () => {
  for (const app of running.splice(0)) await app.close()
})

/** The server, with a client that is at `createRelyingParty`'s app, or nowhere. */
async function start(
  createRelyingParty: (origin: string, issuer: string) => Express = () => express(),
  record: RegisterClientOptions = {},
) {
  const port = await freePort()
  const provider = await listen((issuer) => createApp(issuer, `http://127.0.0.1:${port}`, record))
  running.push(provider)
  const party = await listen((origin) => createRelyingParty(origin, provider.issuer), port)
  running.push(party)
  return { issuer: provider.issuer, origin: party.issuer }
}

describe('openid-client', () => {
  const options = { execute: [client.allowInsecureRequests] }

  async function discovered(record: RegisterClientOptions = {}) {
    const { issuer, origin } = await start(undefined, record)
    const config = await client.discovery(new URL(issuer), shop.clientId, shop.clientSecret, undefined, options)
    const redirect_uri = `${origin}/callback`
    const browser = openBrowser()
    const begin = async (parameters: Record<string, string> = {}) => {
      const checks = {
        pkceCodeVerifier: client.randomPKCECodeVerifier(),
        expectedState: client.randomState(),
        expectedNonce: client.randomNonce(),
      }
      const url = client.buildAuthorizationUrl(config, {
        ...{ redirect_uri, scope, state: checks.expectedState, nonce: checks.expectedNonce },
        code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
        code_challenge_method: 'S256',
        ...parameters,
      })
      return { url: url.href, checks }
    }
    return { issuer, config, browser, begin }
  }

  it('signs in from discovery to userinfo and to a refresh, with every check that it has', async () => {
    const { issuer, config, browser, begin } = await discovered()
    const { url, checks } = await begin({ max_age: '60' })
    const answer = new URL(await browser.authorize(url))
    const tokens = await client.authorizationCodeGrant(config, answer, { ...checks, maxAge: 60, idTokenExpected: true })
    const { sub, ...claims } = tokens.claims() as client.IDToken
    expect(claims).toMatchObject({ iss: issuer, aud: 'shop', amr: ['pwd'], auth_time: expect.any(Number) })
    expect(await client.fetchUserInfo(config, tokens.access_token, sub)).toEqual({
      sub: '1',
      name: 'Ada Lovelace',
      preferred_username: 'ada',
      email: 'ada@example.com',
      email_verified: true,
    })
    const again = await client.refreshTokenGrant(config, tokens.refresh_token as string)
    expect(again.claims()).toMatchObject({ sub, auth_time: claims.auth_time, sid: claims.sid })
  })

  it('renews in silence with prompt=none, and is told login_required where nobody is signed in', async () => {
    const { config, browser, begin } = await discovered()
    const silent = await begin({ prompt: 'none' })
    const refused = await browser.get(silent.url)
    await expect(
      client.authorizationCodeGrant(config, new URL(refused.location as string), silent.checks),
    ).rejects.toMatchObject({ error: 'login_required' })
    const first = await begin()
    await client.authorizationCodeGrant(config, new URL(await browser.authorize(first.url)), first.checks)
    const { url, checks } = await begin({ prompt: 'none' })
    const { location } = await browser.get(url)
    const tokens = await client.authorizationCodeGrant(config, new URL(location as string), checks)
    expect(tokens.claims()?.sub).toBe('1')
    // as another user it would be somebody else
    const hinted = await begin({ prompt: 'none', id_token_hint: tokens.id_token as string })
    expect((await browser.get(hinted.url)).location).toContain('code=')
  })

  it('asks for a new sign-in with prompt=login, and gets a newer auth_time', async () => {
    const { config, browser, begin } = await discovered()
    const first = await begin()
    const before = await client.authorizationCodeGrant(
      config,
      new URL(await browser.authorize(first.url)),
      first.checks,
    )
    later(2)
    const { url, checks } = await begin({ prompt: 'login' })
    const page = await browser.follow(await browser.get(url), new URL(url).origin)
    expect(page.text).toContain('>Sign in</button>')
    const back = await browser.submit(page, 'Sign in', { username: 'ada', password: 'analytical engine' })
    const answer = await browser.follow(back, `${new URL(url).origin}/oauth2/authorize`)
    const tokens = await client.authorizationCodeGrant(config, new URL(answer.location as string), checks)
    expect(tokens.claims()?.auth_time).toBeGreaterThan(before.claims()?.auth_time as number)
  })

  it('has tokens that end, and is told, when its user signs out at the sign-in page of the server', async () => {
    const listener = await createListener()
    try {
      const { issuer, config, browser, begin } = await discovered({ backchannelLogoutUri: listener.url })
      const { url, checks } = await begin()
      const tokens = await client.authorizationCodeGrant(config, new URL(await browser.authorize(url)), checks)
      const out = await browser.post(`${issuer}/logout`, {}, { Origin: issuer })
      expect([out.status, out.location]).toEqual([303, `${issuer}/`])
      expect(decodeJwt(listener.tokens[0] as string)).toMatchObject({ iss: issuer, sid: tokens.claims()?.sid })
      const { access_token: accessToken, refresh_token: refreshToken } = tokens
      await expect(client.fetchUserInfo(config, accessToken, '1')).rejects.toThrow()
      await expect(client.refreshTokenGrant(config, refreshToken as string)).rejects.toMatchObject({
        error: 'invalid_grant',
      })
      expect((await browser.get(url)).location).toContain('/login?return_to=')
    } finally {
      listener.close()
    }
  })
})

describe('oauth4webapi', () => {
  it('signs in by form_post, with the claims that it asks for by name', async () => {
    const { issuer, origin } = await start()
    const insecure = { [oauth.allowInsecureRequests]: true }
    const url = new URL(issuer)
    const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, insecure))
    const party: oauth.Client = { client_id: shop.clientId }
    const [verifier, state, nonce] = [
      oauth.generateRandomCodeVerifier(),
      oauth.generateRandomState(),
      oauth.generateRandomNonce(),
    ]
    const redirectUri = `${origin}/callback`
    const query = new URLSearchParams({
      ...{ client_id: shop.clientId, redirect_uri: redirectUri, response_type: 'code', scope: 'openid', state, nonce },
      response_mode: 'form_post',
      claims: JSON.stringify({ id_token: { email: { essential: true } }, userinfo: { name: null } }),
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const browser = openBrowser()
    const signInPage = await browser.follow(await browser.get(`${as.authorization_endpoint}?${query}`), issuer)
    const back = await browser.submit(signInPage, 'Sign in', { username: 'ada', password: 'analytical engine' })
    const consent = await browser.follow(back, issuer)
    expect(consent.text).toContain('See from your account: name and email address')
    const form = await browser.submit(consent, 'Allow')
    const fields = [...form.text.matchAll(/name="([^"]*)" value="([^"]*)"/g)]
    const answer = new URLSearchParams(fields.map(([, name = '', value = '']): [string, string] => [name, value]))
    const params = oauth.validateAuthResponse(as, party, answer, state)
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      party,
      oauth.ClientSecretBasic(shop.clientSecret),
      params,
      redirectUri,
      verifier,
      insecure,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(as, party, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    })
    await oauth.validateApplicationLevelSignature(as, response, insecure)
    const claims = oauth.getValidatedIdTokenClaims(tokens)
    expect(claims).toMatchObject({ sub: '1', email: 'ada@example.com' })
    const userinfo = await oauth.userInfoRequest(as, party, tokens.access_token, insecure)
    expect(await oauth.processUserInfoResponse(as, party, '1', userinfo)).toEqual({ sub: '1', name: 'Ada Lovelace' })
  })
})

describe('passport-openidconnect', () => {
  // it knows no PKCE: its record must say so
  it('signs a customer in, by the id_token and userinfo', async () => {
    const { origin } = await start(createPassportShop, { requirePkce: false })
    const browser = openBrowser()
    const { location } = await browser.get(`${origin}/login`)
    const answer = await browser.authorize(location as string)
    const page = await browser.follow(await browser.get(answer), origin)
    expect(page.text).toBe('Hello, Ada Lovelace <ada@example.com>')
  })

  function createPassportShop(origin: string, issuer: string): Express {
    const passport = new Passport()
    const verify = (_issuer: string, profile: Profile, done: VerifyCallback) => done(null, profile)
    passport.use(
      new Strategy(
        {
          issuer,
          authorizationURL: `${issuer}/oauth2/authorize`,
          tokenURL: `${issuer}/oauth2/token`,
          userInfoURL: `${issuer}/oauth2/userinfo`,
          clientID: shop.clientId,
          clientSecret: shop.clientSecret,
          callbackURL: `${origin}/callback`,
          scope: ['profile', 'email'],
          skipUserProfile: false,
        },
        verify,
      ),
    )
    passport.serializeUser((user, done) => done(null, user))
    passport.deserializeUser((user: Profile, done) => done(null, user))
    const app = express()
    app.use(session({ secret: 'for this test', name: 'party', resave: false, saveUninitialized: false }))
    app.use(passport.session())
    app.get('/login', passport.authenticate('openidconnect'))
    app.get('/callback', passport.authenticate('openidconnect', { successRedirect: '/', failureRedirect: '/failed' }))
    app.get('/', (req, res) => {
      const user = req.user as Profile
      res.send(`Hello, ${user.displayName} <${user.emails?.[0]?.value}>`)
    })
    return app
  }
})

describe('signing out', () => {
  it('of the shop by openid-client: at both apps, and back to it', async () => {
    const { origin } = await start((at, issuer) => createShop(at, issuer, shop))
    const browser = openBrowser()
    const signIn = async () => (await browser.get(`${origin}/login`)).location as string
    await browser.follow(await browser.get(await browser.authorize(await signIn())), origin)
    const page = await browser.follow(await browser.get(`${origin}/logout`))
    expect(page.url).toBe(`${origin}/`)
    expect(page.text).toContain('Sign in with your account')
    // the other app asks for a password again
    expect((await browser.follow(await browser.get(await signIn()))).text).toContain('>Sign in</button>')
  })
})

describe('examples/openid/openid.ts', () => {
  it('is two apps: the shop greets who signed in at the other one', async () => {
    const { origin } = await start((at, issuer) => createShop(at, issuer, shop))
    const browser = openBrowser()
    expect((await browser.get(`${origin}/`)).text).toContain('Sign in with your account')
    const { location } = await browser.get(`${origin}/login`)
    const answer = await browser.authorize(location as string)
    const page = await browser.follow(await browser.get(answer), origin)
    expect(page.text).toContain('Hello, Ada Lovelace')
    expect(page.text).toContain('ada@example.com')
  })

  it('takes no answer where it has asked nothing: another browser has the code', async () => {
    const { origin } = await start((at, issuer) => createShop(at, issuer, shop))
    const other = openBrowser()
    const { location } = await other.get(`${origin}/login`)
    const answer = await other.authorize(location as string)
    const planted = await openBrowser().get(answer)
    expect([planted.status, planted.location]).toEqual([302, `${origin}/`])
    // and nobody has asked for tokens with it
    expect((await other.follow(await other.get(answer), origin)).text).toContain('Hello, Ada Lovelace')
  })
})
