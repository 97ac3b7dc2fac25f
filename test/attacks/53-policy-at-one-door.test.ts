// ATTACKS.md row 53, a policy at one door: what a record, or the server, says of grant types, PKCE, scope, resource and
// redirect URI holds at every endpoint, for every operation, and for every way in which a client gets its record.
import { clientMembers } from '../../src/clients/members'
import {
  authorizationCode,
  bearerGuard,
  type ClientChanges,
  clientCredentials,
  clientsRouter,
  implicit,
  issueCode,
  issueTokens,
  oauthRouter,
  password,
  refreshToken,
  registerClient,
  updateClient,
} from '../../src/index'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { answerOf, createHost, type Host, type Parameters, pkce, type TestClient } from '../support/host'

const [files, mail] = ['https://files.example.com', 'https://mail.example.com']
const everyGrant = [
  authorizationCode(),
  clientCredentials(),
  refreshToken(),
  password({ verify: () => 'alice' }),
  implicit(),
]
const narrow = { scopes: ['read'], resources: [files], grantTypes: everyGrant.map(({ grantType }) => grantType) }

let documents: DocumentHost
let host: Host
let client: TestClient
beforeAll(async () => {
  documents = await createDocumentHost()
  host = await createHost({
    grants: everyGrant,
    resources: [files, mail],
    pkce: 'optional',
    clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true },
    mount: (app, server) => {
      const decide = () => ({ allow: true as const, userId: 'alice' })
      const register = { protect: 'open', scopes: ['read'] } as const
      const protect = bearerGuard(server, { scope: 'clients' })
      app.use(oauthRouter(server, { decide, protect: false, register }))
      app.use('/oauth2/clients', clientsRouter(server, { protect, admin: 'admin' }))
    },
  })
  await host.register({ clientId: 'console', scopes: ['clients', 'read'] })
})
beforeEach(async () => {
  client = await host.register(narrow)
})
afterAll(() => documents.close())

const errorOf = (error: { code: string }) => error.code
const withSecret = () => ({ username: 'alice', password: 'x' })
const post = (parameters: Parameters) =>
  host.http().post('/oauth2/authorize').type('form').send(host.authorizationRequest(client, parameters))

/** Every door at which a client asks for something: the error that it gets. */
const doors: Record<string, (asked: { scope?: string; resource?: string }) => Promise<string | undefined>> = {
  'the authorization endpoint': async (asked) => answerOf(await host.authorize(client, asked)).error,
  'the authorization endpoint by POST': async (asked) => answerOf(await post(asked)).error,
  'the authorization endpoint for a token': async (asked) =>
    answerOf(await host.authorize(client, { response_type: 'token', ...asked })).error,
  'client credentials': async (asked) =>
    (await host.token(client, { grant_type: 'client_credentials', ...asked })).body.error,
  'the password grant': async (asked) =>
    (await host.token(client, { grant_type: 'password', ...withSecret(), ...asked })).body.error,
  'a refresh': async (asked) =>
    (await host.refresh(client, (await host.signIn(client)).refresh_token, asked)).body.error,
  issueCode: (asked) =>
    issueCode(host.server, { clientId: client.clientId, userId: 'alice', ...asked }).then(() => undefined, errorOf),
  issueTokens: (asked) =>
    issueTokens(host.server, { clientId: client.clientId, userId: 'alice', ...asked }).then(() => undefined, errorOf),
  'issueTokens for the client itself': (asked) =>
    issueTokens(host.server, { clientId: client.clientId, ...asked }).then(() => undefined, errorOf),
}

describe.each(Object.entries(doors))('at %s', (_, error) => {
  it('a client gets the scope and the resource of its record', async () => {
    expect([await error({}), await error({ scope: 'read', resource: files })]).toEqual([undefined, undefined])
  })
  it.each(['write', 'read write', 'admin'])('and not the scope %j', async (scope) => {
    expect(await error({ scope })).toBe('invalid_scope')
  })
  it.each([mail, `${mail}/`, 'https://other.example'])('and not the resource %s', async (resource) => {
    expect(await error({ resource })).toBe('invalid_target')
  })
})

/** What a client has before its record changes, and what it gets for it afterwards. */
const afterwards: [string, () => Promise<() => Promise<{ body: Record<string, unknown> }>>][] = [
  [
    'a code',
    async () => {
      const code = await host.code(client)
      return async () => host.exchange(client, code)
    },
  ],
  [
    'a refresh token',
    async () => {
      const { refresh_token } = await host.signIn(client)
      return async () => host.refresh(client, refresh_token)
    },
  ],
  ['its secret', async () => async () => host.token(client, { grant_type: 'client_credentials' })],
]
describe.each(afterwards)('what a record loses is lost to %s that it has already:', (what, prepare) => {
  const lose = async (before: ClientChanges, changes: ClientChanges) => {
    await updateClient(host.server, client.clientId, before)
    const use = await prepare()
    await updateClient(host.server, client.clientId, changes)
    return (await use()).body
  }
  it('a scope', async () => {
    const body = await lose({ scopes: ['read', 'write'] }, { scopes: ['read'], defaultScopes: [] })
    expect(`${body.scope ?? ''}`).not.toContain('write')
  })
  it('a resource', async () => {
    await updateClient(host.server, client.clientId, { resources: [files] })
    const body = await lose({ resources: [files] }, { resources: [mail] })
    if (what !== 'its secret') expect(body.error).toBe('invalid_target')
    else expect((await host.introspect(host.api, body.access_token as string)).body.aud).toBe(mail)
  })
  it('a grant type', async () => {
    expect((await lose({}, { grantTypes: [] })).error).toBe('unauthorized_client')
  })
})

it('a redirect URI that was taken out of the record is none at any door', async () => {
  const code = await host.code(client)
  await updateClient(host.server, client.clientId, { redirectUris: ['https://new.example/cb'] })
  expect((await host.authorize(client)).status).toBe(400)
  expect((await post({})).status).toBe(400)
  expect((await host.exchange(client, code)).body.error).toBe('invalid_grant')
  const issued = issueCode(host.server, { clientId: client.clientId, userId: 'alice', redirectUri: client.redirectUri })
  await expect(issued).rejects.toMatchObject({ code: 'invalid_request' })
})

describe('a client that needs PKCE gets no code without it', () => {
  const without = { code_challenge: undefined, code_challenge_method: undefined }
  const join = async () => {
    const { body } = await host
      .http()
      .post('/oauth2/register')
      .send({ redirect_uris: ['https://app.example/cb'] })
    return { clientId: body.client_id, redirectUri: 'https://app.example/cb' }
  }
  const described = async () => {
    const redirectUri = 'https://app.example/cb'
    return { clientId: documents.at('/pkce.json', { redirect_uris: [redirectUri] }), redirectUri }
  }
  it.each<[string, () => Promise<TestClient>]>([
    ['because its record says so', () => host.register({ requirePkce: true })],
    ['because it registered itself', join],
    ['because a document describes it', described],
  ])('%s', async (_, make) => {
    client = await make()
    for (const answer of [await host.authorize(client, without), await post(without)]) {
      // on a page, for a client that introduced itself
      expect(`${answer.headers.location} ${answer.text}`).toContain('code_challenge')
      expect(answerOf(answer)).not.toHaveProperty('code')
    }
    const { clientId } = client
    await expect(issueCode(host.server, { clientId, userId: 'alice' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    const issued = issueCode(host.server, { clientId, userId: 'alice', codeChallenge: pkce.challenge })
    await expect(issued).resolves.toHaveProperty('code')
  })
})

describe('a record is the same whoever writes it:', () => {
  const tokenFor = async (scope: string) =>
    (await issueTokens(host.server, { clientId: 'console', userId: 'alice', scope, resource: [files, mail] }))
      .access_token
  const api = async (method: 'post' | 'patch', path: string, body: object) => {
    const sent = host
      .http()
      [method](`/oauth2/clients${path}`)
      .auth(await tokenFor('clients read'), { type: 'bearer' })
    return (await sent.send(body)).body.error
  }
  const ways: Record<string, (changes: ClientChanges, wire: object) => Promise<string | undefined>> = {
    registerClient: (changes) => registerClient(host.server, changes).then(() => undefined, errorOf),
    updateClient: (changes) => updateClient(host.server, client.clientId, changes).then(() => undefined, errorOf),
    'the clients API, POST': (_, wire) => api('post', '', wire),
    'the clients API, PATCH': async (_, wire) => {
      await updateClient(host.server, client.clientId, { username: 'alice', grantTypes: [] })
      return api('patch', `/${client.clientId}`, wire)
    },
  }
  it.each(Object.entries(ways))('%s', async (_, write) => {
    const errors = [
      await write({ grantTypes: ['magic'] }, { grant_types: ['magic'] }),
      await write({ scopes: ['magic'] }, { scope: 'magic' }),
      await write({ resources: ['https://other.example'] }, { resources: ['https://other.example'] }),
      await write({ redirectUris: ['http://app.example/'] }, { redirect_uris: ['http://app.example/'] }),
      await write({ resources: 'x' as never }, { resources: { x: 1 } }),
    ]
    for (const error of errors)
      expect(['invalid_client_metadata', 'invalid_redirect_uri', 'access_denied', 'insufficient_scope']).toContain(
        error,
      )
  })

  it('who registers, or is described by a document, gets no grant, scope or resource that is not open to them', async () => {
    const wanted = {
      redirect_uris: ['https://app.example/cb'],
      grant_types: ['authorization_code', 'password', 'client_credentials'],
      scope: 'read write',
      resources: [mail],
      resource_server: true,
      require_pkce: false,
      username: 'bob',
    }
    const { body } = await host.http().post('/oauth2/register').send(wanted).expect(201)
    const clientId = documents.at('/wanted.json', { ...wanted, token_endpoint_auth_method: 'none' })
    await issueTokens(host.server, { clientId, userId: 'alice' })
    const records = [
      await host.server.storage.clients.find(body.client_id),
      await host.server.clientDocuments?.find(clientId),
    ]
    for (const record of records) {
      expect(record).toMatchObject({ grantTypes: ['authorization_code'], scopes: ['read'], requirePkce: true })
      const set = Object.entries(clientMembers).filter(([name]) => name in (record ?? {}))
      // PKCE is ours to require of them
      expect(set.filter(([, { setBy }]) => setBy !== 'self').map(([name]) => name)).toEqual(['requirePkce'])
    }
    const put = { ...wanted, client_id: body.client_id }
    await host
      .http()
      .put(`/oauth2/register/${body.client_id}`)
      .auth(body.registration_access_token, { type: 'bearer' })
      .send(put)
      .expect(200)
    const { version: _, updatedAt: __, ...same } = (await host.server.storage.clients.find(body.client_id)) ?? {}
    expect(records[0]).toMatchObject(same)
  })
})
