// Every page in light and dark: axe-core finds nothing, and no page is wider than its window, on a phone or at 200 % zoom.
// SCREENSHOTS=folder npm run test:browser -- accessibility   keeps a picture of each.
import { join } from 'node:path'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { allow, button, connect, link, overflow, signIn, useBrowser } from './browser'

const browser = useBrowser()
const { open, authorizationUrl } = browser
const screenshots = process.env.SCREENSHOTS

/** Leads to each page in turn. The order matters: it is one visit. */
const pages: [name: string, go: (page: Page) => Promise<unknown>][] = [
  ['demo', (page) => button(page, 'Get an access token').waitFor()],
  ['error', (page) => page.goto(`${browser.issuer}/oauth2/authorize?client_id=nobody`)],
  ['sign-in', (page) => page.goto(authorizationUrl({ scope: 'profile clients' }))],
  ['sign-in-again', (page) => signIn(page, 'ada', 'wrong')],
  ['consent', (page) => signIn(page)],
  ['consent-again', askedAgain],
  ['apps-none', (page) => page.goto(`${browser.issuer}/account/apps`)],
  ['demo-connected', connectedDemo],
  ['apps', (page) => link(page, 'Connected apps').click()],
  ['removal', (page) => link(page, 'Remove access').click()],
  ['removed', (page) => button(page, 'Remove access').click()],
]

async function askedAgain(page: Page): Promise<void> {
  await page.evaluate('document.querySelector("[name=consent_transaction]").value = "x"')
  await allow(page)
  await page.getByRole('alert').waitFor()
}

async function connectedDemo(page: Page): Promise<void> {
  await page.goto(browser.issuer)
  await button(page, 'Get an access token').click()
  await allow(page)
  await page.getByText('You allowed it.').waitFor()
}

/** What axe-core has against a page, in words. */
async function problemsOf(page: Page): Promise<string[]> {
  // evaluated from outside, because the policy of the pages rightly keeps scripts out
  await page.evaluate(axe.source)
  const results = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as axe.AxeResults
  return results.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`)
}

/** Twice the size of all text, as the settings of a browser do it. */
async function doubleText(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await session.send('Page.setFontSizes', { fontSizes: { standard: 32, fixed: 26 } })
}

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  it('axe-core finds nothing on any page, and none is cut off', async () => {
    const page = await open(browser.issuer, { colorScheme, viewport: { width: 1024, height: 768 } })
    for (const [name, go] of pages) {
      await go(page)
      await page.getByRole('heading', { level: 1 }).waitFor()
      expect([name, await problemsOf(page)]).toEqual([name, []])
      expect([name, await overflow(page)]).toEqual([name, 0])
      if (screenshots) {
        await page.screenshot({ path: join(screenshots, `${name}-${colorScheme}-desktop.png`), fullPage: true })
      }
    }
  }, 120_000)

  it('every page fits a phone of 320 pixels, which is 400 % zoom on a desktop (WCAG 1.4.10)', async () => {
    const page = await open(browser.issuer, { colorScheme, viewport: { width: 320, height: 640 } })
    for (const [name, go] of pages) {
      await go(page)
      await page.getByRole('heading', { level: 1 }).waitFor()
      expect([name, await overflow(page)]).toEqual([name, 0])
      if (screenshots) {
        await page.screenshot({ path: join(screenshots, `${name}-${colorScheme}-phone.png`), fullPage: true })
      }
    }
  }, 60_000)
})

it('every page stays whole with text of twice the size (WCAG 1.4.4)', async () => {
  const page = await open(browser.issuer, { viewport: { width: 640, height: 1280 } })
  await doubleText(page)
  for (const [name, go] of pages) {
    await go(page)
    await page.getByRole('heading', { level: 1 }).waitFor()
    expect(await page.evaluate('getComputedStyle(document.body).fontSize')).toBe('32px')
    expect([name, await overflow(page)]).toEqual([name, 0])
    if (screenshots) await page.screenshot({ path: join(screenshots, `${name}-text-200.png`) })
  }
}, 60_000)

it('has all that a hand needs to hit: controls of at least 24 pixels (WCAG 2.5.8)', async () => {
  const page = await open(browser.issuer, { viewport: { width: 375, height: 700 } })
  await connect(page)
  for (const path of ['/', '/account/apps', '/account/apps?app=demo']) {
    await page.goto(`${browser.issuer}${path}`)
    const small = await page.evaluate(
      `[...document.querySelectorAll('button:not([hidden]), a.button, input:not([type=hidden])')]
        .filter((control) => control.getBoundingClientRect().height < 24).map((control) => control.outerHTML)`,
    )
    expect([path, small]).toEqual([path, []])
  }
})
