/** An app that people sign in to with their account at another one: OpenID Connect, by openid-client. */
import { randomBytes } from 'node:crypto'
import express, { type ErrorRequestHandler, type Express, type Request } from 'express'
import session from 'express-session'
import * as client from 'openid-client'
import { escapeHtml, sendPage } from './page'

/** What it is told when it is registered there, and what it asks for. */
export interface Registered {
  clientId: string
  clientSecret: string
  scope?: string
}

/** What the shop keeps in its own session. */
interface ShopSession {
  idToken?: string | undefined
  request?: { pkceCodeVerifier: string; expectedState: string; expectedNonce: string }
  customer?: { name?: string; email?: string }
}

/** The shop, to be served at `at`: another developer's app, which knows people by their sign-in at `issuer`. */
export function createShop(at: string, issuer: string, registered: Registered): Express {
  const { clientId, clientSecret, scope = 'openid profile email' } = registered
  // http on loopback is for trying it out
  const options = { execute: [client.allowInsecureRequests] }
  const discover = () => client.discovery(new URL(issuer), clientId, clientSecret, undefined, options)
  const kept = (req: Request) => req.session as typeof req.session & ShopSession

  const app = express().disable('x-powered-by')
  app.use(session({ secret: randomBytes(32).toString('hex'), name: 'shop', resave: false, saveUninitialized: false }))

  app.get('/', (req, res) => {
    const { customer } = kept(req)
    const words = customer ? `<h1>Hello, ${escapeHtml(customer.name ?? '')}</h1>` : '<h1>The shop</h1>'
    const [path, link] = customer ? ['logout', 'Sign out'] : ['login', 'Sign in with your account']
    sendPage(res, 'The shop', `${words}<p>${escapeHtml(customer?.email ?? '')} <a href="${at}/${path}">${link}</a></p>`)
  })

  app.get('/login', async (req, res) => {
    const request = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
    }
    kept(req).request = request
    const url = client.buildAuthorizationUrl(await discover(), {
      redirect_uri: `${at}/callback`,
      scope,
      code_challenge: await client.calculatePKCECodeChallenge(request.pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: request.expectedState,
      nonce: request.expectedNonce,
    })
    res.redirect(url.href)
  })

  app.get('/callback', async (req, res) => {
    const { request } = kept(req)
    // nobody began a sign-in here: without its state and nonce, an answer could be anybody's (RFC 6749 §10.12)
    if (!request) return res.redirect(`${at}/`)
    const config = await discover()
    const tokens = await client.authorizationCodeGrant(config, new URL(req.originalUrl, at), request)
    const { sub } = tokens.claims() as client.IDToken
    const { name = '', email = '' } = await client.fetchUserInfo(config, tokens.access_token, sub)
    // a new session: whoever planted the id of this one must not be signed in with it
    await new Promise<void>((done, failed) => req.session.regenerate((error) => (error ? failed(error) : done())))
    Object.assign(kept(req), { customer: { name, email }, idToken: tokens.id_token })
    res.redirect(`${at}/`)
  })

  // here, and at the other app, which sends the browser back
  app.get('/logout', async (req, res) => {
    const { idToken = '' } = kept(req)
    Object.assign(kept(req), { customer: undefined, idToken: undefined })
    const url = client.buildEndSessionUrl(await discover(), {
      post_logout_redirect_uri: `${at}/`,
      id_token_hint: idToken,
    })
    res.redirect(url.href)
  })

  const onError: ErrorRequestHandler = (error, _req, res, next) => {
    if (!(error instanceof client.AuthorizationResponseError)) return next(error)
    sendPage(res.status(400), 'The shop', `<h1>You did not sign in</h1><p><a href="${at}/login">Try again</a></p>`)
  }
  app.use(onError)
  return app
}
