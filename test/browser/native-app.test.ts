// An app that gets its answer by a private-use scheme (RFC 8252 §7.1), as its user sees it in a browser.
import { createApp } from '../../examples/mcp/mcp-server'
import { cursor } from '../interoperability/mcp-app'
import { allow, button, signIn, useBrowser } from './browser'

const browser = useBrowser((issuer) => createApp(issuer))
const [scheme = ''] = cursor.redirect_uris
let clientId: string

beforeAll(async () => {
  const answer = await fetch(`${browser.issuer}/oauth2/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...cursor, token_endpoint_auth_method: 'none' }),
  })
  clientId = ((await answer.json()) as { client_id: string }).client_id
})

const request = (more: Record<string, string> = {}) =>
  browser.authorizationUrl({ client_id: clientId, redirect_uri: scheme, ...more })

it.each([
  [
    'en',
    'Access will be given to an app on this device that opens cursor: links.',
    'that opens cursor: links either way.',
  ],
  ['de', 'Der Zugriff geht an eine App auf diesem Gerät, die cursor:-Links öffnet.', 'die cursor:-Links öffnet.'],
  ['es', 'a una aplicación de este dispositivo que abre los enlaces «cursor:».', 'abre los enlaces «cursor:».'],
])('in %s reads that an app on the device gets the answer, and by which scheme', async (ui_locales, notice, after) => {
  const page = await browser.open(request({ ui_locales }))
  await signIn(page)
  await page.locator('.notice').getByText(notice).waitFor()
  await page.locator('form ~ p').getByText(after).waitFor()
  expect(await page.locator('main').innerText()).not.toContain('anysphere')
})

it('is led to the app by the scheme, and asked again the next time', async () => {
  let tab = await browser.open(request())
  await signIn(tab)
  for (let times = 0; times < 2; times++) {
    await button(tab, 'Allow').waitFor()
    const answered = tab.waitForResponse((response) => response.request().method() === 'POST')
    await allow(tab)
    expect((await answered).headers().location).toMatch(`${scheme}?code=`)
    // another tab: in this one, Chromium may ask whether to open the app, and take the next click for its question
    tab = await browser.openTab(request())
  }
  await button(tab, 'Allow').waitFor()
})

it('reads on a page which redirect URI was sent, where none like it is registered', async () => {
  const page = await browser.open(request({ redirect_uri: `${scheme}<img src=x>` }))
  const words = `redirect_uri ${scheme}%3Cimg%20src=x%3E is not registered for this client, which has 3 others.`
  await page.getByText(words).waitFor()
  expect(await page.locator('img').count()).toBe(0)
})
