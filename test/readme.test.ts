// What README and the reference say is executed: the servers are extracted, compiled and run; files, names and defaults exist.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import * as library from 'express-authorization-server'
import ts from 'typescript'
import { withTables } from '../.scripts/docs-options.js'
import manifest from '../package.json'
import { createMcpApp, cursor } from './interoperability/mcp-app'
import { mcpClients, services } from './interoperability/platforms'
import { freePort } from './support/free-port'

const root = join(__dirname, '..')
const read = (page: string) => readFileSync(join(root, page), 'utf8')
const readme = read('README.md')
const guides = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `examples/${name}`)
/** The file of each example, by its name. */
const examples = new Map(
  readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('shared'))
    .map((file) => [basename(file, '.ts'), file]),
)
/** The server of a page, which listens. */
const serverOf = (text: string) =>
  [...text.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map(([, block]) => block as string)
    .find((block) => /app\.listen/.test(block)) ?? ''
const completeServer = serverOf(readme)
const mcpServer = serverOf(read('examples/mcp/README.md'))
/** A section of README. */
const section = (name: string) => new RegExp(`\n## ${name}\n([\\s\\S]*?)(?=\n## |$)`).exec(readme)?.[1] ?? ''

describe('README', () => {
  const folder = mkdtempSync(join(__dirname, '.readme-'))
  const file = join(folder, 'app.ts')
  const mcpFile = join(folder, 'server.ts')
  const running: ChildProcess[] = []

  let port: number
  beforeAll(async () => {
    port = await freePort()
    // as pasted, but for the port, which another process may have
    writeFileSync(file, completeServer.replaceAll('3000', String(port)))
    writeFileSync(mcpFile, mcpServer)
  })
  afterAll(() => {
    for (const app of running) app.kill()
    rmSync(folder, { recursive: true })
  })

  /** Starts a file of a page. What it prints when it listens is awaited, what it complains of is collected. */
  async function run(served: string, on: number): Promise<{ base: string; printed: string; complaints: string[] }> {
    const app = spawn(process.execPath, ['--import', 'tsx', served], {
      cwd: root,
      env: { ...process.env, PORT: String(on) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.push(app)
    const complaints: string[] = []
    app.stderr.on('data', (chunk) => complaints.push(String(chunk)))
    const ended = once(app, 'exit').then(() => ['nothing'])
    const [printed] = await Promise.race([once(app.stdout, 'data'), ended])
    return { base: `http://127.0.0.1:${on}`, printed: String(printed), complaints }
  }

  it('has at most 300 lines', () => {
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(300)
  })

  it('has a complete server of at most 25 lines', () => {
    expect(completeServer.trimEnd().split('\n').length).toBeLessThanOrEqual(25)
  })

  it('installs what the complete server imports', () => {
    const [, installed = ''] = /^npm install (express-authorization-server .*)$/m.exec(readme) ?? []
    const imported = [...completeServer.matchAll(/ from '([^']+)'/g)].map(([, name]) => name)
    expect(installed.split(' ').sort()).toEqual(imported.sort())
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
    const { base, printed, complaints } = await run(file, port)
    expect(printed).toBe(`listening on ${base}\n`)
    expect(await (await fetch(`${base}/`)).text()).toContain('href="/login"')
    const form = await (await fetch(`${base}/login`)).text()
    expect(form.match(/<label>[^<]+<input /g)).toHaveLength(2)
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
    const home = await fetch(`${base}/`, { headers: { cookie } })
    expect(await home.text()).toBe('You are signed in.')
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
    const [, shown] = /```json\n(.*)\n```/.exec(readme) ?? []
    const answer = JSON.parse(execFileSync('curl', ['-sS', ...words], { encoding: 'utf8' }))
    expect({ ...answer, access_token: '…' }).toEqual(JSON.parse(shown as string))
    // no warning of the library, either
    expect(complaints).toEqual([])
  }, 60_000)

  it('has an MCP server that runs: a client that knows its URL alone signs its user in and calls a tool', async () => {
    const { base, complaints } = await run(mcpFile, await freePort())
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

  it('links each guide, and so does their index; the index links each example', () => {
    const index = read('examples/README.md')
    for (const guide of guides.filter((name) => name !== 'examples/README.md')) {
      expect(readme).toContain(`](${guide})`)
      expect(index).toContain(`](${guide.replace('examples/', '')})`)
    }
    for (const [name, file] of examples) expect(index).toContain(`[${name}](${file})`)
  })

  it('names examples that npm run example starts', () => {
    const rows = [...section('Guides').matchAll(/\| `([\w-]+)` \|$/gm)].map(([, name]) => name as string)
    expect(rows.length).toBeGreaterThan(10)
    expect([...examples.keys()]).toEqual(expect.arrayContaining(rows))
  })

  it('names each client and platform of the table', () => {
    const names = section('Clients and platforms')
      .split('\n')
      .flatMap((line) => /^\| ([^|]+) \| /.exec(line)?.[1]?.split(' · ') ?? [])
    const [, ...named] = names
    expect(named.filter((name) => name !== 'client or platform').sort()).toEqual(
      [...new Set([...mcpClients, ...services].map(({ name }) => name))].sort(),
    )
  })

  it('has the figures and the loosened defaults of the reference', () => {
    const figures = section('Speed').match(/^\| [a-z].*[\d.]+.*\|$/gm) ?? []
    expect(figures.length).toBeGreaterThan(3)
    for (const figure of figures) expect(read('examples/reference/speed.md')).toContain(figure)
    const loosened = [...section('Secure defaults').matchAll(/`(\w+)/g)].map(([, name]) => name as string)
    expect(loosened.length).toBeGreaterThan(10)
    for (const name of loosened) expect(read('examples/reference/security.md')).toContain(name)
  })

  it('names entry points that the package has', () => {
    const named = [...section('Storage').matchAll(/ of `\.?(\/\w+)`/g)].map(([, name]) => `.${name}`)
    expect(named).toHaveLength(4)
    expect(Object.keys(manifest.exports)).toEqual(expect.arrayContaining(named))
  })

  it('has at most 20 words in a sentence', () => {
    const prose = readme.replace(/```[\s\S]*?```|^\|.*$|<picture>.*$|^#.*$/gm, '\n\n')
    const sentences = prose
      .split(/[.?!](?=\s)|\n\n|\n- /)
      .map((sentence) => sentence.split(/\s+/).filter((word) => /\w/.test(word)))
    expect(sentences.filter((words) => words.length > 20).map((words) => words.join(' '))).toEqual([])
  })
})

const all = [readme, ...guides.map(read)].join()
it.each(Object.keys(library).filter((name) => /^[a-z]/.test(name)))('a page names the public function %s', (name) => {
  expect(all).toContain(name)
})

describe('the option tables', () => {
  it('say what the docstrings say: npm run docs:options', () => {
    expect(read('examples/reference/options.md')).toBe(withTables())
  })
})

describe('the table of clients and platforms', () => {
  const table =
    /\| client or platform \| what to set \| tested how \|\n\|---\|---\|---\|\n((?:\|.*\n)+)/.exec(
      read('examples/platforms/README.md'),
    )?.[1] ?? ''
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

  it('are all in the reference with their fix, and no others', () => {
    const table =
      /\| warning \| fix \|\n\|---\|---\|\n((?:\|.*\n)+)/.exec(read('examples/reference/errors.md'))?.[1] ?? ''
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

function cookieOf(response: Response): string {
  return (response.headers.get('set-cookie') ?? '').split(';')[0] as string
}
