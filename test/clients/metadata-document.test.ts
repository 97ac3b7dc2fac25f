// Client ids that are the URL of a document about the client (draft-ietf-oauth-client-id-metadata-document), over HTTP.
import type { RequestListener } from 'node:http'
import {
  authorizationCode,
  type ClientIdMetadataDocumentsOptions,
  connectedAppsRouter,
  consentPage,
  createAuthorizationServer,
  issueCode,
  issueTokens,
  listGrants,
  memoryStorage,
  registerClient,
  revokeGrants,
} from '../../src'
import { client as clientRow } from '../../src/storage/contract/rows'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { answerOf, createHost, type Host, type HostOptions, issuer, pkce } from '../support/host'
import { gate } from '../support/storage'

const redirectUri = 'https://notes.example/cb'
const notes = {
  client_name: 'Notes',
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
}

let documents: DocumentHost
let host: Host
let client: { clientId: string; redirectUri: string }
const hostWith = (options: Partial<ClientIdMetadataDocumentsOptions> = {}, more: HostOptions = {}) =>
  createHost({ clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true, ...options }, ...more })
beforeEach(async () => {
  documents = await createDocumentHost()
  host = await hostWith()
  client = { clientId: documents.at('/client.json', notes), redirectUri }
})
afterEach(() => documents.close())
const reasons = () => host.events.flatMap((event) => (event.type === 'client.document_refused' ? [event.reason] : []))
const withHeaders = (headers: object, content: object = notes): RequestListener => {
  return (req, res) => {
    const client_id = `${documents.origin}${req.url}`
    res
      .writeHead(200, { 'Content-Type': 'application/json', ...headers })
      .end(JSON.stringify({ client_id, ...content }))
  }
}

describe('a client that nobody registered', () => {
  it('goes through the whole flow: code, tokens, refresh, guard, revocation', async () => {
    const tokens = await host.signIn(client)
    expect(tokens).toMatchObject({ scope: 'read', refresh_token: expect.any(String) })
    expect((await host.me(tokens.access_token)).body.authInfo).toMatchObject({ clientId: client.clientId })
    const refreshed = await host.refresh(client, tokens.refresh_token)
    expect(refreshed.status).toBe(200)
    expect((await host.introspect(host.api, refreshed.body.access_token)).body).toMatchObject({
      client_id: client.clientId,
    })
    await host.revoke(client, refreshed.body.refresh_token).expect(200)
    expect(await host.isAlive(refreshed.body)).toBe(false)
    // the draft: fetched as needed, and kept
    expect(documents.asked).toEqual(['/client.json'])
  })

  it('is never stored, and its authorizations are listed and revoked by its URL', async () => {
    const tokens = await host.signIn(client)
    expect(host.storage.calls).not.toContain('clients.insert')
    const { clientId } = client
    expect(await listGrants(host.server, { userId: 'alice', clientId })).toHaveLength(1)
    await revokeGrants(host.server, { clientId })
    expect(await host.isAlive(tokens)).toBe(false)
  })

  it('is one for the operations, too', async () => {
    const { clientId } = client
    expect(await issueTokens(host.server, { clientId, userId: 'alice' })).toMatchObject({ scope: 'read' })
    const { code } = await issueCode(host.server, {
      clientId,
      userId: 'alice',
      redirectUri,
      codeChallenge: pkce.challenge,
    })
    expect((await host.exchange(client, code)).status).toBe(200)
  })

  it('needs PKCE, whatever the server says', async () => {
    host = await hostWith({}, { pkce: 'optional' })
    const without = { code_challenge: undefined, code_challenge_method: undefined }
    const answer = await host.authorize(client, without).set('Accept', 'application/json')
    expect(answer.body).toMatchObject({ error: 'invalid_request' })
  })

  it('goes to the redirect URIs of its document, and nowhere else', async () => {
    for (const redirect_uri of [
      'https://evil.example/cb',
      `${redirectUri}/x`,
      `${redirectUri}?a=b`,
      documents.origin,
    ]) {
      const answer = await host.authorize(client, { redirect_uri })
      expect([answer.status, answer.headers.location]).toEqual([400, undefined])
    }
  })

  it('may ask for no more than the option says', async () => {
    documents.at('/client.json', { ...notes, scope: 'read write admin' })
    const more = await host.authorize(client, { scope: 'read write' }).set('Accept', 'application/json')
    expect(more.body).toMatchObject({ error: 'invalid_scope' })
    expect(answerOf(await host.authorize(client, { scope: 'read' }))).toHaveProperty('code')
  })

  it('has what its document names where it asks for nothing, and else all that the option says', async () => {
    host = await hostWith({ scopes: 'read write' })
    const scopeOf = async (document: object) => {
      documents.at('/client.json', { ...notes, ...document })
      host.clock.advance(300)
      return (await host.signIn(client, { scope: undefined })).scope
    }
    expect([await scopeOf({ scope: 'write' }), await scopeOf({})]).toEqual(['write', 'read write'])
  })

  it('cannot prove anything: a secret is wrong, and introspection is closed to it', async () => {
    const code = await host.code(client)
    const withSecret = await host.exchange(client, code, { client_secret: 'anything' })
    expect([withSecret.status, withSecret.body.error]).toEqual([401, 'invalid_client'])
    expect((await host.introspect(client, code)).status).toBe(401)
    const own = await host.token(client, { grant_type: 'client_credentials' })
    expect([own.status, own.body.error]).toEqual([400, 'unauthorized_client'])
  })

  it('is in the metadata exactly when the option is', async () => {
    const metadataOf = async (of: Host) => (await of.http().get('/.well-known/oauth-authorization-server')).body
    expect(await metadataOf(host)).toMatchObject({ client_id_metadata_document_supported: true })
    expect(await metadataOf(await createHost())).not.toHaveProperty('client_id_metadata_document_supported')
  })

  it('is unknown without the option, and nothing is fetched', async () => {
    host = await createHost()
    expect((await host.authorize(client)).status).toBe(400)
    expect(documents.connections()).toBe(0)
  })

  it('cannot be put into storage under its URL, where another would stand in for it', async () => {
    await expect(registerClient(host.server, { clientId: client.clientId })).rejects.toMatchObject({
      code: 'invalid_client_metadata',
      message: expect.stringContaining('metadata document'),
    })
    await host.storage.clients.insert({
      ...clientRow({
        clientId: client.clientId,
        redirectUris: ['https://evil.example/cb'],
      }),
    })
    expect((await host.authorize({ ...client, redirectUri: 'https://evil.example/cb' })).status).toBe(400)
    expect(answerOf(await host.authorize(client))).toHaveProperty('code')
  })

  it('only where allow says true is anything fetched', async () => {
    const seen: string[] = []
    for (const answer of [false, undefined, 1]) {
      const allow = (url: URL) => {
        seen.push(url.href)
        return answer as never
      }
      host = await hostWith({ allow })
      expect((await host.authorize(client)).status).toBe(400)
    }
    expect([seen[0], documents.connections()]).toEqual([client.clientId, 0])
    host = await hostWith({ allow: async ({ hostname }) => hostname === '127.0.0.1' })
    expect(answerOf(await host.authorize(client))).toHaveProperty('code')
  })

  it('an allow that throws is a failure of the host, and a no', async () => {
    host = await hostWith({ allow: () => Promise.reject(new Error('policy is down')) })
    expect((await host.authorize(client)).status).toBe(500)
    expect(String(host.reportedErrors()[0]?.cause)).toContain('policy is down')
  })
})

describe('the document', () => {
  it.each<[string, object]>([
    ['is about another URL', { ...notes, client_id: 'https://other.example/client.json' }],
    ['has no client_id', { ...notes, client_id: undefined }],
    ['has a secret', { ...notes, client_secret: 'x' }],
    ['has a secret that expires', { ...notes, client_secret_expires_at: 0 }],
    ['wants a shared secret', { ...notes, token_endpoint_auth_method: 'client_secret_basic' }],
    ['wants what we cannot check', { ...notes, token_endpoint_auth_method: 'private_key_jwt' }],
    ['has no redirect URIs', { ...notes, redirect_uris: [] }],
    ['has a redirect URI that runs', { ...notes, redirect_uris: ['javascript:alert(1)'] }],
    ['has a logo that runs', { ...notes, logo_uri: 'javascript:alert(1)' }],
    ['has a policy in our network', { ...notes, policy_uri: 'https://10.0.0.1/' }],
    ['has a name that turns the text around it', { ...notes, client_name: 'a\u202eb' }],
    ['wants grants that are not open', { ...notes, grant_types: ['client_credentials'] }],
    ['contradicts itself', { ...notes, response_types: ['token'] }],
    ['vouches by a software statement', { ...notes, software_statement: 'eyJ.e30.' }],
  ])('is refused when it %s', async (_, document) => {
    client.clientId = documents.at('/wrong.json', document)
    const page = await host.authorize(client).set('Accept', 'application/json')
    expect([page.status, page.headers.location, page.body.error]).toEqual([400, undefined, 'invalid_client'])
    const token = await host.exchange(client, 'x')
    expect([token.status, token.body.error]).toEqual([400, 'invalid_client'])
    expect(reasons()).toHaveLength(1)
  })

  it.each<[string, RequestListener]>([
    ['a redirect, even to a good one', (_req, res) => void res.writeHead(302, { Location: '/client.json' }).end()],
    ['an error', (_req, res) => void res.writeHead(500).end()],
    ['nothing', (_req, res) => void res.writeHead(404, { 'Content-Type': 'application/json' }).end('{}')],
    ['HTML', (_req, res) => void res.writeHead(200, { 'Content-Type': 'text/html' }).end('{}')],
    ['something else that ends like JSON', withHeaders({ 'Content-Type': 'text/x-application/json' })],
    [
      'JSON with a byte order mark in it',
      (_req, res) => void res.writeHead(200, { 'Content-Type': 'application/json' }).end('{\ufeff}'),
    ],
    ['no content type', (_req, res) => void res.end('{}')],
    ['no JSON', (_req, res) => void res.writeHead(200, { 'Content-Type': 'application/json' }).end('{')],
    ['a list', (_req, res) => void res.writeHead(200, { 'Content-Type': 'application/json' }).end('[]')],
    [
      'no UTF-8',
      (_req, res) => void res.writeHead(200, { 'Content-Type': 'application/json' }).end(Buffer.from([34, 255, 34])),
    ],
    [
      'a compressed body',
      (_req, res) =>
        void res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }).end('{}'),
    ],
    ['a broken connection', (_req, res) => void res.destroy()],
    [
      'half an answer',
      (_req, res) => {
        res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 100 })
        res.write('{', () => res.destroy())
      },
    ],
    ['another protocol', (_req, res) => void res.socket?.end('SSH-2.0-OpenSSH_9.2\r\n')],
  ])('is not had when the answer is %s, and who asks learns no more than that', async (_, listener) => {
    client.clientId = documents.at('/bent', listener)
    const answer = await host.exchange(client, 'x')
    expect([answer.status, answer.body]).toEqual([
      400,
      {
        error: 'temporarily_unavailable',
        error_description: 'The client metadata document could not be fetched.',
      },
    ])
    expect(answer.headers['retry-after']).toBe('10')
    expect(reasons()).toHaveLength(1)
    expect(documents.asked).toEqual(['/bent'])
    expect(host.reportedErrors()).toEqual([])
  })

  it('may have 10 KiB and not more, whatever its length says', async () => {
    const sized = (bytes: number) => {
      const client_id = `${documents.origin}/large.json`
      const bare = JSON.stringify({ client_id, ...notes, filler: '' })
      return JSON.stringify({ client_id, ...notes, filler: 'x'.repeat(bytes - bare.length) })
    }
    const serve = (bytes: number) =>
      documents.at(
        '/large.json',
        (_req, res) => void res.writeHead(200, { 'Content-Type': 'application/json' }).end(sized(bytes)),
      )
    client.clientId = serve(10 * 1024 + 1)
    expect((await host.authorize(client)).status).toBe(400)
    expect(reasons()).toEqual(['it has more than 10240 bytes'])
    serve(10 * 1024)
    host.clock.advance(10)
    expect(answerOf(await host.authorize(client))).toHaveProperty('code')
  })

  it('may begin with a byte order mark (RFC 8259 §8.1)', async () => {
    client.clientId = documents.at('/marked', (req, res) => {
      const text = JSON.stringify({ ...notes, client_id: `${documents.origin}${req.url}` })
      res.writeHead(200, { 'Content-Type': 'application/json' }).end(`\ufeff${text}`)
    })
    expect(answerOf(await host.authorize(client))).toHaveProperty('code')
  })

  it('may be any JSON type (§4.1), without method and name', async () => {
    const { client_name: _, token_endpoint_auth_method: __, ...bare } = notes
    client.clientId = documents.at(
      '/bare',
      withHeaders({ 'Content-Type': 'application/oauth-client+json; charset=utf-8' }, bare),
    )
    expect(answerOf(await host.authorize(client))).toHaveProperty('code')
  })

  it('may name grants that this server does not have', async () => {
    host = await hostWith({}, { grants: [authorizationCode()] })
    const { body } = await host.exchange(client, await host.code(client)).expect(200)
    expect(body).not.toHaveProperty('refresh_token')
  })

  it('that never ends is given up after five seconds', async () => {
    client.clientId = documents.at(
      '/slow',
      (_req, res) => void res.writeHead(200, { 'Content-Type': 'application/json' }).write('{'),
    )
    const started = performance.now()
    expect((await host.authorize(client)).status).toBe(400)
    expect(performance.now() - started).toBeGreaterThan(4000)
    expect(reasons()[0]).toMatch(/abort|timeout/i)
  })
})

describe('the cache', () => {
  const fetches = async (headers: object, after: number): Promise<number> => {
    documents.at('/client.json', withHeaders(headers))
    await host.authorize(client)
    host.clock.advance(after)
    await host.authorize(client)
    return documents.asked.length
  }
  it.each<[string, object, number, number]>([
    ['max-age', { 'Cache-Control': 'max-age=3600' }, 3599, 1],
    ['max-age', { 'Cache-Control': 'max-age=3600' }, 3600, 2],
    ['max-age less Age', { 'Cache-Control': 'max-age=3600', Age: '600' }, 3000, 2],
    ['max-age, where Age is no number', { 'Cache-Control': 'max-age=3600', Age: '5 minutes' }, 3599, 1],
    ['max-age, where Age is another one', { 'Cache-Control': 'max-age=3600', Age: '-5' }, 3600, 2],
    ['what is said of private caches', { 'Cache-Control': 'private, max-age=3600, s-maxage=1' }, 3599, 1],
    ['no-store, five minutes at least', { 'Cache-Control': 'no-store' }, 299, 1],
    ['no-store', { 'Cache-Control': 'no-store' }, 300, 2],
    ['nothing, five minutes', {}, 300, 2],
    ['years, a day at most', { 'Cache-Control': 'max-age=99999999' }, 86_400, 2],
    ['a day', { 'Cache-Control': 'max-age=99999999' }, 86_399, 1],
  ])('goes by HTTP, within bounds: %s', async (_, headers, after, asked) => {
    expect(await fetches(headers, after)).toBe(asked)
  })

  it('a changed document holds from then on: a redirect URI that is gone is gone', async () => {
    await host.signIn(client)
    documents.at('/client.json', { ...notes, redirect_uris: ['https://new.example/cb'] })
    host.clock.advance(300)
    expect((await host.authorize(client)).status).toBe(400)
  })

  it('what could not be had is asked for again after ten seconds', async () => {
    let up = false
    client.clientId = documents.at('/sometimes', (req, res) =>
      up ? withHeaders({})(req, res) : void res.writeHead(503).end(),
    )
    await host.authorize(client)
    up = true
    host.clock.advance(9)
    expect((await host.authorize(client)).status).toBe(400)
    expect(documents.asked).toHaveLength(1)
    host.clock.advance(1)
    expect(answerOf(await host.authorize(client))).toHaveProperty('code')
  })

  it.each<[string, RequestListener]>([
    ['an error', (_req, res) => void res.writeHead(500).end()],
    ['too many requests', (_req, res) => void res.writeHead(429).end()],
    ['a timeout', (_req, res) => void res.writeHead(408).end()],
    ['nothing any more', (_req, res) => void res.destroy()],
  ])('while its host answers with %s, a document is used for a day', async (_, listener) => {
    await host.signIn(client)
    documents.at('/client.json', listener)
    host.clock.advance(300)
    await host.signIn(client)
    await host.signIn(client)
    expect(documents.asked).toHaveLength(2)
    host.clock.advance(24 * 3600 - 301)
    await host.signIn(client)
    expect(documents.asked).toHaveLength(3)
    host.clock.advance(1)
    expect((await host.authorize(client)).status).toBe(400)
  })

  it.each<[string, object | RequestListener]>([
    ['404', (_req, res) => void res.writeHead(404).end()],
    ['410', (_req, res) => void res.writeHead(410).end()],
    ['403', (_req, res) => void res.writeHead(403).end()],
    ['a redirect', (_req, res) => void res.writeHead(302, { Location: '/client.json' }).end()],
    ['no content', (_req, res) => void res.writeHead(204).end()],
    ['HTML', (_req, res) => void res.writeHead(200, { 'Content-Type': 'text/html' }).end('{}')],
    ['a compressed body', withHeaders({ 'Content-Encoding': 'gzip' })],
    ['no JSON', (_req, res) => void res.writeHead(200, { 'Content-Type': 'application/json' }).end('[')],
    ['too much', { ...notes, more: 'x'.repeat(11_000) }],
    ['another document', { ...notes, client_id: 'https://other.example/' }],
  ])('where its host answers with %s, it is used no more', async (_, content) => {
    await host.signIn(client)
    documents.at('/client.json', content)
    host.clock.advance(300)
    for (let times = 0; times < 2; times++) expect((await host.authorize(client)).status).toBe(400)
  })

  it('while strangers keep its host busy, it is used on', async () => {
    await host.signIn(client)
    host.clock.advance(300)
    const arrived = new Promise<void>((resolve) => {
      let count = 0
      for (let i = 0; i < 5; i++) {
        documents.at(`/${i}`, () => {
          if (++count === 5) resolve()
        })
      }
    })
    const held = Array.from({ length: 5 }, (_, i) =>
      host.exchange({ clientId: `${documents.origin}/${i}`, redirectUri }, 'x').then((answer) => answer.status),
    )
    await arrived
    await host.signIn(client)
    await documents.close()
    expect(await Promise.all(held)).toEqual([400, 400, 400, 400, 400])
  })

  it('an allow that never answers keeps no place, and holds nobody up once it answers', async () => {
    let answers = false
    host = await hostWith({ allow: () => (answers ? true : new Promise<boolean>(() => {})) })
    const held = Array.from({ length: 5 }, () =>
      host
        .authorize(client)
        .timeout(100)
        .then(
          () => 'answered',
          () => 'held',
        ),
    )
    expect(await Promise.all(held)).toEqual(Array(5).fill('held'))
    answers = true
    await host.signIn(client)
  })

  it('an allow that says no while a document is on its way ends it, too', async () => {
    let answer = true
    let finish: () => void = () => {}
    host = await hostWith({ allow: () => answer })
    const arrived = new Promise<void>((resolve) => {
      client.clientId = documents.at('/slow', (req, res) => {
        finish = () => withHeaders({})(req, res)
        resolve()
      })
    })
    const begun = host.authorize(client).then(({ status }) => status)
    await arrived
    answer = false
    expect((await host.authorize(client)).status).toBe(400)
    finish()
    expect(await begun).toBe(400)
    host.clock.advance(1)
    expect((await host.authorize(client)).status).toBe(400)
  })

  it.each([true, false])(
    'an allow that takes its time and says %p is followed by one fetch or one refusal',
    async (answer) => {
      const all = gate()
      let asked = 0
      host = await hostWith({
        async allow() {
          if (++asked === 20) all.open()
          await all.opened
          return answer
        },
      })
      const answers = await Promise.all(Array.from({ length: 20 }, () => host.authorize(client)))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([answer ? 302 : 400]))
      expect([documents.asked.length, reasons().length]).toEqual(answer ? [1, 0] : [0, 1])
    },
  )

  it('an allow that says no any more ends a client at the next look', async () => {
    let answer = true
    host = await hostWith({ allow: () => answer })
    await host.signIn(client)
    answer = false
    host.clock.advance(300)
    for (let times = 0; times < 2; times++) expect((await host.authorize(client)).status).toBe(400)
  })

  it('many requests at once are one fetch', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => host.authorize(client)))
    expect(answers.every((answer) => answerOf(answer).code !== undefined)).toBe(true)
    expect(documents.asked).toHaveLength(1)
  })

  it('one host is asked five things at a time, so that nobody makes us flood it', async () => {
    const waiting: (() => void)[] = []
    const five = new Promise<void>((resolve) => {
      for (let i = 0; i < 6; i++) {
        documents.at(`/${i}`, (_req, res) => {
          waiting.push(() => res.writeHead(404).end())
          if (waiting.length === 5) resolve()
        })
      }
    })
    const answers = Array.from({ length: 5 }, (_, i) =>
      host.exchange({ clientId: `${documents.origin}/${i}`, redirectUri }, 'x').then((answer) => answer),
    )
    await five
    const sixth = await host.exchange({ clientId: `${documents.origin}/5`, redirectUri }, 'x')
    expect([sixth.status, sixth.body.error_description]).toEqual([400, expect.stringContaining('Too many')])
    const origin = documents.origin.replace('127.0.0.1', 'localhost')
    documents.at('/other', { ...notes, client_id: `${origin}/other` })
    expect(await host.code({ clientId: `${origin}/other`, redirectUri })).toEqual(expect.any(String))
    for (const answer of waiting) answer()
    await Promise.all(answers)
    expect(documents.asked).toHaveLength(6)
  })
})

describe('what people see', () => {
  const consentHost = () => hostWith({}, { decide: consentPage({ signIn: '/login', remember: true }) })

  it.each<[string, string, string, string]>([
    ['en', redirectUri, 'Access will be given to <strong>notes.example</strong>. Only allow this if you know', ''],
    ['de', redirectUri, 'Der Zugriff geht an <strong>notes.example</strong>.', ''],
    ['es', redirectUri, 'El acceso se dará a <strong>notes.example</strong>.', ''],
    ['en', 'http://127.0.0.1:5000/cb', 'given to <strong>an app on this device (127.0.0.1:5000)</strong>', 'started'],
    [
      'de',
      'http://localhost:5000/cb',
      'geht an <strong>eine App auf diesem Gerät (localhost:5000)</strong>',
      'gestartet',
    ],
    [
      'es',
      'com.example.app:/cb',
      'se dará a <strong>una aplicación de este dispositivo que abre los enlaces «com.example.app:»</strong>',
      'iniciar',
    ],
    ['en', 'cursor://bank.example/cb', '<strong>an app on this device that opens cursor: links</strong>', 'started'],
    [
      'de',
      'cursor://bank.example/cb',
      '<strong>eine App auf diesem Gerät, die cursor:-Links öffnet</strong>',
      'gestartet',
    ],
  ])('the consent page names the place of the document and where the answer goes: %s, %s', async (...row) => {
    const [ui_locales, target, words, advice] = row
    documents.at('/client.json', { ...notes, redirect_uris: [target] })
    host = await consentHost()
    const { text } = await host.authorize({ ...client, redirectUri: target }, { ui_locales })
    const notice = /<p class="notice">.*<\/p>/.exec(text)?.[0]
    expect(notice).toContain(`<strong>${new URL(client.clientId).host}</strong>`)
    expect(notice).toContain(words)
    expect(notice).toContain(advice)
  })

  it('nor is such a client remembered', async () => {
    host = await consentHost()
    await issueTokens(host.server, { clientId: client.clientId, userId: 'alice' })
    expect((await host.authorize(client)).text).toContain('consent_transaction')
  })

  it('the connected apps show its name and its host, and its URL when the document is gone', async () => {
    const apps = () => host.http().get('/apps').set('X-User', 'alice')
    host = await hostWith({}, { mount: (app, server) => void app.use('/apps', connectedAppsRouter(server)) })
    await issueTokens(host.server, { clientId: client.clientId, userId: 'alice' })
    expect((await apps()).text).toContain(`Notes (${new URL(client.clientId).host})`)
    documents.at('/client.json', (_req, res) => void res.writeHead(404).end())
    host.clock.advance(300)
    const gone = await apps()
    expect([gone.status, gone.text.includes(client.clientId)]).toEqual([200, true])
  })
})

describe('options', () => {
  const make = (clientIdMetadataDocuments: unknown) =>
    createAuthorizationServer({
      issuer,
      storage: memoryStorage(),
      scopes: ['read'],
      clientIdMetadataDocuments,
    } as never)
  it.each<[unknown, string]>([
    [true, 'needs scopes'],
    [{}, 'needs scopes'],
    [{ scopes: ['write'] }, 'the server has no scope write'],
    [{ scopes: ['read'], allow: [] }, 'allow must be a function'],
    [{ scopes: ['read'], dangerouslyAllowLoopback: 1 }, 'must be true or false'],
    [{ scopes: ['read'], ttl: 1 }, 'Unknown clientIdMetadataDocuments option ttl'],
  ])('%j does not start', (options, words) => {
    expect(() => make(options)).toThrow(TypeError)
    expect(() => make(options)).toThrow(words)
  })

  it('dangerouslyAllowLoopback in production is warned of', () => {
    const before = process.env.NODE_ENV
    const warn = jest.spyOn(console, 'warn').mockImplementation()
    process.env.NODE_ENV = 'production'
    try {
      make({ scopes: ['read'], dangerouslyAllowLoopback: true })
      expect(warn).toHaveBeenCalledWith(expect.stringContaining('loopback_documents_in_production'))
    } finally {
      process.env.NODE_ENV = before
      warn.mockRestore()
    }
  })

  it('an exchange is two storage calls: the client is not in storage', async () => {
    const code = await host.code(client)
    host.storage.calls.length = 0
    await host.exchange(client, code)
    expect(host.storage.calls).toEqual(['grants.find', 'grants.transition'])
  })
})
