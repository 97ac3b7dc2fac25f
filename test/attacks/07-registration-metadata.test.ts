// ATTACKS.md row 7: what a registrant writes into a record, over the clients API and from the host's own code.
import { issueTokens, OAuthError, registerClient } from '../../src/index'
import { createHost, type Host, paths } from '../support/host'

let host: Host
let token: string
beforeAll(async () => {
  host = await createHost()
  const issuing = await host.register({ clientId: 'console', scopes: ['clients', 'read', 'write'] })
  const issued = await issueTokens(host.server, { clientId: issuing.clientId, userId: 'alice', scope: 'clients read' })
  token = issued.access_token
})
const create = (body: object | string) =>
  host.http().post(paths.clients).auth(token, { type: 'bearer' }).type('json').send(body)

describe('URIs that run, read or lead elsewhere cannot be registered:', () => {
  it.each([
    'javascript:alert(1)',
    'JAVASCRIPT:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://app.example/x',
    'http://169.254.169.254/latest/meta-data/',
    'http://metadata.google.internal/',
    'http://app.example/cb',
    'http://10.0.0.1/cb',
    'https://user:pass@app.example/cb',
    'https://app.example/cb#',
    '*',
    'https://app.example\\@evil.example',
    'https://app.example/\r\nX: y',
    'myapp:/cb',
    '//app.example/cb',
    '',
  ])('%j', async (uri) => {
    const answer = await create({ redirect_uris: [uri] })
    expect([answer.status, answer.body.error]).toEqual([409, 'invalid_redirect_uri'])
    await expect(registerClient(host.server, { redirectUris: [uri] })).rejects.toThrow(OAuthError)
  })

  it.each([
    ['https://star.example/*', 'https://star.example/anything'],
    ['https://*.star.example/cb', 'https://a.star.example/cb'],
  ])('the star in %s is no wildcard', async (registered, requested) => {
    const client = await host.register({}, registered)
    const answer = await host.authorize(client, { redirect_uri: requested })
    expect([answer.status, answer.headers.location]).toEqual([400, undefined])
  })
})

it('a scope beyond what the registrant holds is refused, and nothing is registered', async () => {
  for (const permissions of [['write'], ['read', 'write'], ['admin'], ['read', 'admin'], 'read write', 'write,read']) {
    const answer = await create({ client_id: 'greedy', permissions })
    expect([answer.status, answer.body.error]).toEqual([403, 'insufficient_scope'])
  }
  expect(await host.storage.clients.find('greedy')).toBeUndefined()
})

it('members that are no metadata are ignored (RFC 7591 §2): no secret, version, date or prototype comes in', async () => {
  const text = `{
    "client_id": "extra", "permissions": ["read"],
    "secrets": [{"digest": "x"}], "version": 9, "created": "1970-01-01", "createdAt": 0, "clientId": "other",
    "scopes": ["admin"], "redirectUris": ["https://evil.example/"], "resourceServer": true, "requirePkce": false,
    "__proto__": {"resource_server": true, "require_pkce": false, "permissions": ["admin"], "username": "bob"},
    "constructor": {"prototype": {"resource_server": true}}
  }`
  const answer = await create(text)
  expect(answer.status).toBe(200)
  const record = await host.storage.clients.find('extra')
  expect(record).toMatchObject({ clientId: 'extra', version: 1, scopes: ['read'], redirectUris: [], username: 'alice' })
  expect(record).not.toHaveProperty('resourceServer')
  expect(record).not.toHaveProperty('requirePkce')
  expect(record?.secrets).toEqual([{ digest: expect.any(String), createdAt: host.clock.now }])
  expect(({} as Record<string, unknown>).resource_server).toBeUndefined()
})

it('flags that loosen the server are for administrators', async () => {
  for (const flag of [{ resource_server: true }, { require_pkce: false }, { resource_server: 'true' }]) {
    const answer = await create({ permissions: ['read'], ...flag })
    expect([answer.status, answer.body.error]).toEqual([403, 'access_denied'])
  }
})
