// An app that signs its users in here with Auth0's express-openid-connect, over real HTTP: the server of examples/openid/openid.ts.
import express from 'express'
import { auth } from 'express-openid-connect'
import { createApp, shop } from '../../examples/openid/openid'
import { listen, type RunningApp } from '../../examples/shared/start'
import { openBrowser } from '../interoperability/browser'
import { freePort } from '../support/free-port'

const scope = 'openid profile email'
const running: RunningApp[] = []
afterEach(async () => {
  for (const app of running.splice(0)) await app.close()
})

it('guards an app of its own, whose users come here to sign in', async () => {
  const port = await freePort()
  const provider = await listen((at) => createApp(at, `http://127.0.0.1:${port}`))
  running.push(provider)
  const issuerBaseURL = provider.issuer
  const party = await listen((baseURL) => {
    const app = express()
    app.use(
      auth({
        ...{ issuerBaseURL, baseURL, clientID: shop.clientId, clientSecret: shop.clientSecret },
        secret: 'a long secret that is for this test alone',
        authorizationParams: { response_type: 'code', scope },
      }),
    )
    app.get('/', async (req, res) => {
      res.json({ claims: req.oidc.idTokenClaims, user: await req.oidc.fetchUserInfo() })
    })
    return app
  }, port)
  running.push(party)
  const browser = openBrowser()
  const { location } = await browser.get(`${party.issuer}/`)
  const answer = await browser.authorize(location as string)
  const page = await browser.follow(await browser.get(answer), party.issuer)
  if (!page.text.startsWith('{')) throw new Error(page.text)
  expect(JSON.parse(page.text)).toMatchObject({
    claims: { iss: issuerBaseURL, sub: '1', aud: 'shop' },
    user: { sub: '1', name: 'Ada Lovelace', email: 'ada@example.com' },
  })
})

it('signs its user out at both apps, and its back channel believes what it is told', async () => {
  const ended = new Map<string, unknown>()
  const store = {
    get: (id: string, done: (error: unknown, found?: unknown) => void) => done(null, ended.get(id)),
    set: (id: string, value: unknown, done?: (error?: unknown) => void) => {
      ended.set(id, value)
      done?.()
    },
    destroy: (id: string, done?: (error?: unknown) => void) => {
      ended.delete(id)
      done?.()
    },
  }
  let told: (status: number) => void = () => {}
  const answered = new Promise<number>((resolve) => {
    told = resolve
  })
  const port = await freePort()
  const at = `http://127.0.0.1:${port}`
  const provider = await listen((issuer) =>
    createApp(issuer, at, {
      backchannelLogoutUri: `${at}/backchannel-logout`,
      backchannelLogoutSessionRequired: true,
    }),
  )
  running.push(provider)
  const party = await listen((baseURL) => {
    const app = express()
    app.use('/backchannel-logout', (_req, res, next) => {
      res.once('finish', () => told(res.statusCode))
      next()
    })
    app.use(
      auth({
        ...{ issuerBaseURL: provider.issuer, baseURL, clientID: shop.clientId, clientSecret: shop.clientSecret },
        ...{
          secret: 'a long secret that is for this test alone',
          authorizationParams: { response_type: 'code', scope },
        },
        ...{ authRequired: false, idpLogout: true, routes: { postLogoutRedirect: `${baseURL}/` } },
        backchannelLogout: { store: store as never },
      }),
    )
    app.get('/', (req, res) => void res.send(req.oidc.isAuthenticated() ? 'signed in' : 'nobody'))
    return app
  }, port)
  running.push(party)
  const browser = openBrowser()
  const { location } = await browser.get(`${at}/login`)
  const back = await browser.get(await browser.authorize(location as string))
  expect((await browser.follow(back, at)).text).toBe('signed in')
  const page = await browser.follow(await browser.get(`${at}/logout`))
  expect([page.url, page.text]).toEqual([`${at}/`, 'nobody'])
  // it has verified the signature, typ, aud, events and sid; and remembers who is signed out
  expect(await answered).toBe(204)
  expect([...ended.keys()].every((key) => key.startsWith(provider.issuer))).toBe(true)
  expect(ended.size).toBeGreaterThan(0)
})
