// ATTACKS.md rows 4 and 5: an unregistered redirect URI is never sent anything, neither a code nor an error nor a browser.
import { authorizeRouter, consentPage } from '../../src/index'
import { createHost, encode, type Host, paths } from '../support/host'

const registered = 'https://app.example/cb'

/** What somebody sends who hopes for a careless comparison, or for two parsers that disagree. */
const evil: [string, string][] = [
  ['another host', 'https://evil.example/cb'],
  ['a prefix of the registered one', 'https://app.example/c'],
  ['the origin alone', 'https://app.example'],
  ['the registered one and more', 'https://app.example/cb2'],
  ['a deeper path', 'https://app.example/cb/deeper'],
  ['a trailing slash', 'https://app.example/cb/'],
  ['an extra query', 'https://app.example/cb?next=https://evil.example'],
  ['an empty query', 'https://app.example/cb?'],
  ['another case', 'https://APP.example/cb'],
  ['another case in the path', 'https://app.example/CB'],
  ['another case in the scheme', 'HTTPS://app.example/cb'],
  ['http', 'http://app.example/cb'],
  ['userinfo', 'https://app.example@evil.example/cb'],
  ['userinfo before the right host', 'https://evil@app.example/cb'],
  ['userinfo with a colon', 'https://app.example:443@evil.example/cb'],
  [';params', 'https://app.example/cb;evil'],
  ['a fragment', 'https://app.example/cb#evil'],
  ['a bare #', 'https://app.example/cb#'],
  ['no slashes', 'https:evil.example'],
  ['a network path', '//evil.example/cb'],
  ['a path', '/cb'],
  ['backslashes', 'https:\\\\evil.example\\cb'],
  ['a backslash before the right host', 'https://evil.example\\@app.example/cb'],
  ['a slash and a backslash', '/\\evil.example'],
  ['encoded dots in the path', 'https://app.example/x/%2e%2e/cb'],
  ['dots in the path', 'https://app.example/x/../cb'],
  ['an encoded letter', 'https://app.example/%63b'],
  ['an encoded slash', 'https://app.example%2fcb'],
  ['a subdomain', 'https://app.example.evil.example/cb'],
  ['a host above', 'https://www.app.example/cb'],
  ['a trailing dot', 'https://app.example./cb'],
  ['an IDN that looks the same', 'https://аpp.example/cb'],
  ['a full-width dot', 'https://app。example/cb'],
  ['a soft hyphen', 'https://app.exam\u00adple/cb'],
  ['a tab inside', 'https://app.exa\tmple/cb'],
  ['a newline inside', 'https://app.example/c\nb'],
  ['a line break and a header', 'https://app.example/cb\r\nLocation: https://evil.example'],
  ['a space in front', ' https://app.example/cb'],
  ['malformed IPv6', 'https://[::1/cb'],
  ['IPv6 with a name', 'https://[app.example]/cb'],
  ['a port', 'https://app.example:8443/cb'],
  ['the default port', 'https://app.example:443/cb'],
  ['javascript:', 'javascript:alert(document.domain)'],
  ['javascript: as a URL', 'javascript://app.example/cb%0aalert(1)'],
  ['data:', 'data:text/html,<script>alert(1)</script>'],
  ['vbscript:', 'vbscript:msgbox(1)'],
  ['two URIs in one', `${registered} https://evil.example/cb`],
  ['two URIs with a comma', `${registered},https://evil.example/cb`],
  ['the registered one as a query', `https://evil.example/?${registered}`],
  ['an object', '[object Object]'],
  ['a name of Object.prototype', '__proto__'],
]

/** Every way to make the rest of the request wrong, so that an error would have to be sent somewhere (row 5). */
const wrongElsewhere: [string, Record<string, string | undefined>][] = [
  ['and nothing else', {}],
  ['with an unknown response_type', { response_type: 'x' }],
  ['without response_type', { response_type: undefined }],
  ['with a scope that does not exist', { scope: 'nope' }],
  ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
  ['with plain PKCE', { code_challenge_method: 'plain' }],
  ['with a response_mode that is not supported', { response_mode: 'web_message' }],
  ['without state', { state: undefined }],
]

/** What a page says of the error. The redirect URI stands in it as text, so that its developer sees what was sent. */
const details =
  /<code>invalid_request<\/code>: redirect_uri [!-;=?-~]+ is not registered for this client, which has \d others?\./

/** Neither a header nor a page that leads away. */
function expectLocalPage(answer: { status: number; headers: Record<string, string>; text: string }): void {
  expect(answer.status).toBe(400)
  expect(answer.headers).not.toHaveProperty('location')
  expect(answer.headers).not.toHaveProperty('refresh')
  expect(answer.text.replace(details, '')).not.toMatch(/evil|http-equiv|javascript:|(?<!rel="icon" )href=/)
}

let host: Host
beforeAll(async () => {
  host = await createHost()
})

describe.each(evil)('redirect_uri with %s', (_, redirect_uri) => {
  it.each(wrongElsewhere)('%s is never a redirect', async (_name, wrong) => {
    expectLocalPage(await host.authorize(host.web, { redirect_uri, ...wrong }))
  })

  it('is no better for a denial, a signed-out browser, a POST, or an error of the host', async () => {
    expectLocalPage(await host.authorize(host.web, { redirect_uri }, null))
    const body = host.authorizationRequest(host.web, { redirect_uri })
    expectLocalPage(await host.http().post(paths.authorize).set('X-User', 'alice').type('form').send(body))
  })
})

it('the page says which redirect URI was sent, as text, and how many are registered but not which', async () => {
  const redirectUris = [registered, 'https://app.example/secret-tool', 'https://app.example/third']
  const client = await host.register({ redirectUris })
  const pageFor = async (redirect_uri: string) => (await host.authorize(client, { redirect_uri })).text
  expect(await pageFor('https://app.example/cb/?a=1&b')).toContain(
    'redirect_uri https://app.example/cb/?a=1&amp;b is not registered for this client, which has 3 others.',
  )
  const page = await pageFor(`https://evil.example/"><script>alert('x')</script>${'x'.repeat(5000)}`)
  expect(page).toContain('redirect_uri https://evil.example/%22%3E%3Cscript%3Ealert(%27x%27)%3C/script%3Exxx')
  expect(page.length).toBeLessThan((await pageFor('x')).length + 300)
  // a secret in the wrong place has no scheme: neither the page nor a log of it repeats it
  expect(await pageFor('g4taZnywImLZN6KGEf7gZt3hxnS9HEbCG_HKMHDxZX8')).toContain('redirect_uri is not registered for')
  for (const uri of ['x', '\ud800', 'a b', ...redirectUris.map((uri) => `${uri}/`)]) {
    const text = (await pageFor(uri)).replace(details, '')
    expect(text).not.toMatch(/secret-tool|third|<script/)
  }
  const json = await host.authorize(client, { redirect_uri: 'myapp://cb' }).set('Accept', 'application/json')
  expect(json.body.error_description).toBe(
    'redirect_uri myapp://cb is not registered for this client, which has 3 others.',
  )
  const none = await host.authorize(await host.register({ redirectUris: [] }))
  expect(none.text).toContain('which has none.')
})

describe('other ways to the same end:', () => {
  const evilUri = 'https://evil.example/cb'
  const query = () => host.authorizationRequest(host.web)

  it.each<[string, () => string]>([
    ['the right one first', () => `${query()}&redirect_uri=${encodeURIComponent(evilUri)}`],
    ['the right one last', () => `redirect_uri=${encodeURIComponent(evilUri)}&${query()}`],
    ['an encoded name', () => `${query()}&redirect%5Furi=${encodeURIComponent(evilUri)}`],
    ['an empty one beside', () => `${query()}&redirect_uri=`],
    ['another client beside', () => `${query()}&client_id=native`],
  ])('duplicate parameters, %s', async (_, text) => {
    expectLocalPage(await host.http().get(`${paths.authorize}?${text()}`).set('X-User', 'alice'))
  })

  it('the right one in the query and another one in the body (parameter pollution)', async () => {
    for (const body of [encode({ redirect_uri: evilUri }), encode({ client_id: 'native' })]) {
      expectLocalPage(
        await host.http().post(`${paths.authorize}?${query()}`).set('X-User', 'alice').type('form').send(body),
      )
    }
  })

  it('redirect_uri[] and its like are other parameters', async () => {
    const text = `${host.authorizationRequest(host.web, { redirect_uri: undefined })}&redirect_uri[]=${evilUri}`
    const answer = await host.http().get(`${paths.authorize}?${text}`).set('X-User', 'alice').expect(302)
    expect(answer.headers.location).toMatch(/^https:\/\/app\.example\/cb\?code=/)
  })

  it("the redirect URI of another client's registration", async () => {
    expectLocalPage(await host.authorize(host.web, { redirect_uri: host.native.redirectUri }))
  })

  it('a failing store: nothing is known of the client, so nothing is sent', async () => {
    const failing = await createHost()
    failing.storage.replace('clients.find', () => {
      throw new Error('down')
    })
    const answer = await failing.authorize(failing.web, { redirect_uri: evilUri })
    expect([answer.status, answer.headers.location]).toEqual([503, undefined])
  })

  it('a consent page for it is never shown, and a sign-in never begun', async () => {
    const asking = await createHost({
      mount: (app, server) =>
        void app.use(paths.authorize, authorizeRouter(server, { decide: consentPage({ signIn: '/login' }) })),
    })
    for (const user of ['alice', null])
      expectLocalPage(await asking.authorize(asking.web, { redirect_uri: evilUri }, user))
  })
})
