// examples/single-page-app in Chromium: a page of another origin connects, calls, outlives a reload, and disconnects.

import { listen, type RunningApp } from '../../examples/shared/start'
import { createApp, createPage } from '../../examples/single-page-app/single-page-app'
import { allow, button, signIn, useBrowser } from './browser'

let page: RunningApp
const browser = useBrowser(async (issuer) => {
  page = await listen(() => createPage(issuer))
  return createApp(issuer, page.issuer)
})
afterAll(() => page.close())

it('connects, calls the API, refreshes after a reload, and disconnects', async () => {
  const tab = await browser.open(page.issuer)
  const says = (words: string) => tab.locator('#state', { hasText: words }).waitFor()
  await button(tab, 'Connect').click()
  await signIn(tab)
  await allow(tab)
  await says('Connected')
  expect(tab.url()).toBe(`${page.issuer}/`)
  await button(tab, 'Call the API').click()
  await says('Ada Lovelace')
  await tab.reload()
  await says('Connected')
  await button(tab, 'Call the API').click()
  await says('Ada Lovelace')
  await button(tab, 'Disconnect').click()
  await says('Disconnected')
  await button(tab, 'Call the API').click()
  await says('Connect first')
})

it('shows the No of its user', async () => {
  const tab = await browser.open(page.issuer)
  await button(tab, 'Connect').click()
  await signIn(tab)
  await button(tab, 'Deny').click()
  await tab.locator('#state', { hasText: 'denied' }).waitFor()
})
