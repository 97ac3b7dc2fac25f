// The clients and platforms of the table in examples/platforms/README.md, replayed: MCP clients against examples/mcp/mcp-server.ts,
// which is the server of examples/mcp/README.md, from discovery to a tool; the others against an API with a record as the table
// says, from the browser to a refresh.
import express from 'express'
import { createApp } from '../../examples/mcp/mcp-server'
import { listen, type RunningApp } from '../../examples/shared/start'
import { authorizationCode, implicit, refreshToken } from '../../src'
import { createHost, type Host, type Parameters, paths, pkce, type TestClient } from '../support/host'
import { openBrowser } from './browser'
import { type McpClient, mcpClients, type Platform, type Service, services } from './platforms'

/** A query or a form as it is on the wire: `{name}` stands for a value. */
function fill(template: string, values: Parameters): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`There is no ${name}`)
    return new URLSearchParams({ '': value }).toString().slice(1)
  })
}

/** The headers of a token request, and its Authorization header where the secret is in it. */
function headersOf({ token }: Platform, clientId: string, secret = ''): Record<string, string> {
  const { contentType = 'application/x-www-form-urlencoded', headers, basic } = token
  const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
  const pair = basic === 'form-encoded' ? `${encode(clientId)}:${encode(secret)}` : `${clientId}:${secret}`
  const authorization = { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
  return { 'Content-Type': contentType, ...headers, ...(basic && authorization) }
}

/** The code and the state that a platform reads where the browser came back to. */
function answerAt({ redirectUri, state }: Platform, location: string): string {
  expect(location.startsWith(`${redirectUri}?`)).toBe(true)
  const answer = new URL(location).searchParams
  expect([answer.get('error'), answer.get('state') ?? '']).toEqual([null, state])
  return answer.get('code') as string
}

let app: RunningApp
/** Where the documents of MCP clients are: on loopback here, and but for that the server is as it stands in its guide. */
let site: RunningApp
/** Seconds by which the clock of the MCP server is ahead of the machine's. */
let ahead = 0

beforeAll(async () => {
  site = await listen((origin) => {
    const documents = express()
    for (const [at, { introduces }] of mcpClients.entries()) {
      const path = `/oauth/${at}/client.json`
      if ('document' in introduces) {
        documents.get(path, (_req, res) => void res.json({ client_id: `${origin}${path}`, ...introduces.document }))
      }
    }
    return documents
  })
  const clientIdMetadataDocuments = { scopes: ['notes:read', 'notes:write'], dangerouslyAllowLoopback: true }
  const now = () => Date.now() / 1000 + ahead
  app = await listen((issuer) => createApp(issuer, { clientIdMetadataDocuments, now }))
})
afterAll(() => Promise.all([app.close(), site.close()]))

describe.each(mcpClients)('$name, $how', (client: McpClient) => {
  const json = async (response: Response, status = 200) => {
    const body = (await response.json()) as Record<string, string & string[]>
    expect([response.status, body]).toEqual([status, expect.anything()])
    return body
  }
  const call = (method: string, params: object, token?: string) =>
    fetch(`${app.issuer}/mcp`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        ...client.headers,
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })
  const initialize = (token?: string) => {
    const clientInfo = { name: client.name, version: '1.0.0' }
    return call('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }, token)
  }
  const tool = async (token?: string) => (await call('tools/call', { name: 'list_notes', arguments: {} }, token)).text()

  /** Its id, and its secret where it has one: by registration, or by the URL of its document. */
  async function introduce(metadata: Record<string, string>): Promise<Parameters> {
    if ('document' in client.introduces) {
      return { client_id: `${site.issuer}/oauth/${mcpClients.indexOf(client)}/client.json` }
    }
    const body = JSON.stringify(client.introduces.registration)
    const headers = { 'Content-Type': 'application/json', ...client.token.headers }
    const answer = await fetch(metadata.registration_endpoint as string, { method: 'POST', headers, body })
    const { client_id, client_secret, redirect_uris } = await json(answer, 201)
    expect(redirect_uris).toEqual((client.introduces.registration as Record<string, unknown>).redirect_uris)
    return { client_id, client_secret }
  }

  it('connects: challenge, discovery, introduction, consent, PKCE, a tool, and after an hour a refresh', async () => {
    const challenge = (await initialize()).headers.get('www-authenticate') ?? ''
    const [, resourceMetadata = ''] = /resource_metadata="([^"]+)"/.exec(challenge) ?? []
    const { resource, authorization_servers, scopes_supported } = await json(await fetch(resourceMetadata))
    const metadata = await json(await fetch(`${authorization_servers?.[0]}/.well-known/oauth-authorization-server`))

    const { redirectUri, state, token } = client
    const introduced = await introduce(metadata)
    const values: Parameters = { ...introduced, ...pkceValues, redirect_uri: redirectUri, state, resource }
    const asked = { ...values, scope: scopes_supported?.join(' ') }
    const page = `${metadata.authorization_endpoint}?${fill(client.authorize, asked)}`
    const code = answerAt(client, await openBrowser().authorize(page))

    const send = async (template: string, more: Parameters) => {
      const headers = headersOf(client, introduced.client_id as string, introduced.client_secret)
      const body = fill(template, { ...values, ...more })
      return json(await fetch(metadata.token_endpoint as string, { method: 'POST', headers, body }))
    }
    const tokens = await send(token.exchange, { code })
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'notes:read notes:write' })
    expect((await initialize(tokens.access_token)).status).toBe(200)
    expect(await tool(tokens.access_token)).toContain('Notes of Ada Lovelace')

    if (token.refresh === undefined) return
    ahead += 3601
    expect((await initialize(tokens.access_token)).status).toBe(401)
    const refreshed = await send(token.refresh, { refresh_token: tokens.refresh_token })
    expect(await tool(refreshed.access_token)).toContain('Notes of Ada Lovelace')
  })
})

const pkceValues = { challenge: pkce.challenge, verifier: pkce.verifier }
/** Every character on which the readings of Basic, and the writings of forms, differ. */
const secret = 'a +%2B/:&=?~*é'
const swaggerOrigin = 'https://docs.example'

describe('registered beforehand', () => {
  let host: Host
  beforeAll(async () => {
    const grants = [authorizationCode(), refreshToken(), implicit()]
    host = await createHost({ grants, tokenRouter: { cors: { origin: [swaggerOrigin] } } })
  })

  const register = (service: Service, record: object = service.record): Promise<TestClient> => {
    const isPublic = service.record.tokenEndpointAuthMethods?.includes('none')
    return host.register({ ...(!isPublic && { clientSecret: secret }), ...record }, service.redirectUri)
  }
  const authorize = (service: Service, { clientId }: TestClient) => {
    const values = { ...pkceValues, client_id: clientId, redirect_uri: service.redirectUri, state: service.state }
    const query = fill(service.authorize, { ...values, scope: 'read write' })
    return host.http().get(`${paths.authorize}?${query}`).set('X-User', 'alice')
  }
  const send = (service: Service, { clientId, clientSecret }: TestClient, template: string, more: Parameters) => {
    const values = { ...pkceValues, client_id: clientId, client_secret: clientSecret, scope: 'read write' }
    const request = host
      .http()
      .post(paths.token)
      .set(headersOf(service, clientId, clientSecret))
    return request.send(fill(template, { ...values, redirect_uri: service.redirectUri, ...more }))
  }
  const connect = async (service: Service, client: TestClient) => {
    const { headers } = await authorize(service, client)
    const answer = await send(service, client, service.token.exchange, {
      code: answerAt(service, String(headers.location)),
    })
    expect([answer.status, answer.body]).toEqual([200, expect.objectContaining({ scope: 'read write' })])
    return answer
  }

  describe.each(services)('$name, $how', (service) => {
    it('connects: the browser, the code, a call, and two refreshes (where it has any), an hour apart', async () => {
      const client = await register(service)
      const { headers, body } = await connect(service, client)
      expect(headers).toMatchObject({
        'content-type': expect.stringMatching(/^application\/json\b/),
        'cache-control': 'no-store',
      })
      expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, refresh_token: expect.any(String) })
      const { body: me } = await host.me(body.access_token).expect(200)
      expect(me).toMatchObject({ user: { id: 'alice' }, authInfo: { clientId: client.clientId } })

      const { refresh } = service.token
      if (refresh === undefined) return
      let token: string = body.refresh_token
      for (let hours = 0; hours < 2; hours++) {
        host.clock.advance(3600)
        const refreshed = await send(service, client, refresh, { refresh_token: token })
        expect([refreshed.status, refreshed.body]).toEqual([200, expect.objectContaining({ token_type: 'Bearer' })])
        await host.me(refreshed.body.access_token).expect(200)
        // each of them keeps the newest
        token = refreshed.body.refresh_token
      }
    })

    const { requirePkce, ...strict } = service.record
    if (requirePkce === false) {
      it('needs requirePkce: false, and is told so without it', async () => {
        const { headers } = await authorize(service, await register(service, strict))
        const answer = new URL(String(headers.location)).searchParams
        expect([answer.get('error'), answer.get('state')]).toEqual(['invalid_request', service.state])
        expect(answer.get('error_description')).toContain('code_challenge')
      })
    }
  })

  const named = (name: string) => services.find((service) => service.name === name) as Service

  it('Alexa with the implicit grant of older skills, which is off unless the server and the record have it', async () => {
    const service = named('Alexa account linking')
    const client = await register(service, { ...service.record, grantTypes: ['implicit'] })
    const query = new URLSearchParams({
      ...{ state: service.state, client_id: client.clientId, response_type: 'token', scope: 'read' },
      redirect_uri: service.redirectUri,
    })
    const { headers } = await host.http().get(`${paths.authorize}?${query}`).set('X-User', 'alice')
    const [where, fragment] = String(headers.location).split('#')
    expect(where).toBe(service.redirectUri)
    const answer = Object.fromEntries(new URLSearchParams(fragment))
    expect(answer).toMatchObject({ state: service.state, token_type: 'Bearer', access_token: expect.any(String) })
    await host.me(answer.access_token as string).expect(200)
  })

  it('Google as its validation tool asks: 400 invalid_grant, no JWT, and two refreshes at once; it revokes', async () => {
    const service = named('Google account linking')
    const client = await register(service)
    const { refresh: template = '' } = service.token
    const refresh = (token: string) => send(service, client, template, { refresh_token: token })
    const { body } = await connect(service, client)
    expect(body.access_token).not.toMatch(/^[^.]+\.[^.]+\.[^.]+$/)
    expect(await refresh('wrong')).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    const [first, second] = await Promise.all([refresh(body.refresh_token), refresh(body.refresh_token)])
    expect([first.status, second.status]).toEqual([200, 200])
    expect(first.body.access_token).not.toBe(body.access_token)
    // the old one is good until the new one was used
    expect((await refresh(body.refresh_token)).status).toBe(200)
    const last = await refresh(first.body.refresh_token)
    expect(last.status).toBe(200)
    const revoked = await host
      .http()
      .post(paths.revoke)
      .type('form')
      .send({ client_id: client.clientId, client_secret: secret, token: last.body.refresh_token })
    expect(revoked.status).toBe(200)
    await host.me(last.body.access_token).expect(401)
  })

  it('Swagger UI from another origin: the preflight of its token request, by the option cors', async () => {
    const preflight = (origin: string) =>
      host.http().options(paths.token).set({
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'x-requested-with',
      })
    const { status, headers } = await preflight(swaggerOrigin)
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': swaggerOrigin,
      'access-control-allow-headers': 'x-requested-with',
    })
    expect((await preflight('https://evil.example')).headers).not.toHaveProperty('access-control-allow-origin')
  })
})
