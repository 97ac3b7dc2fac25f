/**
 * Two services: an authorization server, and an API in another process, which knows of it nothing but its name. Tokens are
 * JWTs; the API finds the keys in the server's metadata, and verifies tokens without asking anybody.
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import express, { type Express } from 'express'
import {
  accessToken,
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  generateSigningKey,
  jwt,
  memoryStorage,
  oauthRouter,
  protectedResourceRouter,
  registerClient,
  remoteServer,
} from 'express-authorization-server'
import { signIn } from '../shared/sign-in'
import { listen, start } from '../shared/start'
import { createUsers } from '../shared/users'

// A new secret at every start: one in the source would sooner or later be one in production
const service = { clientId: 'service', clientSecret: randomBytes(32).toString('base64url') }

/** The authorization server, to be served at `issuer`. Its tokens are for the API at `resource`. */
export async function createApp(issuer: string, resource: string): Promise<Express> {
  const users = await createUsers([{ id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }])
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { read: 'See your notes' },
    users: { find: users.find, signIn: '/login' },
    // In production a key that is kept: JSON.parse(process.env.SIGNING_KEY). A new one ends every token
    accessTokens: jwt({ keys: generateSigningKey(), audience: resource, ttl: 600 }),
  })
  await registerClient(server, { ...service, grantTypes: ['client_credentials'], scopes: ['read'] })

  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))
  app.use(oauthRouter(server, { decide: consentPage(), protect: false }))
  return app
}

/** The API, to be served at `resource`. */
export function createApi(issuer: string, resource: string): Express {
  const server = remoteServer({ issuer, resource })
  const app = express().disable('x-powered-by')

  // A client that knows only this URL finds the authorization server: by the challenge of the guard, and this document
  app.use(protectedResourceRouter(server, { resource, scopes: 'read', name: 'Notes' }))
  app.get('/notes', bearerGuard(server, { scope: 'read', resourceMetadata: true }), (req, res) => {
    const { clientId, scope } = accessToken(req)
    res.json({ process: process.pid, user: req.user, clientId, scope })
  })
  return app
}

/** Starts the API in another process. Answers with its URL. */
async function startApi(issuer: string): Promise<string> {
  const api = fork(__filename, ['api', issuer], { execArgv: ['--import', 'tsx'] })
  const died = once(api, 'exit').then(() => {
    throw new Error('The API has not started')
  })
  const [resource] = await Promise.race([once(api, 'message'), died])
  return resource
}

/** The other process, which ends with the first. */
async function runApi(issuer: string): Promise<void> {
  process.once('disconnect', () => process.exit())
  const { port } = new URL(issuer)
  const api = await listen((resource) => createApi(issuer, resource), process.env.PORT === '0' ? 0 : Number(port) + 1)
  process.send?.(api.issuer)
}

async function runBoth(): Promise<void> {
  let resource = ''
  await start(
    async (issuer) => {
      resource = await startApi(issuer)
      return createApp(issuer, resource)
    },
    (issuer) => {
      const token = `curl -sS -u ${service.clientId}:${service.clientSecret} -d grant_type=client_credentials ${issuer}/oauth2/token`
      return [
        `curl -sS ${resource}/.well-known/oauth-protected-resource`,
        token,
        `curl -sS -H "Authorization: Bearer $(${token} | cut -d '"' -f 4)" ${resource}/notes`,
      ]
    },
  )
}

if (require.main === module) void (process.argv[2] === 'api' ? runApi(process.argv[3] as string) : runBoth())
