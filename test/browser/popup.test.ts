// Apps that open a window for the sign-in, and windows that would keep a hold on ours.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { later } from '../support/later'
import { allow, signIn, useBrowser } from './browser'

const browser = useBrowser()
const { open, authorizationUrl } = browser

let app: Server
/** Another site than the server's, which is at 127.0.0.1. */
let site: string
beforeAll(async () => {
  app = createServer((_req, res) => void res.writeHead(200, { 'Content-Type': 'text/html' }).end('<title>App</title>'))
  await once(app.listen(0, '127.0.0.1'), 'listening')
  site = `http://localhost:${(app.address() as AddressInfo).port}/`
})
afterAll(() => void app.close())

it('a window that an app has opened for the sign-in is still its own when the answer is there', async () => {
  const page = await open(site)
  const opened = page.waitForEvent('popup')
  await page.evaluate(`window.signIn = window.open(${JSON.stringify(authorizationUrl())}, 'sign-in', 'popup')`)
  const popup = await opened
  await signIn(popup)
  await allow(popup)
  await popup.waitForURL(/[?&]code=/)
  expect(await popup.evaluate('window.opener !== null')).toBe(true)
  expect(await page.evaluate('window.signIn.closed')).toBe(false)
})

it('a window of another site has no hold on the connected apps', async () => {
  const page = await open(browser.issuer)
  await page.goto(site)
  const opened = page.waitForEvent('popup')
  await page.evaluate(`window.apps = window.open(${JSON.stringify(`${browser.issuer}/account/apps`)}, 'apps', 'popup')`)
  const popup = await opened
  await signIn(popup)
  await popup.getByRole('heading', { name: 'Connected apps' }).waitFor()
  expect(await popup.evaluate('window.opener')).toBe(null)
  expect(await page.evaluate('window.apps.closed')).toBe(true)
})

it('a yes in the instant in which the page appears is asked for once more', async () => {
  const page = await open(authorizationUrl())
  await signIn(page)
  await page.getByRole('button', { name: 'Allow', exact: true }).waitFor()
  // however long a busy machine takes for the click
  later(-60)
  await page.getByRole('button', { name: 'Allow', exact: true }).click()
  await page.getByRole('alert').getByText('too soon').waitFor()
  await page.getByRole('button', { name: 'Allow', exact: true }).click()
  await page.waitForURL(/[?&]code=/)
})
