/**
 * Team Server: tokens by GET with everything in the URL, or by the code flow in a browser; the API takes `?access_token=`.
 *
 * What that does that is unsafe today, and what allows it here:
 * - Password, client secret and refresh token stand in URLs, which servers, proxies and browsers write down
 *   (RFC 6749 §2.3.1 forbids it): `parametersFrom` with `'query'`. POST with a form is possible, too, and better.
 * - So does the access token (RFC 9700 §4.3.2): `tokenFrom` with `'query'`. The header is possible, too, and better.
 * - The app takes the user's password (RFC 9700 §2.4): `password()`.
 * - Codes work without PKCE (RFC 9700 §2.1.1): `pkce: 'public-clients'`. Redeeming one still takes the client's secret.
 * - Clients keep the refresh token that they got first, so a stolen one is never noticed: `rotate: false`.
 */
import express, { type Express } from 'express'
import {
  type AuthorizationServerOptions,
  authorizationCode,
  authorizeRouter,
  bcryptPasswords,
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  memoryStorage,
  opaque,
  password,
  refreshToken,
  registerClient,
  tokenRouter,
} from 'express-authorization-server'
import { signIn } from '../shared/sign-in'
import { start } from '../shared/start'
import { createUsers } from '../shared/users'

const clientId = '6a2a39ba-9688-493d-b348-187468f599ae'
const clientSecret = 'a28e0ca4-27cb-4361-bf97-3b26c612d66a'

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string, options: Partial<AuthorizationServerOptions> = {}): Promise<Express> {
  const users = await createUsers([{ id: '1', username: 'username', name: 'User Name', password: 'password' }])
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { read: 'See your models', write: 'Change your models' },
    users: { find: users.find, signIn: '/login' },
    grants: [authorizationCode(), refreshToken({ rotate: false }), password({ verify: bcryptPasswords(users) })],
    accessTokens: opaque({ ttl: 86400 }),
    pkce: 'public-clients',
    tokenResponse: (body) => ({ ...body, token_type: 'bearer' }),
    ...options,
  })

  await registerClient(server, {
    clientId,
    clientSecret,
    name: 'Example application',
    redirectUris: ['http://127.0.0.1:3999/callback'],
    grantTypes: ['authorization_code', 'refresh_token', 'password'],
    scopes: ['read', 'write'],
  })

  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))
  app.use('/api/oauth/authorize', authorizeRouter(server, { decide: consentPage() }))
  app.use('/api/oauth/token', tokenRouter(server, { parametersFrom: ['body', 'query'] }))
  const guard = bearerGuard(server, { scope: 'read', tokenFrom: ['header', 'query'] })
  app.get('/api/v1/me', guard, (req, res) => void res.json(req.user))
  return app
}

export function curlLines(issuer: string): string[] {
  const query = `username=username&password=password&client_id=${clientId}&client_secret=${clientSecret}`
  const token = `curl -sS '${issuer}/api/oauth/token?${query}&grant_type=password'`
  return [token, `curl -sS "${issuer}/api/v1/me?access_token=$(${token} | cut -d '"' -f 4)"`]
}

if (require.main === module) void start(createApp, curlLines)
