// ATTACKS.md row 48: a redirect URI whose query carries a parameter of the answer; the client would read it instead.
import express from 'express'
import request from 'supertest'
import { implicit, issueTokens, registerClient, registerRouter, updateClient } from '../../src/index'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { createHost, type Host, paths } from '../support/host'

const names = [
  'code',
  'state',
  'iss',
  'error',
  'error_description',
  'error_uri',
  'response',
  'access_token',
  'token_type',
  'expires_in',
  'scope',
  'id_token',
  'session_state',
]
/** The same name to one parser or another. */
const spellings = [
  'c%6fde=x',
  '%63%6F%64%65=x',
  'a=b&code=x',
  'a=b;code=x',
  'code',
  'code=',
  'Code=x',
  'code[]=x',
  'code%5B0%5D=x',
  '+code=x',
  'code%00=x',
  'error.description=x',
  'error+description=x',
  'a=b&&&st%61te=x',
]
const harmless = ['a=b', 'codes=x', 'a=code', 'xcode=1', 'tenant=state', 'c%2563ode=x', '']
const withQuery = (query: string) => `https://app.example/cb?${query}`

let documents: DocumentHost
let host: Host
let token: string
beforeAll(async () => {
  documents = await createDocumentHost()
  host = await createHost({
    clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true },
    response: 'redirect',
  })
  await host.register({ clientId: 'console', scopes: ['clients', 'read'] })
  token = (await issueTokens(host.server, { clientId: 'console', userId: 'alice', scope: 'clients read' })).access_token
})
afterAll(() => documents.close())

let count = 0
/** What each way into a client record says of a redirect URI: undefined where it is taken. */
async function refusals(uri: string) {
  const api = await host
    .http()
    .post(paths.clients)
    .auth(token, { type: 'bearer' })
    .send({ redirect_uris: [uri] })
  const { client_id } = api.body
  if (client_id) await host.http().delete(`${paths.clients}/${client_id}`).auth(token, { type: 'bearer' })
  const join = express().use(registerRouter(host.server, { protect: 'open', scopes: ['read'] }))
  const clientId = documents.at(`/${count++}.json`, { redirect_uris: [uri], token_endpoint_auth_method: 'none' })
  const document = await host.authorize({ clientId, redirectUri: uri })
  const own = (error: { code?: string }) => error.code
  const before = (await host.register()).clientId
  return {
    api: api.body.error,
    registration: (
      await request(join)
        .post('/')
        .send({ redirect_uris: [uri] })
    ).body.error,
    document: document.status === 400 ? 'invalid_redirect_uri' : undefined,
    registerClient: await registerClient(host.server, { redirectUris: [uri] }).then(() => undefined, own),
    updateClient: await updateClient(host.server, before, { redirectUris: [uri] }).then(() => undefined, own),
  }
}
const everywhere = (error: string | undefined) =>
  Object.fromEntries(
    ['api', 'registration', 'document', 'registerClient', 'updateClient'].map((place) => [place, error]),
  )

describe('is registered nowhere:', () => {
  it.each([...names.map((name) => `${name}=x`), ...spellings])('?%s', async (query) => {
    expect(await refusals(withQuery(query))).toEqual(everywhere('invalid_redirect_uri'))
  })
  it('in the URI of an app neither', async () => {
    await expect(registerClient(host.server, { redirectUris: ['com.example.app:/cb?code=x'] })).rejects.toMatchObject({
      code: 'invalid_redirect_uri',
      description: expect.stringContaining('code'),
    })
  })
})

it.each(harmless)('any other query is: ?%s', async (query) => {
  expect(await refusals(withQuery(query))).toEqual(everywhere(undefined))
})

describe('in a record that there is already is replaced by the answer:', () => {
  /** A record of a time without the rule. */
  async function old(uri: string, host: Host) {
    const client = await host.register({
      grantTypes: ['authorization_code', 'implicit'].filter((g) => host.server.grants.has(g)),
    })
    const found = await host.server.storage.clients.find(client.clientId)
    if (!found) throw new Error('no client')
    await host.server.storage.clients.update(
      { ...found, redirectUris: [uri], version: found.version + 1 },
      found.version,
    )
    return { ...client, redirectUri: uri }
  }
  const normal = (name: string) =>
    name
      .replace(/[[\0].*$/s, '')
      .trim()
      .replaceAll(/[ .]/g, '_')
      .toLowerCase()

  it.each([...names.map((name) => `keep=1&${name}=evil`), ...spellings.map((query) => `keep=1&${query}`)])(
    '?%s',
    async (query) => {
      const client = await old(withQuery(query), host)
      for (const answer of [await host.authorize(client), await host.authorize(client, { scope: 'nothing' })]) {
        expect(answer.status).toBe(302)
        const found = [...new URL(answer.headers.location as string).searchParams]
        const sent = found.map(([name]) => normal(name))
        expect(new Set(sent).size).toBe(sent.length)
        expect(found[0]).toEqual(['keep', '1'])
        expect(found.filter(([name, value]) => names.includes(normal(name)) && value === 'evil')).toEqual([])
        expect(answer.headers.location).not.toMatch(/=x(&|$)/)
      }
      // the code is still bound to the URI as it was sent
      expect((await host.exchange(client, await host.code(client))).status).toBe(200)
    },
  )

  it('also beside an answer in the fragment, which some clients read after the query', async () => {
    const other = await createHost({ grants: [...host.server.grants.values(), implicit()] })
    const client = await old(withQuery('a=b&access_token=evil&state=evil'), other)
    const { headers } = await other.authorize(client, { response_type: 'token' })
    expect(headers.location).toMatch(/^https:\/\/app\.example\/cb\?a=b#access_token=/)
  })

  it('with what a grant of the host adds to the answer', async () => {
    const grant = { grantType: 'own', responseType: 'own', authorize: () => ({ ticket: 'right' }) }
    const other = await createHost({ grants: [...host.server.grants.values(), grant] })
    const client = await other.register({ grantTypes: ['own'] }, withQuery('t%69cket=evil&a=b'))
    const { headers } = await other.authorize(client, { response_type: 'own' })
    expect([...new URL(headers.location as string).searchParams].slice(0, 2)).toEqual([
      ['a', 'b'],
      ['ticket', 'right'],
    ])
  })
})
