import express, { type ErrorRequestHandler, type Express } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import OAuth2Strategy, { type VerifyCallback } from 'passport-oauth2'
import { listen, type RunningApp } from '../../examples/shared/start'
import { openBrowser } from './browser'
import { type Quickstart, startQuickstart } from './quickstart'

let quickstart: Quickstart
let shop: RunningApp

beforeAll(async () => {
  quickstart = await startQuickstart()
  shop = await listen(createShop)
})
afterAll(async () => {
  await shop.close()
  await quickstart.close()
})

interface Customer {
  name: string
}

/** Another developer's app, in which users sign in through the quickstart's server. */
async function createShop(origin: string): Promise<Express> {
  const callbackURL = `${origin}/callback`
  const { clientId, clientSecret } = await quickstart.register({
    client_name: 'The shop',
    redirect_uris: [callbackURL],
  })
  const strategy = new OAuth2Strategy(
    {
      authorizationURL: `${quickstart.issuer}/oauth2/authorize`,
      tokenURL: `${quickstart.issuer}/oauth2/token`,
      clientID: clientId,
      clientSecret,
      callbackURL,
      scope: 'profile',
      pkce: true,
      state: true,
    },
    (_accessToken: string, _refreshToken: string, profile: Customer, done: VerifyCallback) => done(null, profile),
  )
  strategy.userProfile = async (accessToken, done) => {
    const response = await fetch(`${quickstart.issuer}/api/me`, { headers: { Authorization: `Bearer ${accessToken}` } })
    const { user } = (await response.json()) as { user: Customer }
    done(null, { name: user.name })
  }
  const passport = new Passport()
  passport.use(strategy)
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user: Customer, done) => done(null, user))

  const app = express()
  app.use(session({ secret: 'for this test', name: 'shop', resave: false, saveUninitialized: false }))
  app.use(passport.session())
  app.get('/login', passport.authenticate('oauth2'))
  app.get('/callback', passport.authenticate('oauth2', { successRedirect: '/', failureRedirect: '/failed' }))
  app.get('/', (req, res) => void res.send(req.user ? `Hello, ${(req.user as Customer).name}` : 'Who are you?'))
  app.get('/failed', (_req, res) => void res.send('You did not sign in.'))
  const onError: ErrorRequestHandler = (error: Error, _req, res, _next) => void res.status(500).send(error.message)
  return app.use(onError)
}

it('signs a user in at another app, with PKCE and state', async () => {
  const browser = openBrowser()
  const toServer = await browser.get(`${shop.issuer}/login`)
  expect(toServer.location).toMatch(/code_challenge=.*&code_challenge_method=S256&state=/)
  const callback = await browser.authorize(toServer.location ?? '')
  const home = await browser.follow(await browser.get(callback), shop.issuer)
  expect(home).toMatchObject({ url: `${shop.issuer}/`, text: 'Hello, Ada Lovelace' })
})

it('shows the user who asks, by the name under which the app was registered', async () => {
  const browser = openBrowser()
  const toServer = await browser.get(`${shop.issuer}/login`)
  const signIn = await browser.follow(toServer)
  const signedIn = await browser.submit(signIn, 'Sign in', { username: 'ada', password: 'analytical engine' })
  const consent = await browser.follow(signedIn)
  expect(consent.text).toContain('Allow <strong>The shop</strong>')
  expect(consent.text).toContain(new URL(shop.issuer).host)
})

it('brings a user who denies back to where the app wants them', async () => {
  const browser = openBrowser()
  const toServer = await browser.get(`${shop.issuer}/login`)
  const callback = await browser.authorize(toServer.location ?? '', { button: 'Deny' })
  const failed = await browser.follow(await browser.get(callback), shop.issuer)
  expect(failed).toMatchObject({ url: `${shop.issuer}/failed`, text: 'You did not sign in.' })
})

it("does not sign a victim in with an attacker's answer, whose state is of another session", async () => {
  const attacker = openBrowser()
  const answer = await attacker.authorize((await attacker.get(`${shop.issuer}/login`)).location ?? '')
  const victim = openBrowser()
  await victim.get(`${shop.issuer}/login`)
  expect(await victim.follow(await victim.get(answer))).toMatchObject({ text: 'You did not sign in.' })
  expect(await victim.get(`${shop.issuer}/`)).toMatchObject({ text: 'Who are you?' })
})

it('gets no second sign-in out of one code', async () => {
  const browser = openBrowser()
  const toServer = await browser.get(`${shop.issuer}/login`)
  const callback = new URL(await browser.authorize(toServer.location ?? ''))
  await browser.get(callback.href)
  const again = await browser.get(`${shop.issuer}/login`)
  const state = new URL(again.location ?? '').searchParams.get('state') ?? ''
  callback.searchParams.set('state', state)
  const refused = await browser.get(callback.href)
  expect(refused.status).toBe(500)
  // the verifier of the second sign-in is looked at before the question whether the code is used
  expect(refused.text).toBe('code_verifier is wrong.')
})
