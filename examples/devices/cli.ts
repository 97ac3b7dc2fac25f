/**
 * A program on a command line that signs its user in (RFC 8628): it prints a code, a link and a QR code, the user answers in a
 * browser, on this machine or on a phone, and the program goes on by itself. It needs no browser, no redirect and no secret.
 *
 * Started alone it also serves the host that it signs in to. `ISSUER=https://… npm run example -- cli` signs in elsewhere.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import express, { type Express } from 'express'
import {
  type AuthorizationServerOptions,
  authorizationCode,
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  deviceCode,
  memoryStorage,
  oauthRouter,
  refreshToken,
  registerClient,
} from 'express-authorization-server'
import { renderUnicodeCompact } from 'uqr'
import { signIn } from '../shared/sign-in'
import { start } from '../shared/start'
import { createUsers } from '../shared/users'

const clientId = 'cli'
const people = [{ id: '1', username: 'ada', name: 'Ada Lovelace', password: 'analytical engine' }]

/** The host, to be served at `issuer`. The tests have options of their own. */
export async function createApp(issuer: string, options: Partial<AuthorizationServerOptions> = {}): Promise<Express> {
  const users = await createUsers(people)
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(), // in production one that is still there after a restart
    scopes: { profile: 'See your name' },
    grants: [authorizationCode(), refreshToken(), deviceCode()],
    users: { find: users.find, signIn: '/login' },
    ...options,
  })
  await registerClient(server, {
    clientId,
    name: 'Command line',
    tokenEndpointAuthMethods: ['none'], // whoever has the program has all that is in it: a secret would be none
    grantTypes: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    scopes: ['profile'],
  })
  const app = express().disable('x-powered-by')
  app.use(signIn({ users }))
  app.use(oauthRouter(server, { decide: consentPage(), protect: false })) // the page is at /device
  app.get('/me', bearerGuard(server, { scope: 'profile' }), (req, res) => void res.json(req.user))
  return app
}

interface Tools {
  print: (line: string) => void
  /** Waits so many seconds. */
  wait: (seconds: number) => Promise<unknown>
}
const terminal: Tools = { print: console.log, wait: (seconds) => sleep(seconds * 1000) }

/** The program: signs its user in at `issuer`, and returns the access token. */
export async function signInFromTerminal(issuer: string, { print, wait }: Tools = terminal): Promise<string> {
  const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()
  const { device_authorization_endpoint, token_endpoint } = metadata as Record<string, string>
  const started = await post(device_authorization_endpoint, { client_id: clientId, scope: 'profile' })
  if (!started.device_code) throw new Error(`${started.error}: ${started.error_description}`)
  print(renderUnicodeCompact(String(started.verification_uri_complete)))
  print(`Open ${started.verification_uri} and enter the code ${started.user_code}`)
  print('Or scan the code above, and compare.')
  let interval = Number(started.interval ?? 5)
  for (;;) {
    await wait(interval)
    const answer = await post(token_endpoint, {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: String(started.device_code),
      client_id: clientId,
    })
    if (answer.access_token) return String(answer.access_token)
    // RFC 8628 section 3.5: from now on five seconds more
    if (answer.error === 'slow_down') interval += 5
    else if (answer.error !== 'authorization_pending') throw new Error(String(answer.error_description))
  }
}

async function post(url: string | undefined, form: Record<string, string>): Promise<Record<string, unknown>> {
  const response = await fetch(String(url), { method: 'POST', body: new URLSearchParams(form) })
  return (await response.json()) as Record<string, unknown>
}

async function main(issuer: string): Promise<void> {
  const token = await signInFromTerminal(issuer)
  const me = await fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${token}` } })
  console.log('Signed in as', await me.json())
  console.log(`curl -H 'Authorization: Bearer ${token}' ${issuer}/me`)
}

const { ISSUER: elsewhere } = process.env
if (require.main === module) {
  if (elsewhere) void main(elsewhere)
  else {
    void start(
      (issuer) => createApp(issuer),
      (issuer) => {
        const [person] = people
        void main(issuer)
        return [`Sign in as ${person?.username} with the password ${person?.password}`, '']
      },
    )
  }
}
