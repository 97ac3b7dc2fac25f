// helmet's default policy on the host's own sign-in page, form-action 'self', falls on every redirect after its form: the
// way back to a client on another origin has to hold in a real browser, where nothing is asked in between.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import session from 'express-session'
import { type Browser, chromium, type Page } from 'playwright-core'
import {
  approve,
  consentPage,
  createAuthorizationServer,
  type Decide,
  issueTokens,
  memoryStorage,
  oauthRouter,
  registerClient,
} from '../../src'
import { later } from '../support/later'

/** As helmet 8 sends it. */
const policy =
  "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';style-src 'self' https: 'unsafe-inline'"

let browser: Browser
let client: Server
let clientOrigin: string
const servers: Server[] = []
beforeAll(async () => {
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args })
  client = await serve((_req, res) => void res.setHeader('Content-Type', 'text/html').end('<h1>At the client</h1>'))
  // another origin than the server's
  clientOrigin = `http://localhost:${(client.address() as AddressInfo).port}`
})
afterAll(async () => {
  await browser.close()
  for (const server of servers) server.close()
})

async function serve(handler: Parameters<typeof createServer>[1]): Promise<Server> {
  const server = createServer(handler).listen(0)
  servers.push(server)
  await once(server, 'listening')
  return server
}

/** A host with helmet everywhere, a session, and a sign-in page; answers with where its client begins. */
async function hostWith(decide: Decide, hasAgreed = false): Promise<string> {
  const app = express()
  const server = await serve(app)
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const oauth = createAuthorizationServer({ issuer, storage: memoryStorage(), scopes: ['read'] })
  app.use((_req, res, next) => {
    res.setHeader('Content-Security-Policy', policy).setHeader('Referrer-Policy', 'no-referrer')
    next()
  })
  app.use(session({ secret: 'x', resave: false, saveUninitialized: false }))
  app.use((req, _res, next) => {
    const { user } = req.session as { user?: string }
    if (user) req.user = { id: user } as Express.User
    next()
  })
  app.get('/login', (_req, res) => void res.send('<form method="post"><button>Sign in</button></form>'))
  app.post('/login', (req, res) => {
    Object.assign(req.session, { user: 'ana' })
    res.redirect(String(req.query.return_to))
  })
  app.use(oauthRouter(oauth, { decide, protect: false }))
  const redirectUris = [`${clientOrigin}/cb`]
  await registerClient(oauth, { clientId: 'app', redirectUris, scopes: ['read'] })
  if (hasAgreed) await issueTokens(oauth, { clientId: 'app', userId: 'ana' })
  const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
  const query = {
    response_type: 'code',
    client_id: 'app',
    state: 's',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }
  return `${issuer}/oauth2/authorize?${new URLSearchParams(query)}`
}

async function signedIn(url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  page.setDefaultTimeout(10_000)
  await page.goto(url)
  await page.getByRole('button', { name: 'Sign in' }).click()
  return page
}

const atClient = async (page: Page) => {
  await page.getByRole('heading', { name: 'At the client' }).waitFor()
  return new URL(page.url()).searchParams
}

// approve has no sign-in page of its own: a decider of the host sends to it
const silent = approve({ clients: ['app'] })
const approving: Decide = (request, req, res) =>
  req.user ? silent(request, req, res) : void res.redirect(`/login?return_to=${encodeURIComponent(req.originalUrl)}`)

it('a silent yes after the sign-in form reaches the client', async () => {
  const answer = await atClient(await signedIn(await hostWith(approving)))
  expect([answer.get('state'), answer.has('code')]).toEqual(['s', true])
})

it('so does a consent that is remembered', async () => {
  const url = await hostWith(consentPage({ signIn: '/login', remember: true }), true)
  expect((await atClient(await signedIn(url))).has('code')).toBe(true)
})

it('an answer on a consent page that the host renders under its own policy', async () => {
  const render = (view: { fields: { name: string; value: string }[] }) =>
    `<form method="post">${view.fields.map(({ name, value }) => `<input type="hidden" name="${name}" value="${value}">`)}
      <button name="consent" value="allow">Yes</button></form>`
  const page = await signedIn(await hostWith(consentPage({ signIn: '/login', render })))
  await page.getByRole('button', { name: 'Yes' }).waitFor()
  later(0.5)
  await page.getByRole('button', { name: 'Yes' }).click()
  expect((await atClient(page)).has('code')).toBe(true)
})

it('a silent no reaches it, too', async () => {
  const none = approve({ clients: [] })
  const decide: Decide = (request, req, res) => (req.user ? none(request, req, res) : approving(request, req, res))
  expect((await atClient(await signedIn(await hostWith(decide)))).get('error')).toBe('access_denied')
})
