// examples/nest/nest.ts as a person meets it: a process, and lines to paste.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'

let running: ChildProcess
let issuer: string
let lines: string[]
beforeAll(async () => {
  running = spawn(process.execPath, [join(__dirname, '..', '..', '.scripts', 'example.js'), 'nest'], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed] = await once(running.stdout as NodeJS.ReadableStream, 'data')
  const [listening = '', ...commands] = String(printed).trimEnd().split('\n')
  issuer = listening.replace('listening on ', '')
  lines = commands
}, 60_000)
afterAll(async () => {
  running.kill()
  await once(running, 'exit')
})

const ada = { id: '1', username: 'ada', name: 'Ada Lovelace' }
const run = async (line: string | undefined) => {
  const { stdout } = await promisify(execFile)('sh', ['-c', line as string])
  return JSON.parse(stdout)
}
const tokens = () => lines.map((line) => /Bearer ([^"]+)/.exec(line)?.[1] as string)
const notes = (method: string, token?: string) =>
  fetch(`${issuer}/api/notes`, { method, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })

it('prints lines that work as they are: the guard, and either of two kinds of token on one route', async () => {
  expect((await run(lines[0])).notesOf).toMatchObject(ada)
  expect(await run(lines[1])).toMatchObject({ by: ada, note: { text: 'OAuth' } })
  expect(await run(lines[2])).toMatchObject({ by: ada, note: { text: 'own' } })
})

it('refuses the wrong ones with the right status and challenge', async () => {
  const [read, write, own] = tokens()
  expect((await notes('GET')).headers.get('www-authenticate')).toBe('Bearer realm="api"')
  expect((await notes('GET', own)).status).toBe(401)
  expect((await notes('GET', write)).status).toBe(403)
  const refused = await notes('POST', read)
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
    403,
    expect.stringContaining('scope="write"'),
  ])
  expect((await notes('POST')).status).toBe(401)
})

it("has the endpoints beside the global prefix, and reads bodies before Nest's own parser", async () => {
  const metadata = (await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()) as Record<
    string,
    string
  >
  expect(metadata.token_endpoint).toBe(`${issuer}/oauth2/token`)
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'demo' })
  expect((await fetch(String(metadata.token_endpoint), { method: 'POST', body })).status).toBe(401)
  const page = await fetch(`${metadata.authorization_endpoint}?client_id=nobody`, { redirect: 'manual' })
  expect(page.status).toBe(400)
})
