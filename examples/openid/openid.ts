/**
 * "Sign in with" your app: OpenID Connect for other people's apps, with your own users and sign-in page. And one of these
 * apps, a shop on the next port that knows the issuer, its id and its secret. `npm run example -- openid` runs both.
 */
import { randomBytes } from 'node:crypto'
import express, { type Express } from 'express'
import {
  consentPage,
  createAuthorizationServer,
  generateSigningKey,
  memoryStorage,
  oauthRouter,
  type RegisterClientOptions,
  registerClient,
} from 'express-authorization-server'
import { endSessionRouter, logoutSessions, openid } from 'express-authorization-server/openid'
import { createShop, type Registered } from '../shared/shop'
import { authentication, signIn, signOut } from '../shared/sign-in'
import { listen, start } from '../shared/start'
import { createUsers } from '../shared/users'

const people = [
  { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine', email: 'ada@example.com' },
  { id: '2', username: 'alan', name: 'Alan Turing', password: 'imitation game', email: 'alan@example.com' },
]

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
  app.use(signIn({ users, endSession: (session) => logoutSessions(server, session) }))
  app.use('/oauth2/logout', endSessionRouter(server, { signOut }))
  app.use(oauthRouter(server, { decide: consentPage({ remember: true }), protect: false }))
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
