/**
 * A host app as a developer would write it, for tests over real HTTP: two users, three clients, every router at its
 * conventional path, a guarded route, and a clock that only moves when the test moves it.
 *
 *     const host = await createHost()
 *     const tokens = await host.signIn()            // the whole code flow with PKCE, as alice, by the client host.web
 *     await host.me(tokens.access_token).expect(200)
 *     host.clock.advance(3600)
 *
 * Who is signed in at the host is said by the header `X-User: alice`.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import express, { type Express } from 'express'
import request, { type Response, type Test } from 'supertest'
import type { AuthorizationResponseStyle } from '../../src/authorization/response'
import * as oauth from '../../src/index'
import { type ObservedStorage, observedStorage } from './storage'

export const issuer = 'https://auth.example.com'
export const startOfTime = 1_800_000_000

/** RFC 7636 Appendix B. */
export const pkce = {
  verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
}

/** RFC 8628 §3.4. */
export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** Parameters of a request; undefined leaves one out. */
export type Parameters = Readonly<Record<string, string | undefined>>

export interface TestClient {
  clientId: string
  clientSecret?: string
  redirectUri: string
}

export interface Person {
  id: string
  name: string
}

export interface HostOptions extends Partial<oauth.AuthorizationServerOptions> {
  /** @default yes to everything that a signed-in user is asked */
  decide?: oauth.Decide
  /** The style of the authorization endpoint. */
  response?: AuthorizationResponseStyle
  tokenRouter?: oauth.TokenRouterOptions
  /** What stands before everything: body parsers and the like. */
  before?: readonly express.RequestHandler[]
  /** Mounts the routers. @default all of them at the paths of `paths`, with `app.use` */
  mount?: (app: Express, server: oauth.AuthorizationServer) => void
}

/** Where the routers are, unless `mount` puts them elsewhere. */
export const paths = {
  authorize: '/oauth2/authorize',
  token: '/oauth2/token',
  revoke: '/oauth2/revoke_token',
  introspect: '/oauth2/introspect',
  pushedAuthorization: '/oauth2/par',
  deviceAuthorization: '/oauth2/device_authorization',
  device: '/device',
  clients: '/oauth2/clients',
}

export type Host = Awaited<ReturnType<typeof createHost>>

// One server for each host: one for each request would use up the machine's ports within a minute
const servers: Server[] = []
afterAll(() => {
  for (const server of servers.splice(0)) server.close()
})

export async function createHost(options: HostOptions = {}) {
  const { decide = allowSignedIn, response, tokenRouter, before = [], mount, ...serverOptions } = options
  const clock = {
    now: startOfTime,
    advance(seconds: number) {
      clock.now += seconds
    },
  }
  const events: oauth.AuthorizationServerEvent[] = []
  const people = new Map<string, Person>([
    ['alice', { id: 'alice', name: 'Alice' }],
    ['bob', { id: 'bob', name: 'Bob' }],
  ])
  const storage = isObserved(options.storage) ? options.storage : observedStorage(options.storage)
  const isPushed = options.requests?.some(({ parameter }) => parameter === 'request_uri')
  const isForDevices = options.grants?.some(({ grantType }) => grantType === deviceGrant)
  const server = oauth.createAuthorizationServer(
    named({
      issuer,
      scopes: { read: 'See your data', write: 'Change your data', clients: 'Manage apps', admin: 'Manage all apps' },
      users: { find: (id) => people.get(id) },
      endpoints: {
        ...{ authorize: paths.authorize, token: paths.token, revoke: paths.revoke, introspect: paths.introspect },
        ...(isPushed && { pushedAuthorization: paths.pushedAuthorization }),
        ...(isForDevices && { deviceAuthorization: paths.deviceAuthorization, device: paths.device }),
      },
      onEvent: (event) => events.push(event),
      now: () => clock.now,
      ...serverOptions,
      storage,
    }),
  )

  const app = express()
  for (const handler of before) app.use(handler)
  app.use((req, _res, next) => {
    const user = people.get(req.get('X-User') ?? '')
    if (user) req.user = user
    next()
  })
  if (mount) mount(app, server)
  else {
    app.use(paths.authorize, oauth.authorizeRouter(server, { decide, ...(response && { response }) }))
    app.use(paths.token, oauth.tokenRouter(server, tokenRouter))
    app.use(paths.revoke, oauth.revokeRouter(server))
    app.use(paths.introspect, oauth.introspectRouter(server))
    if (isPushed) app.use(paths.pushedAuthorization, oauth.pushedAuthorizationRouter(server))
    if (isForDevices) {
      app.use(paths.deviceAuthorization, oauth.deviceAuthorizationRouter(server))
      const asks = options.decide ?? oauth.consentPage({ signIn: '/login', switchUser: '/logout' })
      app.use(paths.device, oauth.deviceRouter(server, { decide: asks }))
    }
    const protect = oauth.bearerGuard(server, { scope: 'clients', user: false })
    app.use(paths.clients, oauth.clientsRouter(server, { protect, admin: 'admin' }))
    app.use(oauth.metadataRouter(server))
    app.get('/me', oauth.bearerGuard(server, { scope: 'read', user: false }), (req, res) => {
      res.json({ user: req.user, authInfo: req.authInfo })
    })
  }
  // what a router passes on, and what reaches the host's error handler, is told apart from everything the library says
  app.use((_req, res) => void res.status(418).json({ passedOn: true }))
  const onError: express.ErrorRequestHandler = (error, _req, res, _next) =>
    void res.status(599).json({ thrown: String(error) })
  app.use(onError)

  const register = async (
    { clientId, ...given }: oauth.RegisterClientOptions = {},
    redirectUri = 'https://app.example/cb',
  ): Promise<TestClient> => {
    const made = await oauth.registerClient(server, {
      ...(clientId !== undefined && { clientId }),
      redirectUris: [redirectUri],
      scopes: ['read', 'write'],
      ...given,
    })
    const { clientSecret } = made
    return { clientId: made.client.clientId, redirectUri, ...(clientSecret !== undefined && { clientSecret }) }
  }
  /** A web app with a secret, which may use every grant of the server. */
  const web = await register({ clientId: 'web', grantTypes: [...server.grants.keys()] })
  /** A native app without a secret, on loopback. */
  const native = await register(
    { clientId: 'native', tokenEndpointAuthMethods: ['none'] },
    'http://127.0.0.1:4321/callback',
  )
  /** An API that introspects what it is sent. */
  const api = await register({ clientId: 'api', grantTypes: [], resourceServer: true })
  storage.calls.length = 0
  events.length = 0
  const listener = createServer(app).listen(0, '127.0.0.1').unref()
  servers.push(listener)
  await once(listener, 'listening')

  const send = (path: string, client: TestClient | undefined, parameters: Parameters): Test => {
    const sent = request(listener).post(path).type('form')
    if (client?.clientSecret !== undefined) sent.auth(client.clientId, client.clientSecret)
    const publicId = client && client.clientSecret === undefined ? { client_id: client.clientId } : {}
    return sent.send(encode({ ...publicId, ...parameters }))
  }

  const host = {
    server,
    app,
    storage,
    clock,
    /** Everything that `onEvent` heard. */
    events,
    /** The users of the host; take one out to delete the account. */
    people,
    web,
    native,
    api,
    register,
    /** A new supertest request. */
    http: () => request(listener),
    /** A form sent to `path`; the client authenticates with Basic, or by its `client_id` where it has no secret. */
    send,

    /** What `authorize` sends, unless it is told otherwise. */
    authorizationRequest: (client: TestClient, parameters: Parameters = {}) =>
      encode({
        response_type: 'code',
        client_id: client.clientId,
        redirect_uri: client.redirectUri,
        state: 'xyz',
        code_challenge: pkce.challenge,
        code_challenge_method: 'S256',
        ...parameters,
      }),
    /** An authorization request of the browser of `user` (null: nobody is signed in). */
    authorize(client: TestClient = web, parameters: Parameters = {}, user: string | null = 'alice'): Test {
      const sent = request(listener).get(`${paths.authorize}?${host.authorizationRequest(client, parameters)}`)
      return user === null ? sent : sent.set('X-User', user)
    },
    /** What `authorizationRequest` says, pushed (RFC 9126). */
    push: (client: TestClient = web, parameters: Parameters = {}): Test =>
      send(paths.pushedAuthorization, client, {
        ...Object.fromEntries(new URLSearchParams(host.authorizationRequest(client))),
        ...parameters,
      }),
    /** A request of the browser of `user` with just these parameters, such as `client_id` and `request_uri`. */
    open(parameters: Parameters, user: string | null = 'alice'): Test {
      const sent = request(listener).get(`${paths.authorize}?${encode(parameters)}`)
      return user === null ? sent : sent.set('X-User', user)
    },
    /** An authorization code of `user`. */
    async code(client: TestClient = web, parameters: Parameters = {}, user = 'alice'): Promise<string> {
      const answer = await host.authorize(client, parameters, user)
      const code = answerOf(answer).code
      if (code === undefined) throw new Error(`No code: ${answer.status} ${answer.headers.location ?? answer.text}`)
      return code
    },
    token: (client: TestClient | undefined, parameters: Parameters): Test => send(paths.token, client, parameters),
    exchange(client: TestClient, code: string, parameters: Parameters = {}): Test {
      return host.token(client, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: client.redirectUri,
        code_verifier: pkce.verifier,
        ...parameters,
      })
    },
    refresh: (client: TestClient, refreshToken: string, parameters: Parameters = {}): Test =>
      host.token(client, { grant_type: 'refresh_token', refresh_token: refreshToken, ...parameters }),
    /** The code flow from one end to the other: the token response. */
    async signIn(client: TestClient = web, parameters: Parameters = {}, user = 'alice'): Promise<Tokens> {
      const answer = await host.exchange(client, await host.code(client, parameters, user))
      if (answer.status !== 200) throw new Error(`No tokens: ${answer.status} ${answer.text}`)
      return answer.body as Tokens
    },
    revoke: (client: TestClient | undefined, token: string, parameters: Parameters = {}): Test =>
      send(paths.revoke, client, { token, ...parameters }),
    introspect: (client: TestClient | undefined, token: string): Test => send(paths.introspect, client, { token }),
    /** The guarded route. */
    me: (accessToken: string): Test => request(listener).get('/me').auth(accessToken, { type: 'bearer' }),
    /** Whether the guard lets the token pass; an answer that is neither yes nor `invalid_token` is an error. */
    async isAlive({ access_token }: Pick<Tokens, 'access_token'>): Promise<boolean> {
      const { status, headers, text } = await host.me(access_token)
      if (status === 200) return true
      if (status === 401 && headers['www-authenticate']?.includes('invalid_token')) return false
      throw new Error(`${status} ${text}`)
    },
    eventTypes: () => events.map(({ type }) => type),
    /** The errors that the host was told of, and with what cause. */
    reportedErrors: () => events.flatMap((event) => (event.type === 'error' ? [event.error] : [])),
  }
  return host
}

/** What a test sets to undefined takes a default of the host away, and is left out. */
export function named<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options
}

/** A token response with a refresh token. */
export type Tokens = oauth.TokenResponse & { refresh_token: string }

export function encode(parameters: Parameters): string {
  const present = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return new URLSearchParams(present).toString()
}

/** The parameters of an authorization response: in the query or the fragment of `Location`. */
export function answerOf({ headers }: Pick<Response, 'headers'>): Partial<Record<string, string>> {
  if (headers.location === undefined) return {}
  const { hash, search } = new URL(headers.location, issuer)
  return Object.fromEntries(new URLSearchParams(hash === '' ? search : hash.slice(1)))
}

const allowSignedIn: oauth.Decide = (_request, req) => {
  const user = req.user as Person | undefined
  return user ? { allow: true, userId: user.id } : { allow: false }
}

function isObserved(storage: oauth.OAuthStorage | undefined): storage is ObservedStorage {
  return storage !== undefined && 'calls' in storage
}
