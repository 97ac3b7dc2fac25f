// examples/devices/cli.ts: the program signs its user in through a browser, and is told of a no.
import { createApp, signInFromTerminal } from '../../examples/devices/cli'
import { listen, type RunningApp } from '../../examples/shared/start'
import { openBrowser } from '../interoperability/browser'
import { later } from '../support/later'

let app: RunningApp
beforeAll(async () => {
  app = await listen((issuer) => createApp(issuer))
})
afterAll(() => app.close())

/** The user of the program: does what it prints. */
function userWho(button: string) {
  const printed: string[] = []
  let polls = 0
  const answer = async () => {
    const [, uri = '', userCode = ''] = /^Open (\S+) and enter the code (\S+)$/m.exec(printed.join('\n')) ?? []
    const browser = openBrowser()
    let page = await browser.follow(await browser.get(uri), app.issuer)
    const back = await browser.submit(page, 'Sign in', { username: 'ada', password: 'analytical engine' })
    page = await browser.follow(back, app.issuer)
    page = await browser.submit(page, 'Continue', { user_code: userCode.toLowerCase() })
    page = await browser.follow(await browser.submit(page, button), app.issuer)
    return page.text
  }
  let last = ''
  return {
    printed,
    last: () => last,
    print: (line: string) => void printed.push(line),
    async wait(seconds: number) {
      later(seconds)
      if (polls++ === 1) last = await answer()
    },
  }
}

it('shows a QR code and a code, waits for the user, and has a token that works', async () => {
  const user = userWho('Allow')
  const token = await signInFromTerminal(app.issuer, user)
  expect(user.printed[0]).toMatch(/^[\u2580-\u259f \n]+$/)
  expect(user.last()).toContain('Your device is connected')
  const me = await fetch(`${app.issuer}/me`, { headers: { authorization: `Bearer ${token}` } })
  expect(await me.json()).toEqual({ id: '1', username: 'ada', name: 'Ada Lovelace' })
})

it('ends with what the server says where the user says no', async () => {
  const user = userWho('Deny')
  await expect(signInFromTerminal(app.issuer, user)).rejects.toThrow('The user denied the request.')
  expect(user.last()).toContain('Access was denied')
})
