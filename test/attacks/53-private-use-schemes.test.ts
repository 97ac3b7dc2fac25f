// ATTACKS.md row 53, a policy at one door: which private-use schemes a client may have is the same by every way to a record.
import {
  authorizationCode,
  bearerGuard,
  clientsRouter,
  implicit,
  issueTokens,
  oauthRouter,
  registerClient,
  updateClient,
} from '../../src/index'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { answerOf, createHost, type Host, type HostOptions } from '../support/host'

let documents: DocumentHost
beforeAll(async () => {
  documents = await createDocumentHost()
})
afterAll(() => documents.close())

async function hostWith(options: HostOptions = {}): Promise<Host> {
  const host = await createHost({
    clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true },
    grants: [authorizationCode(), implicit()],
    mount: (app, server) => {
      const decide = () => ({ allow: true as const, userId: 'alice' })
      const register = { protect: 'open', scopes: ['read'], grantTypes: ['authorization_code', 'implicit'] } as const
      app.use(oauthRouter(server, { decide, protect: false, register }))
      const protect = bearerGuard(server, { scope: 'clients' })
      app.use('/oauth2/clients', clientsRouter(server, { protect, admin: 'admin' }))
    },
    ...options,
  })
  const scopes = ['clients', 'read', 'admin']
  await host.register({ clientId: 'console', scopes, grantTypes: ['authorization_code'] })
  await host.register({ clientId: 'there', tokenEndpointAuthMethods: ['none'] })
  return host
}

interface Asked {
  redirect: string
  secret?: boolean
  implicit?: boolean
}

/** Every way to a record. What is wrong with it, or undefined. */
const ways: Record<string, (host: Host, asked: Asked) => Promise<string | undefined>> = {
  registerClient: (host, asked) => registerClient(host.server, recordOf(asked)).then(() => undefined, wordsOf),
  updateClient: (host, asked) => updateClient(host.server, 'there', recordOf(asked)).then(() => undefined, wordsOf),
  'the clients API, POST': (host, asked) => api(host, 'post', '', jsonOf(asked)),
  'the clients API, PATCH': (host, asked) => api(host, 'patch', '/there', jsonOf(asked)),
  registration: async (host, asked) => {
    const { body } = await host.http().post('/oauth2/register').send(registrationOf(asked))
    return body.error_description
  },
  'the management of a registration': async (host, asked) => {
    const before = { ...registrationOf(asked), redirect_uris: ['https://a.example/'] }
    const { body } = await host.http().post('/oauth2/register').send(before)
    const { client_id, registration_access_token } = body
    // without the method, which stays
    const { token_endpoint_auth_method: _, ...members } = registrationOf(asked)
    const sent = host.http().put(`/oauth2/register/${client_id}`).auth(registration_access_token, { type: 'bearer' })
    return (await sent.send({ client_id, ...members })).body.error_description
  },
}
const wordsOf = ({ description }: { description: string }) => description
const recordOf = ({ redirect, secret, implicit: token }: Asked) => ({
  redirectUris: ['https://app.example/cb', redirect],
  tokenEndpointAuthMethods: secret ? (['client_secret_basic'] as const) : (['none'] as const),
  grantTypes: token ? ['authorization_code', 'implicit'] : ['authorization_code'],
})
const jsonOf = ({ redirect, secret, implicit: token }: Asked) => ({
  redirect_uris: ['https://app.example/cb', redirect],
  token_endpoint_auth_method: secret ? 'client_secret_basic' : 'none',
  grant_types: token ? ['authorization_code', 'implicit'] : ['authorization_code'],
})
const registrationOf = (asked: Asked) => ({
  ...jsonOf(asked),
  response_types: asked.implicit ? ['code', 'token'] : ['code'],
})
async function api(host: Host, method: 'post' | 'patch', path: string, body: object): Promise<string | undefined> {
  const { access_token } = await issueTokens(host.server, { clientId: 'console', userId: 'alice' })
  const sent = host.http()[method](`/oauth2/clients${path}`).auth(access_token, { type: 'bearer' })
  return (await sent.send(body)).body.error_description
}

const redirect = 'cursor://anysphere.cursor-mcp/oauth/callback'
const named = /^(redirectUris|redirect_uris)\[1\], cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback, must have a dot/

describe.each(Object.entries(ways))('by %s', (_, write) => {
  it('a public client that must use PKCE has any scheme', async () => {
    const host = await hostWith()
    for (const uri of [redirect, 'vscode://cb', 'myapp:/cb', 'com.example.app://oauth2redirect']) {
      expect([uri, await write(host, { redirect: uri })]).toEqual([uri, undefined])
    }
  })

  it('a client with a secret needs a dot in it', async () => {
    const host = await hostWith()
    expect(await write(host, { redirect, secret: true })).toMatch(named)
    expect(await write(host, { redirect, secret: true })).toContain('unless the client is public')
    expect(await write(host, { redirect: 'com.example.app://cb', secret: true })).toBeUndefined()
  })

  it('a client that also gets tokens without PKCE needs a dot in it', async () => {
    const host = await hostWith()
    expect(await write(host, { redirect, implicit: true })).toMatch(named)
    expect(await write(host, { redirect: 'com.example.app://cb', implicit: true })).toBeUndefined()
  })

  it("privateUseSchemes: 'with-dot' takes it back", async () => {
    const host = await hostWith({ privateUseSchemes: 'with-dot' })
    expect(await write(host, { redirect })).toMatch(named)
    expect(await write(host, { redirect })).toContain('privateUseSchemes')
    expect(await write(host, { redirect: 'com.example.app://cb' })).toBeUndefined()
  })

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'mailto:a@b.example',
    'chrome://settings',
    'ms-msdt:/id',
    'HTTP:x',
  ])('nobody has %s', async (uri) =>
    expect(await write(await hostWith(), { redirect: uri })).toMatch(/^redirect\w+\[1\], .* must /),
  )
})

it('a client that the host frees from PKCE needs a dot, and keeps PKCE where it has none', async () => {
  const host = await hostWith({ pkce: 'optional' })
  const client = { redirectUris: [redirect], tokenEndpointAuthMethods: ['none'] } as const
  await expect(registerClient(host.server, client)).rejects.toThrow('unless the client must use PKCE')
  await registerClient(host.server, { ...client, clientId: 'app', requirePkce: true })
  for (const change of [{ requirePkce: false }, { grantTypes: ['implicit'] }]) {
    await expect(updateClient(host.server, 'app', change)).rejects.toThrow('unless the client must use PKCE')
  }
  const without = { code_challenge: undefined, code_challenge_method: undefined }
  const answer = await host.authorize({ clientId: 'app', redirectUri: redirect }, without)
  expect(answerOf(answer)).toMatchObject({ error: 'invalid_request' })
})

describe('a document', () => {
  const found = async (host: Host, document: object) => {
    const clientId = documents.at(`/${Math.random()}.json`, document)
    return (await host.authorize({ clientId, redirectUri: redirect }).set('Accept', 'application/json')).body
  }
  it('may name any scheme, said to be public or not, and not where the server wants a dot', async () => {
    const host = await hostWith()
    for (const more of [{}, { token_endpoint_auth_method: 'none' }]) {
      const clientId = documents.at(`/${Math.random()}.json`, { redirect_uris: [redirect], ...more })
      expect(answerOf(await host.authorize({ clientId, redirectUri: redirect }))).toHaveProperty('code')
    }
    const strict = await hostWith({ privateUseSchemes: 'with-dot' })
    const { error_description: words } = await found(strict, { redirect_uris: ['https://a.example/', redirect] })
    expect(words).toContain(`redirect_uris[1], ${redirect}, must have a dot`)
  })
})
