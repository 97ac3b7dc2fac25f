// The clients of the official MCP SDKs, v1 and v2, against examples/mcp/mcp-server.ts: they know its URL, and nothing else.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { createApp } from '../../examples/mcp/mcp-server'
import { signIn } from '../../examples/shared/sign-in'
import { listen, type RunningApp } from '../../examples/shared/start'
import { createUsers } from '../../examples/shared/users'
import {
  accessToken,
  bearerGuard,
  consentPage,
  createAuthorizationServer,
  dpop,
  memoryStorage,
  oauthRouter,
  protectedResourceRouter,
} from '../../src'
import { openBrowser } from './browser'
import { createMcpApp, cursor, type Sdk } from './mcp-app'

let app: RunningApp
let url: string
/** Seconds by which the server's clock is ahead of the machine's. */
let ahead = 0

beforeAll(async () => {
  app = await listen((issuer) => createApp(issuer, { now: () => Date.now() / 1000 + ahead }))
  url = `${app.issuer}/mcp`
})
afterAll(() => app.close())

const call = (token?: string) =>
  fetch(url, { method: 'POST', headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })

describe.each<[Sdk]>([['v1'], ['v2']])('the MCP client %s', (sdk) => {
  it('connects with nothing but the URL: discovery, registration, consent, PKCE, a token for this resource', async () => {
    const client = createMcpApp(sdk, url)
    expect(await client.call('list_notes')).toContain('Notes of Ada Lovelace')
    expect(client.asked.slice(0, 4)).toEqual([
      `POST ${url}`,
      `GET ${app.issuer}/.well-known/oauth-protected-resource/mcp`,
      `GET ${app.issuer}/.well-known/oauth-authorization-server`,
      `POST ${app.issuer}/oauth2/register`,
    ])
    expect(client.authorizations).toHaveLength(1)
    const request = Object.fromEntries(client.authorizations[0]?.searchParams ?? [])
    expect(request).toMatchObject({
      client_id: client.clientInformation()?.client_id,
      code_challenge_method: 'S256',
      scope: 'notes:read notes:write',
      resource: url,
    })
    expect(client.tokens()).toMatchObject({ scope: 'notes:read notes:write', refresh_token: expect.any(String) })
  })

  it('acts for the user who allowed it', async () => {
    const client = createMcpApp(sdk, url)
    const text = `Written by ${sdk}`
    expect(await client.call('add_note', { text })).toBe('Added.')
    expect(await client.call('list_notes')).toContain(text)
    expect(client.authorizations).toHaveLength(1)
  })

  it('refreshes an expired token by itself, and calls again', async () => {
    const client = createMcpApp(sdk, url)
    await client.call('list_notes')
    const before = client.tokens()
    ahead += 3600
    expect((await call(before?.access_token)).status).toBe(401)
    expect(await client.callUnattended('list_notes')).toContain('Notes of Ada Lovelace')
    expect(client.tokens()?.access_token).not.toBe(before?.access_token)
    expect(client.tokens()?.refresh_token).not.toBe(before?.refresh_token)
  })

  it('asks the user again when access was taken back', async () => {
    const client = createMcpApp(sdk, url)
    await client.call('list_notes')
    const clientId = client.clientInformation()?.client_id as string
    const token = client.tokens()?.refresh_token as string
    const body = new URLSearchParams({ client_id: clientId, token })
    expect((await fetch(`${app.issuer}/oauth2/revoke_token`, { method: 'POST', body })).status).toBe(200)
    expect(await client.call('list_notes')).toContain('Notes of Ada Lovelace')
    expect(client.authorizations).toHaveLength(2)
    expect(client.clientInformation()?.client_id).toBe(clientId)
  })

  it('gets nothing when the user says no', async () => {
    const client = createMcpApp(sdk, url, { button: 'Deny' })
    await expect(client.call('list_notes')).rejects.toThrow('access_denied')
    expect(client.tokens()).toBeUndefined()
  })
})

describe('the MCP client v2 with a key of its own (RFC 9449)', () => {
  it.each([
    ['without nonces', false],
    ['with nonces', { secret: 'of all processes, and long enough' }],
  ] as const)(
    '%s: its token is bound to the key, refreshed with it, and of no use without it',
    async (_, nonce) => {
      const bound = await listen((issuer) => createApp(issuer, { senderConstraints: [dpop({ nonce })] }))
      const url = `${bound.issuer}/mcp`
      const script = join(__dirname, 'mcp-dpop.ts')
      const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, url])
      const { token, ...said } = JSON.parse(stdout)
      const notes = expect.stringContaining('Notes of Ada Lovelace')
      expect(said).toEqual({ first: notes, second: notes, type: 'DPoP', isRefreshed: true })
      const stolen = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
      expect(stolen.status).toBe(401)
      await bound.close()
    },
    60_000,
  )
})

describe('Cursor', () => {
  it('connects by its own scheme: discovery, three redirect URIs in one registration, consent, PKCE, a tool', async () => {
    const client = createMcpApp('v1', url, { clientMetadata: cursor })
    expect(await client.call('list_notes')).toContain('Notes of Ada Lovelace')
    expect(client.registrations).toEqual([
      {
        ...cursor,
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        scope: 'notes:read notes:write',
      },
    ])
    expect(Object.fromEntries(client.authorizations[0]?.searchParams ?? [])).toMatchObject({
      response_type: 'code',
      redirect_uri: 'cursor://anysphere.cursor-mcp/oauth/callback',
      code_challenge_method: 'S256',
      resource: url,
    })
    ahead += 3600
    expect(await client.callUnattended('list_notes')).toContain('Notes of Ada Lovelace')
  })

  it.each([
    ['cursor://anysphere.cursor-mcp/oauth/callback', 'an app on this device that opens cursor: links'],
    ['https://www.cursor.com/agents/mcp/oauth/callback', 'www.cursor.com'],
    // where that port is taken, the next one that is free
    ['http://localhost:8788/callback', 'an app on this device (localhost:8788)'],
  ])('has registered %s, and its user reads who gets access', async (redirectUri, words) => {
    const body = JSON.stringify({ ...cursor, token_endpoint_auth_method: 'none' })
    const headers = { 'Content-Type': 'application/json' }
    const answer = await fetch(`${app.issuer}/oauth2/register`, { method: 'POST', headers, body })
    const { client_id, redirect_uris } = (await answer.json()) as { client_id: string; redirect_uris: string[] }
    expect([answer.status, redirect_uris]).toEqual([201, cursor.redirect_uris])
    const browser = openBrowser()
    const request = { response_type: 'code', client_id, redirect_uri: redirectUri, code_challenge_method: 'S256' }
    const query = new URLSearchParams({ ...request, code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' })
    const authorize = `${app.issuer}/oauth2/authorize?${query}`
    // allowed once, and asked again the next time
    for (let times = 0; times < 2; times++) {
      expect(await browser.authorize(authorize)).toMatch(`${redirectUri}?code=`)
      const { status, text } = await browser.get(authorize)
      expect([status, text]).toEqual([
        200,
        expect.stringContaining(`Access will be given to <strong>${words}</strong>`),
      ])
    }
  })
})

describe('an app that has a client ID metadata document', () => {
  const document = { client_name: 'Notebook', redirect_uris: ['http://127.0.0.1/callback'] }

  it.each<[Sdk]>([['v1'], ['v2']])('is not registered: the client %s sends the URL of the document', async (sdk) => {
    const clientMetadataUrl = 'https://notebook.example/app.json'
    const client = createMcpApp(sdk, url, { clientMetadataUrl })
    // there is no such host: nobody is signed in to nobody's app
    await expect(client.call('list_notes')).rejects.toThrow('400')
    expect(client.authorizations[0]?.searchParams.get('client_id')).toBe(clientMetadataUrl)
    expect(client.asked).not.toContain(`POST ${app.issuer}/oauth2/register`)
  })

  it.each<[Sdk]>([['v1'], ['v2']])('is let in by the client %s with the document alone', async (sdk) => {
    const site = await listen((origin) =>
      express().get('/app.json', (_req, res) => void res.json({ client_id: `${origin}/app.json`, ...document })),
    )
    const clientIdMetadataDocuments = { scopes: ['notes:read'], dangerouslyAllowLoopback: true }
    const local = await listen((issuer) => createApp(issuer, { clientIdMetadataDocuments }))
    const clientId = `${site.issuer}/app.json`
    const client = createMcpApp(sdk, `${local.issuer}/mcp`, { clientId, scope: 'notes:read' })
    expect(await client.call('list_notes')).toContain('Notes of Ada Lovelace')
    expect(client.asked).not.toContain(`POST ${local.issuer}/oauth2/register`)
    expect(client.tokens()).toMatchObject({ scope: 'notes:read' })
    await Promise.all([site.close(), local.close()])
  })
})

describe('a token with too little for a tool', () => {
  it('is refused with the scope that the tool needs (RFC 6750 §3.1), and the client v2 asks the user for it', async () => {
    const client = createMcpApp('v2', url, { scope: 'notes:read' })
    await client.call('list_notes')
    expect(client.tokens()?.scope).toBe('notes:read')
    expect(await client.call('add_note', { text: 'Stepped up' })).toBe('Added.')
    const [, second] = client.authorizations
    expect(second?.searchParams.get('scope')).toBe('notes:read notes:write')
    expect(client.tokens()?.scope).toBe('notes:read notes:write')
    expect(await client.call('list_notes')).toContain('Stepped up')
  })

  it('may ask for more than it registered with, because clients register before they know what they will need', async () => {
    const redirect_uris = ['http://127.0.0.1/callback']
    const metadata = { redirect_uris, grant_types: ['authorization_code', 'refresh_token'], scope: 'notes:read' }
    const answer = await fetch(`${app.issuer}/oauth2/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...metadata, token_endpoint_auth_method: 'none' }),
    })
    const registered = (await answer.json()) as { client_id: string; scope: string }
    expect(registered.scope).toBe('notes:read notes:write')
    const client = createMcpApp('v2', url, { clientId: registered.client_id, scope: '' })
    await client.call('list_notes')
    expect(client.tokens()?.scope).toBe('notes:read')
    expect(await client.call('add_note', { text: 'Stepped up' })).toBe('Added.')
    expect(client.tokens()?.scope).toBe('notes:read notes:write')
  })

  it('is refused for the client v1, which refreshes what it has and gives up: so servers offer every scope at first', async () => {
    const client = createMcpApp('v1', url, { scope: 'notes:read' })
    await client.call('list_notes')
    await expect(client.call('add_note', { text: 'Not added' })).rejects.toThrow('403')
    expect(await client.call('list_notes')).not.toContain('Not added')
  })
})

describe('a request that the client would not send', () => {
  it('without a token is told where the metadata is (RFC 9728 §5.1), and of no error (RFC 6750 §3.1)', async () => {
    const { status, headers } = await call()
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toBe(
      `Bearer realm="api", resource_metadata="${app.issuer}/.well-known/oauth-protected-resource/mcp"`,
    )
  })

  it.each(['no.token', 'x'])('with the token %s is invalid_token', async (token) => {
    const { status, headers } = await call(token)
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"')
  })

  it('from a web page of another site is refused, token or not: DNS rebinding reaches loopback', async () => {
    const client = createMcpApp('v2', url)
    await client.call('list_notes')
    const headers = { authorization: `Bearer ${client.tokens()?.access_token}`, origin: 'https://evil.example' }
    expect((await fetch(url, { method: 'POST', headers })).status).toBe(403)
  })

  it('for a token of an unknown resource is invalid_target (RFC 8707 §2)', async () => {
    const client = createMcpApp('v2', url)
    await client.call('list_notes')
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: client.clientInformation()?.client_id as string,
      refresh_token: client.tokens()?.refresh_token as string,
      resource: 'https://other.example/mcp',
    })
    const answer = await fetch(`${app.issuer}/oauth2/token`, { method: 'POST', body })
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'invalid_target' }])
  })
})

it('a token for one MCP server is refused by another of the same authorization server (RFC 8707, RFC 9068 §4)', async () => {
  const other = 'https://other.example/mcp'
  const local = await listen((issuer) => createApp(issuer, { resources: [other, `${issuer}/mcp`] }))
  const client = createMcpApp('v2', `${local.issuer}/mcp`, { resource: other })
  // it has a token, for the other one, and is asked to get one for this
  await expect(client.call('list_notes')).rejects.toThrow()
  expect(client.authorizations.length).toBeGreaterThan(0)
  expect(client.tokens()?.access_token).toEqual(expect.any(String))
  const headers = { authorization: `Bearer ${client.tokens()?.access_token}` }
  const refused = await fetch(`${local.issuer}/mcp`, { method: 'POST', headers })
  expect(refused.status).toBe(401)
  expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"')
  await local.close()
})

it('an MCP server of the SDK v1 finds the same in req.auth', async () => {
  const local = await listen(async (issuer) => {
    const resource = `${issuer}/mcp`
    const server = createAuthorizationServer({
      issuer,
      storage: memoryStorage(),
      scopes: ['use'],
      resources: [resource],
    })
    const users = await createUsers([{ id: '1', username: 'ada', name: 'Ada', password: 'analytical engine' }])
    const register = { protect: 'open', scopes: ['use'] } as const
    const guarded = express().use(signIn({ users }))
    guarded.use(oauthRouter(server, { decide: consentPage({ signIn: '/login' }), protect: false, register }))
    guarded.use(protectedResourceRouter(server, { resource, scopes: 'use' }))
    const guard = bearerGuard(server, { resource, scope: 'use', resourceMetadata: true })
    return guarded.all('/mcp', guard, async (req, res) => {
      const { clientId, userId, scope } = accessToken(req)
      req.auth = { token: '', clientId, scopes: [...scope], extra: { userId } }
      const mcp = new McpServerV1({ name: 'v1', version: '1.0.0' })
      mcp.registerTool('whoami', {}, ({ authInfo }) => {
        return { content: [{ type: 'text', text: `${authInfo?.extra?.userId} ${authInfo?.scopes}` }] }
      })
      const transport = new StreamableHTTPServerTransport({})
      await mcp.connect(transport as Parameters<typeof mcp.connect>[0])
      await transport.handleRequest(req, res)
    })
  })
  for (const sdk of ['v1', 'v2'] as const) {
    expect(await createMcpApp(sdk, `${local.issuer}/mcp`).call('whoami')).toBe('1 use')
  }
  await local.close()
})

describe('npm run example -- mcp-server', () => {
  it('starts it, and prints what to do', async () => {
    const running = spawn(process.execPath, [join(__dirname, '..', '..', '.scripts', 'example.js'), 'mcp-server'], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [printed] = await once(running.stdout, 'data')
    const [, place] = /Give the URL (\S+) to an MCP client/.exec(String(printed)) ?? []
    expect(await createMcpApp('v2', place as string).call('list_notes')).toContain('Notes of Ada Lovelace')
    running.kill()
    await once(running, 'exit')
  })
})
