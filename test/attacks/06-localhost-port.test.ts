// ATTACKS.md row 6: a client that introduced itself could not know the port of its app, so that of a name below localhost is
// free, too (RFC 6761 §6.3); for a client of the host, and at any other host, it is not (RFC 8252 §8.3).
import { consentPage, oauthRouter } from '../../src/index'
import { answerConsent, askConsent } from '../support/consent'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { answerOf, createHost, type Host } from '../support/host'

let documents: DocumentHost
let host: Host
beforeAll(async () => {
  documents = await createDocumentHost()
  host = await createHost({
    clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true },
    mount: (app, server) => {
      const register = { protect: 'open', scopes: 'read' } as const
      app.use(oauthRouter(server, { decide: consentPage({ signIn: '/login' }), protect: false, register }))
    },
  })
})
afterAll(() => documents.close())

const introduced: Record<string, (uri: string) => Promise<string>> = {
  registration: async (uri) => {
    const description = { redirect_uris: ['https://app.example/cb', uri], token_endpoint_auth_method: 'none' }
    return (await host.http().post('/oauth2/register').send(description).expect(201)).body.client_id
  },
  document: async (uri) => documents.at(`/${encodeURIComponent(uri)}`, { redirect_uris: [uri] }),
}
const asked = async (clientId: string, redirectUri: string) =>
  (await host.authorize({ clientId, redirectUri }, { scope: 'read' })).status === 200

describe.each(Object.entries(introduced))('introduced by its %s', (_, introduce) => {
  it.each([
    ['http://localhost:8787/callback', 'http://localhost:49152/callback'],
    ['http://localhost:8787/callback', 'http://localhost/callback'],
    ['http://localhost/callback', 'http://localhost:65535/callback'],
    ['http://app.localhost:5173/cb', 'http://app.localhost:5174/cb'],
    ['http://127.0.0.1:5173/cb', 'http://127.0.0.1:5174/cb'],
    ['http://[::1]/cb', 'http://[::1]:5174/cb'],
  ])('%s comes back at %s, and its code is good there alone', async (registered, requested) => {
    const client = { clientId: await introduce(registered), redirectUri: requested }
    const { query, fields } = await askConsent(host, client)
    const { code = '' } = answerOf(await answerConsent(host, query, fields))
    const elsewhere = await host.exchange(client, code, { redirect_uri: requested.replace(/:?\d*\/c/, ':7/c') })
    expect(elsewhere.body.error).toBe('invalid_grant')
    await host.exchange(client, code).expect(200)
  })

  it.each([
    ['http://localhost:8787/callback', 'http://127.0.0.1:8787/callback'],
    ['http://localhost:8787/callback', 'http://app.localhost:8787/callback'],
    ['http://localhost:8787/callback', 'http://localhost.evil.example:8787/callback'],
    ['http://localhost:8787/callback', 'http://localhost:8787@evil.example/callback'],
    ['http://localhost:8787/callback', 'https://localhost:8787/callback'],
    ['http://localhost:8787/callback', 'http://localhost:1/callback/'],
    ['http://app.localhost/cb', 'http://evil.localhost/cb'],
    ['https://app.example:8443/cb', 'https://app.example:8444/cb'],
  ])('%s does not come back at %s', async (registered, requested) => {
    const clientId = await introduce(registered)
    expect(await asked(clientId, registered)).toBe(true)
    expect(await asked(clientId, requested)).toBe(false)
  })
})

it('a client of the host has its port', async () => {
  for (const uri of ['http://localhost:1234/cb', 'http://app.localhost:1234/cb']) {
    const { clientId } = await host.register({ tokenEndpointAuthMethods: ['none'] }, uri)
    expect([await asked(clientId, uri), await asked(clientId, uri.replace('1234', '4321'))]).toEqual([true, false])
  }
})
