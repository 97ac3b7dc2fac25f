// examples/payments/payments.ts as a person meets it: two apps, openid-client in between, and lines to paste.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openBrowser } from '../interoperability/browser'

let running: ChildProcess
let lines: string[]
beforeAll(async () => {
  running = spawn(process.execPath, [join(__dirname, '..', '..', '.scripts', 'example.js'), 'payments'], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed] = await once(running.stdout as NodeJS.ReadableStream, 'data')
  lines = String(printed).trimEnd().split('\n')
}, 60_000)
afterAll(async () => {
  running.kill()
  await once(running, 'exit')
})

const run = async (line: string | undefined) => {
  const { stdout } = await promisify(execFile)('sh', ['-c', line as string])
  return JSON.parse(stdout) as Record<string, unknown>
}

describe('npm run example -- payments', () => {
  it('prints lines that work as they are', async () => {
    expect(await run(lines[2])).toMatchObject({
      authorization_details_types_supported: ['payment'],
      acr_values_supported: ['pwd', 'mfa'],
      require_pushed_authorization_requests: true,
      require_signed_request_object: true,
      request_object_signing_alg_values_supported: ['ES256'],
    })
    expect(await run(lines[3])).toMatchObject({ request_uri: expect.any(String), expires_in: 60 })
    expect(await run(lines[4])).toMatchObject({ error: 'invalid_authorization_details' })
    // what is not signed is refused, and so is what was changed after it was signed
    expect(await run(lines[5])).toMatchObject({ error: 'invalid_request' })
    const changed = lines[3]?.replace(/\.[\w-]+$/, `.${'A'.repeat(86)}`)
    expect(await run(changed)).toMatchObject({ error: 'invalid_request_object' })
  }, 30_000)

  it('pays a small one with a password, and a large one with a second factor, each as the customer has read it', async () => {
    const [, shopAt = ''] = /Open (http:\/\/127\.0\.0\.1:\d+)/.exec(lines[1] as string) ?? []
    const [, bankAt = ''] = /listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(lines[0] as string) ?? []
    const browser = openBrowser()
    /** Presses Allow, again where the page came too soon after the other one. */
    const allow = async (page: Awaited<ReturnType<typeof browser.get>>) => {
      const first = await browser.submit(page, 'Allow')
      const answer = first.location === undefined ? await browser.submit(first, 'Allow') : first
      return browser.get(answer.location as string)
    }
    const password = { username: 'ada', password: 'analytical engine' }
    const { location: small } = await browser.get(`${shopAt}/pay?amount=20.00`)
    const signIn = await browser.follow(await browser.get(small as string), bankAt)
    const consent = await browser.follow(await browser.submit(signIn, 'Sign in', password), bankAt)
    expect(consent.text).toContain('Pay £20.00 to The shop, once')
    expect((await allow(consent)).text).toContain('Paid £20.00')

    const { location: large } = await browser.get(`${shopAt}/pay?amount=2000.00`)
    const asked = await browser.follow(await browser.get(large as string), bankAt)
    expect(asked.text).toContain('Pay £2000.00 to The shop, once')
    // the bank refuses the token, and the shop asks again
    const sent = await allow(asked)
    const factor = await browser.follow(await browser.get(sent.location as string), bankAt)
    expect(factor.text).toContain('Enter the code of your app')
    const again = await browser.follow(await browser.submit(factor, 'Confirm', { code: '314159' }), bankAt)
    expect(again.text).toContain('Pay £2000.00 to The shop, once')
    expect((await allow(again)).text).toContain('Paid £2000.00')
  }, 60_000)
})
