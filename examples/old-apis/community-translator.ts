/**
 * Community Translator: password grant with JSON bodies, short access tokens, a refresh token for a day.
 *
 * What that does that is unsafe today, and what allows it here:
 * - The app takes the user's password (RFC 9700 §2.4): `password()`.
 * - `expires_in` is in milliseconds where RFC 6749 §5.1 has seconds: `tokenResponse`. A client that goes by the RFC thinks
 *   that a token of ten minutes is good for a week, and learns better from a 401.
 *
 * JSON bodies need no option: the token and revocation endpoints take them as well as forms.
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
  revokeRouter,
  tokenRouter,
} from 'express-authorization-server'
import { start } from '../shared/start'
import { createUsers } from '../shared/users'

const MINUTE = 60
const DAY = 24 * 60 * MINUTE

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string, options: Partial<AuthorizationServerOptions> = {}): Promise<Express> {
  const users = await createUsers([{ id: '1', username: 'ana', name: 'Ana', password: 'ana-password' }])
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { write: 'Change translations', read: 'See translations' },
    users: { find: users.find },
    grants: [password({ verify: bcryptPasswords(users) }), refreshToken({ ttl: DAY })],
    accessTokens: opaque({ ttl: 10 * MINUTE }),
    tokenResponse: (body) => ({ ...body, expires_in: body.expires_in * 1000 }),
    ...options,
  })

  await registerClient(server, {
    clientId: 'translator',
    clientSecret: 'translator-secret',
    grantTypes: ['password', 'refresh_token'],
    scopes: ['write', 'read'], // what it gets when it asks for nothing, in this order
  })

  const app = express().disable('x-powered-by')
  app.use('/auth/oauth2/token', tokenRouter(server))
  app.use('/auth/oauth2/revoke_token', revokeRouter(server))
  app.get('/community/me', bearerGuard(server, { scope: 'read' }), (req, res) => void res.json(req.user))
  return app
}

export function curlLines(issuer: string): string[] {
  const json = "-H 'Content-Type: application/json'"
  const body = `'{ "grant_type": "password", "username": "ana", "password": "ana-password" }'`
  const token = `curl -sS -u translator:translator-secret ${json} -d ${body} ${issuer}/auth/oauth2/token/`
  return [token, `curl -sS -H "Authorization: Bearer $(${token} | cut -d '"' -f 4)" ${issuer}/community/me/`]
}

if (require.main === module) void start(createApp, curlLines)
