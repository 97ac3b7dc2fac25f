// examples/native-app: a desktop program on loopback, with any port, and no secret (RFC 8252).
import { openBrowser } from '../interoperability/browser'
import { type Example, startExample } from '../support/example'

let app: Example
beforeEach(async () => {
  app = await startExample('native-app')
})
afterEach(() => app.stop())

const shown = () => app.line('/oauth2/authorize?')

it('signs its user in through the browser, and calls the API', async () => {
  const url = await shown()
  const redirectUri = new URL(url).searchParams.get('redirect_uri') as string
  expect(redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)
  const browser = openBrowser()
  const location = await browser.authorize(url)
  expect(location).toMatch(`${redirectUri}?code=`)
  // what another program on this machine sends to the port is not the answer (RFC 8252 §8.9)
  expect((await browser.get(`${redirectUri}?code=planted&state=guessed`)).status).toBe(404)
  expect((await browser.get(location)).text).toBe('You can close this tab.\n')
  expect(await app.line('Signed in')).toBe(
    'Signed in for 3600 seconds as {"id":"1","username":"ada","name":"Ada Lovelace"}',
  )
})

it('is told of a No', async () => {
  const browser = openBrowser()
  await browser.get(await browser.authorize(await shown(), { button: 'Deny' }))
  expect(await app.line('Not signed in')).toContain('authorization response')
})

it('has a mobile app beside it, by a scheme of its own, and accepts no other host (RFC 8252 §7.1, §7.3)', async () => {
  const url = new URL(await shown())
  const browser = openBrowser()
  url.searchParams.set('redirect_uri', 'com.example.notes:/callback')
  expect(await browser.authorize(url.href)).toMatch('com.example.notes:/callback?code=')
  for (const other of ['http://192.0.2.1/callback', 'http://127.0.0.1/other', 'com.example.other:/callback']) {
    url.searchParams.set('redirect_uri', other)
    expect((await browser.get(url.href)).status).toBe(400)
  }
})
