// RFC 9700 §4.11.2: where strangers introduce clients, a link to the authorization server must not be a link to anywhere.
import { consentPage, oauthRouter } from '../../src/index'
import { answerConsent, askConsent } from '../support/consent'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { answerOf, createHost, type Host, type Parameters, type TestClient } from '../support/host'

const redirectUri = 'https://evil.example/sign-in-again'
let documents: DocumentHost
let host: Host
const introduced: Record<string, (uri: string) => Promise<TestClient>> = {
  'described itself in a document': async (uri) => ({
    clientId: documents.at(`/${encodeURIComponent(uri)}`, { redirect_uris: [uri] }),
    redirectUri: uri,
  }),
  'registered itself': async (uri) => {
    const description = { redirect_uris: [uri], token_endpoint_auth_method: 'none' }
    const { body } = await host.http().post('/oauth2/register').send(description).expect(201)
    return { clientId: body.client_id, redirectUri: uri }
  },
}

beforeEach(async () => {
  documents = await createDocumentHost()
  host = await createHost({
    clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true },
    mount: (app, server) => {
      const register = { protect: 'open', scopes: 'read' } as const
      app.use(oauthRouter(server, { decide: consentPage({ signIn: '/login' }), protect: false, register }))
    },
  })
})
afterEach(() => documents.close())

const wrong: [string, Parameters][] = [
  ['an unknown scope', { scope: 'nope' }],
  ['no code_challenge', { code_challenge: undefined, code_challenge_method: undefined }],
  ['an unknown response_type', { response_type: 'nope' }],
  ['a response_mode that is not there', { response_mode: 'web_message' }],
]

describe.each(Object.entries(introduced))('a client that %s', (_, introduce) => {
  it.each(wrong)('sends no browser to the web by a request with %s', async (_name, parameters) => {
    const client = await introduce(redirectUri)
    for (const user of ['alice', null]) {
      const answer = await host.authorize(client, parameters, user)
      expect([answer.status, answer.headers.location]).toEqual([400, undefined])
    }
  })

  it.each(['http://127.0.0.1:4321/cb', 'com.example.notes:/cb'])(
    'hears of it on the device of the user: %s',
    async (uri) => {
      const client = await introduce(uri)
      const answer = await host.authorize(client, { scope: 'nope' })
      expect([answer.status, answer.headers.location?.startsWith(uri)]).toEqual([302, true])
    },
  )

  it('hears what the user has decided', async () => {
    const client = await introduce(redirectUri)
    for (const [consent, member] of [
      ['deny', 'error'],
      ['allow', 'code'],
    ] as const) {
      const { query, fields } = await askConsent(host, client)
      const answer = await answerConsent(host, query, fields, { consent })
      expect([answer.status, answer.headers.location?.startsWith(redirectUri)]).toEqual([303, true])
      expect(answerOf(answer)).toHaveProperty(member)
    }
  })
})

it('a client of the host hears of its mistakes', async () => {
  expect(answerOf(await host.authorize(host.web, { scope: 'nope' }))).toMatchObject({ error: 'invalid_scope' })
})
