/**
 * BreakOut: password grant with an e-mail address as the username, and a refresh token that stays the same.
 *
 * What that does that is unsafe today, and what allows it here:
 * - The app takes the user's password (RFC 9700 §2.4): `password()`.
 * - Clients keep the refresh token that they got first, so a stolen one is never noticed: `rotate: false`. RFC 9700
 *   §4.14.2 leaves that to clients that have a secret, as this one has.
 * - The secret that it is documented with is nine digits: chosen secrets are kept as bcrypt hashes, never as they are.
 *
 * `token_type` in lower case is no weakness (RFC 6749 §5.1: the case does not matter), but its clients compare it.
 */
import express, { type Express } from 'express'
import {
  type AuthorizationServerOptions,
  bcryptPasswords,
  bearerGuard,
  createAuthorizationServer,
  memoryStorage,
  opaque,
  password,
  refreshToken,
  registerClient,
  tokenRouter,
} from 'express-authorization-server'
import { start } from '../shared/start'
import { createUsers } from '../shared/users'

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string, options: Partial<AuthorizationServerOptions> = {}): Promise<Express> {
  const users = await createUsers([{ id: '1', username: 'admin@break-out.org', name: 'Admin', password: 'password' }])
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { read: 'See your data', write: 'Change your data' },
    users: { find: users.find },
    grants: [password({ verify: bcryptPasswords(users) }), refreshToken({ rotate: false })],
    accessTokens: opaque({ ttl: 12 * 3600 }),
    tokenResponse: (body) => ({ ...body, token_type: 'bearer' }),
    ...options,
  })

  await registerClient(server, {
    clientId: 'breakout_app',
    clientSecret: '123456789',
    grantTypes: ['password', 'refresh_token'],
    scopes: ['read', 'write'],
  })

  const app = express().disable('x-powered-by')
  app.use('/oauth/token', tokenRouter(server))
  app.get('/me', bearerGuard(server, { scope: 'read' }), (req, res) => void res.json(req.user))
  return app
}

export function curlLines(issuer: string): string[] {
  const body = "'username=admin%40break-out.org&password=password&grant_type=password&scope=read+write'"
  const token = `curl -sS -u breakout_app:123456789 -d ${body} ${issuer}/oauth/token`
  return [token, `curl -sS -H "Authorization: Bearer $(${token} | cut -d '"' -f 4)" ${issuer}/me/`]
}

if (require.main === module) void start(createApp, curlLines)
