// ATTACKS.md row 7: what a registrant writes into a record, by the clients API, dynamic registration, and the host's own code.
import express from 'express'
import request from 'supertest'
import { issueTokens, OAuthError, registerClient, registerRouter } from '../../src/index'
import { createHost, type Host, paths } from '../support/host'

let host: Host
let token: string
beforeAll(async () => {
  host = await createHost()
  const issuing = await host.register({ clientId: 'console', scopes: ['clients', 'read', 'write'] })
  const issued = await issueTokens(host.server, { clientId: issuing.clientId, userId: 'alice', scope: 'clients read' })
  token = issued.access_token
})
/** Dynamic registration, open to everybody. */
const join = (body: object | string) =>
  request(express().use(registerRouter(host.server, { protect: 'open', scopes: ['read'] })))
    .post('/')
    .type('json')
    .send(body)
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
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_redirect_uri'])
    await expect(registerClient(host.server, { redirectUris: [uri] })).rejects.toThrow(OAuthError)
    const registered = await join({ redirect_uris: ['https://app.example/cb', uri] })
    expect([registered.status, registered.body.error]).toEqual([400, 'invalid_redirect_uri'])
  })

  // it would be registered in silence, and match nothing but itself
  it.each(['https://star.example/*', 'https://*.star.example/cb', 'https://star.example/cb*', 'http://localhost:*'])(
    'the star in %s is no wildcard, and the error says so',
    async (uri) => {
      const { status, body } = await join({ redirect_uris: ['https://app.example/cb', uri] })
      expect([status, body.error]).toEqual([400, 'invalid_redirect_uri'])
      expect(body.error_description).toContain(`redirect_uris[1], ${uri}, must not have a wildcard`)
      await expect(host.register({}, uri)).rejects.toThrow('wildcard')
    },
  )
})

it('a scope beyond what the registrant holds is refused, and nothing is registered', async () => {
  for (const scope of ['write', 'read write', 'admin', 'read admin', ' write  read ']) {
    const answer = await create({ client_id: 'greedy', scope })
    expect([answer.status, answer.body.error]).toEqual([403, 'insufficient_scope'])
  }
  expect(await host.storage.clients.find('greedy')).toBeUndefined()
})

it.each([
  '"secrets": [{"digest": "x"}]',
  '"version": 9',
  '"createdAt": 0',
  '"clientId": "other"',
  '"scopes": ["admin"]',
  '"redirectUris": ["https://evil.example/"]',
  '"resourceServer": true',
  '"requirePkce": false',
  '"__proto__": {"resource_server": true, "require_pkce": false, "scope": "admin", "username": "bob"}',
  '"constructor": {"prototype": {"resource_server": true}}',
])('what is no member of a client comes in by no way, and is named: %s', async (member) => {
  const answer = await create(`{ "client_id": "extra", "scope": "read", ${member} }`)
  const name = member.split('"')[1]
  expect([answer.status, answer.body.error_description]).toEqual([400, `${name} cannot be set here.`])
  expect(await host.storage.clients.find('extra')).toBeUndefined()
  expect(({} as Record<string, unknown>).resource_server).toBeUndefined()
})

it('flags that loosen the server are for administrators', async () => {
  for (const flag of [{ resource_server: true }, { require_pkce: false }]) {
    const answer = await create({ scope: 'read', ...flag })
    expect([answer.status, answer.body.error]).toEqual([403, 'access_denied'])
  }
})

describe('dynamic registration looks at every URI member, those that it ignores as well:', () => {
  const members = [
    'client_uri',
    'logo_uri',
    'tos_uri',
    'policy_uri',
    'jwks_uri',
    'sector_identifier_uri',
    'logo_uri#de',
  ]
  const uris = [
    'javascript:alert(1)',
    'javascript://app.example/%0Aalert(1)//https://app.example/logo',
    'data:image/svg+xml,x',
    'http://app.example/logo',
    'https://169.254.169.254/latest/meta-data/',
    'https://127.0.0.2/logo',
    'https://metadata.google.internal/',
    'https://printer/logo',
    'https://user:pass@app.example/logo',
    '//app.example/logo',
    'https://app.example/\r\nX: y',
    'logo.png',
  ]
  // a document or key set that is fetched is another thing than a page that only people would open
  const fetched = ['jwks_uri', 'sector_identifier_uri']
  const onLoopback = ['http://localhost:5173', 'https://localhost/', 'https://[::1]/', 'https://0x7f.1/']

  it.each(members)('%s on loopback, where only a page for people may be', async (member) => {
    for (const uri of onLoopback) {
      const { status } = await join({ redirect_uris: ['https://app.example/cb'], [member]: uri })
      expect([uri, status]).toEqual([uri, fetched.includes(member) ? 400 : 201])
    }
  })

  it.each(members)('%s', async (member) => {
    for (const uri of [...uris, 7, ['https://app.example/'], {}]) {
      const answer = await join({ redirect_uris: ['https://app.example/cb'], [member]: uri })
      expect([uri, answer.status, answer.body.error]).toEqual([uri, 400, 'invalid_client_metadata'])
    }
    const right = await join({ redirect_uris: ['https://app.example/cb'], [member]: 'https://app.example/x' })
    // where its keys are is kept, for private_key_jwt
    const kept = member === 'jwks_uri' ? 'https://app.example/x' : undefined
    expect([right.status, right.body[member]]).toEqual([201, kept])
  })
})

it('who registers itself chooses no id, secret, owner, flag or origin, and gets no scope beyond the option', async () => {
  const answer = await join(`{
    "client_id": "admin", "client_secret": "chosen-secret", "username": "alice", "scope": "read clients admin",
    "permissions": ["admin"], "scopes": ["admin"], "resource_server": true, "resourceServer": true, "requirePkce": false,
    "require_pkce": false, "origin": null, "secrets": [{"digest": "x"}], "version": 9, "registrationTokenDigest": "x",
    "registration_access_token": "x", "redirect_uris": ["https://app.example/cb"], "redirectUris": ["https://evil.example/"],
    "__proto__": {"scope": "admin", "resource_server": true}
  }`)
  expect(answer.status).toBe(201)
  expect(answer.body.client_id).not.toBe('admin')
  expect(answer.body.client_secret).not.toBe('chosen-secret')
  const record = await host.storage.clients.find(answer.body.client_id)
  expect(record).toEqual({
    clientId: answer.body.client_id,
    version: expect.any(Number),
    redirectUris: ['https://app.example/cb'],
    grantTypes: ['authorization_code'],
    scopes: ['read'],
    defaultScopes: ['read'],
    tokenEndpointAuthMethods: ['client_secret_basic', 'client_secret_post'],
    requirePkce: true,
    origin: 'registration',
    registrationTokenDigest: expect.stringMatching(/^[\w-]{43}$/),
    secrets: [{ digest: expect.any(String), createdAt: host.clock.now }],
    createdAt: host.clock.now,
    updatedAt: host.clock.now,
  })
})
