// A guard that was added after the routes it was meant for is warned of; one that may guard something never is.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Express, RequestHandler } from 'express'
import request from 'supertest'
import { frameworks } from '../support/frameworks'
import { type Host, paths } from '../support/host'

const printed = jest.spyOn(console, 'warn').mockImplementation(() => {})
beforeEach(() => printed.mockClear())
afterAll(() => printed.mockRestore())

const answer: RequestHandler = (_req, res) => void res.json({})
const pass: RequestHandler = (_req, _res, next) => next()

describe.each(frameworks)('a guard behind the route, on %s', (_, { createHost, express, oauth }) => {
  type Mount = (app: Express, guard: RequestHandler) => void
  type Serve = (host: Host, app: Express) => Parameters<typeof request>[0]

  /** The app that `mount` makes, with the token endpoint in front; it is asked for `path`, and then for a token. */
  async function warnings(mount: Mount, path = '/me', serve: Serve = (__, app) => app): Promise<string[]> {
    const host = await createHost()
    const app = express()
    app.use(paths.token, oauth.tokenRouter(host.server))
    mount(app, oauth.bearerGuard(host.server))
    const place = serve(host, app)
    for (let times = 0; times < 2; times++) {
      await request(place).get(path)
      await request(place).post(paths.token).type('form').send('grant_type=x')
    }
    const messages = host.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))
    expect(printed.mock.calls.map(([line]) => line)).toEqual(
      messages.map((message) => `express-authorization-server: guard_after_route: ${message}`),
    )
    return messages
  }
  const behind = (route: string) => [
    `a guard is added after the route ${route}, and no route follows it. Add the guard before the routes that it protects`,
  ]
  const routerOf = (...add: ((router: ReturnType<typeof express.Router>) => unknown)[]) => {
    const router = express.Router()
    for (const one of add) one(router)
    return router
  }
  const onError: import('express').ErrorRequestHandler = (_error, _req, res, _next) => void res.status(599).end()

  it.each<[string, string, Mount]>([
    ['app.use after app.get', '/me', (app, guard) => app.get('/me', answer).use(guard)],
    ['app.use with the path of the route', '/me', (app, guard) => app.get('/me', answer).use('/me', guard)],
    ['app.use after a pattern', '/:any', (app, guard) => app.get('/:any', answer).use(guard)],
    [
      'app.use after a router',
      '/me',
      (app, guard) =>
        app
          .use(
            '/api',
            routerOf((api) => api.get('/me', answer)),
          )
          .use('/api', guard),
    ],
    [
      'at the end of a router',
      '/me',
      (app, guard) =>
        app.use(
          routerOf(
            (api) => api.get('/me', answer),
            (api) => api.use(guard),
          ),
        ),
    ],
    [
      'in a router of its own',
      '/me',
      (app, guard) =>
        app.get('/me', answer).use(
          '/api',
          routerOf((api) => api.use(guard)),
        ),
    ],
    ['an error handler behind it', '/me', (app, guard) => app.get('/me', answer).use(guard).use(onError)],
    ['behind the handler in its route', '/me', (app, guard) => app.get('/me', answer, guard)],
    [
      'the same, with routes of other paths behind it',
      '/me',
      (app, guard) => app.get('/me', answer, guard).get('/', answer),
    ],
    ['a second route of the same path', '/me', (app, guard) => app.get('/me', answer).get('/me', guard)],
    ['with nothing behind but itself', '/me', (app, guard) => app.get('/me', answer).use(guard).get('/me', guard)],
    [
      'behind two routes, of which the last is named',
      '/last',
      (app, guard) => app.get('/first', answer).get('/last', answer).use(guard),
    ],
    [
      'with nothing behind but the guard of a route',
      '/first',
      (app, guard) => app.get('/first', answer).use(guard).get('/last', guard),
    ],
    ['app.all behind app.all', '/me', (app, guard) => app.all('/me', answer).all('/me', guard)],
  ])('is warned of: %s', async (__, route, mount) => {
    expect(await warnings(mount)).toEqual(behind(route))
  })

  it('is warned of by the guard itself, where no router is in the app', async () => {
    const host = await createHost()
    await request(express().get('/me', answer).use(oauth.bearerGuard(host.server)))
      .get('/elsewhere')
      .expect(401)
    expect(host.eventTypes()).toEqual(['warning'])
  })

  it('is not looked for where there is no app, or no server of Node', async () => {
    const host = await createHost()
    const guard = oauth.bearerGuard(host.server)
    const plain = createServer((req, res) => guard(req as never, res as never, () => res.end('in')))
    expect((await request(plain).get('/me')).status).toBe(401)
    const app = express()
      .use((req, _res, next) => {
        Object.defineProperty(req, 'socket', { value: Object.assign(Object.create(req.socket), { server: {} }) })
        next()
      })
      .get('/me', answer)
      .use(oauth.bearerGuard(host.server))
    await request(app).get('/elsewhere').expect(401)
    // as programs that call an app without a network do
    const alone = express()
      .use((req, _res, next) => {
        Object.defineProperty(req, 'socket', { value: undefined })
        next()
      })
      .get('/me', answer)
      .use(oauth.bearerGuard(host.server))
    await request(alone).get('/elsewhere').expect(401)
    expect(host.eventTypes()).toEqual([])
  })

  it('is warned of by the guard of an API in another process than its server', async () => {
    const events: string[] = []
    const remote = oauth.remoteServer({
      issuer: 'https://auth.example.com',
      resource: 'https://api.example.com',
      onEvent: (event) => events.push(event.type === 'warning' ? event.code : event.type),
    })
    await request(express().get('/me', answer).use(oauth.bearerGuard(remote)))
      .get('/elsewhere')
      .expect(401)
    expect(events).toEqual(['guard_after_route'])
  })

  it('is warned of where the routers are in an app of their own', async () => {
    const host = await createHost({ mount: () => {} })
    const oauthApp = express().use(paths.token, oauth.tokenRouter(host.server))
    const app = express().use(oauthApp).get('/me', answer).use(oauth.bearerGuard(host.server))
    await request(app).post(paths.token).type('form').send('grant_type=x')
    expect(host.eventTypes()).toContain('warning')
  })

  it.each<[string, Mount]>([
    ['in front of the route', (app, guard) => app.use(guard).get('/me', answer)],
    ['in the route', (app, guard) => app.get('/me', guard, answer)],
    ['between public and private routes', (app, guard) => app.get('/', answer).use(guard).get('/me', answer)],
    ['between routes, with paths', (app, guard) => app.get('/', answer).use('/me', guard).get('/me', answer)],
    [
      'a route of its own in front of the other',
      (app, guard) => app.get('/', answer).get('/me', guard).get('/me', answer),
    ],
    [
      'the same with a trailing slash and another case',
      (app, guard) => app.get('/me', pass, guard).get('/ME/', answer),
    ],
    ['a route of its own, and a pattern behind', (app, guard) => app.get('/me', pass, guard).get('/:any', answer)],
    [
      'app.all behind a limiter',
      (app, guard) =>
        app.all('/api', pass, guard).use(
          '/api',
          routerOf((api) => api.get('/me', answer)),
        ),
    ],
    ['behind public methods of its route', (app, guard) => app.route('/me').get(answer).post(guard)],
    ['in front of a handler of all', (app, guard) => app.get('/me', answer).use(guard).use(answer)],
    ['in front of static files', (app, guard) => app.get('/me', answer).use(guard, express.static(__dirname))],
    ['in front of another app', (app, guard) => app.get('/me', answer).use(guard, express().get('/x', answer))],
    ['in front of a router that is filled later', (app, guard) => app.get('/me', answer).use(guard, express.Router())],
    [
      'at the end of a router that others come behind',
      (app, guard) =>
        app
          .use(
            routerOf(
              (api) => api.get('/', answer),
              (api) => api.use(guard),
            ),
          )
          .get('/me', answer),
    ],
    [
      'in front of a route that has one, too',
      (app, guard) => app.get('/', answer).use(guard).get('/me', guard, answer),
    ],
    ['in a pattern behind another pattern', (app, guard) => app.get('/:any', answer).get('/:other', guard)],
    ['in front of the guard of a route', (app, guard) => app.use(guard).get('/me', guard)],
    ['with nothing in front', (app, guard) => app.use(guard)],
    ['with middleware alone in front', (app, guard) => app.use(express.json(), pass).use(guard)],
    ['alone in a route, with other routes in front', (app, guard) => app.get('/', answer).get('/me', guard)],
    [
      'of another server, in a wrapper',
      (app, guard) => app.get('/me', answer).use((req, res, next) => guard(req, res, next)),
    ],
  ])('is not one %s', async (__, mount) => {
    expect(await warnings(mount)).toEqual([])
  })

  it('is not one in an app that may pass on to what called it', async () => {
    const mount: Mount = (app, guard) => app.get('/me', answer).use(guard)
    const framework: Serve = (__, app) => {
      // an app is called like this by frameworks around it
      const handle = app as unknown as (req: IncomingMessage, res: ServerResponse, next: () => void) => void
      return createServer((req, res) => handle(req, res, () => res.end('of the framework')))
    }
    expect(await warnings(mount, '/me', framework)).toEqual([])
    expect(await warnings(mount, '/me', (__, app) => express().use(app).use(answer))).toEqual([])
  })
})
