// What README says is executed: its server is extracted, compiled and run; its files, names and defaults exist.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as library from 'express-authorization-server'
import ts from 'typescript'
import { withTables } from '../.scripts/docs-options.js'
import { createMcpApp, cursor } from './interoperability/mcp-app'
import { mcpClients, services } from './interoperability/platforms'
import { freePort } from './support/free-port'

const root = join(__dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string)
const [completeServer = '', mcpServer = ''] = blocks.filter((block) => block.includes('app.listen'))

describe('README', () => {
  const folder = mkdtempSync(join(__dirname, '.readme-'))
  const file = join(folder, 'app.ts')
  const mcpFile = join(folder, 'server.ts')
  const running: ChildProcess[] = []

  beforeAll(() => {
    writeFileSync(file, completeServer)
    writeFileSync(mcpFile, mcpServer)
  })
  afterAll(() => {
    for (const app of running) app.kill()
    rmSync(folder, { recursive: true })
  })

  /** Starts a file of the README. What it complains of is collected. */
  async function run(served: string): Promise<{ base: string; complaints: string[] }> {
    const port = await freePort()
    const app = spawn(process.execPath, ['--import', 'tsx', served], {
      cwd: root,
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'inherit', 'pipe'],
    })
    running.push(app)
    const complaints: string[] = []
    app.stderr.on('data', (chunk) => complaints.push(String(chunk)))
    const base = `http://127.0.0.1:${port}`
    await untilServed(base)
    return { base, complaints }
  }

  it('has a complete server of at most 40 lines', () => {
    expect(completeServer.trimEnd().split('\n').length).toBeLessThanOrEqual(40)
  })

  it('has servers that compile', () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
    const program = ts.createProgram([file, mcpFile, join(root, 'src/guard/passport-http-bearer.d.ts')], {
      ...options,
      noEmit: true,
    })
    const problems = ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
    expect(problems).toEqual([])
  })

  it('has a complete server that runs: sign-in, consent, code, token, guarded route', async () => {
    const { base, complaints } = await run(file)
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
    const allow = async (shown: Response) => {
      const transaction = /name="consent_transaction" value="([^"]+)"/.exec(await shown.text())?.[1] as string
      const body = new URLSearchParams({ consent_transaction: transaction, consent: 'allow' })
      return fetch(authorize, { method: 'POST', redirect: 'manual', headers: { cookie }, body })
    }
    // nobody is so quick: asked once more
    const allowed = await allow(await allow(page))
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
    const [, command] = /^curl (-u demo:.*)$/m.exec(readme) ?? []
    const words = (command as string).replace('http://127.0.0.1:3000', base).split(' ')
    expect(JSON.parse(execFileSync('curl', ['-sS', ...words], { encoding: 'utf8' }))).toHaveProperty('access_token')
    // no warning of the library, either
    expect(complaints).toEqual([])
  }, 60_000)

  it('has an MCP server that runs: a client that knows its URL alone signs its user in and calls a tool', async () => {
    const { base, complaints } = await run(mcpFile)
    const client = createMcpApp('v2', `${base}/mcp`, { username: 'ana', password: 'correct horse' })
    expect(await client.call('list_notes')).toBe('The notes of ana')
    const asAna = { username: 'ana', password: 'correct horse' }
    const byScheme = createMcpApp('v1', `${base}/mcp`, { ...asAna, clientMetadata: cursor })
    expect(await byScheme.call('list_notes')).toBe('The notes of ana')
    expect(complaints).toEqual([])
  }, 60_000)

  it('has its two commands', () => {
    expect(readme).toContain('npm install && npm start')
    expect(readme).toContain('npm install && npm test')
  })

  it.each(Object.keys(library).filter((name) => /^[a-z]/.test(name)))('names the public function %s', (name) => {
    expect(readme).toContain(name)
  })
})

describe('the option tables', () => {
  it('say what the docstrings say: npm run docs:options', () => {
    expect(readme).toBe(withTables())
  })
})

describe('the table of clients and platforms', () => {
  const table =
    /\| client or platform \| what to set \| tested how \|\n\|---\|---\|---\|\n((?:\|.*\n)+)/.exec(readme)?.[1] ?? ''
  const rows = [...table.matchAll(/^\| (.+?) \| (.+?) \| (.+?) \|$/gm)].map(
    ([, ...cells]) => cells as [string, string, string],
  )
  const codesIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string)

  it('has a row for each that is replayed, and no other', () => {
    const replayed = new Set([...mcpClients, ...services].map(({ name }) => name))
    expect(rows.map(([name]) => name).sort()).toEqual([...replayed].sort())
  })

  it.each(rows)('says of %s what the test sets', (name, set) => {
    const records = services.filter((service) => service.name === name).map(({ record }) => record)
    if (records.length === 0) {
      expect(set).toMatch(/^nothing\b/)
      expect(codesIn(set)).toEqual([])
      return
    }
    const uris = codesIn(set).filter((code) => /^[a-z.]+:\//.test(code))
    expect(uris.sort()).toEqual([...new Set(records.flatMap(({ redirectUris = [] }) => redirectUris))].sort())
    const without = records.filter(({ requirePkce }) => requirePkce === false).length
    expect(codesIn(set).includes('requirePkce: false')).toBe(without > 0)
    // an alternative, or with its condition, where it connects with PKCE as well
    expect(/(, or `requirePkce: false`|`requirePkce: false` where)/.test(set)).toBe(
      without > 0 && without < records.length,
    )
    const isPublic = records.some(({ tokenEndpointAuthMethods }) => tokenEndpointAuthMethods?.includes('none'))
    expect(codesIn(set).includes("tokenEndpointAuthMethods: ['none']")).toBe(isPublic)
  })

  it.each(rows)('names the tests of %s, and what they try', (name, _set, tested) => {
    const tried = [...mcpClients, ...services].filter((one) => one.name === name).map(({ how }) => how)
    expect(tested).toContain(`\`platforms.test.ts\`: ${tried.join('; ')}`)
    const tests = readdirSync(join(root, 'test/interoperability'))
    expect(tests).toEqual(expect.arrayContaining(codesIn(tested)))
  })
})

describe('the warnings', () => {
  const source = readFileSync(join(root, 'src/types/events.ts'), 'utf8')
  const union = /export type WarningCode =\n((?: {2}\| '[a-z_]+'\n)+)/.exec(source)?.[1] ?? ''
  const codes = [...union.matchAll(/'([a-z_]+)'/g)].map((match) => match[1])

  it('are all in README with their fix, and no others', () => {
    const table = /\| warning \| fix \|\n\|---\|---\|\n((?:\|.*\n)+)/.exec(readme)?.[1] ?? ''
    expect([...table.matchAll(/^\| `([a-z_]+)` \| \S/gm)].map((match) => match[1]).sort()).toEqual([...codes].sort())
  })

  it.each(codes)('are tested: %s', (code) => {
    const names = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.test\.ts$/.test(name),
    )
    const tests = names.map((name) => readFileSync(join(__dirname, name), 'utf8'))
    expect(tests.join()).toContain(code)
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
