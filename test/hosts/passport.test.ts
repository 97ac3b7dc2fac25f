// A server-rendered app: Passport with a session, and lusca's CSRF check in front of every form.
import express, { type Express, type Request } from 'express'
import session from 'express-session'
import lusca from 'lusca'
import { Passport } from 'passport'
import { Strategy } from 'passport-local'
import { listen, type RunningApp } from '../../examples/shared/start'
import {
  authorizeRouter,
  bearerGuard,
  connectedAppsRouter,
  consentPage,
  createAuthorizationServer,
  memoryStorage,
  metadataRouter,
  oauthRouter,
  registerClient,
  resourceOwner,
  revokeRouter,
  tokenRouter,
} from '../../src'
import { openBrowser } from '../interoperability/browser'
import { authorizationUrl, clientId, exchange, redirectUri } from './client'
import { wholeFlow } from './flow'

interface Row {
  id: number
  name: string
  username: string
}
const ada: Row = { id: 7, name: 'Ada', username: 'ada' }
const endpoints = { authorize: '/oauth2/authorize', token: '/oauth2/token', revoke: '/oauth2/revoke_token' }
const csrfToken = (req: Request) => (req as Request & { csrfToken: () => string }).csrfToken()

/** `before`: where the app's CSRF check can be passed by. Otherwise what browsers see is behind it. */
async function createApp(issuer: string, before: boolean): Promise<Express> {
  const server = createAuthorizationServer({
    issuer,
    storage: memoryStorage(),
    scopes: { read: 'Read your notes' },
    users: { find: (id) => (Number(id) === ada.id ? ada : undefined), signIn: '/login' },
    ...(!before && { endpoints }),
  })
  await registerClient(server, {
    clientId,
    redirectUris: [redirectUri],
    scopes: ['read'],
    tokenEndpointAuthMethods: ['none'],
  })
  const passport = new Passport()
  passport.use(
    new Strategy((name, secret, done) => done(null, name === 'ada' && secret === 'analytical engine' && ada)),
  )
  passport.serializeUser((user, done) => done(null, (user as Row).id))
  passport.deserializeUser((id: number, done) => done(null, id === ada.id && ada))

  const app = express()
  app.use(session({ secret: 'for this test', resave: false, saveUninitialized: true }))
  app.use(passport.session())
  // the whole app has a parser in front, as many have
  app.use(express.urlencoded({ extended: true }), express.json())
  if (before) app.use(oauthRouter(server, { decide: consentPage(), protect: false }))
  else {
    app.use(endpoints.token, tokenRouter(server)).use(endpoints.revoke, revokeRouter(server))
    app.use(metadataRouter(server))
  }
  app.get('/api/me', bearerGuard(server, { scope: 'read' }), (req, res) => res.json((resourceOwner(req) as Row).name))
  app.use(lusca.csrf())
  app.get('/login', (req, res) => {
    const field = `<input type="hidden" name="_csrf" value="${csrfToken(req)}">`
    res.send(
      `<form method="post">${field}<input name="username"><input name="password"><button>Sign in</button></form>`,
    )
  })
  app.post('/login', passport.authenticate('local'), (req, res) => res.redirect(String(req.query.return_to)))
  const fields = (req: Request) => ({ _csrf: csrfToken(req) })
  if (!before) app.use(endpoints.authorize, authorizeRouter(server, { decide: consentPage({ fields }) }))
  app.use('/account/apps', connectedAppsRouter(server, { fields }))
  const onError: express.ErrorRequestHandler = (error, _req, res, _next) => void res.send(String(error))
  return app.use(onError)
}

describe.each([
  ['before the CSRF check', true],
  ['behind it, with fields', false],
])('the pages %s', (_, before) => {
  let running: RunningApp
  let issuer: string
  beforeEach(async () => {
    running = await listen((at) => createApp(at, before))
    issuer = running.issuer
  })
  afterEach(() => running.close())

  it('take the whole flow', async () => {
    const { authorize } = openBrowser()
    expect(await wholeFlow({ issuer, api: `${issuer}/api/me`, authorize })).toEqual(['Ada', 'Ada'])
  })

  it('let the user take access back', async () => {
    const browser = openBrowser()
    const { access_token } = await exchange(issuer, await browser.authorize(authorizationUrl(issuer)))
    const apps = `${issuer}/account/apps`
    expect((await browser.get(apps)).text).toContain('>notes</bdi>')
    const question = await browser.get(`${apps}?app=${clientId}`)
    const removed = await browser.follow(await browser.submit(question, 'Remove access'), apps)
    expect([removed.status, removed.text.includes('>notes</bdi>')]).toEqual([200, false])
    const headers = { Authorization: `Bearer ${access_token}` }
    expect((await fetch(`${issuer}/api/me`, { headers })).status).toBe(401)
  })

  it('are refused without the token of the session', async () => {
    const refused = await openBrowser().post(`${issuer}/login`, { username: 'ada', password: 'analytical engine' }, {})
    expect([refused.status, refused.text]).toEqual([403, 'Error: CSRF token missing'])
  })
})
