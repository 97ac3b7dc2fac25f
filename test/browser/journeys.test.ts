// The ways that people take through sign-in, consent and connected apps, the crooked ones included.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { allow, button, connect, link, read, signIn, useBrowser } from './browser'

const browser = useBrowser()
const { open, openTab, authorizationUrl } = browser

/** Whether what has the focus can be seen to have it. */
const focusRing = (page: Page) => page.evaluate('getComputedStyle(document.activeElement).outlineStyle')

/** Goes on with the Tab key to the control of that name, and sees that each on the way shows its focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press('Tab')
    if ((await page.evaluate('document.activeElement === document.body')) === true) continue
    expect(await focusRing(page)).toBe('solid')
    const [text, label] = await page.evaluate<[string, string]>(
      `[document.activeElement.innerText, document.activeElement.labels?.[0]?.innerText ?? '']`,
    )
    if ([text, label].includes(name)) return
  }
  throw new Error(`The Tab key does not lead to ${name}`)
}

async function press(page: Page, name: string, key = 'Enter'): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.press(key)
}

it('goes from the demo page to the API, to the connected apps and out, by the keyboard alone', async () => {
  const page = await open()
  await button(page, 'Get an access token').waitFor()
  await press(page, 'Get an access token')
  // the page begins in its first field
  await page.waitForFunction(`document.activeElement?.id === 'username'`)
  await page.keyboard.type('ada')
  await tabTo(page, 'Password')
  await page.keyboard.type('analytical engine')
  await page.keyboard.press('Enter')
  await read(page)
  await press(page, 'Allow', ' ')
  await page.getByText('You allowed it.').waitFor()
  await press(page, 'Connected apps')
  await link(page, 'Remove access').waitFor()
  await press(page, 'Remove access')
  await button(page, 'Remove access').waitFor()
  await press(page, 'Remove access', ' ')
  await page.getByRole('status').getByText('can no longer use your account').waitFor()
  await page.goto(browser.issuer)
  await button(page, 'Call API').waitFor()
  await press(page, 'Call API')
  await page.getByText('invalid_token').waitFor()
  await press(page, 'Sign out')
  await button(page, 'Sign out').waitFor({ state: 'detached' })
})

it('denies by the keyboard as easily, and the client is told', async () => {
  const page = await open()
  await button(page, 'Get an access token').click()
  await signIn(page)
  await button(page, 'Deny').waitFor()
  const [deny, allow] = [await button(page, 'Deny').boundingBox(), await button(page, 'Allow').boundingBox()]
  expect([deny?.width, deny?.height]).toEqual([allow?.width, allow?.height])
  await press(page, 'Deny')
  await page.getByText('access_denied').waitFor()
  await button(page, 'Get an access token').waitFor()
})

it('never allows by a key that was pressed too often: nothing on the page has the focus at first', async () => {
  const page = await open()
  await button(page, 'Get an access token').click()
  await signIn(page)
  await button(page, 'Allow').waitFor()
  await page.keyboard.press('Enter')
  await page.keyboard.press(' ')
  expect(await button(page, 'Allow').isVisible()).toBe(true)
  expect(page.url()).toContain('/oauth2/authorize')
})

it('signs in again when the session ended while the consent page was open, and is asked again', async () => {
  const page = await open()
  await button(page, 'Get an access token').click()
  await signIn(page)
  await button(page, 'Allow').waitFor()
  await page.context().clearCookies()
  await allow(page)
  await signIn(page)
  await allow(page)
  await page.getByText('You allowed it.').waitFor()
})

it('signs in again when the session ended before an app was removed, and is asked again', async () => {
  const page = await open()
  await connect(page)
  await link(page, 'Connected apps').click()
  await link(page, 'Remove access').click()
  await button(page, 'Remove access').waitFor()
  await page.context().clearCookies()
  await button(page, 'Remove access').click()
  await signIn(page)
  await button(page, 'Remove access').click()
  await page.getByText('can no longer use your account').waitFor()
})

it('asks anew when the user goes back to the consent page', async () => {
  const page = await open()
  await connect(page)
  await page.goBack()
  await allow(page)
  await page.getByText('That was no answer to a question of this page.').waitFor()
})

it('survives a double click on Allow', async () => {
  const page = await open()
  await button(page, 'Get an access token').click()
  await signIn(page)
  await read(page)
  await button(page, 'Allow').dblclick()
  // where the second click was faster than the server, the browser has given up the first answer, and asks again
  const askedAgain = page.getByRole('alert').getByText('it was sent twice')
  const allowed = page.getByText('You allowed it.')
  await allowed.or(askedAgain).waitFor()
  if (await askedAgain.isVisible()) await allow(page)
  await allowed.waitFor()
})

it('survives a double click on Remove access, and a way back to it', async () => {
  const page = await open()
  await connect(page)
  await link(page, 'Connected apps').click()
  await link(page, 'Remove access').click()
  await button(page, 'Remove access').dblclick()
  await page.getByText('No app can use your account.').waitFor()
  await page.goBack()
  await page.getByText('No app can use your account.').waitFor()
})

it('believes no answer of one user to the question that another was asked in another tab', async () => {
  const page = await open(authorizationUrl())
  await signIn(page, 'ada')
  await button(page, 'Allow').waitFor()
  const other = await openTab(authorizationUrl())
  await link(other, 'Not you?').click()
  await signIn(other, 'alan')
  await other.getByText('Signed in as Alan Turing').waitFor()
  await allow(page)
  await page.getByRole('alert').getByText('from another account').waitFor()
  await page.getByText('Signed in as Alan Turing').waitFor()
  expect(page.url()).toBe(authorizationUrl())
  await allow(page)
  await page.waitForURL(/[?&]code=/)
})

it('leads somebody else from the consent page to the sign-in page and back', async () => {
  const page = await open()
  await button(page, 'Get an access token').click()
  await signIn(page, 'ada')
  await link(page, 'Not you?').click()
  await signIn(page, 'alan')
  await allow(page)
  await page.getByText('You allowed it.').waitFor()
  expect(await page.getByLabel('The answer of the API').textContent()).toContain('Alan Turing')
})

it.each([
  ['consent', () => authorizationUrl()],
  ['the connected apps', () => `${browser.issuer}/account/apps`],
  ['an error', () => `${browser.issuer}/oauth2/authorize?client_id=nobody`],
  ['sign-in', () => `${browser.issuer}/login`],
])('shows nothing of %s in a frame of another site', async (_, url) => {
  // on another port: another origin, to which the browser still sends the cookie (SameSite knows no ports)
  const foreign = createServer((_req, res) => {
    res.setHeader('Content-Type', 'text/html')
    res.end(`<!doctype html><title>Win a prize</title><iframe src="${url().replaceAll('&', '&amp;')}"></iframe>`)
  }).listen(0, '127.0.0.1')
  await once(foreign, 'listening')
  try {
    const page = await open(`${browser.issuer}/login`)
    await signIn(page)
    await button(page, 'Sign out').waitFor()
    await page.goto(`http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`)
    const [, frame] = page.frames()
    expect(frame?.url()).toBe('chrome-error://chromewebdata/')
    expect(browser.takeComplaints().join()).toMatch(
      /frame-ancestors|X-Frame-Options|violates.*Content Security Policy/i,
    )
  } finally {
    foreign.closeAllConnections()
    foreign.close()
  }
})

it('needs no script for sign-in, consent and removing an app', async () => {
  const page = await open(authorizationUrl(), { javaScriptEnabled: false })
  await signIn(page)
  await allow(page)
  await page.waitForURL(/[?&]code=/)
  const answer = new URL(page.url()).searchParams
  expect(answer.get('state')).toBe('the state')
  await redeem(answer.get('code'))
  await page.goto(`${browser.issuer}/account/apps`)
  await link(page, 'Remove access').click()
  await button(page, 'Remove access').click()
  await page.getByRole('status').getByText('can no longer use your account').waitFor()
})

/** What the demo page does with a script: the code becomes tokens. */
async function redeem(code: string | null): Promise<void> {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: 'demo',
    code: code ?? '',
    redirect_uri: `${browser.issuer}/`,
    code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  })
  expect((await fetch(`${browser.issuer}/oauth2/token`, { method: 'POST', body })).status).toBe(200)
}
