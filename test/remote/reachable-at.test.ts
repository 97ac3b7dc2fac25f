// An API between containers: the issuer is what clients see, and the server is reached by another name, or by http.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import request from 'supertest'
import * as oauth from '../../src'
import { createHost } from '../support/host'

const resource = 'https://api.example.com'
const key = oauth.generateSigningKey('ES256')
let close = () => {}
afterEach(() => close())

/** A server that listens at `address`, and what was asked of it there. 127.0.0.2 stands for a host that is not this one. */
async function serve(address: string, issuerOf: (origin: string) => string, jwks?: string) {
  const asked: string[] = []
  let app: express.Express | undefined
  const listener = createServer((req, res) => {
    asked.push(String(req.url))
    app?.(req, res)
  }).listen(0, address)
  close = () => void listener.close().closeAllConnections()
  await new Promise((resolve) => listener.once('listening', resolve))
  const origin = `http://${address}:${(listener.address() as AddressInfo).port}`
  const issuer = issuerOf(origin)
  const host = await createHost({
    issuer,
    dangerouslyAllowHttp: true,
    accessTokens: oauth.jwt({ keys: await key, audience: resource }),
    mount: (app, server) => {
      if (jwks)
        app.get('/.well-known/oauth-authorization-server', (_req, res) => void res.json({ issuer, jwks_uri: jwks }))
      app.use(oauth.oauthRouter(server, { decide: () => undefined, protect: false }))
    },
  })
  app = host.app
  const call = async (options: Partial<oauth.RemoteServerOptions>) => {
    const { accessToken: token } = await issue(host.server)
    const events: oauth.AuthorizationServerEvent[] = []
    const onEvent = (event: oauth.AuthorizationServerEvent) => void events.push(event)
    const server = oauth.remoteServer({ issuer, resource, onEvent, now: () => host.clock.now, ...options })
    const api = express().get('/', oauth.bearerGuard(server), (_req, res) => void res.sendStatus(200))
    const { status } = await request(api).get('/').auth(token, { type: 'bearer' })
    return { status, told: events.map((event) => (event.type === 'error' ? String(event.error.cause) : event.type)) }
  }
  return { host, origin, asked, call }
}

async function issue(server: oauth.AuthorizationServer) {
  const { access_token: accessToken } = await oauth.issueTokens(server, {
    clientId: 'web',
    userId: 'alice',
    scope: 'read',
  })
  return { accessToken }
}

it('verifies tokens of the issuer by keys that it fetches at reachableAt', async () => {
  const { call, origin, asked } = await serve('127.0.0.1', () => 'https://auth.example.com/tenant')
  expect(await call({ reachableAt: origin })).toEqual({ status: 200, told: [] })
  expect(asked).toEqual(['/.well-known/oauth-authorization-server/tenant', '/.well-known/jwks.json/tenant'])
})

it('introspects at reachableAt', async () => {
  const { call, host, origin, asked } = await serve('127.0.0.1', () => 'https://auth.example.com')
  const introspect = { clientId: 'api', clientSecret: String(host.api.clientSecret) }
  expect(await call({ reachableAt: `${origin}/`, introspect })).toEqual({ status: 200, told: [] })
  expect(asked).toEqual(['/.well-known/oauth-authorization-server', '/oauth2/introspect'])
})

it('takes nothing of another origin for one that is inside', async () => {
  const keys = 'https://127.0.0.1:9/keys'
  const { call, origin } = await serve('127.0.0.1', () => 'https://auth.example.com', keys)
  expect(await call({ reachableAt: origin })).toMatchObject({ status: 503 })
})

it('accepts an http issuer, and an http way to it, only where dangerouslyAllowHttp says so', async () => {
  const { call, origin, asked } = await serve('127.0.0.2', (origin) => origin)
  expect(await call({ dangerouslyAllowHttp: true })).toEqual({ status: 200, told: [] })
  expect(asked).toHaveLength(2)
  await expect(call({})).rejects.toThrow(`set dangerouslyAllowHttp: true); it is ${origin}`)

  const inside = { issuer: 'https://auth.example.com', reachableAt: origin }
  await expect(call(inside)).rejects.toThrow("remoteServer's reachableAt must be an https origin without a path")
  expect(await call({ ...inside, dangerouslyAllowHttp: true })).toMatchObject({ status: 503 })
})

it.each([
  'auth',
  'http://auth',
  'ftp://127.0.0.1',
  'https://auth/path',
  'https://a:b@auth',
  'https://auth?x',
  '',
  7,
  null,
])('refuses %p as reachableAt at start-up', (reachableAt) => {
  const options = { issuer: 'https://auth.example.com', resource, reachableAt: reachableAt as string }
  expect(() => oauth.remoteServer(options)).toThrow(/reachableAt must be an https origin/)
})

it('warns of http in production, whatever allows it', () => {
  const { NODE_ENV } = process.env
  const printed = jest.spyOn(console, 'warn').mockImplementation(() => {})
  process.env.NODE_ENV = 'production'
  try {
    const options = { issuer: 'https://auth.example.com', resource, dangerouslyAllowHttp: true }
    oauth.remoteServer({ ...options, reachableAt: 'http://auth:3000', onEvent: () => {} })
    expect(printed.mock.calls).toEqual([[expect.stringContaining('the reachableAt is http://auth:3000')]])
  } finally {
    process.env.NODE_ENV = NODE_ENV
    printed.mockRestore()
  }
})
