// A proxy in front of the host, which takes the beginning off a path or passes it on: a real one, in this process. What the
// metadata names answers, browsers come back, and a combination that is wrong is warned of.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Express } from 'express'
import * as oauth from '../../src'
import { createHost, type Host, pkce } from '../support/host'

let printed: jest.SpyInstance<void, unknown[]>
const proxies: Server[] = []
beforeEach(() => {
  printed = jest.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => {
  printed.mockRestore()
  for (const proxy of proxies.splice(0)) proxy.close().closeAllConnections()
})

/** As `location /auth/ { proxy_pass http://app/; }`, or without the last slash; well-known places are passed on as they are. */
async function openProxy(manner: 'strips' | 'passes on', more: Record<string, string> = {}) {
  let app: Server
  const handle = (req: IncomingMessage, res: ServerResponse) => {
    const asked = req.url as string
    const isOurs = asked.startsWith('/auth/')
    if (!isOurs && !asked.startsWith('/.well-known/')) return void res.writeHead(404).end('the proxy')
    const path = isOurs && manner === 'strips' ? asked.slice('/auth'.length) : asked
    const headers = { ...req.headers, 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'http', ...more }
    const onward = request(
      { port: (app.address() as AddressInfo).port, path, method: req.method, headers },
      (answer) => {
        res.writeHead(answer.statusCode as number, answer.headers)
        answer.pipe(res)
      },
    )
    req.pipe(onward)
  }
  const proxy = createServer(handle).listen(0, '127.0.0.1')
  proxies.push(proxy)
  await new Promise((resolve) => proxy.once('listening', resolve))
  const origin = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  return {
    origin,
    async serve(handler: Express) {
      app = createServer(handler).listen(0, '127.0.0.1')
      proxies.push(app)
      await new Promise((resolve) => app.once('listening', resolve))
    },
  }
}

const decide = oauth.consentPage({ signIn: '/auth/login' })
const below = (prefix: string) => ({
  authorize: `${prefix}/oauth2/authorize`,
  token: `${prefix}/oauth2/token`,
  revoke: `${prefix}/oauth2/revoke_token`,
  introspect: `${prefix}/oauth2/introspect`,
  register: `${prefix}/oauth2/register`,
})
const asOne = (app: Express, server: oauth.AuthorizationServer) => {
  app.use(oauth.oauthRouter(server, { decide, protect: false, register: { protect: 'open', scopes: 'read' } }))
}
/** Where the app sees them: one by one. */
const oneByOne = (prefix: string) => (app: Express, server: oauth.AuthorizationServer) => {
  const at = below(prefix)
  app.use(at.authorize, oauth.authorizeRouter(server, { decide }))
  app.use(at.token, oauth.tokenRouter(server))
  app.use(at.revoke, oauth.revokeRouter(server))
  app.use(at.introspect, oauth.introspectRouter(server))
  app.use(at.register, oauth.registerRouter(server, { protect: 'open', scopes: 'read' }))
  app.use(oauth.metadataRouter(server))
}
const connectedApps = (prefix: string, mount: typeof asOne) => (app: Express, server: oauth.AuthorizationServer) => {
  mount(app, server)
  app.use(`${prefix}/account/apps`, oauth.connectedAppsRouter(server, { signIn: '/auth/login' }))
}

const key = oauth.generateSigningKey('ES256')

type Layout = Parameters<typeof openProxy>[0]
it.each<[string, Layout, typeof asOne, path: string, Partial<oauth.AuthorizationServerOptions>]>([
  ['strips, oauthRouter', 'strips', asOne, '/auth', { endpoints: below('/auth') }],
  ['strips, oauthRouter without endpoints', 'strips', asOne, '/auth', { endpoints: {} }],
  ['strips, one by one', 'strips', oneByOne(''), '/auth', { endpoints: below('/auth') }],
  ['passes on, oauthRouter', 'passes on', asOne, '/auth', { endpoints: below('/auth') }],
  ['passes on, oauthRouter without endpoints', 'passes on', asOne, '/auth', { endpoints: {} }],
  ['passes on, one by one', 'passes on', oneByOne('/auth'), '/auth', { endpoints: below('/auth') }],
  [
    'strips, oauthRouter, by proxyPrefix',
    'strips',
    connectedApps('', asOne),
    '',
    { endpoints: {}, proxyPrefix: '/auth' },
  ],
  [
    'strips, one by one, by proxyPrefix',
    'strips',
    connectedApps('', oneByOne('')),
    '',
    { endpoints: below('/auth'), proxyPrefix: '/auth' },
  ],
])('behind a proxy, what the metadata names answers: %s', async (name, manner, mount, path, options) => {
  const proxy = await openProxy(manner)
  const issuer = `${proxy.origin}${path}`
  const accessTokens = oauth.jwt({ keys: await key, audience: 'https://api.example' })
  const host = await createHost({ issuer, accessTokens, mount, ...options })
  await proxy.serve(host.app)
  const document = await fetch(`${proxy.origin}/.well-known/oauth-authorization-server${path}`)
  const metadata = (await document.json()) as Record<string, string>
  expect(metadata.issuer).toBe(issuer)

  // each of them is ours: what the proxy or the host answers is 404 or 418
  const named = Object.entries(metadata).filter(([member]) => member.endsWith('_endpoint') || member.endsWith('_uri'))
  expect(named).toHaveLength(6)
  for (const [, url] of named) expect([404, 418]).not.toContain((await fetch(`${url}`, { redirect: 'manual' })).status)

  const code = await codeThrough(proxy.origin, String(metadata.authorization_endpoint), host)
  const body = new URLSearchParams({ grant_type: 'authorization_code', code, code_verifier: pkce.verifier })
  body.set('redirect_uri', host.web.redirectUri)
  const authorization = `Basic ${btoa(`web:${host.web.clientSecret}`)}`
  const tokens = await fetch(String(metadata.token_endpoint), { method: 'POST', headers: { authorization }, body })
  expect(tokens.status).toBe(200)

  const registered = await fetch(String(metadata.registration_endpoint), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['https://a.example/cb'] }),
  })
  const { registration_client_uri: uri = '', registration_access_token: token } =
    (await registered.json()) as typeof metadata
  expect((await fetch(uri, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200)

  if (name.endsWith('proxyPrefix')) {
    const page = await fetch(`${proxy.origin}/auth/account/apps`, { redirect: 'manual' })
    expect(page.headers.get('location')).toBe('/auth/login?return_to=%2Fauth%2Faccount%2Fapps')
  }
  expect(printed.mock.calls).toEqual([])
})

/** A browser on its way: sent to sign in, back by `return_to`, and through the consent page. */
async function codeThrough(origin: string, endpoint: string, host: Host): Promise<string> {
  const url = `${endpoint}?${host.authorizationRequest(host.web)}`
  const signIn = (await fetch(url, { redirect: 'manual' })).headers.get('location') as string
  const returnTo = `${origin}${new URL(signIn, origin).searchParams.get('return_to')}`
  expect(returnTo.split('?')[0]).toBe(endpoint)
  const headers = { 'X-User': 'alice' }
  const page = await (await fetch(returnTo, { headers })).text()
  const fields = [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, ...field]) => field)
  const body = new URLSearchParams([...(fields as [string, string][]), ['consent', 'allow']])
  host.clock.advance(2)
  const answer = await fetch(returnTo, { method: 'POST', redirect: 'manual', headers, body })
  return new URL(answer.headers.get('location') as string).searchParams.get('code') as string
}

describe('a wrong combination', () => {
  const asked = async (mount: typeof asOne, options: Partial<oauth.AuthorizationServerOptions>, headers = {}) => {
    const proxy = await openProxy('strips', headers)
    const host = await createHost({ issuer: proxy.origin, mount, ...options })
    await proxy.serve(host.app)
    for (const path of ['token', 'authorize', 'token']) await fetch(`${proxy.origin}/auth/oauth2/${path}`)
    return printed.mock.calls.map(String)
  }
  const told = expect.stringMatching(/router_mounted_elsewhere: .*set proxyPrefix: '\/auth'$/)

  it.each<[string, ...Parameters<typeof asked>]>([
    ['one by one, where the metadata names what the proxy takes off', oneByOne(''), { endpoints: below('/auth') }, {}],
    ['oauthRouter, where the metadata names what the proxy takes off', asOne, { endpoints: below('/auth') }, {}],
    ['a proxy that tells what it takes off', asOne, { endpoints: {} }, { 'x-forwarded-prefix': '/auth' }],
    ['the same, one by one', oneByOne(''), { endpoints: below('') }, { 'x-forwarded-prefix': '/auth' }],
  ])('is warned of once, with the option: %s', async (_, mount, options, headers) => {
    expect(await asked(mount, options, headers)).toEqual([told])
  })

  it('of endpoints and proxyPrefix is a TypeError', () => {
    const create = (options: object) => () =>
      oauth.createAuthorizationServer({
        issuer: 'https://a.example',
        storage: oauth.memoryStorage(),
        scopes: [],
        ...options,
      })
    expect(create({ proxyPrefix: '/auth', endpoints: { token: '/oauth2/token' } })).toThrow(
      new TypeError('endpoints.token must begin with proxyPrefix /auth: endpoints are the paths that clients see'),
    )
    for (const proxyPrefix of ['', '/', 'auth', '/auth/', '/:auth', '//auth', 7, null]) {
      expect(create({ proxyPrefix })).toThrow(/^proxyPrefix must be the path that your proxy takes off/)
    }
  })
})
