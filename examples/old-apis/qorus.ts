/**
 * Qorus: an API for clients and their permissions, a code or token as JSON for the user, all four grants of RFC 6749, and
 * one path that is the authorization endpoint on GET and the token endpoint on POST.
 *
 * What that does that is unsafe today, and what allows it here:
 * - Apps take the user's password (RFC 9700 §2.4) or a token from a URL (§2.1.2): `password()`, `implicit()`.
 * - The documented requests carry no client secret: the method `none`, beside those with one. A secret that is sent must
 *   be right, and client credentials need one; but who steals a code or a refresh token needs nothing else.
 * - Codes work without PKCE, so whoever sees one can redeem it (§2.1.1): `pkce: 'optional'`.
 * - Every user makes clients with all of these grants, because the documented API knows no grants: `grantTypes`.
 * - `/code` does not ask the user: `issueCode` and `issueTokens` leave that to the host's page, which calls it.
 * One thing is not allowed: codes go to no URI that is not registered. The member `redirect_uris` of the clients API is new.
 */
import express, { type Request } from 'express'
import * as oauth from 'express-authorization-server'
import { basicSignIn } from '../shared/basic-sign-in'
import { oauthErrors } from '../shared/oauth-errors'
import { qorusBody, qorusClients } from '../shared/qorus-clients'
import { signIn } from '../shared/sign-in'
import { start } from '../shared/start'
import { createUsers } from '../shared/users'

const people = [
  { id: 'admin', username: 'admin', name: 'Admin', password: 'admin-password', scopes: ['read', 'write', 'admin'] },
  { id: 'bob', username: 'bob', name: 'Bob', password: 'bob-password', scopes: ['read', 'write'] },
]
const qorusUi = { clientId: 'qorus-ui', clientSecret: 'qorus-ui-secret', username: 'admin', scopes: ['read', 'write'] }
// What every client has, because the documented requests cannot name it
const defaults = {
  grantTypes: ['authorization_code', 'client_credentials', 'implicit', 'password', 'refresh_token'],
  tokenEndpointAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
} as const

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string, options: Partial<oauth.AuthorizationServerOptions> = {}) {
  const users = await createUsers(people)
  const password = oauth.password({ verify: oauth.bcryptPasswords(users) })
  const server = oauth.createAuthorizationServer({
    issuer,
    storage: oauth.memoryStorage(),
    scopes: { read: 'See workflows and orders', write: 'Change them', admin: 'Administer what you may' },
    users: { find: users.find, signIn: '/login' },
    grants: [oauth.authorizationCode(), oauth.clientCredentials(), oauth.implicit(), password, oauth.refreshToken()],
    pkce: 'optional',
    tokenResponse: (body, { parameters }) => ({ ...body, state: parameters.get('state') }),
    ...options,
  })
  await oauth.registerClient(server, { ...defaults, ...qorusUi, redirectUris: ['http://127.0.0.1:3999/oauth2/code'] })

  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))

  // The approval page posts its answer to its own URL, where the request is; every other POST is for a token
  const authorize = oauth.authorizeRouter(server, { decide: oauth.consentPage() })
  const token = oauth.tokenRouter(server)
  app.use('/oauth2/v1/public/token', (req, res, next) => {
    return req.method === 'GET' || 'response_type' in req.query ? authorize(req, res, next) : token(req, res, next)
  })

  const protect = basicSignIn({ users, realm: 'Qorus' })
  const caller = (req: Request) => {
    const { id: userId, scopes } = req.user as (typeof people)[number]
    return { userId, scopes, admin: scopes.includes('admin') }
  }
  const api = { protect, caller, defaults, grantTypes: defaults.grantTypes, format: qorusClients }
  app.use('/oauth2/v1/clients', qorusBody, oauth.clientsRouter(server, api))

  app.get('/oauth2/v1/code', protect, async (req, res) => {
    const sent = [...new URL(req.url, issuer).searchParams].filter(([, value]) => value !== '')
    const { type, client_id: clientId = '', ...query } = Object.fromEntries(sent)
    const grant = { clientId, scope: query.scope, userId: caller(req).userId }
    res.set('Cache-Control', 'no-store')
    if (type === 'code') {
      const binding = { redirectUri: query.redirect_uri, codeChallenge: query.code_challenge }
      const { code } = await oauth.issueCode(server, { ...grant, ...binding })
      return void res.json({ code, type })
    }
    if (type !== 'token') throw new oauth.OAuthError('invalid_request', 'type must be code or token.')
    const tokens = await oauth.issueTokens(server, { ...grant, grantType: 'implicit', refreshToken: false })
    res.json({ code: tokens.access_token, type })
  })

  app.get('/api/me', oauth.bearerGuard(server, { scope: 'read' }), (req, res) => void res.json(req.user))
  return app.use(oauthErrors)
}

export function curlLines(issuer: string): string[] {
  const url = `${issuer}/oauth2/v1`
  const code = `curl -sS -u bob:bob-password '${url}/code?type=code&client_id=qorus-ui'`
  const token = `curl -sS -d "grant_type=authorization_code&client_id=qorus-ui&code=$(${code} | cut -d '"' -f 4)" ${url}/public/token`
  return [
    `curl -sS -u admin:admin-password ${url}/clients`,
    code,
    token,
    `curl -sS -H "Authorization: Bearer $(${token} | cut -d '"' -f 4)" ${issuer}/api/me`,
  ]
}

if (require.main === module) void start(createApp, curlLines)
