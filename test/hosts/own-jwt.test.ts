// An API without a session: its apps sign in with its own JWT, and other people's apps come by OAuth to the same routes.
import express, { type Express, type RequestHandler } from 'express'
import { sign } from 'jsonwebtoken'
import { Passport } from 'passport'
import { ExtractJwt, Strategy } from 'passport-jwt'
import { listen, type RunningApp } from '../../examples/shared/start'
import {
  bearerStrategy,
  createAuthorizationServer,
  memoryStorage,
  oauthRouter,
  registerClient,
  requireScope,
} from '../../src'
import { authorizationUrl, clientId, exchange, redirectUri } from './client'
import { wholeFlow } from './flow'

const ada = { id: 'u1', name: 'Ada' }
const secretOrKey = 'of this test alone, and long enough for HS256'

async function createApp(issuer: string): Promise<Express> {
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { read: 'Read your notes', write: 'Write notes' },
    users: { find: async (id) => (id === ada.id ? ada : undefined) },
  })
  const tokenEndpointAuthMethods = ['none'] as const
  await registerClient(server, { clientId, redirectUris: [redirectUri], scopes: ['read'], tokenEndpointAuthMethods })

  const passport = new Passport()
  const jwtFromRequest = ExtractJwt.fromAuthHeaderAsBearerToken()
  passport.use(new Strategy({ jwtFromRequest, secretOrKey }, ({ sub }, done) => done(null, sub === ada.id && ada)))
  passport.use(bearerStrategy(server))
  const either = passport.authenticate(['bearer', 'jwt'], { session: false }) as RequestHandler
  const needs = (scope: string): RequestHandler => {
    const check = requireScope(scope)
    return (req, res, next) => (req.authInfo?.clientId ? check(req, res, next) : next())
  }

  const app = express().use(express.json())
  app.post('/login', (req, res) => {
    if ((req.body as { password?: unknown }).password !== 'analytical engine') return void res.sendStatus(401)
    res.json({ token: sign({}, secretOrKey, { subject: ada.id, expiresIn: 600 }) })
  })
  // the app of the API shows the question itself, and sends the answer with its own JWT: no cookie, so no forged form
  app.use('/oauth2/authorize', passport.authenticate('jwt', { session: false }) as RequestHandler)
  app.use(
    oauthRouter(server, {
      protect: false,
      response: 'location',
      decide(request, req, res) {
        if (req.method === 'POST') return { allow: true, userId: (req.user as typeof ada).id }
        return void res.json({ client: request.client.name, scope: request.scope })
      },
    }),
  )
  app.get('/api/me', either, needs('read'), (req, res) => void res.json((req.user as typeof ada).name))
  app.post('/api/notes', either, needs('write'), (req, res) => void res.json(req.user))
  return app
}

let running: RunningApp
beforeAll(async () => {
  running = await listen(createApp)
})
afterAll(() => running.close())

async function signIn(): Promise<Record<string, string>> {
  const body = JSON.stringify({ password: 'analytical engine' })
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(`${running.issuer}/login`, { method: 'POST', body, headers })
  return { Authorization: `Bearer ${((await response.json()) as { token: string }).token}` }
}

async function authorize(url: string): Promise<string> {
  const headers = await signIn()
  expect(await (await fetch(url, { headers })).json()).toEqual({ client: clientId, scope: ['read'] })
  const answer = await fetch(url, { method: 'POST', headers })
  expect(answer.status).toBe(200)
  return String(answer.headers.get('location'))
}

it('takes the whole flow', async () => {
  const { issuer } = running
  expect(await wholeFlow({ issuer, api: `${issuer}/api/me`, authorize })).toEqual(['Ada', 'Ada'])
})

/** An access token of OAuth. */
async function oauthToken(): Promise<Record<string, string>> {
  const { access_token } = await exchange(running.issuer, await authorize(authorizationUrl(running.issuer)))
  return { Authorization: `Bearer ${access_token}` }
}

it('asks nobody at the authorization endpoint who has no JWT of its own, an access token of OAuth included', async () => {
  const url = authorizationUrl(running.issuer)
  for (const headers of [{}, await oauthToken()]) {
    expect((await fetch(url, { method: 'POST', headers })).status).toBe(401)
  }
})

it('has either kind of token on one route, and 403 for one of OAuth without the scope', async () => {
  const write = (headers: Record<string, string>) => fetch(`${running.issuer}/api/notes`, { method: 'POST', headers })
  expect(await (await write(await signIn())).json()).toEqual(ada)
  const refused = await write(await oauthToken())
  const challenge = expect.stringContaining('scope="write"')
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([403, challenge])
})
