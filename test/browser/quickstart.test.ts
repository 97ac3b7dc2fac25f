// The quickstart as a person meets it: the demo client, sign-in, consent, and what the API answers.
import type { Page } from 'playwright-core'
import { button, connect, signIn, useBrowser } from './browser'

const browser = useBrowser()
const { authorizationUrl, open } = browser

const answer = (page: Page) => page.getByLabel('The answer of the API')

it('signs a user in, asks for consent, and shows what the API answers', async () => {
  const page = await open()
  await connect(page)
  expect(await answer(page).textContent()).toContain('"name": "Ada Lovelace"')
  expect(page.url()).toBe(`${browser.issuer}/`)
})

it('says on the consent page who asks, for what, as whom, and where it leads', async () => {
  const page = await open()
  await button(page, 'Get an access token').click()
  await signIn(page)
  const text = page.getByRole('main')
  for (const words of ['Demo client', 'Ada Lovelace', 'See your name', new URL(browser.issuer).host]) {
    await text.getByText(words).first().waitFor()
  }
})

it('refreshes the token, and shows after revocation that it is worth nothing', async () => {
  const page = await open()
  await connect(page)
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
  await connect(page)
  await page.reload()
  await button(page, 'Call API').click()
  await page.getByText('Ada Lovelace').first().waitFor()
})

it('lets a user try again after a wrong password', async () => {
  const page = await open()
  await button(page, 'Get an access token').click()
  await signIn(page, 'ada', 'difference engine')
  await page.getByRole('alert').getByText('do not belong together').waitFor()
  await signIn(page)
  await button(page, 'Allow').waitFor()
})

it('signs out, and asks for the password again', async () => {
  const page = await open()
  await connect(page)
  await button(page, 'Sign out').click()
  await button(page, 'Revoke').click()
  await button(page, 'Get an access token').click()
  await page.getByLabel('Password').waitFor()
})

it('sends a browser that came as localhost to the name that the tokens are for', async () => {
  const page = await open(browser.issuer.replace('127.0.0.1', 'localhost'))
  expect(page.url()).toBe(`${browser.issuer}/`)
})

it('speaks the language of the browser, and the one that the client asks for', async () => {
  const page = await open(authorizationUrl(), { locale: 'de-AT' })
  await signIn(page)
  await button(page, 'Erlauben').waitFor()
  expect(await page.locator('html').getAttribute('lang')).toBe('de')
  await page.goto(authorizationUrl({ ui_locales: 'es-AR es' }))
  await button(page, 'Permitir').waitFor()
  await page.goto(`${browser.issuer}/account/apps`)
  await page.getByRole('heading', { name: 'Verbundene Apps' }).waitFor()
})
