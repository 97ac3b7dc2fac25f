import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { listen, type RunningApp } from '../../examples/shared/start'
import { createApp } from '../../examples/your-app/quickstart'
import { openBrowser } from '../interoperability/browser'
import { demoRequest, demoTokens } from '../interoperability/quickstart'

const ada = { username: 'ada', password: 'analytical engine' }
const alan = { username: 'alan', password: 'imitation game' }

let app: RunningApp
let issuer: string

beforeAll(async () => {
  app = await listen(createApp)
  issuer = app.issuer
})
afterAll(() => app.close())

const callApi = (accessToken?: string) =>
  fetch(`${issuer}/api/me`, accessToken === undefined ? {} : { headers: { Authorization: `Bearer ${accessToken}` } })

async function signedIn(user = ada) {
  const browser = openBrowser()
  const page = await browser.submit(await browser.get(`${issuer}/login`), 'Sign in', user)
  expect([page.status, page.location]).toEqual([303, `${issuer}/`])
  return browser
}

describe('the main job', () => {
  it('leads from the demo page over sign-in and consent to a token that opens the guarded route', async () => {
    const browser = openBrowser()
    const home = await browser.get(`${issuer}/`)
    expect(home.status).toBe(200)
    expect(home.text).toContain('Get an access token')

    const { url, state, codeVerifier } = demoRequest(issuer)
    const toSignIn = await browser.get(url)
    expect(toSignIn.status).toBe(303)
    expect(toSignIn.location).toMatch(`${issuer}/login?return_to=%2Foauth2%2Fauthorize%3F`)

    const signInPage = await browser.follow(toSignIn)
    expect(signInPage.text).toMatch(/<label for="password">/)
    const toConsent = await browser.submit(signInPage, 'Sign in', ada)
    expect(toConsent.status).toBe(303)

    const consent = await browser.follow(toConsent)
    for (const words of ['Demo client', 'Ada Lovelace', 'See your name']) expect(consent.text).toContain(words)
    const toClient = await browser.submit(consent, 'Allow')
    expect(toClient.status).toBe(303)

    const answer = new URL(toClient.location ?? '').searchParams
    expect(toClient.location).toMatch(`${issuer}/?code=`)
    expect(Object.fromEntries(answer)).toEqual({ code: expect.any(String), state, iss: issuer })

    const response = await fetch(`${issuer}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'demo',
        code: answer.get('code') ?? '',
        redirect_uri: `${issuer}/`,
        code_verifier: codeVerifier,
      }),
    })
    const tokens = (await response.json()) as { access_token: string }
    expect(response.status).toBe(200)

    const api = await callApi(tokens.access_token)
    expect(api.status).toBe(200)
    expect(await api.json()).toEqual({
      user: { id: '1', username: 'ada', name: 'Ada Lovelace' },
      token: expect.objectContaining({ clientId: 'demo', userId: '1', scope: ['profile'] }),
    })
  })

  it('tells the client with state and iss when the user denies', async () => {
    const browser = await signedIn()
    const { url, state } = demoRequest(issuer)
    const location = await browser.authorize(url, { button: 'Deny' })
    expect(location).toMatch(`${issuer}/?error=`)
    const { error_description, ...answer } = Object.fromEntries(new URL(location).searchParams)
    expect(answer).toEqual({ error: 'access_denied', state, iss: issuer })
    expect(error_description).toBeTruthy()
  })

  it('asks a user who is signed in already for nothing but consent', async () => {
    const browser = await signedIn()
    const page = await browser.get(demoRequest(issuer).url)
    expect(page.status).toBe(200)
    expect(page.text).toContain('Allow <strong>Demo client</strong>')
  })

  it('says so when a double click has sent the answer twice, and takes the next one', async () => {
    const browser = await signedIn()
    const consent = await browser.get(demoRequest(issuer).url)
    expect((await browser.submit(consent, 'Allow')).status).toBe(303)
    const again = await browser.submit(consent, 'Allow')
    expect(again.status).toBe(400)
    expect(again.text).toMatch(/role="alert">[^<]*it was sent twice/)
    const next = await browser.submit(again, 'Allow')
    expect(next.location).toMatch(`${issuer}/?code=`)
  })

  it('refuses the consent of one user for the question that another was asked', async () => {
    const browser = await signedIn()
    const consent = await browser.get(demoRequest(issuer).url)
    await browser.submit(await browser.get(`${issuer}/login`), 'Sign in', alan)
    const answer = await browser.submit(consent, 'Allow')
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('Alan Turing')
  })
})

describe('"Sign in with"', () => {
  const shop = () => `${issuer}/shop`
  async function signedInAtShop() {
    const browser = openBrowser()
    const { location } = await browser.get(`${shop()}/login`)
    const answer = await browser.authorize(location as string)
    expect(answer).toMatch(`${shop()}/callback?code=`)
    return { browser, page: await browser.follow(await browser.get(answer)) }
  }

  it('signs a user in at the shop, which learns the name and nothing else', async () => {
    const home = await openBrowser().get(`${shop()}/`)
    expect(home.text).toContain(`<a href="${shop()}/login">Sign in with your account</a>`)
    const { page } = await signedInAtShop()
    expect([page.url, page.status]).toEqual([`${shop()}/`, 200])
    expect(page.text).toContain('<h1>Hello, Ada Lovelace</h1>')
  })

  it('signs out at both, and comes back to the shop', async () => {
    const { browser } = await signedInAtShop()
    const page = await browser.follow(await browser.get(`${shop()}/logout`))
    expect(page.url).toBe(`${shop()}/`)
    expect(page.text).toContain('Sign in with your account')
    expect((await browser.get(demoRequest(issuer).url)).location).toContain('/login?return_to=')
  })

  it('says at the shop that somebody who denied it has not signed in', async () => {
    const browser = await signedIn()
    const { location } = await browser.get(`${shop()}/login`)
    const answer = await browser.authorize(location as string, { button: 'Deny' })
    const page = await browser.get(answer)
    expect(page.status).toBe(400)
    expect(page.text).toContain('You did not sign in')
  })
})

describe('the guarded route', () => {
  it('answers without a token with a bare challenge (RFC 6750 §3)', async () => {
    const api = await callApi()
    expect(api.status).toBe(401)
    expect(api.headers.get('www-authenticate')).toMatch(/^Bearer realm="api"(?!.*error)/)
  })

  it('refuses a token of another scope', async () => {
    const api = await callApi((await demoTokens(issuer, 'clients')).access_token)
    expect(api.status).toBe(403)
    expect(api.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
  })

  it('is not opened by the session of the sign-in page', async () => {
    const browser = await signedIn()
    expect((await browser.get(`${issuer}/api/me`)).status).toBe(401)
  })
})

describe('signing in', () => {
  it.each([
    ['a wrong password', { ...ada, password: 'difference engine' }],
    ["another user's password", { ...ada, password: alan.password }],
    ['an unknown user', { username: 'charles', password: 'x' }],
    ['an empty password', { ...ada, password: '' }],
    ['a name that every object has', { username: '__proto__', password: 'x' }],
  ])('refuses %s in the same words, and lets the user try again', async (_, wrong) => {
    const browser = openBrowser()
    const page = await browser.get(`${issuer}/login?return_to=%2Flogin`)
    const refused = await browser.submit(page, 'Sign in', wrong)
    expect(refused.status).toBe(401)
    expect(refused.text).toContain('role="alert">That user name and password do not belong together.')
    expect(refused.text).not.toContain(wrong.username)
    expect((await browser.submit(refused, 'Sign in', ada)).location).toBe(`${issuer}/login`)
  })

  it.each([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '\\\\evil.example/',
    '/\t/evil.example/',
    '/\n/evil.example/',
    ' //evil.example/',
    'javascript:alert(1)',
    'evil.example',
    '',
  ])('never leads to another site, so not to %j', async (target) => {
    const browser = openBrowser()
    const page = await browser.get(`${issuer}/login?return_to=${encodeURIComponent(target)}`)
    expect((await browser.submit(page, 'Sign in', ada)).location).toBe(`${issuer}/`)
  })

  it('takes no list for return_to', async () => {
    const browser = openBrowser()
    const page = await browser.get(`${issuer}/login?return_to=/login&return_to=//evil.example/`)
    expect((await browser.submit(page, 'Sign in', ada)).location).toBe(`${issuer}/`)
  })

  it.each(['https://evil.example', 'null', 'http://127.0.0.1:1'])(
    'refuses a form of %s: nobody is signed in as somebody else, or out',
    async (origin) => {
      const browser = await signedIn()
      const headers = { Origin: origin }
      expect((await browser.post(`${issuer}/login`, alan, headers)).status).toBe(403)
      expect((await browser.post(`${issuer}/logout`, {}, headers)).status).toBe(403)
      expect((await browser.get(`${issuer}/`)).text).toContain('Ada Lovelace')
    },
  )

  it('starts a new session, in a cookie that scripts and foreign forms do not get', async () => {
    const browser = await signedIn()
    const before = browser.cookies.get('session')
    const page = await browser.submit(await browser.get(`${issuer}/login`), 'Sign in', alan)
    expect(page.headers.get('set-cookie')).toMatch(/^session=.*; HttpOnly; SameSite=Lax$/)
    expect(browser.cookies.get('session')).not.toBe(before)
    expect((await browser.get(`${issuer}/`)).text).toContain('Alan Turing')
  })

  it('sets no cookie before it', async () => {
    expect((await openBrowser().get(`${issuer}/login`)).headers.get('set-cookie')).toBeNull()
  })

  it('ends with signing out, for a copy of the cookie, too', async () => {
    const browser = await signedIn()
    const stolen = browser.cookies.get('session') as string
    const out = await browser.submit({ ...(await browser.get(`${issuer}/`)), url: `${issuer}/logout` }, 'Sign out')
    expect([out.status, out.location]).toEqual([303, `${issuer}/`])
    const thief = openBrowser()
    thief.cookies.set('session', stolen)
    for (const someone of [browser, thief]) {
      expect((await someone.get(demoRequest(issuer).url)).location).toContain('/login?return_to=')
    }
  })
})

describe('the pages', () => {
  it.each([
    ['demo page', '/'],
    ['sign-in page', '/login'],
  ])('are complete, such as the %s, and run no script but their own', async (_, path) => {
    const page = await openBrowser().get(`${issuer}${path}`)
    expect(page.text).toMatch(/^<!doctype html>\n<html lang="en">/)
    expect(page.text).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">')
    expect(page.headers.get('cache-control')).toBe('no-store')
    const policy = page.headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    const nonce = /script-src 'nonce-([^']+)'/.exec(policy ?? '')?.[1]
    expect(page.text.match(/<script[^>]*>/g) ?? []).toEqual(
      path === '/' ? [`<script nonce="${nonce}" type="module">`] : [],
    )
    const other = (await openBrowser().get(`${issuer}${path}`)).headers.get('content-security-policy')
    expect(other).not.toBe(policy)
  })

  it('sends a browser that came by another name to the one that the tokens are for', async () => {
    const response = await fetch(`${issuer.replace('127.0.0.1', 'localhost')}/`, { redirect: 'manual' })
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toBe(`${issuer}/`)
  })
})

describe('npm start', () => {
  const root = join(__dirname, '..', '..')
  const folder = mkdtempSync(join(tmpdir(), 'quickstart-'))
  const running: ChildProcess[] = []

  /** In a process group of its own, because npm starts a shell that starts the program. */
  function npmStart(port: string) {
    const { DATABASE_URL: _database, REDIS_URL: _redis, ...mine } = process.env
    const env = { ...mine, PORT: port, SQLITE_FILE: join(folder, 'quickstart.sqlite') }
    const child = spawn('npm', ['start'], { cwd: root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    running.push(child)
    let printed = ''
    child.stdout.on('data', (chunk) => {
      printed += chunk
    })
    child.stderr.on('data', (chunk) => {
      printed += chunk
    })
    const exited = once(child, 'close')
    return {
      exited,
      printed: () => printed,
      /** What is printed until the last line is there. */
      async ready(): Promise<string> {
        while (!printed.includes('Ctrl+C')) {
          const [code] = await Promise.race([once(child.stdout, 'data'), exited])
          if (typeof code === 'number') throw new Error(`npm start ended with ${code}: ${printed}`)
        }
        return printed
      },
    }
  }

  afterAll(async () => {
    for (const child of running) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue
      const exited = once(child, 'exit')
      process.kill(-child.pid)
      await exited
    }
    rmSync(folder, { recursive: true })
  })

  it('prints where it is, who may sign in, and three curl lines that work as they are', async () => {
    const free = await listen(createApp)
    await free.close()
    const { port } = new URL(free.issuer)
    const printed = await npmStart(port).ready()
    expect(printed).toContain(`listening on http://127.0.0.1:${port}\n`)
    for (const { username, password } of [ada, alan]) expect(printed).toMatch(new RegExp(`${username}.*${password}`))

    const lines = printed.split('\n').filter((line) => line.trim().startsWith('curl'))
    const answers: unknown[] = []
    for (const line of lines) {
      const { stdout, stderr } = await promisify(execFile)('sh', ['-c', line])
      expect(stderr).toBe('')
      answers.push(JSON.parse(stdout))
    }
    expect(answers).toEqual([
      expect.objectContaining({ issuer: free.issuer, token_endpoint: `${free.issuer}/oauth2/token` }),
      { access_token: expect.any(String), token_type: 'Bearer', expires_in: 3600, scope: 'profile' },
      { token: { clientId: 'service', scope: ['profile'], expiresAt: expect.any(Number) } },
    ])
  })

  it.each([
    ['a port that is in use', () => new URL(issuer).port, 'is in use. Choose another one: PORT='],
    ['a port that is no number', () => 'web', 'PORT must be a number from 0 to 65535, not web'],
    ['a port that cannot be', () => '70000', 'PORT must be a number from 0 to 65535, not 70000'],
  ])('says in words that it cannot have %s', async (_, port, words) => {
    const { exited, printed } = npmStart(port())
    const [code] = await exited
    expect(code).toBe(1)
    expect(printed()).toContain(words)
    expect(printed()).not.toMatch(/^ +at /m)
  })
})
