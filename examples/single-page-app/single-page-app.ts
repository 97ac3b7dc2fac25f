/** A single-page app (public client, PKCE) on one origin, and its API with the authorization server on another one. */
import { join } from 'node:path'
import cors from 'cors'
import express, { type Express } from 'express'
import {
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  memoryStorage,
  oauthRouter,
  registerClient,
} from 'express-authorization-server'
import { signIn } from '../shared/sign-in'
import { listen, start } from '../shared/start'
import { createUsers } from '../shared/users'

const person = { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }

/** The API and the authorization server, at `issuer`. The page is at the origin `page`. */
export async function createApp(issuer: string, page: string): Promise<Express> {
  const users = await createUsers([person])
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { profile: 'See your name' },
    users: { find: users.find, signIn: '/login' },
  })
  await registerClient(server, {
    clientId: 'single-page-app',
    name: 'Single-page app',
    redirectUris: [`${page}/`],
    scopes: ['profile'],
    tokenEndpointAuthMethods: ['none'], // a public client
    corsOrigins: [page],
  })

  const app = express().disable('x-powered-by')
  app.use('/api', cors({ origin: page, exposedHeaders: ['WWW-Authenticate'] }))
  app.get('/api/me', bearerGuard(server, { scope: 'profile' }), (req, res) => void res.json(req.user))
  app.use(signIn({ users }))
  app.use(oauthRouter(server, { decide: consentPage(), protect: false, cors: { origin: [page] } }))
  return app
}

const html = `<!doctype html><html lang="en"><title>Single-page app</title><link rel="icon" href="data:,">
<button id="connect">Connect</button> <button id="callApi">Call the API</button> <button id="signOut">Disconnect</button>
<p id="state" role="status"></p><script type="module" src="/app.mjs"></script></html>`

/** The web server of the page: files alone. */
export function createPage(issuer: string): Express {
  const app = express().disable('x-powered-by')
  const policy = `default-src 'none'; script-src 'self'; img-src data:; connect-src 'self' ${issuer}; frame-ancestors 'none'`
  app.get('/', (_req, res) => void res.set('Content-Security-Policy', policy).send(html))
  app.get('/config.json', (_req, res) => void res.json({ issuer, api: `${issuer}/api/me` }))
  app.get('/app.mjs', (_req, res) => res.sendFile(join(__dirname, 'app.mjs')))
  app.get('/oauth4webapi.js', (_req, res) => res.sendFile(require.resolve('oauth4webapi'), { dotfiles: 'allow' }))
  return app
}

if (require.main === module) {
  let page = ''
  void start(
    async (issuer) => {
      const { port } = new URL(issuer)
      page = (await listen(() => createPage(issuer), Number(port) + 1)).issuer
      return createApp(issuer, page)
    },
    () => [`Open ${page} and sign in as ${person.username} with the password ${person.password}`],
  )
}
