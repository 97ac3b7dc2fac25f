import {
  bearerGuard,
  type CorsOptions,
  clientsRouter,
  introspectRouter,
  metadataRouter,
  oauthRouter,
  revokeRouter,
  tokenRouter,
} from '../../src'
import { createHost, type Host, paths } from '../support/host'

let host: Host
const origin = 'https://spa.example'
const wellKnown = '/.well-known/oauth-authorization-server'

describe('every endpoint', () => {
  /** One good and one bad request for each. */
  const requests: [string, () => ReturnType<Host['token']>][] = [
    ['token', () => host.token(host.web, { grant_type: 'client_credentials' })],
    ['token, refused', () => host.token(host.web, { grant_type: 'magic' })],
    ['token, unauthenticated', () => host.token(undefined, {})],
    ['token, wrong method', () => host.http().put(paths.token)],
    ['authorize', () => host.authorize()],
    ['authorize, refused', () => host.authorize(host.web, { scope: 'everything' })],
    ['authorize, a page', () => host.authorize(host.web, { client_id: 'nobody' })],
    ['revoke', () => host.revoke(host.web, 'x')],
    ['revoke, refused', () => host.revoke(host.web, '')],
    ['introspect', () => host.introspect(host.web, 'x')],
    ['introspect, refused', () => host.introspect(host.native, 'x')],
    ['clients, refused', () => host.http().get(paths.clients)],
    ['the guard, refused', () => host.me('x')],
  ]

  beforeEach(async () => {
    host = await createHost()
    host.app.disable('x-powered-by')
  })

  it.each(requests)('is kept by nobody (RFC 6749 §5.1): %s', async (_, send) => {
    expect((await send()).headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' })
  })

  it.each(requests)('says nothing about what it is made of: %s', async (_, send) => {
    const { headers } = await send()
    expect(headers).not.toHaveProperty('x-powered-by')
    expect(headers).not.toHaveProperty('server')
    expect(headers).not.toHaveProperty('etag')
    expect(headers).not.toHaveProperty('set-cookie')
  })

  it.each(requests)('may not be called by web pages of other origins: %s', async (_, send) => {
    const { headers } = await send().set('Origin', origin)
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

describe('cors', () => {
  const begin = async (cors: CorsOptions) => {
    host = await createHost({
      mount(app, server) {
        const protect = bearerGuard(server, { scope: 'clients' })
        app.use(oauthRouter(server, { decide: () => ({ allow: true, userId: 'alice' }), protect, cors }))
      },
    })
  }
  const places: [string, string, 'post' | 'get', string][] = [
    ['token', paths.token, 'post', 'POST'],
    ['revocation', paths.revoke, 'post', 'POST'],
    ['introspection', paths.introspect, 'post', 'POST'],
    ['metadata', wellKnown, 'get', 'GET,HEAD'],
  ]

  it.each(places)('lets the pages of an origin call the %s endpoint, errors included', async (_, path, method) => {
    await begin({ origin: [origin] })
    const { headers } = await host.http()[method](path).set('Origin', origin)
    expect(headers['access-control-allow-origin']).toBe(origin)
    expect(headers['access-control-expose-headers']).toBe('WWW-Authenticate,Retry-After,DPoP-Nonce')
    expect(headers.vary).toContain('Origin')
    const others = await host.http()[method](path).set('Origin', 'https://evil.example')
    expect(others.headers).not.toHaveProperty('access-control-allow-origin')
  })

  it.each(places)('answers the preflight of the %s endpoint', async (_, path, _method, methods) => {
    await begin({ origin: true, maxAge: 600 })
    const { headers } = await host
      .http()
      .options(path)
      .set('Origin', origin)
      .set('Access-Control-Request-Method', 'POST')
      .set('Access-Control-Request-Headers', 'authorization')
      .expect(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': methods,
      'access-control-allow-headers': 'authorization',
      'access-control-max-age': '600',
    })
  })

  it('reads the answer of a good request', async () => {
    await begin({ origin })
    const answer = await host.token(host.web, { grant_type: 'client_credentials' }).set('Origin', origin).expect(200)
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': origin, 'cache-control': 'no-store' })
  })

  it('never lets pages call the authorization endpoint or the clients API, whatever is set', async () => {
    await begin({ origin: true })
    for (const path of [paths.authorize, paths.clients]) {
      for (const method of ['get', 'options'] as const) {
        const { headers } = await host.http()[method](path).set('Origin', origin)
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
      }
    }
  })

  it('is an option of each router alone, too', async () => {
    const cors = { origin: '*' }
    host = await createHost({
      mount: (app, server) =>
        void app
          .use(paths.token, tokenRouter(server, { cors }))
          .use(paths.revoke, revokeRouter(server, { cors }))
          .use(paths.introspect, introspectRouter(server, { cors }))
          .use(paths.clients, clientsRouter(server, { protect: bearerGuard(server) }))
          .use(metadataRouter(server, { cors })),
    })
    for (const [, path, method] of places) {
      const { headers } = await host.http()[method](path).set('Origin', origin)
      expect(headers['access-control-allow-origin']).toBe('*')
    }
  })
})
