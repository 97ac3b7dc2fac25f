// ATTACKS.md row 22: nothing of a request stands on a page as if it were our words, escaped or not: a link to this server
// must not be able to tell its reader anything.
import { connectedAppsRouter, consentPage, issueTokens, oauthRouter } from '../../src/index'
import { createHost, encode, type Host, paths } from '../support/host'

const said = 'Your account is locked, call 0900'
const markup = `"><b onmouseover='x'>${said}</b>`
const names = [
  ...['client_id', 'redirect_uri', 'scope', 'state', 'response_type', 'response_mode', 'resource', 'nonce', 'prompt'],
  ...['code_challenge', 'code_challenge_method', 'error', 'error_description', 'error_uri', 'ui_locales', 'message'],
  ...['consent', 'consent_transaction', 'return_to', 'login_hint', 'request', 'request_uri', 'app', 'removed', 'page'],
]
let host: Host
beforeEach(async () => {
  const decide = consentPage({ signIn: '/login', switchUser: '/login' })
  host = await createHost({
    mount: (app, server) => {
      app.use(oauthRouter(server, { decide, protect: false }))
      app.use('/apps', connectedAppsRouter(server))
    },
  })
})

/** What a person reads: the text of the page and of its title, without what stands in attributes. */
const wordsOf = (html: string) => html.replace(/<[^>]*>/g, ' ')

function expectOurWords({ text, headers }: { text: string; headers: Record<string, string> }): void {
  expect(headers['content-type']).toBe('text/html; charset=utf-8')
  expect(text).not.toContain('<b onmouseover')
  expect(text).not.toContain(`'x'`)
  expect(wordsOf(text)).not.toContain('account is locked')
}

describe.each(names)('%s', (name) => {
  const valid = () => Object.fromEntries(new URLSearchParams(host.authorizationRequest(host.web)))
  const asking = (url: string) => host.http().get(url).set({ 'X-User': 'alice', Accept: 'text/html' })

  it('is not on the page of the authorization endpoint, by GET and by POST', async () => {
    for (const value of [said, markup]) {
      const query = encode({ ...valid(), [name]: value })
      const shown = [
        await asking(`${paths.authorize}?${query}`),
        // without a client, with one that is not there, and with an error as if it were an answer
        await asking(`${paths.authorize}?${encode({ [name]: value })}`),
        await asking(`${paths.authorize}?${encode({ client_id: 'nope', [name]: value })}`),
        await asking(`${paths.authorize}?${query}&${encode({ [name]: value })}`),
        await host
          .http()
          .post(paths.authorize)
          .set({ 'X-User': 'alice', Accept: 'text/html' })
          .type('form')
          .send(query),
      ]
      const pages = shown.filter(({ status }) => status !== 302 && status !== 303)
      expect(pages.length).toBeGreaterThan(1)
      for (const page of pages) expectOurWords(page)
      // what a client is told by redirect is ours, too, but for the state that it sent itself
      for (const { headers } of shown) {
        const answer = headers.location === undefined ? undefined : new URL(headers.location, 'https://x.example')
        expect(answer?.searchParams.get('error_description') ?? '').not.toContain('locked')
      }
    }
  })

  it('is not on the pages of the connected apps', async () => {
    await issueTokens(host.server, { clientId: host.web.clientId, userId: 'alice' })
    for (const value of [said, markup]) {
      expectOurWords(await asking(`/apps?${encode({ [name]: value })}`))
      expectOurWords(await asking(`/apps?${encode({ app: host.web.clientId, [name]: value })}`))
      const posted = host.http().post('/apps').set({ 'X-User': 'alice', Accept: 'text/html' }).type('form')
      expectOurWords(await posted.send(encode({ [name]: value, removal_transaction: value })))
    }
  })
})

it('a name of a parameter is not on a page either, however often it comes', async () => {
  const name = encodeURIComponent(markup)
  const unknown = 'client_id=web&redirect_uri=https://evil.example'
  for (const query of [`${name}=1&${name}=2`, `${unknown}&${name}=1&${name}=2`, `client_id=web&client_id=${name}`]) {
    expectOurWords(await host.http().get(`${paths.authorize}?${query}`).set({ 'X-User': 'alice', Accept: 'text/html' }))
  }
})
