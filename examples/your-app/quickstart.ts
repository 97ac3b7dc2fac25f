/**
 * A complete host app: sign-in, consent, every endpoint, a guarded API, a demo client at `/`, and at `/shop` another app to
 * which people sign in with their account here. `npm start` runs it.
 */
import { randomBytes } from 'node:crypto'
import express, { type Express } from 'express'
import {
  accessToken,
  bearerGuard,
  connectedAppsRouter,
  consentPage,
  createAuthorizationServer,
  generateSigningKey,
  memoryStorage,
  type OAuthStorage,
  oauthRouter,
} from 'express-authorization-server'
import { endSessionRouter, logoutSessions, openid } from 'express-authorization-server/openid'
import { demoClient } from '../shared/demo-client'
import { createShop } from '../shared/shop'
import { authentication, signIn, signOut } from '../shared/sign-in'
import { start } from '../shared/start'
import { openStorage, registerOnce, storagePlace } from '../shared/storage'
import { createUsers } from '../shared/users'

const people = [
  { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' },
  { id: '2', username: 'alan', name: 'Alan Turing', password: 'imitation game' },
]
const demo = { clientId: 'demo', scope: 'profile', api: '/api/me', account: '/account/apps' }
// A new secret at every start: one in the source would sooner or later be one in production
const service = { clientId: 'service', clientSecret: randomBytes(32).toString('base64url') }
const shop = { clientId: 'shop', clientSecret: randomBytes(32).toString('base64url'), path: '/shop' }

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string, storage: OAuthStorage = memoryStorage()): Promise<Express> {
  // Your half: the users, and how they sign in
  const users = await createUsers(people)

  // The authorization server: options, storage, scopes in words
  const server = createAuthorizationServer({
    issuer,
    storage,
    scopes: { profile: 'See your name', clients: 'Register apps for you' },
    users: { find: users.find, current: (req) => req.user, signIn: '/login', switchUser: '/login' },
    // "Sign in with" this app: OpenID Connect. In production the key is one that you keep with your other secrets
    openid: openid({ keys: generateSigningKey('RS256'), authentication, claims: { profile: ['name'] } }),
    endpoints: { endSession: '/oauth2/logout' },
  })

  // A public client, the web page below, and a confidential one, a program with a secret
  await registerOnce(server, {
    clientId: demo.clientId,
    name: 'Demo client',
    description: 'A page that shows how an app gets an access token.',
    redirectUris: [`${issuer}/`],
    scopes: ['profile', 'clients'],
    tokenEndpointAuthMethods: ['none'],
  })
  await registerOnce(server, {
    ...service,
    name: 'Demo service',
    grantTypes: ['client_credentials'],
    scopes: ['profile'],
  })
  // And one whose users sign in with their account here
  const shopAt = `${issuer}${shop.path}`
  await registerOnce(server, {
    clientId: shop.clientId,
    clientSecret: shop.clientSecret,
    name: 'The shop',
    redirectUris: [`${shopAt}/callback`],
    postLogoutRedirectUris: [`${shopAt}/`],
    scopes: ['openid', 'profile'],
  })

  const app = express().disable('x-powered-by')
  // The shop is another app, with a session of its own: in front of this one's
  app.use(shop.path, createShop(shopAt, issuer, { ...shop, scope: 'openid profile' }))
  app.use(signIn({ users, endSession: (session) => logoutSessions(server, session) }))
  app.use('/oauth2/logout', endSessionRouter(server, { signOut }))

  // /oauth2/authorize, /oauth2/token, /oauth2/revoke_token, /oauth2/introspect, /oauth2/clients and the metadata
  app.use(
    oauthRouter(server, {
      decide: consentPage(),
      protect: bearerGuard(server, { scope: 'clients' }),
      // Users may make clients for programs of their own, too, which act for themselves with a secret
      clients: { grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'] },
    }),
  )

  // Where users see which apps they have let in, and take it back
  app.use(demo.account, connectedAppsRouter(server))

  // A guarded route: one line. A client's own token has no user, and is refused unless `user: false` says that it may call
  app.get('/api/me', bearerGuard(server, { scope: 'profile', user: false }), (req, res) => {
    res.json({ user: req.user, token: accessToken(req) })
  })

  app.use(demoClient({ issuer, ...demo }))
  return app
}

function instructions(issuer: string): string[] {
  const client = `-u ${service.clientId}:${service.clientSecret}`
  const token = `curl -sS ${client} -d grant_type=client_credentials ${issuer}/oauth2/token`
  return [
    '',
    `Open ${issuer} and sign in as`,
    ...people.map(({ username, password }) => `  ${username.padEnd(6)}with the password  ${password}`),
    `or open ${issuer}${shop.path}, another app, and sign in to it with your account here.`,
    '',
    'Or be a program with a secret: discover the server, get an access token, call the API with one.',
    `  curl -sS ${issuer}/.well-known/oauth-authorization-server`,
    `  ${token}`,
    `  curl -sS -H "Authorization: Bearer $(${token} | cut -d '"' -f 4)" ${issuer}${demo.api}`,
    '',
    `Everything is kept in ${storagePlace}. Ctrl+C stops the server.`,
  ]
}

if (require.main === module) void start(async (issuer) => createApp(issuer, await openStorage()), instructions)
