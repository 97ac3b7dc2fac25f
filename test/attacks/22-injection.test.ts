// ATTACKS.md row 22: text of strangers in headers, HTML and JSON stays text.
import { bearerGuard, type Client, consentPage, issueTokens, registerClient, updateClient } from '../../src/index'
import { parseWwwAuthenticateChallenges } from '../support/challenges'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { answerOf, createHost, type Host, issuer, paths } from '../support/host'
import { exchange, listen, request } from '../support/raw'

const nasty = [
  '"><script>alert(1)</script>',
  "'><img src=x onerror=alert(1)>",
  '</title></style><script>alert(1)</script>',
  '<!--',
  ']]>',
  '&lt;script&gt;&quot;',
  'a\r\nSet-Cookie: evil=1\r\n\r\n<script>',
  '\\"; realm="evil',
  '{{7*7}}<%= 7*7 %>',
  '\u2028\u2029',
  '"}],"evil":"',
  '😀é\u202E',
]

const ourTags =
  'html head meta title style body main h1 h2 p ul li form input div span button strong bdi a code dl dt dd section nav time'
const ourAttributes =
  'lang dir charset name content method type value class role hidden href id for aria-label aria-hidden aria-labelledby datetime'

/** A browser would see our tags with our attributes, and between them text. */
function expectWhole(html: string): void {
  const withoutFrame = html
    .replace(/^<!doctype html>\n/, '')
    .replace(/<link rel="icon" href="data:image\/svg\+xml;base64,[\w+/=]+">/, '')
    .replace(/<style>[^<]*<\/style>/, '')
  const text = withoutFrame.replace(/<\/?([a-z][a-z0-9]*)((?: [a-z-]+(?:="[^"<>]*")?)*)>/g, (_, tag, attributes) => {
    expect(ourTags.split(' ')).toContain(tag)
    for (const [, name] of attributes.matchAll(/ ([a-z-]+)(?:="[^"]*")?/g))
      expect(ourAttributes.split(' ')).toContain(name)
    return ''
  })
  expect(text).not.toMatch(/[<>]/)
}

describe.each(nasty)('%j', (text) => {
  let host: Host
  beforeAll(async () => {
    host = await createHost({ decide: consentPage({ signIn: '/login', switchUser: '/logout' }) })
  })
  /** What a record may hold of it: the library refuses some itself. */
  const label = text.replace(/[\p{Cc}\u202a-\u202e]/gu, ' ')

  it('as client name, description, user name and scope is text on the consent page', async () => {
    const scopes = { read: text, write: 'Change', clients: 'Manage', admin: 'Manage all' }
    const named = await createHost({ decide: consentPage({ signIn: '/login' }), scopes })
    named.people.set('alice', { id: 'alice', name: text })
    const client = await named.register({ clientId: 'nasty', name: label, description: label })
    expectWhole((await named.authorize(client, { state: text }).expect(200)).text)
  })

  it('as any parameter is text in the form of the consent page, and comes back as it was', async () => {
    const answer = await host
      .http()
      .post(paths.authorize)
      .set('X-User', 'alice')
      .type('form')
      .send(
        `${host.authorizationRequest(host.web, { state: text })}&${encodeURIComponent(text)}=${encodeURIComponent(text)}`,
      )
    expect(answer.status).toBe(200)
    expectWhole(answer.text)
  })

  it('as client_id is nowhere on the error page', async () => {
    const answer = await host.authorize(host.web, { client_id: text }).expect(400)
    expectWhole(answer.text)
    expect(answer.text).not.toContain('evil')
    expect(answer.text).not.toContain('alert')
  })

  it('in a redirect_uri is on the error page as one word of the characters of URIs', async () => {
    const answer = await host.authorize(host.web, { redirect_uri: `https:${text}` }).expect(400)
    expectWhole(answer.text)
    const shown = / redirect_uri (\S+) is not registered for this client/.exec(answer.text)?.[1] ?? ''
    expect(shown).toMatch(/^[\w.~!$&()*+,/:;=?@%[\]-]+$/)
    expect(answer.text.replace(shown, '')).not.toMatch(/evil|alert/)
  })

  it.each(['scope', 'response_type', 'state', 'code_challenge', 'response_mode', 'ui_locales'])(
    'as %s makes one Location header of ASCII',
    async (name) => {
      const answer = await host.authorize(host.web, { scope: 'nope', [name]: text })
      const { location } = answer.headers
      expect(location).toMatch(/^https:\/\/app\.example\/cb\?[\w.~!*()%&=-]+$/)
      expect(answer.headers['set-cookie']).toBeUndefined()
      if (name === 'state') expect(answerOf(answer).state).toBe(text)
      expect(answerOf(answer).iss).toBe(issuer)
    },
  )

  it('as realm, or as a required scope, makes one challenge', async () => {
    const guarded = await createHost({
      mount: (app, server) => void app.get('/x', bearerGuard(server, { realm: text }), (_req, res) => void res.end()),
    })
    for (const token of ['', 'x', `${'A'.repeat(22)}~a.${'B'.repeat(43)}`]) {
      const answer = await guarded.http().get('/x').set('Authorization', `Bearer ${token}`)
      const [challenge, ...others] = parseWwwAuthenticateChallenges(answer.headers['www-authenticate'] as string)
      expect(others).toEqual([])
      expect(challenge).toMatchObject({ scheme: 'Bearer', parameters: { realm: text.replace(/[^\x20-\x7e]/g, '') } })
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
  })

  it.each(['grant_type', 'code', 'scope', 'refresh_token', 'client_id', 'username'])(
    'as %s at the token endpoint makes JSON with the members of RFC 6749 §5.2 in its characters',
    async (name) => {
      const parameters = { grant_type: 'client_credentials', [name]: text }
      const answer = await host.token(name === 'client_id' ? undefined : host.web, parameters)
      if (answer.status === 200) return
      expect(Object.keys(answer.body).sort()).toEqual(['error', 'error_description'])
      expect(answer.body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
      expect(answer.headers['content-type']).toBe('application/json')
    },
  )

  it('in the clients API makes JSON', async () => {
    await host.register({ clientId: 'console', name: label, scopes: ['clients', 'read'] })
    const issued = await issueTokens(host.server, { clientId: 'console', userId: 'alice', scope: 'clients read' })
    const auth = (sent: ReturnType<ReturnType<Host['http']>['get']>) =>
      sent.auth(issued.access_token, { type: 'bearer' })
    const made = await auth(host.http().post(paths.clients)).send({
      client_name: text,
      description: text,
      client_id: text,
      scope: text,
    })
    expect([400, 403]).toContain(made.status)
    expect(made.headers['content-type']).toBe('application/json')
    const missing = await auth(host.http().get(`${paths.clients}/${encodeURIComponent(text)}`))
    expect([missing.status, missing.headers['content-type']]).toEqual([404, 'application/json'])
    expect(missing.headers['set-cookie']).toBeUndefined()
  })
})

it('a redirect URI that somebody wrote into the database by hand splits no header', async () => {
  const host = await createHost()
  const uri = 'https://app.example/cb\r\nSet-Cookie: evil=1'
  const record = (await host.storage.clients.find('web')) as Client
  const { version } = record
  await host.storage.clients.update({ ...record, redirectUris: [uri], version: version + 1 }, version)
  const answer = await host.authorize(host.web, { redirect_uri: uri })
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.headers['set-cookie']).toBeUndefined()
})

it('a name of another client cannot be put on over a page: the id in the record stays what it is', async () => {
  const host = await createHost({ decide: consentPage({ signIn: '/login' }) })
  await registerClient(host.server, { clientId: 'spoof', redirectUris: ['https://evil.example/'], scopes: ['read'] })
  await updateClient(host.server, 'spoof', { name: 'Trusted app\n\nYou go on to trusted.example' })
  const answer = await host.authorize({ clientId: 'spoof', redirectUri: 'https://evil.example/' })
  expect(answer.text).toContain('evil.example')
})

it('a Host header of any kind reaches no page, header or document', async () => {
  const host = await createHost({ decide: consentPage({ signIn: '/login' }) })
  const { port, close } = await listen(host.app)
  for (const value of ['evil.example', 'evil.example"><script>', '[', '%', 'a b', '', 'evil.example:99999']) {
    const targets = [
      `${paths.authorize}?${host.authorizationRequest(host.web)}`,
      '/.well-known/oauth-authorization-server',
      paths.authorize,
    ]
    for (const target of targets) {
      const text = request('GET', target, [
        'Referer: http://evil.example/login',
        'X-Forwarded-Host: evil.example',
        'Forwarded: host=evil.example',
      ])
      const answer = await exchange(port, text.replace('Host: auth.example.com', `Host: ${value}`))
      expect(answer?.status).toBeLessThan(500)
      expect(`${answer?.headers}${answer?.body}`).not.toContain('evil.example')
    }
  }
  await close()
})

let documents: DocumentHost | undefined
afterEach(async () => void (await documents?.close()))

it('what a stranger writes into a client metadata document is nowhere on our error page', async () => {
  documents = await createDocumentHost()
  const host = await createHost({
    clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true },
  })
  const lure = 'Your account is locked, call 555 1234'
  const redirect_uris = ['https://app.example/cb']
  for (const document of [
    { redirect_uris, [`x_uri#${lure}`]: 'x' },
    { redirect_uris, client_name: `${lure}\u202e` },
    { redirect_uris: [lure] },
    { redirect_uris, grant_types: [lure] },
    { redirect_uris, response_types: [lure] },
    { redirect_uris, scope: lure },
    { redirect_uris, token_endpoint_auth_method: lure },
    { redirect_uris, software_statement: lure },
    { redirect_uris, client_id: lure },
  ]) {
    const clientId = (documents as DocumentHost).at(`/${Math.random()}`, document)
    const page = await host.authorize({ clientId, redirectUri: 'https://app.example/cb' }).set('Accept', 'text/html')
    expect([page.status, page.headers.location]).toEqual([400, undefined])
    expect(page.text).not.toContain('call 555')
  }
})
