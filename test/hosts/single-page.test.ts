// A single-page host: its page is the consent page, and talks to every endpoint by fetch, with a session cookie.
import { randomBytes } from 'node:crypto'
import express, { type Express } from 'express'
import session from 'express-session'
import { listen, type RunningApp } from '../../examples/shared/start'
import {
  bearerGuard,
  createAuthorizationServer,
  memoryStorage,
  oauthRouter,
  registerClient,
  resourceOwner,
} from '../../src'
import { authorizationUrl, clientId, redirectUri } from './client'
import { wholeFlow } from './flow'

interface Account {
  id: string
  name: string
}
const ada: Account = { id: 'u1', name: 'Ada' }
declare module 'express-session' {
  interface SessionData {
    account: Account
    formToken: string
  }
}

async function createApp(issuer: string): Promise<Express> {
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { read: 'Read your notes' },
    users: { find: (id) => (id === ada.id ? ada : null), current: (req) => req.session.account },
  })
  const tokenEndpointAuthMethods = ['none'] as const
  await registerClient(server, {
    clientId,
    name: 'Notes',
    redirectUris: [redirectUri],
    scopes: ['read'],
    tokenEndpointAuthMethods,
  })

  const app = express()
  app.use(session({ secret: 'for this test', resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
  app.post('/session', express.json(), (req, res) => {
    if ((req.body as { password?: unknown }).password !== 'analytical engine') return void res.sendStatus(401)
    req.session.account = ada
    req.session.formToken = randomBytes(16).toString('hex')
    res.json({ formToken: req.session.formToken })
  })
  app.use(
    oauthRouter(server, {
      protect: false,
      response: 'json',
      decide(request, req, res) {
        const { account, formToken } = req.session
        if (!account) return void res.status(401).json({ signIn: true })
        const { client, scope } = request
        if (req.method === 'GET') return void res.json({ client: client.name, scope, user: account.name })
        // another site's form cannot set a header
        if (req.get('X-Form-Token') !== formToken) return void res.status(403).json({ formToken: 'missing' })
        const answer = request.parameters.get('answer')
        return answer === 'yes' ? { allow: true, userId: account.id } : { allow: false }
      },
    }),
  )
  app.get('/api/me', bearerGuard(server, { scope: 'read' }), (req, res) => {
    res.json((resourceOwner(req) as Account).name)
  })
  // every other path is the page
  return app.use((_req, res) => void res.type('html').send('<!doctype html><div id="app"></div>'))
}

let running: RunningApp
beforeAll(async () => {
  running = await listen(createApp)
})
afterAll(() => running.close())

/** The script of the page: fetch with the cookies of this browser. */
function openPage() {
  let cookie = ''
  const call = async (url: string, init: { method?: string; body?: string; headers?: Record<string, string> } = {}) => {
    const headers = { ...init.headers, ...(init.body !== undefined && { 'Content-Type': 'application/json' }) }
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { ...headers, Cookie: cookie } })
    cookie = response.headers.get('set-cookie')?.split(';', 1)[0] ?? cookie
    return { status: response.status, body: (await response.json()) as Record<string, string> }
  }
  return {
    call,
    async signIn(): Promise<Record<string, string>> {
      const body = JSON.stringify({ password: 'analytical engine' })
      const signedIn = await call(`${running.issuer}/session`, { method: 'POST', body })
      return { 'X-Form-Token': String(signedIn.body.formToken) }
    },
  }
}

/** What the page does for a user who says yes: asks, shows, answers, and sends the browser on. */
async function authorize(url: string): Promise<string> {
  const { call, signIn } = openPage()
  expect(await call(url)).toEqual({ status: 401, body: { signIn: true } })
  const headers = await signIn()
  const shown = { client: 'Notes', scope: ['read'], user: 'Ada' }
  expect(await call(url)).toEqual({ status: 200, body: shown })
  const { body } = await call(url, { method: 'POST', headers, body: JSON.stringify({ answer: 'yes' }) })
  return `${redirectUri}?${new URLSearchParams(body)}`
}

it('takes the whole flow', async () => {
  const { issuer } = running
  expect(await wholeFlow({ issuer, api: `${issuer}/api/me`, authorize })).toEqual(['Ada', 'Ada'])
})

it('is told of a no as JSON, too', async () => {
  const { call, signIn } = openPage()
  const headers = await signIn()
  const body = JSON.stringify({ answer: 'no' })
  const answer = await call(authorizationUrl(running.issuer), { method: 'POST', headers, body })
  expect(answer).toMatchObject({ status: 403, body: { error: 'access_denied' } })
})

it('lets no form of another site answer', async () => {
  const { call, signIn } = openPage()
  await signIn()
  const forged = await call(authorizationUrl(running.issuer), {
    method: 'POST',
    body: JSON.stringify({ answer: 'yes' }),
  })
  expect(forged).toEqual({ status: 403, body: { formToken: 'missing' } })
})
