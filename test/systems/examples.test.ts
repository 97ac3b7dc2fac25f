/** The five examples as a person meets them: the command that starts one, its curl lines, and the code that they show. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import manifest from '../../package.json'

const root = join(__dirname, '..', '..')
const examples = ['das', 'community-translator', 'breakout', 'qorus', 'team-server']
const source = (name: string) => readFileSync(join(root, 'examples/old-apis', `${name}.ts`), 'utf8')

/** Starts it as `npm run example -- name` does, and resolves with what it prints. */
async function run(name: string): Promise<{ running: ChildProcess; lines: string[] }> {
  const running = spawn(process.execPath, [join(root, '.scripts', 'example.js'), name], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const printed = await new Promise((resolve, reject) => {
    running.stdout?.once('data', resolve)
    running.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)))
  })
  return { running, lines: String(printed).trimEnd().split('\n') }
}

const shell = (command: string) => promisify(execFile)('sh', ['-c', command])

it('is started by the command that the documentation names', () => {
  expect(manifest.scripts.example).toBe('node .scripts/example.js')
})

describe.each(examples)('npm run example -- %s', (name) => {
  it('listens on loopback, and prints curl lines that work as they are', async () => {
    const { running, lines } = await run(name)
    try {
      const [listening, ...commands] = lines
      expect(listening).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+$/)
      expect(commands.length).toBeGreaterThanOrEqual(2)
      for (const command of commands) {
        expect(command).toMatch(/^curl /)
        const { stdout } = await shell(command)
        const [head, body] = stdout.startsWith('HTTP/') ? stdout.split('\r\n\r\n') : ['HTTP/1.1 200 OK', stdout]
        expect(head).toMatch(/^HTTP\/1\.1 200 OK/)
        expect(JSON.parse(body as string)).not.toHaveProperty('error')
      }
    } finally {
      running.kill()
      await once(running, 'exit')
    }
  }, 60_000)

  it('stands on the public API alone, says what is unsafe first, and is short', () => {
    const text = source(name)
    const imports = [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from as string)
    for (const from of imports) expect(from).toMatch(/^(express|express-authorization-server|\.\.\/shared\/[a-z-]+)$/)
    expect(text).toMatch(/^\/\*\*\n[^/]*unsafe today/)
    const code = text
      .replace(/^\/\*\*[\s\S]*?\*\/\n/, '')
      .split('\n')
      .filter(Boolean)
    expect(code.length).toBeLessThanOrEqual(80)
  })
})
