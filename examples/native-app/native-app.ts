/**
 * A desktop program that signs its user in with the browser of the system (RFC 8252): it listens on loopback, on any port
 * that is free, and the browser brings the code there. It has no secret.
 *
 * Started alone it also serves the host that it signs in to. `ISSUER=https://… npm run example -- native-app` signs in elsewhere.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import {
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  memoryStorage,
  oauthRouter,
  registerClient,
} from 'express-authorization-server'
import * as oauth from 'oauth4webapi'
import { signIn } from '../shared/sign-in'
import { start } from '../shared/start'
import { createUsers } from '../shared/users'

const person = { id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }
const client: oauth.Client = { client_id: 'notes' }

/** The host, to be served at `issuer`. */
export async function createApp(issuer: string): Promise<Express> {
  const users = await createUsers([person])
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { profile: 'See your name' },
    users: { find: users.find, signIn: '/login' },
  })
  await registerClient(server, {
    clientId: 'notes',
    name: 'Notes for the desktop',
    redirectUris: [
      'http://127.0.0.1/callback', // a desktop program: any port is accepted
      'com.example.notes:/callback', // a mobile app: a scheme of its own
    ],
    scopes: ['profile'],
    tokenEndpointAuthMethods: ['none'], // each copy of the program would have the same secret
  })
  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))
  app.use(oauthRouter(server, { decide: consentPage(), protect: false }))
  app.get('/me', bearerGuard(server, { scope: 'profile' }), (req, res) => void res.json(req.user))
  return app
}

/** The program: signs its user in at `issuer`. `open` shows a URL in the browser. */
export async function signInFromDesktop(issuer: string, open: (url: string) => unknown) {
  const http = { [oauth.allowInsecureRequests]: issuer.startsWith('http:') }
  const found = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...http })
  const as = await oauth.processDiscoveryResponse(new URL(issuer), found)

  const listener = createServer().listen(0, '127.0.0.1') // the system chooses a free port
  await once(listener, 'listening')
  const redirectUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`
  try {
    const codeVerifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const url = new URL(String(as.authorization_endpoint))
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri: redirectUri,
      scope: 'profile',
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    }).toString()
    const answered = new Promise<URL>((resolve) => {
      listener.on('request', (req, res) => {
        const sent = new URL(String(req.url), redirectUri)
        const isAnswer = sent.pathname === '/callback' && sent.searchParams.get('state') === state
        res.writeHead(isAnswer ? 200 : 404, { 'Content-Type': 'text/plain' })
        res.end(isAnswer ? 'You can close this tab.\n' : 'Not found\n')
        if (isAnswer) resolve(sent)
      })
    })
    open(url.href)
    const answer = oauth.validateAuthResponse(as, client, await answered, state) // throws for an error, or another issuer
    const none = oauth.None()
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      none,
      answer,
      redirectUri,
      codeVerifier,
      http,
    )
    return await oauth.processAuthorizationCodeResponse(as, client, response)
  } finally {
    listener.close()
  }
}

/** Shows a URL in the browser of the system, and prints it where there is none. */
function openInBrowser(url: string): void {
  console.log(`If no browser opens, open this URL:\n${url}`)
  if (!process.stdout.isTTY) return
  const { platform } = process
  if (platform === 'win32') execFile('rundll32', ['url.dll,FileProtocolHandler', url], () => {})
  else execFile(platform === 'darwin' ? 'open' : 'xdg-open', [url], () => {})
}

async function main(issuer: string): Promise<void> {
  const { access_token, expires_in } = await signInFromDesktop(issuer, openInBrowser)
  const me = await fetch(`${issuer}/me`, { headers: { Authorization: `Bearer ${access_token}` } })
  console.log(`Signed in for ${expires_in} seconds as ${await me.text()}`)
}

const report = (error: Error) => console.log(`Not signed in: ${error.message}`)
const { ISSUER: elsewhere } = process.env
if (require.main === module) {
  if (elsewhere) main(elsewhere).catch(report)
  else {
    void start(createApp, (issuer) => {
      main(issuer).catch(report)
      return [`Sign in as ${person.username} with the password ${person.password}`]
    })
  }
}
