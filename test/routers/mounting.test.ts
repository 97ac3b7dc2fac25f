import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Express, Request, RequestHandler, Response, Router } from 'express'
import type { AuthorizationServer } from '../../src'
import { frameworks } from '../support/frameworks'
import { encode, type Host } from '../support/host'

const authorizePath = '/a/authorize'
const tokenPath = '/a/token'

const passOn: RequestHandler = (_req, _res, next) => next()
/** As express-async-errors and Nest do: another function than the router itself. */
const wrapped =
  (handler: RequestHandler): RequestHandler =>
  async (req, res, next) =>
    void (await handler(req, res, next))

describe.each(frameworks)('mounting on %s', (_, { createHost, express, oauth }) => {
  let host: Host

  const tokenRequest = (path: string) =>
    host
      .http()
      .post(path)
      .type('form')
      .auth('web', String(host.web.clientSecret))
      .send({ grant_type: 'client_credentials' })
  const authorizeRequest = (path: string) =>
    host
      .http()
      .get(`${path}?${host.authorizationRequest(host.web)}`)
      .set('X-User', 'alice')

  const routersOf = (server: AuthorizationServer) => ({
    authorize: oauth.authorizeRouter(server, { decide: () => ({ allow: true, userId: 'alice' }) }),
    token: oauth.tokenRouter(server),
    revoke: oauth.revokeRouter(server),
    introspect: oauth.introspectRouter(server),
  })
  type Routers = ReturnType<typeof routersOf>
  const begin = async (mount: (app: Express, routers: Routers, server: AuthorizationServer) => void) => {
    // without endpoints: nobody is told where the routers are
    host = await createHost({ endpoints: {}, mount: (app, server) => mount(app, routersOf(server), server) })
  }

  it('is on the Express that it says', () => {
    expect('lazyrouter' in express()).toBe(_ === 'Express 4')
  })

  it.each<[string, (app: Express, token: Router) => void]>([
    ['a pattern that matches everything', (app, token) => app.all(/.*/, passOn).use(tokenPath, token)],
    ['a pattern with groups', (app, token) => app.all(/(.*)/, passOn).use(tokenPath, token)],
    ['parameters', (app, token) => app.all('/:x/:y/:z', passOn).use(tokenPath, token)],
    ['parameters, in front of the root', (app, token) => app.all('/:x/:y/:z', passOn).use(token)],
    ['parameters of the same names', (app, token) => app.all('/:x/:y/:z', passOn).use('/:x/:y', token)],
    ['a list', (app, token) => app.all([`${tokenPath}/more`, '/b'], passOn).use(tokenPath, token)],
  ])('behind a route that passed on, it keeps to its own path: %s', async (_, mount) => {
    await begin((app, { token }) => mount(app, token))
    await tokenRequest(`${tokenPath}/more`).expect(418)
  })

  it('below a route of another router that passes on, an endpoint with paths of its own keeps them', async () => {
    await begin((app, _routers, server) => {
      const caller = () => ({ scopes: [], admin: true })
      app.use(
        '/clients',
        express.Router().all('/web', (_req, _res, next) => next()),
      )
      app.use('/clients', oauth.clientsRouter(server, { protect: (_req, _res, next) => next(), caller }))
    })
    expect((await host.http().get('/clients/web').expect(200)).body).toMatchObject({ client_id: 'web' })
    expect((await host.http().put('/clients/web').expect(405)).headers.allow).toBe('GET, PATCH, DELETE')
  })

  it('in a handler of a route, an endpoint with paths of its own is found where none of these has the method', async () => {
    await begin((app, _routers, server) => {
      const register = oauth.registerRouter(server, { protect: 'open', scopes: 'read' })
      app.post('/register', (req, res, next) => register(req, res, next))
    })
    await host
      .http()
      .post('/register')
      .send({ redirect_uris: ['https://a.example/cb'] })
      .expect(201)
  })

  it('calls what the host has put into a router of ours, for what is not the endpoint', async () => {
    await begin((app, { token }) => {
      token.get('/health', (_req, res) => void res.status(204).end())
      app.use(tokenPath, token)
    })
    await tokenRequest(tokenPath).expect(200)
    await host.http().get(`${tokenPath}/health`).expect(204)
    await host.http().get(`${tokenPath}/other`).expect(418)
  })

  it('leaves request and response to each other as they were, and the parameters of the route in front', async () => {
    const seen: unknown[] = []
    await begin((app, { token }, server) => {
      app.use('/:tenant/token', token)
      const look: RequestHandler = (req, res) => {
        seen.push(req.res === res, res.req === req, Object.keys(req).includes('res'), Object.keys(res).includes('req'))
        res.json(req.authInfo)
      }
      app.get('/me', oauth.bearerGuard(server, { user: false }), look)
    })
    const { body } = await tokenRequest(tokenPath).expect(200)
    await host.http().get('/me').auth(body.access_token, { type: 'bearer' }).expect(200)
    expect(seen).toEqual([true, true, true, true])
  })

  it('leaves the real request to the response where the guard is given a view of it', async () => {
    const seen: unknown[] = []
    await begin((app, { token }, server) => {
      app.use(tokenPath, token)
      const guard = oauth.bearerGuard(server, { user: false })
      app.get('/me', (req, res) => {
        const view = Object.create(req, { headers: { value: { authorization: `Bearer ${req.query.cookie}` } } })
        guard(view, res, () => {
          seen.push(res.req === req, Object.hasOwn(view, 'res'))
          res.json({})
        })
      })
    })
    const { body } = await tokenRequest(tokenPath).expect(200)
    await host.http().get('/me').query({ cookie: body.access_token }).expect(200)
    expect(seen).toEqual([true, false])
  })

  const sendRaw = async ([first, second]: [string, string]): Promise<string> => {
    const http = host.app.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const socket = connect((http.address() as AddressInfo).port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8').on('data', (piece) => {
      answer += piece
    })
    const closed = once(socket, 'close')
    const arrived = once(http, 'request')
    socket.write(first)
    await arrived
    socket.write(second)
    await closed
    http.close()
    return answer
  }
  const rawRequest = (target: string): [string, string] => {
    const body = `grant_type=client_credentials&client_id=web&client_secret=${host.web.clientSecret}`
    const head = `POST ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded`
    return [`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`, body.slice(9)]
  }

  it('reads a body in pieces, also as the text that a host has made of it', async () => {
    const seen: string[] = []
    await begin((app, { token }) => {
      app.use((req, _res, next) => {
        req.setEncoding('utf8')
        req.on('data', (piece) => seen.push(piece))
        next()
      })
      app.use(tokenPath, token)
    })
    expect(await sendRaw(rawRequest(tokenPath))).toMatch(/^HTTP\/1.1 200 /)
    expect(seen.length).toBeGreaterThan(1)
  })

  it('answers a request that names the whole URL (RFC 9112 §3.2.2)', async () => {
    await begin((app, { token }) => app.use(tokenPath, token))
    expect(await sendRaw(rawRequest(`http://auth.example${tokenPath}`))).toMatch(/^HTTP\/1.1 200 /)
    expect(await sendRaw(rawRequest(`http://auth.example${tokenPath}/more`))).toMatch(/^HTTP\/1.1 418 /)
  })

  it('answers in an app with a router that is in itself', async () => {
    await begin((app, { token }) => {
      const comments = express.Router()
      app.use('/comments', comments.use('/:id/replies', comments))
      app.use(tokenPath, token)
    })
    await tokenRequest(tokenPath).expect(200)
  })

  it('hands what a request cannot take to the host, after a promise, too', async () => {
    await begin((app, { token }, server) => {
      app.use(tokenPath, token)
      const find = async (id: string) => server.storage.grants.find(id)
      const storage = { ...server.storage, grants: { ...server.storage.grants, find } }
      const onlyRead: RequestHandler = (req, _res, next) => {
        Object.defineProperty(req, 'user', { get: () => undefined })
        next()
      }
      app.get(
        '/me',
        onlyRead,
        oauth.bearerGuard({ ...server, storage }, { user: false }),
        (_req, res) => void res.json({}),
      )
    })
    const { body } = await tokenRequest(tokenPath).expect(200)
    const answer = await host.http().get('/me').auth(body.access_token, { type: 'bearer' }).expect(599)
    expect(answer.body.thrown).toMatch(/user/)
  })

  it('takes nothing from a response that keeps its request', async () => {
    const seen: unknown[] = []
    await begin((app, { token }, server) => {
      app.use(tokenPath, token)
      const keep: RequestHandler = (_req, res, next) => {
        Object.defineProperty(res, 'req', { configurable: false })
        next()
      }
      app.get('/me', keep, oauth.bearerGuard(server, { user: false }), (req, res) => {
        seen.push(req.res === res, res.req === req)
        res.json({})
      })
    })
    const { body } = await tokenRequest(tokenPath).expect(200)
    await host.http().get('/me').auth(body.access_token, { type: 'bearer' }).expect(200)
    expect(seen).toEqual([true, true])
  })

  it('answers the first request where no app of Express is in front', async () => {
    await begin(() => {})
    const token = oauth.tokenRouter(host.server)
    const http = createServer((req, res) => token(req as Request, res as Response, () => res.end()))
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const { port } = http.address() as AddressInfo
    const answers = []
    for (let tries = 0; tries < 2; tries++) {
      const answer = await fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: `grant_type=client_credentials&client_id=web&client_secret=${host.web.clientSecret}`,
      })
      answers.push(answer.status)
    }
    http.close()
    http.closeAllConnections()
    expect(answers).toEqual([200, 200])
  })

  const prefixed = (app: Express, mount: (router: Router) => void) => {
    const router = express.Router()
    mount(router)
    app.use('/a', router)
  }
  describe.each<[string, (app: Express, routers: Routers) => void]>([
    ['app.use', (app, { authorize, token }) => app.use(authorizePath, authorize).use(tokenPath, token)],
    [
      'app.use with trailing slashes',
      (app, { authorize, token }) => app.use(`${authorizePath}/`, authorize).use(`${tokenPath}/`, token),
    ],
    ['app.get and app.post', (app, { authorize, token }) => app.get(authorizePath, authorize).post(tokenPath, token)],
    [
      'app.get and app.post with trailing slashes',
      (app, { authorize, token }) => app.get(`${authorizePath}/`, authorize).post(`${tokenPath}/`, token),
    ],
    ['app.all', (app, { authorize, token }) => app.all(authorizePath, authorize).all(tokenPath, token)],
    [
      'app.route',
      (app, { authorize, token }) => {
        app.route(authorizePath).get(authorize)
        app.route(tokenPath).post(token)
      },
    ],
    [
      'a list of paths',
      (app, { authorize, token }) =>
        app.get(['/other', authorizePath], authorize).post([/^\/regular/, tokenPath], token),
    ],
    [
      'a parameter in the path',
      (app, { authorize, token }) => app.get('/:x/authorize', authorize).post('/:x/token', token),
    ],
    [
      'a router of the host, with use',
      (app, { authorize, token }) =>
        prefixed(app, (router) => router.use('/authorize', authorize).use('/token', token)),
    ],
    [
      'a router of the host, with get and post',
      (app, { authorize, token }) =>
        prefixed(app, (router) => router.get('/authorize', authorize).post('/token', token)),
    ],
    [
      'an app inside the app',
      (app, { authorize, token }) =>
        app.use('/a', express().use('/authorize', authorize)).use('/a', express().post('/token', token)),
    ],
    [
      'behind other handlers of the same route',
      (app, { authorize, token }) =>
        app
          .get(authorizePath, (_req, _res, next) => next(), authorize)
          .post(tokenPath, (_req, _res, next) => next(), token),
    ],
    [
      'behind other handlers of a route with a parameter',
      (app, { authorize, token }) =>
        app
          .get('/:x/authorize', (_req, _res, next) => next(), authorize)
          .post('/:x/token', (_req, _res, next) => next(), token),
    ],
    [
      'a handler that calls the router, with trailing slashes',
      (app, { authorize, token }) =>
        app
          .get(`${authorizePath}/`, (req, res, next) => authorize(req, res, next))
          .post(`${tokenPath}/`, (req, res, next) => token(req, res, next)),
    ],
    [
      'a handler that calls the router',
      (app, { authorize, token }) =>
        app
          .get(authorizePath, (req, res, next) => authorize(req, res, next))
          .post(tokenPath, (req, res, next) => token(req, res, next)),
    ],
    [
      'a handler of a route with a parameter',
      (app, { authorize, token }) =>
        app
          .get('/:x/authorize', (req, res, next) => authorize(req, res, next))
          .post('/:x/token', (req, res, next) => token(req, res, next)),
    ],
    [
      'a handler of a route with a list of paths',
      (app, { authorize, token }) =>
        app
          .get(['/b', '/:x/authorize'], (req, res, next) => authorize(req, res, next))
          .post(['/b', tokenPath], (req, res, next) => token(req, res, next)),
    ],
    [
      'a handler of a route with a pattern',
      (app, { authorize, token }) =>
        app
          .get(/^\/(.)\/authorize\/?$/, (req, res, next) => authorize(req, res, next))
          .post(/^\/.\/token\/?$/, (req, res, next) => token(req, res, next)),
    ],
    [
      'a handler of a route with a parameter, in a router below another one',
      (app, { authorize, token }) => {
        const router = express.Router({ mergeParams: true })
        router.get('/:y', (req, res, next) => (req.params.y === 'authorize' ? authorize : token)(req, res, next))
        router.post('/:y', (req, res, next) => token(req, res, next))
        app.use('/:x', router)
      },
    ],
    [
      'something that wraps every handler, behind a parameter',
      (app, { authorize, token }) =>
        app.get('/:x/authorize', wrapped(authorize)).post('/:x/token', (_req, _res, next) => next(), wrapped(token)),
    ],
  ])('by %s', (_, mount) => {
    beforeEach(() => begin(mount))

    it('answers with and without a trailing slash', async () => {
      for (const end of ['', '/']) {
        const answer = await authorizeRequest(`${authorizePath}${end}`)
        expect([answer.status, answer.headers.location]).toEqual([302, expect.stringContaining('?code=')])
        await tokenRequest(`${tokenPath}${end}`).expect(200)
        await tokenRequest(`${tokenPath}${end}?x=y`).expect(200)
      }
    })

    it('passes on what is below', async () => {
      for (const end of ['/more', '/authorize', '/token', '/more/']) {
        await authorizeRequest(`${authorizePath}${end}`).expect(418)
        await tokenRequest(`${tokenPath}${end}`).expect(418)
      }
    })
  })

  it('at the root takes the root alone', async () => {
    await begin((app, { token }) => app.use(token))
    await tokenRequest('/').expect(200)
    await tokenRequest('/token').expect(418)
  })

  describe('one path', () => {
    it('is the authorization endpoint on GET and the token endpoint on POST', async () => {
      await begin((app, { authorize, token }) => app.get('/oauth', authorize).post('/oauth', token))
      for (const path of ['/oauth', '/oauth/']) {
        await authorizeRequest(path).expect(302)
        await tokenRequest(path).expect(200)
        await host.http().put(path).expect(418)
      }
      const head = await host
        .http()
        .head(`/oauth?${host.authorizationRequest(host.web)}`)
        .set('X-User', 'alice')
      expect([head.status, head.headers.allow]).toEqual([405, 'GET, POST'])
      expect(host.storage.storedIds().filter((id) => id.endsWith('~c'))).toHaveLength(2)
    })

    it('below a route that passes on keeps to its own path', async () => {
      await begin((app, { token }) => {
        app.post(`${tokenPath}/more`, (_req, _res, next) => next())
        app.post(tokenPath, (_req, _res, next) => next())
        app.use(tokenPath, token)
      })
      await tokenRequest(`${tokenPath}/more`).expect(418)
      await tokenRequest(tokenPath).expect(200)
    })
  })

  it.each([
    ['authorize', 'GET, POST', ['put', 'patch', 'delete', 'options', 'head']],
    ['token', 'POST', ['get', 'put', 'patch', 'delete', 'options', 'head']],
    ['revoke', 'POST', ['get', 'put', 'patch', 'delete', 'options', 'head']],
    ['introspect', 'POST', ['get', 'put', 'patch', 'delete', 'options', 'head']],
  ] as const)('%s answers other methods with 405 and Allow: %s', async (name, allow, methods) => {
    await begin((app, routers) => app.use('/x', routers[name]))
    for (const method of methods) {
      const answer = await host.http()[method]('/x').expect(405)
      expect(answer.headers.allow).toBe(allow)
      if (method === 'put') expect(answer.body.error ?? answer.text).toBeDefined()
    }
  })

  it('calls nothing behind it once it has answered', async () => {
    const behind = jest.fn((_req, _res, next) => next())
    await begin((app, { authorize, token }) => {
      app.use(authorizePath, authorize, behind)
      app.use(tokenPath, token, behind)
      app.use(behind)
    })
    await authorizeRequest(authorizePath).expect(302)
    await tokenRequest(tokenPath).expect(200)
    await host.http().post(tokenPath).expect(401)
    await host.http().get(tokenPath).expect(405)
    expect(behind).not.toHaveBeenCalled()
    await tokenRequest(`${tokenPath}/more`).expect(418)
    expect(behind).toHaveBeenCalled()
  })

  it('catches what is thrown later, which Express 4 does not', async () => {
    await begin((app, { token }) => app.use(tokenPath, token))
    host.storage.replace('clients.find', () => Promise.reject(new Error('no database')))
    await tokenRequest(tokenPath).expect(503)
  })

  it('all at once, by oauthRouter, also below a prefix', async () => {
    await begin((app, _routers, server) => {
      const decide = oauth.consentPage({ signIn: '/login' })
      const protect = oauth.bearerGuard(server, { scope: 'clients' })
      app.use('/auth', oauth.oauthRouter(server, { decide, protect, clients: { admin: 'admin' } }))
    })
    await tokenRequest('/auth/oauth2/token').expect(200)
    const page = await authorizeRequest('/auth/oauth2/authorize').expect(200)
    expect(page.text).toContain('<form method="post">')
    const signIn = await host
      .http()
      .get(`/auth/oauth2/authorize?${host.authorizationRequest(host.web)}`)
      .expect(303)
    expect(signIn.headers.location).toContain(`return_to=${encodeURIComponent('/auth/oauth2/authorize?')}`)
    await host.http().get('/auth/oauth2/clients').expect(401)
    await host.http().post('/auth/oauth2/revoke_token').expect(401)
    await host.http().post('/auth/oauth2/introspect').expect(401)
    await host.http().get('/auth/oauth2/more').expect(418)
    await host.http().get('/auth').expect(418)
  })

  it.each([
    ['/.well-known', 'https://auth.example.com'],
    ['/.well-known/oauth-authorization-server', 'https://auth.example.com'],
    ['/.well-known/oauth-authorization-server/:tenant', 'https://auth.example.com/acme'],
  ])('the metadata below %s is where clients look for it', async (place, issuer) => {
    host = await createHost({ issuer, mount: (app, server) => void app.use(place, oauth.metadataRouter(server)) })
    const path = `/.well-known/oauth-authorization-server${new URL(issuer).pathname.replace(/\/$/, '')}`
    expect((await host.http().get(path).expect(200)).body.issuer).toBe(issuer)
    await host.http().head(path).expect(200)
    await host.http().post(path).expect(405)
    await host.http().get(`${path}/more`).expect(418)
  })

  it('all at once, for an app that calls the authorization endpoint by fetch', async () => {
    for (const [response, status] of [
      ['json', 200],
      ['location', 200],
      ['redirect', 302],
    ] as const) {
      await begin((app, _routers, server) => {
        const decide = () => ({ allow: true as const, userId: 'alice' })
        app.use(oauth.oauthRouter(server, { decide, response, protect: false }))
      })
      const answer = await authorizeRequest('/oauth2/authorize').expect(status)
      if (response === 'json') expect(answer.body).toMatchObject({ code: expect.any(String), state: 'xyz' })
      else expect(answer.headers.location).toContain('?code=')
    }
    const wrong = { decide: () => undefined, protect: false, response: 'xml' as 'json' } as const
    expect(() => oauth.oauthRouter(host.server, wrong)).toThrow(/response must be 'redirect', 'location' or 'json'/)
  })

  it('with protect: false there is no clients API', async () => {
    await begin((app, _routers, server) => {
      app.use(oauth.oauthRouter(server, { decide: () => undefined, protect: false }))
    })
    await host.http().get('/oauth2/clients').expect(418)
  })

  it('the consent page works at any of them: its form goes to the URL that it was served from', async () => {
    await begin((app, _routers, server) => {
      const router = oauth.authorizeRouter(server, { decide: oauth.consentPage({ signIn: '/login' }) })
      app.all('/deep/down/authorize/', router)
    })
    const url = `/deep/down/authorize?${host.authorizationRequest(host.web)}`
    const page = await host.http().get(url).set('X-User', 'alice').expect(200)
    const consent_transaction = /name="consent_transaction" value="([^"]+)"/.exec(page.text)?.[1]
    host.clock.advance(0.5)
    const answer = host.http().post(url).set('X-User', 'alice').type('form')
    const { headers } = await answer.send(encode({ consent_transaction, consent: 'allow' })).expect(303)
    expect(headers.location).toContain('code=')
  })
})
