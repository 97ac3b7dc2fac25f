/**
 * DAS: apps sign users in by password, or fetch a code with the user's token, and call the API as themselves.
 *
 * What that does that is unsafe today, and what allows it here:
 * - Apps take the user's password, and need no secret for it (RFC 9700 §2.4): `password()`, and the method `none`.
 * - Codes work without PKCE, so whoever sees one can redeem it (RFC 9700 §2.1.1): `pkce: 'optional'`.
 * - Codes are sent over http, where others can see them (RFC 9700 §2.6): `allowHttpRedirectUris`.
 * - A code is given to the app that has the user's token, and the user is not asked: `approve({ clients })`, which names
 *   the clients, and `response: 'location'`, because it is a script that calls and no browser that follows.
 * - The API takes a client id for an app, though it is no secret: `clientIdQuery`, on routes that are no user's.
 */
import express, { type Express } from 'express'
import {
  type AuthorizationServerOptions,
  accessToken,
  approve,
  authorizationCode,
  authorizeRouter,
  bcryptPasswords,
  bearerGuard,
  createAuthorizationServer,
  memoryStorage,
  password,
  refreshToken,
  registerClient,
  revokeRouter,
  tokenRouter,
} from 'express-authorization-server'
import { start } from '../shared/start'
import { createUsers } from '../shared/users'

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string, options: Partial<AuthorizationServerOptions> = {}): Promise<Express> {
  const users = await createUsers([{ id: '1', username: 'billybob', name: 'Billy Bob', password: 'foobar' }])
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: [], // the documentation knows none
    users: { find: users.find },
    grants: [authorizationCode(), refreshToken(), password({ verify: bcryptPasswords(users) })],
    pkce: 'optional',
    allowHttpRedirectUris: true,
    ...options,
  })

  // The documentation calls the app `1`, and where it revokes a token `das`; its secret may be left out, but not be wrong
  for (const clientId of ['1', 'das']) {
    await registerClient(server, {
      clientId,
      clientSecret: 'gobblygook',
      redirectUris: ['http://tempuri.org/callback?foo=bar'],
      grantTypes: ['authorization_code', 'refresh_token', 'password'],
      tokenEndpointAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    })
  }

  const app = express().disable('x-powered-by')
  const decide = approve({ clients: ['1', 'das'] })
  app.use(
    '/oauth2/authorize',
    bearerGuard(server, { user: false }),
    authorizeRouter(server, { decide, response: 'location' }),
  )
  app.use('/oauth2/token', tokenRouter(server))
  app.use('/oauth2/revoke_token', revokeRouter(server))

  // For a user with a token, or for an app with its client id
  app.get('/api/assets', bearerGuard(server, { clientIdQuery: true }), (req, res) => {
    res.json({ assets: [], user: req.user, client_id: accessToken(req).clientId })
  })
  // For a user
  app.get('/api/me', bearerGuard(server), (req, res) => void res.json(req.user))
  return app
}

export function curlLines(issuer: string): string[] {
  const token = `curl -sS -d 'grant_type=password&username=billybob&password=foobar&client_id=1' ${issuer}/oauth2/token/`
  const bearer = `-H "Authorization: Bearer $(${token} | cut -d '"' -f 4)"`
  const code = 'response_type=code&client_id=1&redirect_uri=http://tempuri.org/callback?foo=bar'
  return [
    token,
    `curl -sSi ${bearer} '${issuer}/oauth2/authorize/?${code}'`,
    `curl -sS ${bearer} ${issuer}/api/me`,
    `curl -sS '${issuer}/api/assets?client_id=1'`,
  ]
}

if (require.main === module) void start(createApp, curlLines)
