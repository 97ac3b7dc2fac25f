// examples/protect-an-api/two-services.ts as a person meets it: two processes, and lines to paste.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decode, sign } from 'jsonwebtoken'
import { createApi } from '../../examples/protect-an-api/two-services'
import { listen } from '../../examples/shared/start'
import { generateSigningKey } from '../../src'

let running: ChildProcess
let lines: string[]
beforeAll(async () => {
  running = spawn(process.execPath, [join(__dirname, '..', '..', '.scripts', 'example.js'), 'two-services'], {
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
const resourceUrl = () => /http:\/\/127\.0\.0\.1:\d+/.exec(lines[1] as string)?.[0] as string
const notes = (token?: string) =>
  fetch(`${resourceUrl()}/notes`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })

describe('npm run example -- two-services', () => {
  it('prints lines that work as they are; the API answers from another process', async () => {
    const [listening, ...commands] = lines
    expect(listening).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+$/)
    expect(commands).toHaveLength(3)
    expect(await run(commands[0])).toMatchObject({ resource: resourceUrl(), scopes_supported: ['read'] })
    expect(await run(commands[1])).toMatchObject({ token_type: 'Bearer', expires_in: 600 })
    const answer = await run(commands[2])
    expect(answer).toEqual({ process: expect.any(Number), clientId: 'service', scope: ['read'] })
    expect(answer.process).not.toBe(running.pid)
  }, 30_000)

  it('leads a client that knows only the URL of the API to the keys of its tokens', async () => {
    const refused = await notes()
    expect(refused.status).toBe(401)
    const challenge = refused.headers.get('www-authenticate') ?? ''
    const [, place] = /resource_metadata="([^"]+)"/.exec(challenge) ?? []
    const { authorization_servers } = (await (await fetch(place as string)).json()) as {
      authorization_servers: string[]
    }
    const found = await fetch(`${authorization_servers[0]}/.well-known/oauth-authorization-server`)
    const { issuer, jwks_uri } = (await found.json()) as Record<string, string>
    expect(issuer).toBe(authorization_servers[0])
    expect(await (await fetch(jwks_uri as string)).json()).toMatchObject({ keys: [{ kty: 'EC', alg: 'ES256' }] })
  })

  it('lets in neither a token of another key, nor one that says more than was signed', async () => {
    const { access_token } = (await run(lines[2])) as { access_token: string }
    expect((await notes(access_token)).status).toBe(200)
    const { header, payload } = decode(access_token, { complete: true, json: true }) as {
      header: { alg: 'ES256'; kid: string }
      payload: object
    }
    const stranger = createPrivateKey({ key: generateSigningKey(), format: 'jwk' })
    expect((await notes(sign(payload, stranger, { algorithm: 'ES256', header }))).status).toBe(401)
    const [head, , signature] = access_token.split('.')
    const more = Buffer.from(JSON.stringify({ ...payload, scope: 'read write' })).toString('base64url')
    expect((await notes(`${head}.${more}.${signature}`)).status).toBe(401)
  })
})

it('gives tokens that no third service takes, however well it knows the server (RFC 9068 §4)', async () => {
  const { access_token } = (await run(lines[2])) as { access_token: string }
  const issuer = (lines[0] as string).replace('listening on ', '')
  const other = await listen(() => createApi(issuer, 'https://other.example'))
  const { status } = await fetch(`${other.issuer}/notes`, { headers: { authorization: `Bearer ${access_token}` } })
  expect(status).toBe(401)
  await other.close()
})
