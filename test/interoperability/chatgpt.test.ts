// ChatGPT connects, by its requests as they are on the wire, to examples/mcp/mcp-server.ts: its client ID metadata document says
// private_key_jwt with a jwks_uri, and that it could do without (none). Its site is played on loopback.
import { randomBytes, randomUUID } from 'node:crypto'
import express from 'express'
import { SignJWT } from 'jose'
import { createApp } from '../../examples/mcp/mcp-server'
import { listen, type RunningApp } from '../../examples/shared/start'
import {
  authorizationCode,
  clientSecret,
  createAuthorizationServer,
  memoryStorage,
  privateKeyJwt,
  refreshToken,
} from '../../src'
import { describedClient } from '../../src/clients/self-description'
import { assertionType, type ClientKey, clientKey } from '../support/assertions'
import { pkce } from '../support/host'
import { openBrowser } from './browser'

/** What is at https://chatgpt.com/oauth/<id>/client.json, for a site at `origin`. */
const documentAt = (origin: string) => ({
  client_id: `${origin}/oauth/kDmjx77UnKOM/client.json`,
  client_name: 'ChatGPT',
  client_uri: 'https://chatgpt.com/',
  redirect_uris: ['https://chatgpt.com/connector/oauth/kDmjx77UnKOM'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
  token_endpoint_auth_signing_alg: 'RS256',
  jwks_uri: `${origin}/oauth/jwks.json`,
})

/** What was at https://chatgpt.com/oauth/client.json: one for all connectors, which names no method that it prefers. */
const sharedAt = (origin: string) => {
  const { token_endpoint_auth_method: _, ...document } = documentAt(origin)
  const redirect_uris = ['https://chatgpt.com/connector_platform_oauth_redirect']
  return { ...document, client_id: `${origin}/oauth/client.json`, redirect_uris }
}

let site: RunningApp
let app: RunningApp
let key: ClientKey
let fetched: string[]

beforeEach(async () => {
  fetched = []
  key = await clientKey('RS256')
  site = await listen((origin) =>
    express()
      .use((req, _res, next) => {
        fetched.push(req.path)
        next()
      })
      .get('/oauth/kDmjx77UnKOM/client.json', (_req, res) => void res.json(documentAt(origin)))
      .get('/oauth/client.json', (_req, res) => void res.json(sharedAt(origin)))
      .get('/oauth/jwks.json', (_req, res) => void res.json({ keys: [key.jwk] })),
  )
  app = await listen((issuer) =>
    createApp(issuer, {
      // its site is on loopback here; but for that the server is as it stands in its guide
      clientIdMetadataDocuments: { scopes: ['notes:read', 'notes:write'], dangerouslyAllowLoopback: true },
      clientAuthentication: [clientSecret(), privateKeyJwt({ dangerouslyAllowLoopback: true })],
    }),
  )
})
afterEach(() => Promise.all([site.close(), app.close()]))

const getJson = async (url: string) => {
  const response = await fetch(url, { headers: { Accept: 'application/json' } })
  expect(response.status).toBe(200)
  return (await response.json()) as Record<string, string & string[]>
}
const call = (method: string, token?: string, params: object = {}) =>
  fetch(`${app.issuer}/mcp`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': '2025-06-18',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
const initialize = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'openai-mcp', version: '1.0.0' },
}

/** A token request: the form, and an assertion for the issuer that was discovered. */
async function requestToken(
  clientId: string,
  endpoint: string,
  issuer: string,
  form: Record<string, string>,
  proven = true,
) {
  const now = Math.floor(Date.now() / 1000)
  const assertion = await new SignJWT({
    iss: clientId,
    sub: clientId,
    aud: issuer,
    iat: now,
    exp: now + 300,
    jti: randomUUID(),
  })
    .setProtectedHeader({ alg: 'RS256', kid: key.kid, typ: 'JWT' })
    .sign(key.privateKey)
  const proof = { client_assertion_type: assertionType, client_assertion: assertion }
  const response = await fetch(endpoint, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, ...form, ...(proven && proof) }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, string> }
}

it.each([
  ['the document of a connector', documentAt],
  ['the document of all connectors', sharedAt],
])('ChatGPT connects by %s: from 401 to a tool call, and refreshes', async (_name, published) => {
  // 1. the challenge names the metadata of the resource (RFC 9728 §5.1)
  const challenged = await call('initialize', undefined, initialize)
  expect(challenged.status).toBe(401)
  const [, resourceMetadata = ''] =
    /resource_metadata="([^"]+)"/.exec(challenged.headers.get('www-authenticate') ?? '') ?? []
  const resource = await getJson(resourceMetadata)
  expect(resource.resource).toBe(`${app.issuer}/mcp`)

  // 2. the metadata of the authorization server: what makes ChatGPT send its document and sign
  const issuer = resource.authorization_servers?.[0] as string
  const metadata = await getJson(`${issuer}/.well-known/oauth-authorization-server`)
  expect(metadata).toMatchObject({
    issuer,
    client_id_metadata_document_supported: true,
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: expect.arrayContaining(['none', 'private_key_jwt']),
    token_endpoint_auth_signing_alg_values_supported: expect.arrayContaining(['RS256']),
  })

  // 3. the user
  const { client_id: clientId, redirect_uris } = published(site.issuer)
  const [redirectUri = ''] = redirect_uris
  const state = `oauth_s_${randomBytes(12).toString('hex')}`
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'notes:read notes:write',
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
    state,
    resource: resource.resource as string,
  })
  const answer = new URL(
    await openBrowser().authorize(`${metadata.authorization_endpoint}?${query}`, { username: 'ada' }),
  )
  expect(`${answer.origin}${answer.pathname}`).toBe(redirectUri)
  expect(Object.fromEntries(answer.searchParams)).toEqual({ code: expect.any(String), state, iss: issuer })

  // 4. the code, with PKCE, resource and an assertion; without the assertion it is good for nothing
  const exchange = {
    grant_type: 'authorization_code',
    code: answer.searchParams.get('code') ?? '',
    redirect_uri: redirectUri,
    code_verifier: pkce.verifier,
    resource: resource.resource as string,
  }
  const endpoint = metadata.token_endpoint as string
  expect((await requestToken(clientId, endpoint, issuer, exchange, false)).body.error).toBe('invalid_client')
  const { status, body } = await requestToken(clientId, endpoint, issuer, exchange)
  expect([status, body]).toEqual([
    200,
    expect.objectContaining({
      token_type: 'Bearer',
      scope: 'notes:read notes:write',
      refresh_token: expect.any(String),
    }),
  ])
  expect(fetched).toEqual([new URL(clientId).pathname, '/oauth/jwks.json'])

  // 5. the server, and a tool
  const tool = { name: 'list_notes', arguments: {} }
  expect((await call('initialize', body.access_token, initialize)).status).toBe(200)
  expect(await (await call('tools/call', body.access_token, tool)).text()).toContain('Notes of Ada Lovelace')

  // 6. and an hour later
  const refresh = {
    grant_type: 'refresh_token',
    refresh_token: body.refresh_token as string,
    resource: resource.resource as string,
  }
  const refreshed = await requestToken(clientId, endpoint, issuer, refresh)
  expect(refreshed.status).toBe(200)
  expect(await (await call('tools/call', refreshed.body.access_token, tool)).text()).toContain('Notes of Ada Lovelace')
  expect(fetched).toHaveLength(2)
})

it('its own document is taken by the server of the guide as pasted, and by one that knows secrets alone', () => {
  const options = {
    issuer: 'http://127.0.0.1:3000',
    storage: memoryStorage(),
    scopes: { 'notes:read': 'Read your notes' },
    resources: ['http://127.0.0.1:3000/mcp'],
    grants: [authorizationCode(), refreshToken()],
    clientIdMetadataDocuments: { scopes: ['notes:read'] },
  }
  const permitted = { scopes: ['notes:read'], grantTypes: ['authorization_code', 'refresh_token'] }
  const methodsOf = (document: { client_id: string }, more: object = {}) =>
    describedClient(document.client_id, document, permitted, createAuthorizationServer({ ...options, ...more }))
      .tokenEndpointAuthMethods
  const secretsAlone = { clientAuthentication: [clientSecret()] }
  const document = documentAt('https://chatgpt.com')
  expect(methodsOf(document)).toEqual(['private_key_jwt'])
  expect(methodsOf(document, secretsAlone)).toEqual(['none'])
  // where it prefers no method, the one that it lists and has the keys for
  const { jwks_uri: keys, token_endpoint_auth_methods_supported: both, ...shared } = sharedAt('https://chatgpt.com')
  const listing = (token_endpoint_auth_methods_supported: unknown, jwks_uri?: string) =>
    methodsOf({ ...shared, ...{ token_endpoint_auth_methods_supported, jwks_uri } })
  expect(listing(both, keys)).toEqual(['private_key_jwt'])
  expect(listing(both)).toEqual(['none'])
  expect(listing(['client_secret_post'], keys)).toEqual(['none'])
  expect(listing(undefined, keys)).toEqual(['none'])
  expect(methodsOf(sharedAt('https://chatgpt.com'), secretsAlone)).toEqual(['none'])
})
