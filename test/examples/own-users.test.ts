// examples/your-app/own-users.ts: users, sessions and tokens in one PostgreSQL, which survive a restart of the app.
import { Client } from 'pg'
import { openBrowser } from '../interoperability/browser'
import { describePostgres, startPostgres, type TestPostgres } from '../storage/support/postgres'
import { type Example, paste, startExample } from '../support/example'

const ana = { email: 'ana@example.com', password: 'correct horse' }

describePostgres('npm run example -- own-users', () => {
  let postgres: TestPostgres
  let app: Example
  const start = (more = {}) => startExample('own-users', { DATABASE_URL: postgres.connectionString, ...more })
  const query = async (text: string) => {
    const client = new Client({ connectionString: postgres.connectionString })
    await client.connect()
    const { rows } = await client.query(text)
    await client.end()
    return rows
  }
  beforeAll(async () => {
    postgres = await startPostgres()
    app = await start()
  })
  afterAll(async () => {
    await app.stop()
    await postgres.stop()
  })

  /** From the link of the first page to the line that /callback shows. */
  async function connect(browser = openBrowser()) {
    const home = await browser.get(`${app.issuer}/`)
    const [, path = ''] = /href="(\/oauth2\/authorize[^"]+)"/.exec(home.text) ?? []
    let page = await browser.follow(await browser.get(app.issuer + path), app.issuer)
    if (page.text.includes('>Sign in</button>')) {
      const refused = await browser.submit(page, 'Sign in', { ...ana, password: 'wrong' })
      // a wrong password does not lose the authorization request
      page = await browser.follow(refused, app.issuer)
      page = await browser.follow(await browser.submit(page, 'Sign in', ana), app.issuer)
    }
    expect(page.text).toContain('See your name and your address')
    let answer = await browser.submit(page, 'Allow')
    // a process of its own knows of no time that has passed here
    if (answer.location === undefined) answer = await browser.submit(answer, 'Allow')
    return (await browser.follow(answer, app.issuer)).text
  }

  it('leads from sign-in and consent to a token on a user of the table, by the line that it shows', async () => {
    const line = await connect()
    const { access_token } = await paste(line)
    const me = `curl -H 'Authorization: Bearer ${access_token}' ${app.issuer}/me`
    expect(await paste(me)).toEqual({ id: '1', email: ana.email, name: 'Ana' })
    expect(app.printed()).toBe(`listening on ${app.issuer}\n`)
  })

  it('keeps sessions and tokens over a restart', async () => {
    const browser = openBrowser()
    const { access_token } = await paste(await connect(browser))
    await app.stop()
    app = await start({ PORT: new URL(app.issuer).port })
    const apps = await browser.get(`${app.issuer}/account/apps`)
    expect([apps.status, apps.text]).toEqual([200, expect.stringContaining('Demo')])
    const me = await fetch(`${app.issuer}/me`, { headers: { authorization: `Bearer ${access_token}` } })
    expect(me.status).toBe(200)
  })

  it.each(['//evil.example', '/\\evil.example', 'https://evil.example', '/\t/evil.example'])(
    'does not follow return_to=%j, which is another site',
    async (path) => {
      const browser = openBrowser()
      const page = await browser.get(`${app.issuer}/login?${new URLSearchParams({ return_to: path })}`)
      expect((await browser.submit(page, 'Sign in', ana)).location).toBe(`${app.issuer}/`)
    },
  )

  it.each([
    ['evil.example', 'https://evil.example'],
    ['the same machine, another port', 'http://127.0.0.1:1'],
    ['nobody says whom', 'null'],
  ])('takes no form of another site: %s', async (_, origin) => {
    const headers = { Origin: origin }
    for (const path of ['/login', '/logout']) {
      const { status } = await fetch(app.issuer + path, { method: 'POST', headers, body: new URLSearchParams(ana) })
      expect(status).toBe(403)
    }
  })

  it('knows no token of a user who is deleted', async () => {
    const { access_token } = await paste(await connect())
    await query('DELETE FROM users')
    const me = await fetch(`${app.issuer}/me`, { headers: { authorization: `Bearer ${access_token}` } })
    expect(me.status).toBe(401)
  })

  it('makes no account with a published password in production, and has no secret of its own there', async () => {
    await app.stop()
    await query('DELETE FROM users')
    const production = { NODE_ENV: 'production', PORT: new URL(app.issuer).port }
    await expect(start({ ...production, SESSION_SECRET: '' })).rejects.toThrow('has ended')
    app = await start({ ...production, SESSION_SECRET: 'of this test' })
    expect(await query('SELECT email FROM users')).toEqual([])
  })
})
