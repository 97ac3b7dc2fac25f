/**
 * A host whose own front end keeps a JWT and sends it in a header. A browser sends no header when it opens a page, so the
 * authorization endpoint serves a page of the front end, and that asks and answers with fetch.
 */
import { randomBytes } from 'node:crypto'
import express, { type Express, type Request } from 'express'
import {
  bcryptPasswords,
  bearerGuard,
  createAuthorizationServer,
  type Decide,
  memoryStorage,
  oauthRouter,
  registerClient,
} from 'express-authorization-server'
import { sign, verify } from 'jsonwebtoken'
import { sendPage } from '../shared/page'
import { start } from '../shared/start'
import { createUsers } from '../shared/users'
import { instructions } from './jwt-cookie'

const person = { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }
const key = randomBytes(32) // in production a secret that survives a restart

/** The app, to be served at `issuer`. */
export async function createApp(issuer: string): Promise<Express> {
  const users = await createUsers([person])
  const checkPassword = bcryptPasswords({ findByUsername: users.findByUsername })

  const signedIn = (req: Request) => {
    try {
      const token = (req.get('Authorization') ?? '').replace(/^Bearer /, '')
      const { sub } = verify(token, key, { algorithms: ['HS256'], audience: 'sign-in' })
      return users.find(String(sub))
    } catch {
      return undefined // signed out, or expired
    }
  }
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { profile: 'See your name' },
    users: { find: users.find, current: signedIn },
  })
  const decide: Decide = (request, req, res) => {
    const user = signedIn(req)
    if (!user) return void res.status(401).json({ error: 'sign in first' })
    // no browser adds the header by itself: a POST with it needs no CSRF token
    if (req.method === 'POST') return { allow: request.sent.get('answer') === 'allow', userId: user.id }
    // errors are JSON for the script: it sends the browser to the client with a no by itself
    const no = new URL(request.redirectUri ?? '')
    const { state } = request
    const parameters = { error: 'access_denied', ...(state !== undefined && { state }), iss: issuer }
    for (const [name, value] of Object.entries(parameters)) no.searchParams.set(name, value)
    return void res.json({ client: request.client.name, scope: request.scope, user: user.name, no: no.href })
  }

  const app = express().disable('x-powered-by')
  app.post('/login', express.json(), async (req, res) => {
    const subject = await checkPassword(String(req.body?.username), String(req.body?.password))
    if (subject === undefined) return void res.sendStatus(401)
    res.json({ token: sign({}, key, { subject, audience: 'sign-in', expiresIn: '12h' }) })
  })
  app.get('/oauth2/authorize', (req, res, next) => {
    if (req.accepts(['html', 'json']) === 'html') sendPage(res, 'Allow access', frontEnd, script)
    else next()
  })
  app.use(oauthRouter(server, { decide, response: 'location', protect: false }))
  app.get('/me', bearerGuard(server, { scope: 'profile' }), (req, res) => void res.json(req.user))

  await registerClient(server, {
    clientId: 'demo',
    name: 'Demo',
    redirectUris: [`${issuer}/callback`],
    scopes: ['profile'],
    tokenEndpointAuthMethods: ['none'],
  })
  return app
}

const frontEnd = `<h1>Allow access</h1>
<form id="login"><label for="username">User name</label><input id="username" autocomplete="username">
<label for="password">Password</label><input id="password" type="password" autocomplete="current-password">
<div class="actions"><button class="primary">Sign in</button></div></form>
<p id="question" role="status"></p>
<div class="actions" id="answers" hidden><button id="deny">Deny</button><button id="allow" class="primary">Allow</button></div>`

/** Runs in the browser. */
const script = `
const element = (id) => document.getElementById(id)
let token // in memory alone
let no

const call = (method, body) => fetch(location.href, {
  method, body, headers: { Accept: 'application/json', Authorization: 'Bearer ' + token },
})
element('login').onsubmit = async (event) => {
  event.preventDefault()
  const response = await fetch('/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: element('username').value, password: element('password').value }),
  })
  if (!response.ok) return void (element('question').textContent = 'That user name and password do not belong together.')
  token = (await response.json()).token
  const asked = await (await call('GET')).json()
  const { client, scope, user, error_description } = asked
  no = asked.no
  element('login').hidden = true
  element('answers').hidden = client === undefined
  element('question').textContent = error_description ?? user + ', ' + client + ' asks for: ' + scope.join(', ')
}
element('allow').onclick = async () => {
  const response = await call('POST', new URLSearchParams({ answer: 'allow' }))
  location.assign(response.headers.get('Location'))
}
element('deny').onclick = () => location.assign(no)
`

if (require.main === module) void start(createApp, instructions)
