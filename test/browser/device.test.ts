// The page where the code of a device is entered (RFC 8628 §3.3), in Chromium: with the keyboard alone, without scripts, in
// three languages, on a phone, and axe-core finds nothing.
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { createApp } from '../../examples/devices/cli'
import { later } from '../support/later'
import { button, overflow, signIn, useBrowser } from './browser'

jest.spyOn(console, 'info').mockImplementation(() => {})
const browser = useBrowser((issuer) => createApp(issuer))
const { open } = browser

async function startDevice(parameters: Record<string, string> = {}): Promise<Record<string, string>> {
  const body = new URLSearchParams({ client_id: 'cli', ...parameters })
  const answer = await fetch(`${browser.issuer}/oauth2/device_authorization`, { method: 'POST', body })
  return (await answer.json()) as Record<string, string>
}

async function poll(deviceCode: string): Promise<Record<string, string>> {
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
  const body = new URLSearchParams({ grant_type, client_id: 'cli', device_code: deviceCode })
  return (await (await fetch(`${browser.issuer}/oauth2/token`, { method: 'POST', body })).json()) as Record<
    string,
    string
  >
}

async function problemsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const results = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as axe.AxeResults
  return results.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`)
}

const words = {
  en: [
    'Connect a device',
    'Continue',
    'This code is not valid.',
    'A device asked for this',
    'Allow',
    'Your device is connected',
  ],
  de: [
    'Ein Gerät verbinden',
    'Fortfahren',
    'Dieser Code ist nicht gültig.',
    'Ein Gerät hat am',
    'Erlauben',
    'Ihr Gerät ist verbunden',
  ],
  es: [
    'Conectar un dispositivo',
    'Continuar',
    'Este código no es válido.',
    'Un dispositivo lo pidió',
    'Permitir',
    'Su dispositivo está conectado',
  ],
} as const

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  it.each(Object.entries(words))(
    'the whole way in %s: no script, no problem for axe-core, and nothing is cut off',
    async (locale, said) => {
      const [title, go, wrong, asked, allow, done] = said
      const { user_code = '', device_code = '' } = await startDevice()
      const page = await open(`${browser.issuer}/device`, {
        locale,
        colorScheme,
        viewport: { width: 320, height: 640 },
      })
      await signIn(page)
      const look = async (what: string) => {
        await page.getByText(what).first().waitFor()
        expect([what, await problemsOf(page)]).toEqual([what, []])
        expect([what, await overflow(page)]).toEqual([what, 0])
      }
      await look(title)
      expect(await page.getAttribute('html', 'lang')).toBe(locale)
      await page.locator('#code').fill('bbbb bbbb')
      await button(page, go).click()
      await look(wrong)
      await page.locator('#code').fill(user_code.toLowerCase().replace('-', ' '))
      await button(page, go).click()
      await look(asked)
      later(0.5)
      await button(page, allow).click()
      await look(done)
      expect(await poll(device_code)).toHaveProperty('access_token')
    },
    60_000,
  )
})

it('works without scripts, by the link of the device, whose code is sent by hand', async () => {
  const { verification_uri_complete = '', user_code = '', device_code = '' } = await startDevice()
  const page = await open(verification_uri_complete, { javaScriptEnabled: false })
  await signIn(page)
  expect(await page.getByLabel('Code').inputValue()).toBe(user_code)
  expect((await poll(device_code)).error).toBe('authorization_pending')
  await button(page, 'Continue').click()
  await page.getByText('Only continue if you started this on your device').waitFor()
  later(0.5)
  await button(page, 'Deny').click()
  await page.getByText('Access was denied').waitFor()
  await page.reload()
  await page.getByText('Access was denied').waitFor()
  expect((await poll(device_code)).error).toBe('access_denied')
})

it('works with the keyboard alone: the field has the focus, and Enter sends the form', async () => {
  const { user_code = '', device_code = '' } = await startDevice()
  const page = await open(`${browser.issuer}/device`)
  await signIn(page)
  await page.getByText('Connect a device').waitFor()
  await page.keyboard.type(user_code.replace('-', '').toLowerCase())
  await page.keyboard.press('Enter')
  await button(page, 'Allow').waitFor()
  later(0.5)
  const focused = () => page.evaluate('document.activeElement.textContent.trim()')
  for (let n = 0; n < 9 && (await focused()) !== 'Allow'; n++) await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByText('Your device is connected').waitFor()
  expect(await poll(device_code)).toHaveProperty('access_token')
})
