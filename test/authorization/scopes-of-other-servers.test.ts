/**
 * The scopes that today's clients send by habit: `openid`, `offline_access` and the like. Who introduced itself is granted
 * what is left of them; whom the host has registered is told which one is wrong; `offline_access` is an error for nobody.
 */
import {
  authorizationCode,
  bearerGuard,
  clientCredentials,
  consentPage,
  type Decide,
  issueTokens,
  oauthRouter,
  password,
  refreshToken,
  registerClient,
} from '../../src/index'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { answerOf, createHost, type Host, type HostOptions, paths, type TestClient } from '../support/host'

const redirectUri = 'https://notes.example/cb'
const notes = {
  client_name: 'Notes',
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
}

const decide: Decide = (_request, req) =>
  req.user ? { allow: true, userId: (req.user as { id: string }).id } : { allow: false }

const hostWith = (options: HostOptions = {}) =>
  createHost({
    grants: [
      authorizationCode(),
      refreshToken(),
      clientCredentials(),
      password({ verify: (name, secret) => (secret === 'secret' ? name : undefined) }),
    ],
    clientIdMetadataDocuments: { scopes: ['read', 'write'], dangerouslyAllowLoopback: true },
    mount(app, server) {
      const protect = bearerGuard(server, { scope: 'clients' })
      const register = { protect: 'open', scopes: ['read', 'write'] } as const
      app.use(oauthRouter(server, { decide, protect, register, clients: { admin: 'admin' } }))
    },
    ...options,
  })

let host: Host
let documents: DocumentHost
beforeAll(async () => {
  documents = await createDocumentHost()
})
afterAll(() => documents.close())
beforeEach(async () => {
  host = await hostWith()
})

const post = (body: object) => host.http().post('/oauth2/register').send(body)
async function registered(body: object = {}): Promise<TestClient> {
  const answer = await post({ ...notes, ...body }).expect(201)
  return { clientId: answer.body.client_id, redirectUri }
}

describe('a client that introduced itself', () => {
  it.each<[string, () => Promise<TestClient>]>([
    ['by registration (RFC 7591)', () => registered()],
    ['by the document at its id', async () => ({ clientId: documents.at('/notes', notes), redirectUri })],
  ])('%s is granted what this server knows, and told so (RFC 6749 §3.3)', async (_, introduce) => {
    const client = await introduce()
    const scope = 'openid read offline_access claudeai profile'
    const tokens = await host.signIn(client, { scope })
    expect(tokens).toMatchObject({ scope: 'read', refresh_token: expect.any(String) })
    const { body } = await host.refresh(client, tokens.refresh_token, { scope }).expect(200)
    expect(body.scope).toBe('read')
    // what was not granted is none of its unknown words
    const wider = await host.refresh(client, body.refresh_token, { scope: 'openid read write' }).expect(400)
    expect(wider.body).toMatchObject({ error: 'invalid_scope', error_description: expect.stringContaining(' write ') })
  })

  it('is told what is open where nothing is left, in no word but ours', async () => {
    const client = await registered()
    const page = await host.authorize(client, { scope: 'Your-account-is-locked profile' }).expect(400)
    expect(page.text).not.toContain('locked')
    expect(page.text).toContain('Open to this client: read write.')
    const { refresh_token } = await host.signIn(client, { scope: 'read' })
    const { body } = await host.refresh(client, refresh_token, { scope: 'openid' }).expect(400)
    expect(body.error_description).toBe('This server has no such scope. Open to this client: read write.')
  })

  it('is told of a comma', async () => {
    const page = await host.authorize(await registered(), { scope: 'read,write' }).expect(400)
    expect(page.text).toContain('separated by spaces, not commas')
    const { body } = await post({ ...notes, scope: 'read,write' }).expect(400)
    expect(body.error_description).toContain('separated by spaces, not commas')
  })

  it('begins with what is left of the scope that it registers, and offline_access is none', async () => {
    const some = await registered({ scope: 'openid write offline_access' })
    expect(await host.signIn(some)).toMatchObject({ scope: 'write' })
    const client = await registered({ scope: 'offline_access' })
    expect(await host.signIn(client)).toMatchObject({ scope: 'read write', refresh_token: expect.any(String) })
    const described = documents.at('/offline', { ...notes, scope: 'offline_access' })
    expect(await host.signIn({ clientId: described, redirectUri })).toMatchObject({ scope: 'read write' })
    const { body } = await post({ ...notes, scope: 'openid' }).expect(400)
    expect(body.error_description).toContain('read write')
  })

  it('keeps its registration when it says offline_access alone (RFC 7592 §2.2)', async () => {
    const { body } = await post({ ...notes, scope: 'read' }).expect(201)
    const sent = host.http().put(new URL(body.registration_client_uri).pathname)
    const { client_id, redirect_uris } = body
    const changed = { ...notes, client_id, redirect_uris, scope: 'offline_access' }
    await sent.auth(body.registration_access_token, { type: 'bearer' }).send(changed).expect(200)
    expect(await host.signIn({ clientId: client_id, redirectUri })).toMatchObject({ scope: 'read' })
  })
})

describe('a client that the host has registered', () => {
  it('is told which scope is wrong, at every grant', async () => {
    const expectNamed = (description: string | undefined) =>
      expect(description).toBe('The scope openid is unknown or not allowed for this client.')
    const scope = 'read openid offline_access'
    expectNamed(answerOf(await host.authorize(host.web, { scope })).error_description)
    const { refresh_token } = await host.signIn()
    const asked = [
      { grant_type: 'client_credentials' },
      { grant_type: 'password', username: 'alice', password: 'secret' },
      { grant_type: 'refresh_token', refresh_token },
    ]
    for (const parameters of asked) {
      const { body } = await host.token(host.web, { ...parameters, scope }).expect(400)
      expectNamed(body.error_description)
    }
    await expect(issueTokens(host.server, { clientId: 'web', scope })).rejects.toThrow('The scope openid is')
  })

  // ATTACKS 22: a link must not be able to say anything on a page of ours
  it('is told alone: nobody is signed in, and the page has no word of the link', async () => {
    host = await createHost({ decide: consentPage({ signIn: '/login' }) })
    for (const scope of ['Your-account-is-locked', 'Your,account']) {
      const { text } = await host.authorize(host.web, { scope }, null).expect(400)
      expect(text).not.toContain('Your')
      expect(text).toContain('A requested scope is unknown or not allowed for this client.')
    }
  })

  it('may say offline_access, which grants nothing and leaves the record to decide', async () => {
    expect(await host.signIn(host.web, { scope: 'read offline_access' })).toMatchObject({
      scope: 'read',
      refresh_token: expect.any(String),
    })
    const once = await host.register({ grantTypes: ['authorization_code'] })
    expect(await host.signIn(once, { scope: 'offline_access read' })).not.toHaveProperty('refresh_token')
    const tokens = await host.signIn(host.web, { scope: 'offline_access' })
    expect(tokens.scope).toBe('read write')
    for (const scope of ['offline_access', 'write offline_access']) {
      const { body } = await host.refresh(host.web, tokens.refresh_token, { scope }).expect(200)
      expect(body.scope).toBe(scope === 'offline_access' ? 'read write' : 'write')
      Object.assign(tokens, body)
    }
    const service = { grant_type: 'client_credentials', scope: 'offline_access write' }
    expect((await host.token(host.web, service).expect(200)).body).toMatchObject({ scope: 'write' })
    const issued = await issueTokens(host.server, { clientId: 'web', scope: ['read', 'offline_access'] })
    expect(issued.scope).toBe('read')
  })

  it('is granted nothing more by a decider that answers with offline_access', async () => {
    host = await createHost({ decide: () => ({ allow: true, userId: 'alice', scope: 'read offline_access' }) })
    expect(await host.signIn(host.web, { scope: 'read write' })).toMatchObject({ scope: 'read' })
  })

  it('has no record with offline_access, where the server has no such scope', async () => {
    const { client } = await registerClient(host.server, {
      scopes: ['read', 'offline_access'],
      defaultScopes: ['offline_access'],
    })
    expect([client.scopes, client.defaultScopes]).toEqual([['read'], []])
    await expect(registerClient(host.server, { scopes: ['read,write'] })).rejects.toThrow('no commas between them')
  })
})

describe('the clients API', () => {
  async function callAs(scope: string, method: 'post' | 'patch', path: string, body: object) {
    await host.register({ clientId: 'portal', scopes: ['clients', 'read', 'admin', ...openScopes()] }).catch(() => {})
    const { access_token } = await issueTokens(host.server, { clientId: 'portal', userId: 'alice', scope })
    return host.http()[method](`${paths.clients}${path}`).auth(access_token, { type: 'bearer' }).send(body)
  }
  const openScopes = () => [...host.server.scopes.keys()].filter((scope) => scope === 'offline_access')

  it.each(['clients read', 'clients read admin'])('leaves offline_access out for a caller with %s', async (scope) => {
    const made = await callAs(scope, 'post', '', { scope: 'read offline_access', default_scope: 'offline_access read' })
    expect([made.status, made.body.scope, made.body.default_scope]).toEqual([201, 'read', 'read'])
    const path = `/${made.body.client_id}`
    const changed = await callAs(scope, 'patch', path, { scope: 'offline_access read' })
    expect([changed.status, changed.body.scope]).toEqual([200, 'read'])
  })

  // ATTACKS 27
  it.each(['clients read', 'clients read admin'])(
    'gives it to no client where it is a scope of the server that the caller has not: %s',
    async (scope) => {
      host = await hostWith({ scopes: ['read', 'write', 'clients', 'admin', 'offline_access'] })
      const made = await callAs(scope, 'post', '', { scope: 'read offline_access' })
      expect([made.status, made.body.error]).toEqual([403, 'insufficient_scope'])
      const held = await callAs(`${scope} offline_access`, 'post', '', { scope: 'read offline_access' })
      expect([held.status, held.body.scope]).toEqual([201, 'read offline_access'])
    },
  )
})
