/**
 * "Sign in with" your app: OpenID Connect for other people's apps, with your own users and sign-in page. And one of these
 * apps, a shop on the next port that knows the issuer, its id and its secret. `npm run example -- openid` runs both.
 */
import { randomBytes } from 'node:crypto'
import express, { type Express, type Request } from 'express'
import {
  consentPage,
  createAuthorizationServer,
  generateSigningKey,
  memoryStorage,
  oauthRouter,
  type RegisterClientOptions,
  registerClient,
} from 'express-authorization-server'
import { endSessionRouter, openid } from 'express-authorization-server/openid'
import session from 'express-session'
import * as client from 'openid-client'
import { escapeHtml, sendPage } from './shared/page'
import { authentication, signIn } from './shared/sign-in'
import { listen, start } from './shared/start'
import { createUsers } from './shared/users'

const people = [
  { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine', email: 'ada@example.com' },
  { id: '2', username: 'alan', name: 'Alan Turing', password: 'imitation game', email: 'alan@example.com' },
]

/** What an app that people sign in to is told when it is registered. */
export interface Registered {
  clientId: string
  clientSecret: string
}
export const shop: Registered = { clientId: 'shop', clientSecret: randomBytes(32).toString('base64url') }

/** Your app, to be served at `issuer`; `more` is what the shop's record says beside the usual. */
export async function createApp(
  issuer: string,
  shopAt = 'http://127.0.0.1:3001',
  more: RegisterClientOptions = {},
): Promise<Express> {
  const users = await createUsers(people)
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(), // in production one that is still there after a restart
    scopes: [], // openid, profile, email and the other scopes of OpenID Connect are there by the next option
    openid: openid({
      keys: generateSigningKey('RS256'), // in production one that you keep with your other secrets
      authentication,
      claims: { profile: ['name', 'preferred_username'] },
      dangerouslyAllowLoopback: true, // to try it out: apps on this machine are told when somebody signs out
    }),
    endpoints: { endSession: '/oauth2/logout' },
    users: {
      find: users.find,
      current: (req) => req.user,
      claims: (user) => {
        const { name, username, email } = user as (typeof people)[number]
        return { name, preferred_username: username, email, email_verified: true }
      },
      signIn: '/login',
      switchUser: '/login',
    },
  })
  await registerClient(server, {
    ...shop,
    name: 'The shop',
    redirectUris: [`${shopAt}/callback`],
    postLogoutRedirectUris: [`${shopAt}/`],
    scopes: ['openid', 'profile', 'email'],
    ...more,
  })

  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))
  app.use('/oauth2/logout', endSessionRouter(server, { signOut }))
  app.use(oauthRouter(server, { decide: consentPage({ remember: true }), protect: false }))
  return app
}

const signOut = (req: Request) =>
  new Promise<void>((done, failed) => req.logout((error) => (error ? failed(error) : done())))

/** What the shop keeps in its own session. */
interface ShopSession {
  idToken?: string | undefined
  request?: { pkceCodeVerifier: string; expectedState: string; expectedNonce: string }
  customer?: { name?: string; email?: string }
}

/** The shop, another developer's app, which knows people by their sign-in at `issuer`. */
export function createShop(origin: string, issuer: string, { clientId, clientSecret }: Registered): Express {
  // http on loopback is for trying it out
  const options = { execute: [client.allowInsecureRequests] }
  const discover = () => client.discovery(new URL(issuer), clientId, clientSecret, undefined, options)
  const kept = (req: Request) => req.session as typeof req.session & ShopSession

  const app = express().disable('x-powered-by')
  app.use(session({ secret: randomBytes(32).toString('hex'), name: 'shop', resave: false, saveUninitialized: false }))

  app.get('/', (req, res) => {
    const { customer } = kept(req)
    const words = customer ? `<h1>Hello, ${escapeHtml(customer.name ?? '')}</h1>` : '<h1>The shop</h1>'
    const links = customer ? '<a href="/logout">Sign out</a>' : '<a href="/login">Sign in with your account</a>'
    sendPage(res, 'The shop', `${words}<p>${escapeHtml(customer?.email ?? '')} ${links}</p>`)
  })

  app.get('/login', async (req, res) => {
    const request = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
    }
    kept(req).request = request
    const url = client.buildAuthorizationUrl(await discover(), {
      redirect_uri: `${origin}/callback`,
      scope: 'openid profile email',
      code_challenge: await client.calculatePKCECodeChallenge(request.pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: request.expectedState,
      nonce: request.expectedNonce,
    })
    res.redirect(url.href)
  })

  app.get('/callback', async (req, res) => {
    const { request } = kept(req)
    const config = await discover()
    const tokens = await client.authorizationCodeGrant(config, new URL(req.originalUrl, origin), request)
    const { sub } = tokens.claims() as client.IDToken
    const { name = '', email = '' } = await client.fetchUserInfo(config, tokens.access_token, sub)
    // a new session: whoever planted the id of this one must not be signed in with it
    await new Promise<void>((done, failed) => req.session.regenerate((error) => (error ? failed(error) : done())))
    Object.assign(kept(req), { customer: { name, email }, idToken: tokens.id_token })
    res.redirect('/')
  })

  // here, and at the other app, which sends the browser back
  app.get('/logout', async (req, res) => {
    const { idToken = '' } = kept(req)
    Object.assign(kept(req), { customer: undefined, idToken: undefined })
    const url = client.buildEndSessionUrl(await discover(), {
      post_logout_redirect_uri: `${origin}/`,
      id_token_hint: idToken,
    })
    res.redirect(url.href)
  })
  return app
}

async function runBoth(): Promise<void> {
  let shopAt = ''
  await start(
    async (issuer) => {
      const port = process.env.PORT === '0' ? 0 : Number(new URL(issuer).port) + 1
      shopAt = (await listen((origin) => createShop(origin, issuer, shop), port)).issuer
      return createApp(issuer, shopAt)
    },
    () => [
      `Open ${shopAt}, which is another app, and sign in with an account of this one as`,
      ...people.map(({ username, password }) => `  ${username.padEnd(6)}with the password  ${password}`),
    ],
  )
}

if (require.main === module) void runBoth()
