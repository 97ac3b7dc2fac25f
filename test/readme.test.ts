// What README says is executed: its server is extracted, compiled and run; its files, names and defaults exist.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import * as library from 'express-authorization-server'
import ts from 'typescript'

const root = join(__dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string)
const completeServer = blocks.find((block) => block.includes('app.listen')) as string

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

describe('README', () => {
  const folder = mkdtempSync(join(__dirname, '.readme-'))
  const file = join(folder, 'app.ts')
  let app: ChildProcess | undefined

  beforeAll(() => writeFileSync(file, completeServer))
  afterAll(() => {
    app?.kill()
    rmSync(folder, { recursive: true })
  })

  it('has a complete server of at most 40 lines', () => {
    expect(completeServer.trimEnd().split('\n').length).toBeLessThanOrEqual(40)
  })

  it('has a complete server that compiles', () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
    const program = ts.createProgram([file, join(root, 'src/passport-http-bearer.d.ts')], { ...options, noEmit: true })
    const problems = ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
    expect(problems).toEqual([])
  })

  it('has a complete server that runs: sign-in, consent, code, token, guarded route', async () => {
    const port = await freePort()
    const base = `http://127.0.0.1:${port}`
    app = spawn(process.execPath, ['--import', 'tsx', file], {
      cwd: root,
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'inherit', 'pipe'],
    })
    let complaints = ''
    app.stderr?.on('data', (chunk) => {
      complaints += chunk
    })
    await untilServed(base)
    const verifier = 'v'.repeat(43)
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'demo',
      redirect_uri: 'http://127.0.0.1:5000/callback',
      code_challenge: '7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM',
      code_challenge_method: 'S256',
    })
    const authorize = `${base}/oauth2/authorize?${query}`
    const toSignIn = await fetch(authorize, { redirect: 'manual' })
    expect(toSignIn.headers.get('location')).toBe('/login')
    const before = cookieOf(toSignIn)
    const signedIn = await fetch(`${base}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: before },
      body: new URLSearchParams({ username: 'ana', password: 'correct horse' }),
    })
    const cookie = cookieOf(signedIn)
    const page = await fetch(base + signedIn.headers.get('location'), { headers: { cookie } })
    const transaction = /name="consent_transaction" value="([^"]+)"/.exec(await page.text())?.[1] as string
    const allowed = await fetch(authorize, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie },
      body: new URLSearchParams({ consent_transaction: transaction, consent: 'allow' }),
    })
    const code = new URL(allowed.headers.get('location') as string).searchParams.get('code') as string
    const tokens = await fetch(`${base}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from('demo:demo-secret').toString('base64')}` },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        redirect_uri: 'http://127.0.0.1:5000/callback',
      }),
    })
    const { access_token } = (await tokens.json()) as { access_token: string }
    const me = await fetch(`${base}/me`, { headers: { authorization: `Bearer ${access_token}` } })
    expect(await me.json()).toMatchObject({ user: { id: 'ana' }, token: { clientId: 'demo', scope: ['read'] } })
    // no warning of the library, either
    expect(complaints).toBe('')
  }, 60_000)

  it('has its two commands', () => {
    expect(readme).toContain('npm install && npm start')
    expect(readme).toContain('npm install && npm test')
  })

  it.each([...new Set(readme.match(/`((?:src|test|examples)\/[^`]*)`/g))])('names a file that exists: %s', (quoted) => {
    expect(existsSync(join(root, quoted.slice(1, -1)))).toBe(true)
  })

  it.each(Object.keys(library).filter((name) => /^[a-z]/.test(name)))('names the public function %s', (name) => {
    expect(readme).toContain(name)
  })
})

async function untilServed(url: string): Promise<void> {
  for (;;) {
    try {
      await fetch(url)
      return
    } catch {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

function cookieOf(response: Response): string {
  return (response.headers.get('set-cookie') ?? '').split(';')[0] as string
}
