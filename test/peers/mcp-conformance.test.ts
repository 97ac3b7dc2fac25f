// The public MCP conformance runner, with its scenarios for authorization servers, against examples/mcp/mcp-server.ts.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { createApp } from '../../examples/mcp/mcp-server'
import { listen, type RunningApp } from '../../examples/shared/start'
import { openBrowser } from '../interoperability/browser'
import { freePort } from '../support/free-port'

interface Check {
  id: string
  status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  errorMessage?: string
}

const runner = join(dirname(require.resolve('@modelcontextprotocol/conformance/package.json')), 'dist', 'index.js')
const results = mkdtempSync(join(tmpdir(), 'mcp-conformance-'))

let app: RunningApp
beforeAll(async () => {
  app = await listen(createApp)
})
afterAll(async () => {
  rmSync(results, { recursive: true })
  await app.close()
})

/** Runs every scenario for one revision of the specification. The user is a browser that goes where the runner says. */
async function run(revision: string): Promise<{ code: unknown; checks: Check[] }> {
  const callback = await freePort()
  const clientId = await register(`http://127.0.0.1:${callback}/callback`)
  const folder = join(results, revision)
  const options = {
    '--import': pathToFileURL(join(__dirname, 'glob-sync.mjs')).href,
    [runner]: 'authorization',
    '--url': app.issuer,
    '--client-id': clientId,
    '--resource': `${app.issuer}/mcp`,
    '--port': String(callback),
    '--spec-version': revision,
    '--output-dir': folder,
  }
  const running = spawn(process.execPath, Object.entries(options).flat(), {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
  })
  const exit = once(running, 'exit')
  for await (const line of createInterface({ input: running.stdout })) {
    if (line.startsWith(`${app.issuer}/oauth2/authorize?`)) await fetch(await openBrowser().authorize(line))
  }
  const [code] = await exit
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name, 'checks.json'), 'utf8')) as Check[]
  return { code, checks: readdirSync(folder).sort().flatMap(read) }
}

/** RFC 7591, as an MCP client does it. */
async function register(redirectUri: string): Promise<string> {
  const metadata = { client_name: 'Conformance', redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' }
  const answer = await fetch(`${app.issuer}/oauth2/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(metadata),
  })
  return ((await answer.json()) as { client_id: string }).client_id
}

const grant = { id: 'authorization-code-grant', status: 'SUCCESS' }
const metadata = { id: 'authorization-server-metadata', status: 'SUCCESS' }
const documents = { id: 'authorization-server-metadata-cimd', status: 'SUCCESS' }

it.each<[string, object[]]>([
  ['2025-03-26', [grant, metadata]],
  ['2025-06-18', [grant, metadata]],
  ['2025-11-25', [grant, metadata, documents]],
  ['2026-07-28', [grant, metadata, documents]],
])('passes for the revision %s', async (revision, expected) => {
  const { code, checks } = await run(revision)
  expect(checks).toMatchObject(expected)
  expect(checks).toHaveLength(expected.length)
  expect(code).toBe(0)
})
