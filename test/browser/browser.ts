/** A real browser and the quickstart, or another app, for the tests of one file; whatever the browser complains about fails the test. */
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core'
import { listen, type RunningApp } from '../../examples/shared/start'
import { createApp as createQuickstart } from '../../examples/your-app/quickstart'
import { later } from '../support/later'

export const passwords = { ada: 'analytical engine', alan: 'imitation game' }

const reportViolations = `document.addEventListener('securitypolicyviolation', (event) => {
  console.error('Content-Security-Policy: ' + event.violatedDirective + ' ' + event.blockedURI)
})`

export function useBrowser(createApp: Parameters<typeof listen>[0] = createQuickstart) {
  let browser: Browser
  let app: RunningApp
  let context: BrowserContext | undefined
  let complaints: string[] = []

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
    await context?.close()
    context = undefined
    expect(complaints).toEqual([])
  })

  const self = {
    get issuer() {
      return app.issuer
    },
    /** What the browser complained about so far, which is taken as expected. */
    takeComplaints: () => complaints.splice(0),
    /** A browser window of its own: no cookies, no other tabs. */
    async open(url = app.issuer, options: BrowserContextOptions = {}): Promise<Page> {
      await context?.close()
      context = await browser.newContext(options)
      await context.addInitScript(reportViolations)
      return self.openTab(url)
    },
    /** Another tab of the same window. */
    async openTab(url = app.issuer): Promise<Page> {
      if (!context) throw new Error('There is no window to open a tab in')
      const page = await context.newPage()
      page.setDefaultTimeout(10_000)
      page.on('pageerror', (error) => complaints.push(error.message))
      page.on('console', (message) => {
        // a refusal is printed like a failure, and some of these tests want to be refused
        const isRefusal = message.text().startsWith('Failed to load resource')
        if (message.type() === 'error' && !isRefusal) complaints.push(message.text())
        if (message.text().includes('404') && message.location().url.endsWith('/favicon.ico'))
          complaints.push('A page has no icon, and the browser looks for one')
      })
      await page.goto(url)
      return page
    },
    /** An authorization request of the demo client that a test makes by itself. */
    authorizationUrl: (more: Record<string, string> = {}) =>
      `${app.issuer}/oauth2/authorize?${new URLSearchParams({
        response_type: 'code',
        client_id: 'demo',
        redirect_uri: `${app.issuer}/`,
        state: 'the state',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
        ...more,
      })}`,
  }
  return self
}

export const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true })

/** Looks at a consent page for as long as a person does at least. */
export async function read(page: Page): Promise<void> {
  await button(page, 'Allow').waitFor()
  later(0.5)
}

export async function allow(page: Page): Promise<void> {
  await read(page)
  await button(page, 'Allow').click()
}

export const link = (page: Page, name: string): Locator => page.getByRole('link', { name })

export async function signIn(page: Page, username: keyof typeof passwords = 'ada', password = passwords[username]) {
  await page.getByLabel('User name').fill(username)
  await page.getByLabel('Password').fill(password)
  await button(page, 'Sign in').click()
}

/** From the demo page over sign-in and consent to what the API answers. */
export async function connect(page: Page): Promise<void> {
  await button(page, 'Get an access token').click()
  await signIn(page)
  await allow(page)
  await page.getByText('You allowed it.').waitFor()
}

/** How far a page is wider than its window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
