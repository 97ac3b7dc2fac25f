// The developer pages in Chromium: every page in three languages, with and without scripts, on a phone and a desktop, in
// light and dark, with the keyboard alone, as two users at once, and after a double click, the way back and a reload.
// SCREENSHOTS=folder npm run test:browser -- developer   keeps a picture of each page.
import { join } from 'node:path'
import axe from 'axe-core'
import type { Locator, Page } from 'playwright-core'
import { createApp } from '../../examples/developer-portal/developer-portal'
import { english } from '../../src/developer/english'
import { german } from '../../src/developer/german'
import { spanish } from '../../src/developer/spanish'
import type { DeveloperTexts } from '../../src/developer/texts'
import { fillText } from '../../src/pages/html'
import { later } from '../support/later'
import { button, overflow, signIn, useBrowser } from './browser'

jest.spyOn(console, 'info').mockImplementation(() => {})
const browser = useBrowser(createApp)
const { open } = browser
const screenshots = process.env.SCREENSHOTS

const words: Record<string, DeveloperTexts> = { en: english, de: german, es: spanish }
const link = (page: Page, name: string): Locator => page.getByRole('link', { name, exact: true })
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
const secret = (page: Page) => page.locator('.secret').textContent()
/** Looks at a question for as long as a person does at least. */
async function press(page: Page, name: string): Promise<void> {
  await button(page, name).waitFor()
  later(1)
  await button(page, name).click()
}

async function problemsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const results = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as axe.AxeResults
  return results.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`)
}

/** Every page in turn, by what a person presses. `look` is called on each. */
async function walk(page: Page, said: DeveloperTexts, look: (name: string) => Promise<void>): Promise<void> {
  await heading(page, said.appsTitle)
  await look('apps-none')
  await link(page, said.newApp).click()
  await heading(page, said.kindTitle)
  await look('kinds')
  await link(page, said.web).click()
  await page.getByLabel(said.name, { exact: true }).fill('Photo Printer')
  await page.getByLabel(said.redirectUris).fill('https://printer.example/callback\nhttp://printer.example/')
  await page.getByLabel('Read your notes').check()
  await look('new-app')
  await press(page, said.createApp)
  await page.getByText(said.redirectWrong).waitFor()
  await look('new-app-error')
  await page.getByLabel(said.redirectUris).fill('https://printer.example/callback')
  await press(page, said.createApp)
  await heading(page, fillText(said.created, { app: 'Photo Printer' }))
  expect(await secret(page)).toMatch(/^[\w-]{43}$/)
  await look('created')
  await link(page, said.back).click()
  await heading(page, 'Photo Printer')
  await look('app')
  await link(page, said.edit).click()
  await heading(page, fillText(said.editTitle, { app: 'Photo Printer' }))
  await look('edit')
  await page.getByLabel(said.name, { exact: true }).fill('Photo Press')
  await press(page, said.save)
  await page.getByText(said.saved).waitFor()
  await link(page, said.newSecret).click()
  await look('secret')
  await press(page, said.newSecret)
  await heading(page, fillText(said.secretMade, { app: 'Photo Press' }))
  await look('secret-made')
  await link(page, said.back).click()
  await link(page, said.deleteApp).click()
  await look('delete')
  await link(page, said.cancel).click()
  await link(page, said.tokensTitle).click()
  await heading(page, said.tokensTitle)
  await look('tokens-none')
  await link(page, said.newToken).click()
  await page.getByLabel(said.name, { exact: true }).fill('Backup script')
  await look('new-token')
  await press(page, said.createToken)
  await page.getByText(said.tokenScopesMissing).waitFor()
  await look('new-token-error')
  await page.getByLabel('Read your notes').check()
  await press(page, said.createToken)
  await heading(page, fillText(said.tokenMade, { name: 'Backup script' }))
  await look('token-made')
  await link(page, said.back).click()
  await page.getByText('Backup script').waitFor()
  await look('tokens')
  await page.getByRole('link', { name: said.revoke }).click()
  await look('revoke')
  await press(page, said.revoke)
  await page.getByText(said.revoked).waitFor()
  await look('tokens-revoked')
  await link(page, said.appsTitle).click()
  await page.getByText('Photo Press').waitFor()
  await look('apps')
  await link(page, 'Photo Press').click()
  await link(page, said.deleteApp).click()
  await press(page, said.deleteApp)
  await page.getByText(said.deleted).waitFor()
  await look('deleted')
}

/** The start page, without what an earlier test left there. */
async function begin(options: Parameters<typeof open>[1] = {}, user: 'ada' | 'alan' = 'ada'): Promise<Page> {
  const page = await open(`${browser.issuer}/developer`, options)
  await signIn(page, user)
  return page
}

const devices = { phone: { width: 320, height: 640 }, desktop: { width: 1024, height: 768 } }

describe.each(Object.entries(words))('in %s', (locale, said) => {
  it.each([
    ['light', 'desktop'],
    ['dark', 'phone'],
  ] as const)(
    'every page is whole, and axe-core finds nothing: %s, %s',
    async (colorScheme, device) => {
      const page = await begin({ locale, colorScheme, viewport: devices[device] })
      await walk(page, said, async (name) => {
        await page.getByRole('heading', { level: 1 }).waitFor()
        expect([name, await page.getAttribute('html', 'lang')]).toEqual([name, locale])
        expect([name, await problemsOf(page)]).toEqual([name, []])
        expect([name, await overflow(page)]).toEqual([name, 0])
        if (!screenshots) return
        await page.screenshot({
          path: join(screenshots, `${name}-${locale}-${colorScheme}-${device}.png`),
          fullPage: true,
        })
      })
    },
    240_000,
  )

  it('every page works without scripts', async () => {
    const page = await begin({ locale, javaScriptEnabled: false })
    const seen: string[] = []
    await walk(page, said, async (name) => void seen.push(name))
    expect(seen).toHaveLength(19)
  }, 120_000)
})

it('an app is made and deleted with the keyboard alone', async () => {
  const page = await begin()
  await heading(page, english.appsTitle)
  const focused = () =>
    page.evaluate<string>(`(() => {
    const { activeElement: at } = document
    return (at.labels?.[0] ?? at).textContent.trim()
  })()`)
  /** Moves on until that is reached, as people do who cannot see where a mouse is. */
  const reach = async (name: string) => {
    for (let n = 0; n < 30 && (await focused()) !== name; n++) await page.keyboard.press('Tab')
    expect(await focused()).toBe(name)
  }
  const follow = async (name: string, title: string) => {
    await reach(name)
    later(1)
    await page.keyboard.press('Enter')
    await heading(page, title)
  }
  await follow(english.newApp, english.kindTitle)
  await follow(english.spa, `${english.newApp}: ${english.spa}`)
  await reach(english.name)
  await page.keyboard.type('Notes')
  await reach(english.redirectUris)
  await page.keyboard.type('x')
  await reach(english.createApp)
  await page.keyboard.press('Enter')
  // the first field with an error has the focus
  await page.getByText(english.redirectWrong).waitFor()
  expect(await focused()).toBe(english.redirectUris)
  await page.keyboard.press('Control+A')
  await page.keyboard.type('https://notes.example/')
  await reach('Read your notes')
  await page.keyboard.press('Space')
  await follow(english.createApp, 'Notes was created')
  await follow(english.back, 'Notes')
  await follow(english.deleteApp, 'Delete Notes?')
  await follow(english.deleteApp, english.appsTitle)
  await page.getByText(english.deleted).waitFor()
}, 60_000)

async function makeNotes(page: Page): Promise<void> {
  await page.goto(`${browser.issuer}/developer?page=new&kind=web`)
  await page.getByLabel(english.name, { exact: true }).fill('Notes')
  await page.getByLabel(english.redirectUris).fill('https://notes.example/')
}

it('a double click, the way back and a reload make one app, and show its secret once', async () => {
  const page = await begin()
  await heading(page, english.appsTitle)
  await makeNotes(page)
  await button(page, english.createApp).dblclick()
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.goto(`${browser.issuer}/developer`)
  await heading(page, english.appsTitle)
  expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toEqual(['Notes'])

  await makeNotes(page)
  await button(page, english.createApp).click()
  await heading(page, 'Notes was created')
  const shown = await secret(page)
  await page.reload()
  await page.getByRole('alert').waitFor()
  expect(await page.content()).not.toContain(shown)
  await page.goto(`${browser.issuer}/developer`)
  expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toEqual(['Notes', 'Notes'])

  await makeNotes(page)
  await button(page, english.createApp).click()
  await heading(page, 'Notes was created')
  await page.goBack()
  // kept nowhere: a browser would have to send the form again, and asks first
  await expect(page.goForward()).rejects.toThrow('ERR_CACHE_MISS')
  await page.waitForURL('chrome-error://chromewebdata/')
  await page.goto(`${browser.issuer}/developer`)
  expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toEqual(['Notes', 'Notes', 'Notes'])

  // a question that came under a double click is not answered by it; nor does a second answer find another app
  for (const left of [2, 1, 0]) {
    await link(page, 'Notes').first().click()
    await link(page, english.deleteApp).dblclick()
    await heading(page, 'Delete Notes?')
    later(1)
    await button(page, english.deleteApp).dblclick()
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.goto(`${browser.issuer}/developer`)
    await heading(page, english.appsTitle)
    expect(await page.getByRole('heading', { level: 2 }).count()).toBe(left)
  }
}, 120_000)

it('two users at once see and change their own, and a form of one counts for no other', async () => {
  const names = (page: Page) => page.getByRole('heading', { level: 2 }).allTextContents()
  const ada = await begin()
  await heading(ada, english.appsTitle)
  const before = await names(ada)
  await makeNotes(ada)
  // another user signs in in the same window: the form of before is in the first tab still
  const alan = await browser.openTab(`${browser.issuer}/login?return_to=/developer`)
  await signIn(alan, 'alan')
  await alan.getByText('Alan Turing').waitFor()
  await button(ada, english.createApp).click()
  await ada.getByRole('alert').waitFor()
  await ada.getByText('Alan Turing').waitFor()
  await makeNotes(alan)
  await button(alan, english.createApp).click()
  await heading(alan, 'Notes was created')
  await link(alan, english.back).click()
  await heading(alan, 'Notes')
  const ofAlan = alan.url()
  // and back
  await ada.goto(`${browser.issuer}/login?return_to=/developer`)
  await signIn(ada, 'ada')
  await ada.getByText('Ada Lovelace').waitFor()
  expect(await names(ada)).toEqual(before)
  expect((await ada.goto(ofAlan))?.status()).toBe(404)
}, 60_000)
