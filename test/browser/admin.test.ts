// The administrator pages in Chromium: every page in three languages, with and without scripts, on a phone and a desktop, in
// light and dark, with the keyboard alone, as two administrators at once, and after a double click, the way back and a reload.
// SCREENSHOTS=folder npm run test:browser -- admin   keeps a picture of each page.
import { join } from 'node:path'
import axe from 'axe-core'
import type { Locator, Page } from 'playwright-core'
import { createApp } from '../../examples/administration/administration'
import { listen, type RunningApp } from '../../examples/shared/start'
import { english } from '../../src/admin/english'
import { german } from '../../src/admin/german'
import { spanish } from '../../src/admin/spanish'
import type { AdminTexts } from '../../src/admin/texts'
import { fillText } from '../../src/pages/html'
import { later } from '../support/later'
import { button, overflow, signIn, useBrowser } from './browser'

const browser = useBrowser(createApp)
const screenshots = process.env.SCREENSHOTS

const words: Record<string, AdminTexts> = { en: english, de: german, es: spanish }
const link = (page: Page, name: string): Locator => page.getByRole('link', { name, exact: true })
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
/** Looks at a question for as long as a person does at least. */
async function press(page: Page, name: string): Promise<void> {
  await button(page, name).waitFor()
  later(1)
  await button(page, name).click()
}

// each walk changes the apps that there are
let running: RunningApp | undefined
afterEach(async () => {
  await running?.close()
  running = undefined
})

/** The list, on a server of its own. */
async function begin(options: Parameters<typeof browser.open>[1] = {}, user: 'ada' | 'alan' = 'ada'): Promise<Page> {
  running = await listen(createApp)
  const page = await browser.open(`${running.issuer}/admin/oauth`, options)
  await signIn(page, user)
  return page
}
const list = () => `${running?.issuer}/admin/oauth`

async function problemsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const results = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as axe.AxeResults
  return results.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`)
}

/** Every page in turn, by what a person presses. `look` is called on each. */
async function walk(page: Page, said: AdminTexts, look: (name: string) => Promise<void>): Promise<void> {
  await heading(page, said.clientsTitle)
  await look('clients')
  await link(page, said.nextPage).click()
  await link(page, 'Photo Printer').waitFor()
  await look('clients-next')
  await page.getByLabel(said.find, { exact: true }).fill('nothing')
  await button(page, said.search).click()
  await page.getByText(said.noClients).waitFor()
  await look('clients-none')
  await page.getByLabel(said.find, { exact: true }).fill('photo')
  await page.getByLabel(said.findBy).selectOption('name')
  await button(page, said.search).click()
  await link(page, 'Photo Printer').click()
  await heading(page, 'Photo Printer')
  await look('client')
  await link(page, said.disable).click()
  await heading(page, fillText(said.disableTitle, { app: 'Photo Printer' }))
  await look('disable')
  await press(page, said.disable)
  await page.getByText(said.saved).waitFor()
  await look('client-disabled')
  await link(page, said.enable).click()
  await look('enable')
  await press(page, said.enable)
  await page.getByText(said.saved).waitFor()
  await link(page, said.newSecret).click()
  await look('secret')
  await press(page, said.newSecret)
  await heading(page, fillText(said.secretMade, { app: 'Photo Printer' }))
  await look('secret-made')
  await link(page, said.back).click()
  await link(page, said.grants).click()
  await page.getByText(said.noGrants).waitFor()
  await look('grants-none')
  await page.goto(`${list()}?client=app-1`)
  await link(page, said.grants).click()
  await heading(page, fillText(said.grantsOfClient, { app: 'App 1' }))
  await look('grants-of-client')
  await link(page, '3').click()
  await heading(page, fillText(said.grantsOfUser, { user: '3' }))
  await look('grants-of-user')
  await page.getByRole('link', { name: said.end }).first().click()
  await look('end')
  await press(page, said.end)
  await page.getByText(said.ended).waitFor()
  await look('grants-ended')
  await link(page, said.endAll).click()
  await heading(page, fillText(said.endAllOfUserTitle, { user: '3' }))
  await look('end-all')
  await press(page, said.endAll)
  await page.getByText(said.noGrants).waitFor()
  await page.goto(`${list()}?client=printer`)
  await link(page, said.deleteApp).click()
  await look('delete')
  await press(page, said.deleteApp)
  await page.getByText(said.deleted).waitFor()
  await look('deleted')
  await page.goto(`${list()}?client=printer`)
  await page.getByText(said.noRecord).waitFor()
  await look('no-record')
}

const devices = { phone: { width: 320, height: 640 }, desktop: { width: 1024, height: 768 } }

describe.each(Object.entries(words))('in %s', (locale, said) => {
  it.each([
    ['light', 'phone'],
    ['light', 'desktop'],
    ['dark', 'phone'],
    ['dark', 'desktop'],
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
    expect(seen).toHaveLength(18)
  }, 120_000)
})

it('an app is found, disabled and enabled with the keyboard alone', async () => {
  const page = await begin()
  await heading(page, english.clientsTitle)
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
  await reach(english.find)
  await page.keyboard.type('photo')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'Photo Printer' }).waitFor()
  await follow('Photo Printer', 'Photo Printer')
  await follow(english.disable, 'Disable Photo Printer?')
  await follow(english.disable, 'Photo Printer')
  await follow(english.enable, 'Enable Photo Printer?')
  await follow(english.enable, 'Photo Printer')
  await page.getByText(english.saved).waitFor()
}, 60_000)

it('a double click, the way back and a reload change once, and show a secret once', async () => {
  const page = await begin()
  await heading(page, english.clientsTitle)
  await page.goto(`${list()}?client=printer`)
  // a question that came under a double click is not answered by it
  await link(page, english.disable).dblclick()
  await heading(page, 'Disable Photo Printer?')
  later(1)
  await button(page, english.disable).dblclick()
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.goto(`${list()}?client=printer`)
  await link(page, english.enable).waitFor()

  await link(page, english.newSecret).click()
  await press(page, english.newSecret)
  await heading(page, 'Photo Printer has a new secret')
  const secret = await page.locator('.secret').textContent()
  await page.reload()
  await page.getByRole('alert').waitFor()
  expect(await page.content()).not.toContain(secret)

  await page.goto(`${list()}?client=app-7&page=delete`)
  await press(page, english.deleteApp)
  await page.getByText(english.deleted).waitFor()
  await page.goBack()
  await page.getByRole('heading', { level: 1 }).waitFor()
  if (await button(page, english.deleteApp).count()) await press(page, english.deleteApp)
  await page.goto(list())
  await heading(page, english.clientsTitle)
  await page.goto(`${list()}?client=app-8`)
  await heading(page, 'App 8')
}, 120_000)

it('two administrators at once: the form of one counts for no other', async () => {
  const ada = await begin()
  await heading(ada, english.clientsTitle)
  await ada.goto(`${list()}?client=printer&page=delete`)
  await heading(ada, 'Delete Photo Printer?')
  // another one signs in in the same window: the form of before is in the first tab still
  const alan = await browser.openTab(`${running?.issuer}/login?return_to=/admin/oauth`)
  await signIn(alan, 'alan')
  await alan.getByText('Alan Turing').waitFor()
  await press(ada, english.deleteApp)
  await ada.getByRole('alert').waitFor()
  await alan.goto(`${list()}?client=printer`)
  await heading(alan, 'Photo Printer')
}, 60_000)
