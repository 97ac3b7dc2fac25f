// ATTACKS.md row 16, silent consent: any program of a device may take a private-use scheme without a dot for itself, so a user
// is asked each time, and nothing opens such a program before (RFC 8252 §8.6, RFC 9700 §4.11.2).
import {
  approve,
  type Client,
  consentPage,
  type Decide,
  issueCode,
  memoryStorage,
  type OAuthStorage,
  oauthRouter,
  registerClient,
} from '../../src/index'
import { answerConsent, askConsent } from '../support/consent'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { answerOf, createHost, type Host, type TestClient } from '../support/host'

const uri = 'cursor://anysphere.cursor-mcp/oauth/callback'
const asPublic = { tokenEndpointAuthMethods: ['none'] } as const
const known = (host: Host, redirectUri = uri) => host.register({ clientId: 'known', ...asPublic }, redirectUri)

async function consented(host: Host, client: TestClient): Promise<void> {
  const { query, fields } = await askConsent(host, client, { scope: 'read' })
  const answer = await answerConsent(host, query, fields)
  await host.exchange(client, answerOf(answer).code as string).expect(200)
}

describe('remembered consent', () => {
  const remembering = (remember: true | { publicClients: string[] }) =>
    createHost({ decide: consentPage({ signIn: '/login', remember }) })

  it.each<[string, boolean]>([
    [uri, true],
    ['myapp:/cb', true],
    ['com.example.app://cb', false],
    ['http://localhost:1/cb', false],
  ])('of a client that the host has listed asks again at %s: %p', async (redirectUri, again) => {
    const host = await remembering({ publicClients: ['known'] })
    const client = await known(host, redirectUri)
    await consented(host, client)
    const { code } = answerOf(await host.authorize(client, { scope: 'read' }))
    expect(code === undefined).toBe(again)
  })

  it('asks again also where a record of before has a secret', async () => {
    const host = await remembering(true)
    const client = await known(host)
    await consented(host, client)
    const record = (await host.storage.clients.find('known')) as Client
    const tokenEndpointAuthMethods = ['client_secret_basic'] as const
    const version = record.version + 1
    await host.storage.clients.update({ ...record, tokenEndpointAuthMethods, version }, record.version)
    expect((await host.authorize(client, { scope: 'read' })).headers).not.toHaveProperty('location')
  })
})

describe('approve', () => {
  it.each([[['known']], [() => true]])('approves none of them, with %p for clients, and says why', async (clients) => {
    const host = await createHost({ decide: approve({ clients }) })
    expect(answerOf(await host.authorize(await known(host)))).toMatchObject({
      error: 'unauthorized_client',
      error_description: expect.stringContaining('its redirect URI has a scheme without a dot'),
    })
  })

  it('approves a client at another of its redirect URIs', async () => {
    const host = await createHost({ decide: approve({ clients: ['known'] }) })
    const redirectUris = [uri, 'https://app.example/cb']
    await registerClient(host.server, { clientId: 'known', ...asPublic, redirectUris, scopes: ['read'] })
    const [bySchema, byWeb] = redirectUris.map((redirectUri) => ({ clientId: 'known', redirectUri }))
    expect(answerOf(await host.authorize(bySchema))).not.toHaveProperty('code')
    expect(answerOf(await host.authorize(byWeb))).toHaveProperty('code')
  })
})

describe('a policy that is less strict now than when the record was made', () => {
  it('lets no code go to such a scheme without PKCE, by the endpoint or by the host', async () => {
    const storage = memoryStorage()
    await known(await createHost({ storage }))
    const host = await createHost({ storage: withoutWeb(storage), pkce: 'optional' })
    const client = { clientId: 'known', redirectUri: uri }
    const without = { code_challenge: undefined, code_challenge_method: undefined }
    expect(answerOf(await host.authorize(client, without))).toMatchObject({ error: 'invalid_request' })
    expect(answerOf(await host.authorize(client))).toHaveProperty('code')
    const byHost = issueCode(host.server, { clientId: 'known', userId: 'alice', redirectUri: uri })
    await expect(byHost).rejects.toThrow('codeChallenge')
  })
})

/** A store as the next process finds it, in which the host registers its clients again. */
function withoutWeb(storage: OAuthStorage): OAuthStorage {
  return { ...storage, clients: { ...storage.clients, insert: () => true } }
}

let documents: DocumentHost | undefined
afterEach(async () => void (await documents?.close()))

describe('a client that introduced itself', () => {
  const hostOf = (decide: Decide) =>
    createHost({
      clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true },
      mount: (app, server) => {
        const register = { protect: 'open', scopes: ['read'] } as const
        app.use(oauthRouter(server, { decide, protect: false, register }))
      },
    })

  it.each(['registration', 'document'])('by its %s opens no program by a wrong request', async (way) => {
    documents = await createDocumentHost()
    const host = await hostOf(consentPage({ signIn: '/login' }))
    const description = { redirect_uris: [uri], token_endpoint_auth_method: 'none' }
    const register = () => host.http().post('/oauth2/register').send(description).expect(201)
    const clientId =
      way === 'document' ? documents.at('/app.json', description) : ((await register()).body.client_id as string)
    const client = { clientId, redirectUri: uri }
    for (const wrong of [{ scope: 'nope' }, { response_type: 'nope' }, { code_challenge: undefined }]) {
      for (const user of ['alice', null]) {
        const answer = await host.authorize(client, wrong, user)
        expect([answer.status, answer.headers.location]).toEqual([400, undefined])
      }
    }
    // and hears what its user has decided
    for (const consent of ['deny', 'allow']) {
      const { query, fields } = await askConsent(host, client)
      const answer = await answerConsent(host, query, fields, { consent })
      expect(answer.headers.location).toMatch(/^cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback\?(code|error)=/)
    }
  })
})
