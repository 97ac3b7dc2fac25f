import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { createApp } from '../../examples/quickstart'
import { listen, type RunningApp } from '../../examples/shared/start'

let browser: Browser
let app: RunningApp
let context: BrowserContext
/** What the browser complained about: failing scripts, and whatever the Content-Security-Policy kept it from. */
let complaints: string[]

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--disable-quic',
    ],
  })
  app = await listen(createApp)
})
afterAll(async () => {
  await browser.close()
  await app.close()
})

beforeEach(() => {
  complaints = []
})
afterEach(async () => {
  await context.close()
  expect(complaints).toEqual([])
})

async function open(url = app.issuer, options: BrowserContextOptions = {}): Promise<Page> {
  context = await browser.newContext(options)
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // a refusal is printed like a failure, and some of these tests want to be refused
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  await page.goto(url)
  return page
}

async function signIn(page: Page, password = 'analytical engine'): Promise<void> {
  await page.getByLabel('User name').fill('ada')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const answer = (page: Page) => page.getByLabel('The answer of the API')

async function allow(page: Page): Promise<void> {
  await button(page, 'Get an access token').click()
  await signIn(page)
  await button(page, 'Allow').click()
  await page.getByText('You allowed it.').waitFor()
}

it('signs a user in, asks for consent, and shows what the API answers', async () => {
  const page = await open()
  await allow(page)
  expect(await answer(page).textContent()).toContain('"name": "Ada Lovelace"')
  expect(page.url()).toBe(`${app.issuer}/`)
})

it('says on the consent page who asks, for what, as whom, and where it leads', async () => {
  const page = await open()
  await button(page, 'Get an access token').click()
  await signIn(page)
  const text = page.getByRole('main')
  for (const words of ['Demo client', 'Ada Lovelace', 'See your name', new URL(app.issuer).host]) {
    await text.getByText(words).first().waitFor()
  }
})

it('refreshes the token, and shows after revocation that it is worth nothing', async () => {
  const page = await open()
  await allow(page)
  const tokens = () => page.evaluate('sessionStorage.getItem("tokens")')
  const before = await tokens()
  await button(page, 'Refresh').click()
  await page.getByText('Refreshed.').waitFor()
  expect(await answer(page).textContent()).toContain('Ada Lovelace')
  expect(await tokens()).not.toBe(before)
  await button(page, 'Revoke').click()
  await page.getByText('Revoked. To the same').waitFor()
  expect(await answer(page).textContent()).toMatch(/^401 [\s\S]*invalid_token/)
  await button(page, 'Get an access token').waitFor()
})

it('keeps its token over a reload, and asks no user for it', async () => {
  const page = await open()
  await allow(page)
  await page.reload()
  await button(page, 'Call API').click()
  await page.getByText('Ada Lovelace').first().waitFor()
})

it('tells the client when the user denies', async () => {
  const page = await open()
  await button(page, 'Get an access token').click()
  await signIn(page)
  await button(page, 'Deny').click()
  await page.getByText('access_denied').waitFor()
  await button(page, 'Get an access token').waitFor()
})

it('lets a user try again after a wrong password', async () => {
  const page = await open()
  await button(page, 'Get an access token').click()
  await signIn(page, 'difference engine')
  await page.getByRole('alert').getByText('do not belong together').waitFor()
  await signIn(page)
  await button(page, 'Allow').waitFor()
})

it('survives a double click on Allow', async () => {
  const page = await open()
  await button(page, 'Get an access token').click()
  await signIn(page)
  await button(page, 'Allow').dblclick()
  await page.getByText('You allowed it.').waitFor()
})

it('asks anew when the user goes back to the consent page', async () => {
  const page = await open()
  await allow(page)
  await page.goBack()
  await button(page, 'Allow').click()
  await page.getByText('That was no answer to a question of this page.').waitFor()
})

it('needs no script for sign-in and consent', async () => {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'demo',
    redirect_uri: `${app.issuer}/`,
    state: 'the state',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const page = await open(`${app.issuer}/oauth2/authorize?${query}`, { javaScriptEnabled: false })
  await signIn(page)
  await button(page, 'Allow').click()
  await page.waitForURL(/[?&]code=/)
  expect(new URL(page.url()).searchParams.get('state')).toBe('the state')
})

it('works by the keyboard alone', async () => {
  const page = await open()
  await button(page, 'Get an access token').waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByLabel('User name').waitFor()
  await page.keyboard.type('ada')
  await page.keyboard.press('Tab')
  await page.keyboard.type('analytical engine')
  await page.keyboard.press('Enter')
  await button(page, 'Allow').waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByText('You allowed it.').waitFor()
})

it('signs out, and asks for the password again', async () => {
  const page = await open()
  await allow(page)
  await button(page, 'Sign out').click()
  await button(page, 'Revoke').click()
  await button(page, 'Get an access token').click()
  await page.getByLabel('Password').waitFor()
})

it('needs no sideways scrolling on a phone', async () => {
  const page = await open(app.issuer, { viewport: { width: 320, height: 640 } })
  const overflow = () => page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
  await button(page, 'Get an access token').click()
  await page.getByLabel('User name').waitFor()
  expect(await overflow()).toBeLessThanOrEqual(0)
  await signIn(page)
  await button(page, 'Allow').waitFor()
  expect(await overflow()).toBeLessThanOrEqual(0)
  await button(page, 'Allow').click()
  await page.getByText('You allowed it.').waitFor()
  expect(await overflow()).toBeLessThanOrEqual(0)
})

it('sends a browser that came as localhost to the name that the tokens are for', async () => {
  const page = await open(app.issuer.replace('127.0.0.1', 'localhost'))
  expect(page.url()).toBe(`${app.issuer}/`)
})
