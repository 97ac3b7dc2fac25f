// Row 26, token upgrade. The kind: what a guard has found out can be written by whoever handles the request, or the next one.
import express, { type RequestHandler } from 'express'
import passport from 'passport'
import request from 'supertest'
import type { TokenSource } from '../../src/guard/options'
import {
  type AccessToken,
  accessToken,
  bearerGuard,
  bearerStrategy,
  generateSigningKey,
  jwt,
  opaque,
  remoteServer,
  requireScope,
  verifyAccessToken,
} from '../../src/index'
import type { RemoteServer } from '../../src/remote/remote-server'
import { createRemoteHost, type RemoteHost } from '../support/remote'
import { observedStorage } from '../support/storage'

const files = 'https://files.example'

/** Everything that can be reached from there and written to. */
function writable(value: unknown, path = 'token'): string[] {
  if (typeof value !== 'object' || value === null) return []
  const own = Object.isFrozen(value) ? [] : [path]
  return [...own, ...Object.entries(value).flatMap(([name, member]) => writable(member, `${path}.${name}`))]
}

/** Tries to make more of a token: by every member that there is, and by new ones. Each try may fail. */
function tamper(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  const attempts = [
    () => Array.isArray(value) && value.push('write'),
    () => Object.assign(value, { scope: ['read', 'write'], userId: 'bob', clientId: 'other', added: true }),
    () => Object.values(value).forEach(tamper),
  ]
  for (const attempt of attempts) {
    try {
      attempt()
    } catch {
      // frozen: that is what is wanted
    }
  }
}

const formats = {
  opaque: () => opaque(),
  jwt: () => jwt({ keys: generateSigningKey(), audience: files, claims: () => ({ nested: { list: [1] } }) }),
  'stateless jwt': () => jwt({ keys: generateSigningKey(), audience: files, stateless: true }),
}

describe.each(Object.entries(formats))('with %s tokens', (_, format) => {
  let remote: RemoteHost
  let token: string
  let doors: Record<string, TokenSource>
  beforeAll(async () => {
    // rows that can be written to, as those of most databases
    const storage = observedStorage()
    storage.replace('grants.find', async (call) => structuredClone(await call()))
    remote = await createRemoteHost({ accessTokens: format(), resources: [files], storage })
    const { host, issuer } = remote
    const introspect = { clientId: 'api', clientSecret: host.api.clientSecret as string }
    const at = (options: object): RemoteServer =>
      remoteServer({ issuer, resource: files, now: () => host.clock.now, ...options })
    doors = {
      here: host.server,
      introspected: at({ introspect }),
      'introspected once for an hour': at({ introspect, cache: 3600 }),
      ...(host.server.accessTokens.jwks && { 'verified elsewhere': at({}) }),
    }
    token = (await host.signIn(host.web, { scope: 'read' })).access_token
  })
  afterAll(() => remote.close())

  const appOf = (...handlers: RequestHandler[]) => {
    const app = express()
    const spoil: RequestHandler = (req, _res, next) => {
      tamper(req.authInfo)
      tamper(req.user)
      tamper(accessToken(req))
      next()
    }
    app.get(
      '/',
      ...handlers,
      spoil,
      (req, res) => void res.json({ ...accessToken(req), frozen: writable(accessToken(req)) }),
    )
    app.get('/write', ...handlers, spoil, requireScope('write'), (_req, res) => void res.json({}))
    const call = (path: string) => request(app).get(path).auth(token, { type: 'bearer' })
    return call
  }

  it('a handler that writes to req.authInfo, req.user or the token changes nothing, now or for the next request', async () => {
    for (const [door, source] of Object.entries(doors)) {
      const byStrategy = passport.authenticate(bearerStrategy(source), { session: false })
      for (const handlers of [[bearerGuard(source)], [bearerGuard(source), byStrategy]]) {
        const call = appOf(...handlers)
        for (let times = 0; times < 3; times++) {
          const { body } = await call('/').expect(200)
          expect([door, body]).toEqual([
            door,
            expect.objectContaining({ clientId: 'web', userId: 'alice', scope: ['read'] }),
          ])
          expect([door, body.frozen]).toEqual([door, []])
          expect([door, (await call('/write')).status]).toEqual([door, 403])
        }
      }
    }
  })

  it('what an operation returns is nobody else’s either', async () => {
    const { server } = remote.host
    const found = await verifyAccessToken(server, token)
    expect(writable(found)).toEqual([])
    tamper(found)
    expect(await verifyAccessToken(server, token)).toMatchObject({ scope: ['read'], userId: 'alice' })
    for (const source of Object.values(doors)) {
      if (!('authenticate' in source)) continue
      const { accessToken: remotely } = await source.authenticate(token)
      expect(writable(remotely)).toEqual([])
    }
  })

  it('a host may add to req.authInfo and to the { id } of our making, each request its own', async () => {
    const app = express()
    const add: RequestHandler = (req, res) => {
      const seen = [{ ...req.authInfo }, { ...req.user }]
      Object.assign(req.authInfo as object, { tenant: 'one' })
      Object.assign(req.user as object, { tenant: 'one' })
      res.json(seen)
    }
    for (const source of Object.values(doors).filter((one) => 'authenticate' in one)) {
      app.get('/', bearerGuard(source), add)
      for (let times = 0; times < 2; times++) {
        const { body } = await request(app).get('/').auth(token, { type: 'bearer' }).expect(200)
        expect(body).toEqual([expect.not.objectContaining({ tenant: 'one' }), { id: 'alice' }])
      }
    }
  })
})

it('an app without a token has nothing to write to', async () => {
  const remote = await createRemoteHost()
  const app = express()
  let found: AccessToken | undefined
  app.get('/', bearerGuard(remote.host.server, { clientIdQuery: true }), (req, res) => {
    found = accessToken(req)
    res.json({})
  })
  await request(app).get('/?client_id=web').expect(200)
  await remote.close()
  expect(writable(found)).toEqual([])
})
