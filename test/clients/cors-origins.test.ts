// Whose scripts may act for a client: a part of the origins that the routers allow (CORS), and never more.
import * as oauth from '../../src/index'
import { openid, userinfoRouter } from '../../src/openid'
import { createHost, type Host, paths, pkce, startOfTime, type TestClient } from '../support/host'

const own = 'https://app.example'
const others = 'https://other.example'
const stranger = 'https://evil.example'
const cors = { origin: [own, others] }

let host: Host
let app: TestClient
beforeEach(async () => {
  host = await createHost({
    requests: [oauth.pushedAuthorizationRequests()],
    openid: openid({
      keys: oauth.generateSigningKey(),
      authentication: ({ user }) => user && { time: startOfTime, sessionId: 's1' },
    }),
    mount: (express, server) => {
      const decide = () => ({ allow: true as const, userId: 'alice' })
      express.use(paths.authorize, oauth.authorizeRouter(server, { decide }))
      express.use(paths.token, oauth.tokenRouter(server, { cors }))
      express.use(paths.revoke, oauth.revokeRouter(server, { cors }))
      express.use(paths.introspect, oauth.introspectRouter(server, { cors }))
      express.use(paths.pushedAuthorization, oauth.pushedAuthorizationRouter(server, { cors }))
      express.use('/userinfo', userinfoRouter(server, { cors }))
      express.use('/register', oauth.registerRouter(server, { protect: 'open', scopes: 'read', cors }))
      express.get('/me', oauth.bearerGuard(server), (req, res) => void res.json(req.user))
    },
  })
  const record = { tokenEndpointAuthMethods: ['none'] as const, scopes: ['read', 'openid'], corsOrigins: [own] }
  app = await host.register({ clientId: 'app', ...record })
})

const allowed = ({ headers }: { headers: Record<string, string> }) => headers['access-control-allow-origin']

it('a preflight names no client: it is answered for the origins of the router', async () => {
  for (const [origin, answer] of [
    [own, own],
    [others, others],
    [stranger, undefined],
  ] as const) {
    const sent = host.http().options(paths.token).set('Origin', origin).set('Access-Control-Request-Method', 'POST')
    expect(allowed(await sent)).toBe(answer)
  }
})

it('the answer is for the own origins of the client, and without Origin for programs', async () => {
  const { refresh_token } = await host.signIn(app)
  const mine = await host.refresh(app, refresh_token).set('Origin', own)
  expect([mine.status, allowed(mine)]).toEqual([200, own])
  expect((await host.refresh(app, mine.body.refresh_token)).status).toBe(200)
  // a page of the server itself
  const { issuer } = host.server
  expect((await host.introspect(host.api, 'x').set('Origin', issuer)).status).toBe(200)
  expect((await host.revoke(app, 'x').set('Origin', issuer)).status).toBe(200)
})

it('a script of another origin gets nothing, sees no answer and uses nothing up', async () => {
  const code = await host.code(app)
  for (const origin of [others, stranger, 'null']) {
    const stolen = await host.exchange(app, code).set('Origin', origin)
    expect([stolen.status, stolen.body.error, allowed(stolen)]).toEqual([400, 'unauthorized_client', undefined])
  }
  expect(host.eventTypes()).not.toContain('token.issued')
  const { body } = await host.exchange(app, code).set('Origin', own).expect(200)
  const rotating = await host.refresh(app, body.refresh_token).set('Origin', others)
  expect([rotating.status, allowed(rotating)]).toEqual([400, undefined])
  await host.refresh(app, body.refresh_token).set('Origin', own).expect(200)
})

it('everywhere that clients authenticate, and at userinfo', async () => {
  const { access_token } = await host.signIn(app, { scope: 'openid' })
  const pushed = { response_type: 'code', redirect_uri: app.redirectUri, code_challenge: pkce.challenge }
  const userinfo = () => host.http().get('/userinfo').auth(access_token, { type: 'bearer' })
  const requests = [
    () => host.push(app, { ...pushed, code_challenge_method: 'S256' }),
    userinfo,
    () => host.revoke(app, access_token),
  ]
  for (const request of requests) {
    const refused = await request().set('Origin', others)
    expect([refused.status, allowed(refused)]).toEqual([400, undefined])
  }
  expect(allowed(await userinfo().set('Origin', own).expect(200))).toBe(own)
})

it('and where a client reads, changes and deletes its own registration (RFC 7592)', async () => {
  const { body } = await host
    .http()
    .post('/register')
    .send({ redirect_uris: ['https://app.example/cb'] })
    .expect(201)
  const { client_id, registration_access_token } = body
  const send = (method: 'get' | 'put' | 'delete', origin?: string) => {
    const sent = host.http()[method](`/register/${client_id}`).auth(registration_access_token, { type: 'bearer' })
    return origin === undefined ? sent : sent.set('Origin', origin)
  }
  expect(allowed(await send('get', others).expect(200))).toBe(others)
  await oauth.updateClient(host.server, client_id, { corsOrigins: [own] })
  const before = await host.storage.clients.find(client_id)
  for (const method of ['get', 'put', 'delete'] as const) {
    const refused = await send(method, others).send(method === 'put' ? { client_name: 'Mine' } : undefined)
    expect([refused.status, refused.body.error, allowed(refused)]).toEqual([400, 'unauthorized_client', undefined])
  }
  expect(await host.storage.clients.find(client_id)).toEqual(before)
  expect(allowed(await send('get', own).expect(200))).toBe(own)
  await send('get').expect(200)
  await send('delete', own).expect(204)
})

it('a client without the member has all origins of the router, and one that names more has no more', async () => {
  const open = await host.register({ clientId: 'open', tokenEndpointAuthMethods: ['none'] })
  const wide = await host.register({ clientId: 'wide', tokenEndpointAuthMethods: ['none'], corsOrigins: [stranger] })
  expect(allowed(await host.revoke(open, 'x').set('Origin', others))).toBe(others)
  expect(allowed(await host.revoke(wide, 'x').set('Origin', stranger).expect(200))).toBeUndefined()
  expect((await host.revoke(wide, 'x').set('Origin', own)).status).toBe(400)
})

it.each(['https://app.example/', 'app.example', '*', 'https://*.example', 'HTTPS://app.example', '', 7, null])(
  '%j is no origin that a browser sends',
  async (origin) => {
    const wrong = oauth.registerClient(host.server, { corsOrigins: [origin] as string[] })
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_client_metadata' })
  },
)
