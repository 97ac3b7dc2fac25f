// A front end that keeps a JWT in memory shows the question of an authorization request, and answers it with fetch.

import { requestOf } from '../../examples/without-sessions/jwt-cookie'
import { createApp } from '../../examples/without-sessions/jwt-header'
import { button, signIn, useBrowser } from './browser'

const browser = useBrowser(createApp)

it.each([
  ['Allow', /\/callback\?code=[^&]+&iss=/],
  ['Deny', /\/callback\?error=access_denied&iss=/],
])('signs in, is asked, and by %s is sent to the client', async (answer, location) => {
  const page = await browser.open(requestOf(browser.issuer))
  await signIn(page)
  await page.getByText('Ada Lovelace, Demo asks for: profile').waitFor()
  await button(page, answer).click()
  // the authorization request names the callback, too: only the whole answer says that the browser left it
  await page.waitForURL(location)
  expect(page.url()).toMatch(location)
})
