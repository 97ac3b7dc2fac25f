// Enterprise-managed authorization of MCP: the SDK's cross-app access client brings an assertion of its identity provider
// (ID-JAG), gets a token, and calls a tool. No user is asked.
import * as mcp from '@modelcontextprotocol/client'
import { SignJWT } from 'jose'
import { createApp } from '../../examples/mcp/mcp-server'
import { listen, type RunningApp } from '../../examples/shared/start'
import { authorizationCode, createAuthorizationServer, jwtBearer, memoryStorage, registerClient } from '../../src/index'
import { type ClientKey, clientKey } from '../support/assertions'

const idp = 'https://idp.example'
const clientSecret = 'a secret of the notebook'
let app: RunningApp
let key: ClientKey

beforeAll(async () => {
  key = await clientKey('ES256', 'idp')
  const storage = memoryStorage()
  const user = ({ sub }: { sub: string }) => (sub === 'U019' ? '1' : undefined)
  const grants = [
    authorizationCode(),
    jwtBearer({ issuers: [{ issuer: idp, keys: [key.jwk], profile: 'id-jag' }], user }),
  ]
  app = await listen(async (issuer) => {
    const server = createAuthorizationServer({ issuer, storage, scopes: ['notes:read', 'notes:write'], grants })
    await registerClient(server, {
      clientId: 'notebook',
      clientSecret,
      grantTypes: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
      scopes: ['notes:read', 'notes:write'],
    })
    return createApp(issuer, { storage, grants, clientAuthentication: server.clientAuthentication })
  })
})
afterAll(() => app.close())

/** What the identity provider says, once the user is signed in there. */
function sign({ authorizationServerUrl, resourceUrl }: mcp.CrossAppAccessContext, change: object): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const audience = new URL(authorizationServerUrl).origin
  const claims = { iss: idp, sub: 'U019', aud: audience, client_id: 'notebook', resource: resourceUrl }
  const times = { iat: now, exp: now + 300, jti: crypto.randomUUID() }
  const header = { alg: 'ES256', kid: key.kid, typ: 'oauth-id-jag+jwt' }
  const payload = { ...claims, ...times, scope: 'notes:read', ...change }
  return new SignJWT(payload).setProtectedHeader(header).sign(key.privateKey)
}

async function callTool(change: object = {}): Promise<unknown> {
  const authProvider = new mcp.CrossAppAccessProvider({
    assertion: (context) => sign(context, change),
    clientId: 'notebook',
    clientSecret,
    expectedIssuer: app.issuer,
  })
  const client = new mcp.Client({ name: 'notebook', version: '1.0.0' })
  const transport = new mcp.StreamableHTTPClientTransport(new URL(`${app.issuer}/mcp`), { authProvider })
  try {
    await client.connect(transport)
    return await client.callTool({ name: 'list_notes', arguments: {} })
  } finally {
    await client.close()
  }
}

it('the cross-app access client of the MCP SDK gets a token and calls a tool as the user of the assertion', async () => {
  expect(await callTool()).toMatchObject({ content: [{ type: 'text', text: 'Notes of Ada Lovelace:\n' }] })
})

it.each([
  ['for another server', { aud: 'https://other.example' }, 'aud of the assertion must be'],
  ['for another client', { client_id: 'other' }, 'The client_id of the assertion is another one.'],
  ['about a user whom nobody knows', { sub: 'U020' }, 'The subject of the assertion is unknown.'],
  ['of yesterday', { iat: 1, exp: 2 }, 'The assertion has expired.'],
  ['for another resource', { resource: 'https://other.example/mcp' }, 'The resource is unknown'],
])('an assertion %s gets it nothing', async (_, change, problem) => {
  await expect(callTool(change)).rejects.toThrow(problem)
})
