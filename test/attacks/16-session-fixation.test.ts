// ATTACKS.md row 16: a session that an attacker has planted in a browser before its user signs in is not the user's, nor is
// what is authorized in it. The session is the host's: the production guide says so, and each example does it.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listen, type RunningApp } from '../../examples/shared/start'
import { createApp } from '../../examples/your-app/quickstart'
import { openBrowser } from '../interoperability/browser'
import { demoRequest } from '../interoperability/quickstart'

const ada = { username: 'ada', password: 'analytical engine' }
const alan = { username: 'alan', password: 'imitation game' }
let app: RunningApp
beforeAll(async () => {
  app = await listen(createApp)
})
afterAll(() => app.close())

const signIn = async (browser: ReturnType<typeof openBrowser>, user: Record<string, string>) =>
  browser.submit(await browser.get(`${app.issuer}/login`), 'Sign in', user)

it.each(['that the attacker is signed in with', 'that nobody has signed in with'])('a session %s', async (kind) => {
  const attacker = openBrowser()
  await signIn(attacker, alan)
  const planted = kind.startsWith('that nobody') ? 's%3Amade-up.signature' : (attacker.cookies.get('session') as string)
  const victim = openBrowser()
  victim.cookies.set('session', planted)
  expect((await signIn(victim, ada)).status).toBe(303)
  expect(victim.cookies.get('session')).not.toBe(planted)
  expect((await victim.get(demoRequest(app.issuer).url)).text).toContain('Signed in as <strong>Ada Lovelace')

  attacker.cookies.set('session', planted)
  const page = await attacker.follow(await attacker.get(demoRequest(app.issuer).url), app.issuer)
  expect(page.text).not.toContain('Ada Lovelace')
})

it('no example has a session of its own making beside the sign-in that renews it', () => {
  const folder = join(__dirname, '../../examples')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const sources = files.map((file) => [file, readFileSync(join(folder, file), 'utf8')] as const)
  // a store alone, for the session of the shared sign-in, is none
  const withSession = sources.filter(
    ([, source]) => source.includes("from 'express-session'") && /\bsession\(/.test(source),
  )
  expect(withSession.length).toBeGreaterThan(0)
  for (const [, source] of withSession)
    expect(source).toMatch(/req\.logIn\(|passport\.authenticate\('local', \{|req\.session\.regenerate\(/)
})
