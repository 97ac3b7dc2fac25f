// examples/production/production.ts as an operator meets it: processes, a proxy, probes, logs and the end.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { createLog, secretHeaders, secretParameters } from '../../examples/shared/logs'
import { generateSigningKey } from '../../src'
import { describePostgres, startPostgres, type TestPostgres } from '../storage/support/postgres'
import { freePort } from '../support/free-port'

const script = join(__dirname, '..', '..', '.scripts', 'example.js')
const issuer = 'https://auth.example.com'
const secrets = {
  SESSION_SECRET: 'of the sessions, in a test',
  SERVICE_SECRET: 'secret-of-the-service',
  OAUTH_KEYS: JSON.stringify({ current: generateSigningKey() }),
}

function start(env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [script, 'production'], {
    env: { ...process.env, ISSUER: issuer, WORKERS: '2', DRAIN_SECONDS: '0', ...secrets, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Whether a new connection is taken. */
async function isListening(port: number): Promise<boolean> {
  const probe = connect(port, '127.0.0.1')
  return once(probe, 'connect').then(
    () => Boolean(probe.destroy()),
    () => false,
  )
}

it.each(['DATABASE_URL', 'SESSION_SECRET', 'OAUTH_KEYS'])('does not start in production without %s', async (name) => {
  const app = start({ NODE_ENV: 'production', DATABASE_URL: 'postgres://127.0.0.1/x', [name]: '' })
  const [said] = await once(app.stderr as NodeJS.ReadableStream, 'data')
  expect(String(said)).toMatch(`Set ${name}.`)
  const [code] = app.exitCode === null ? await once(app, 'exit') : [app.exitCode]
  expect(code).toBe(1)
})

it('logs no secret, in whatever it is: headers, a query, a body, what an error has', () => {
  const written: string[] = []
  const log = createLog({ write: (line) => void written.push(line) })
  const secret = (name: string) => [name, `the ${name}`] as const
  const headers = Object.fromEntries(secretHeaders.map(secret))
  const body = Object.fromEntries(secretParameters.map(secret))
  log.info({ headers, body, req: { headers, query: body }, path: '/oauth2/token' }, 'request')
  log.info({ ...headers, ...body })
  log.error({ err: Object.assign(new Error('no'), { config: { headers } }), grant_type: 'password' })
  for (const value of [...Object.values(headers), ...Object.values(body)]) expect(written.join()).not.toContain(value)
  expect(written.join()).toContain('/oauth2/token')
  expect(written.join()).toContain('"grant_type":"password"')
})

it('logs none of the fields by which the pages of the library know their forms', () => {
  const src = join(__dirname, '..', '..', 'src')
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const named = files.flatMap(
    (name) => readFileSync(join(src, name), 'utf8').match(/(?<=')\w+_transaction(?=')/g) ?? [],
  )
  expect(named).toContain('consent_transaction')
  expect(secretParameters).toEqual(expect.arrayContaining(named))
})

describePostgres('npm run example -- production', () => {
  let postgres: TestPostgres
  let app: ChildProcess
  let port: number
  let commands: string[]
  const lines: string[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    postgres = await startPostgres()
    port = await freePort()
    app = start({ NODE_ENV: 'production', DATABASE_URL: postgres.connectionString, PORT: String(port) })
    app.stderr?.on('data', (chunk) => complaints.push(String(chunk)))
    const listening = new Promise<void>((resolve) => {
      createInterface({ input: app.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        lines.push(line)
        if (line.includes('/notes') && !line.startsWith('{')) resolve()
      })
    })
    await Promise.race([listening, once(app, 'exit')])
    commands = lines.filter((line) => line.startsWith('curl'))
    expect(complaints).toEqual([])
  })
  afterAll(async () => {
    if (app.exitCode === null) {
      app.kill()
      await once(app, 'exit')
    }
    await postgres.stop()
  })

  const run = async (line: string | undefined) =>
    (await promisify(execFile)('sh', ['-c', line as string], { env: { ...process.env, ...secrets } })).stdout.trimEnd()
  /** As the proxy passes a request on. */
  const proxied = (path: string, options: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      redirect: 'manual',
      ...options,
      headers: { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '192.0.2.1', ...options.headers },
    })

  it('prints lines that work as they are; a worker answers', async () => {
    const [ready, token, notes] = commands
    for (const secret of Object.values(secrets)) expect(lines.join()).not.toContain(secret)
    expect(await run(ready)).toBe('204')
    expect(JSON.parse(await run(token))).toMatchObject({ token_type: 'Bearer', scope: 'notes' })
    const { process: pid, client } = JSON.parse(await run(notes))
    expect(client).toBe('service')
    expect(pid).not.toBe(app.pid)
  })

  it('signs in over the proxy: a secure cookie, and a session that each worker knows', async () => {
    const signIn = (password: string) =>
      proxied('/login?return_to=/account/apps', {
        method: 'POST',
        body: new URLSearchParams({ username: 'ada', password }),
      })
    const answer = await signIn('analytical engine')
    expect(answer.status).toBe(303)
    const cookie = answer.headers.get('set-cookie') as string
    expect(cookie).toMatch(/^__Host-session=[^;]+; Path=\/;.* HttpOnly; Secure; SameSite=Lax$/)
    for (let times = 0; times < 4; times++) {
      const apps = await proxied('/account/apps', { headers: { cookie: cookie.split(';')[0] as string } })
      expect([apps.status, await apps.text()]).toEqual([200, expect.stringContaining('Ada Lovelace')])
      expect(apps.headers.get('strict-transport-security')).toMatch(/^max-age=/)
    }
    const statuses = []
    for (let times = 0; times < 10; times++) statuses.push((await signIn('difference engine')).status)
    expect(statuses).toEqual([...Array(9).fill(401), 429])
  })

  it('counts all addresses of one IPv6 network as one, and another network by itself', async () => {
    const signIn = async (from: string) => {
      const headers = { 'X-Forwarded-For': from }
      const body = new URLSearchParams({ username: 'ada', password: 'difference engine' })
      return (await proxied('/login', { method: 'POST', headers, body })).status
    }
    for (let host = 1; host <= 10; host++) expect(await signIn(`2001:db8::${host}:1`)).toBe(401)
    expect(await signIn('2001:0db8:0:0:ffff::1')).toBe(429)
    expect(await signIn('2001:db8:0:1::1')).toBe(401)
    expect(await signIn('::ffff:192.0.2.7')).toBe(401)
  })

  it('starts another worker where one ends', async () => {
    const { access_token } = JSON.parse(await run(commands[1]))
    // one request over one connection: the workers take turns
    const notes = `curl -sS -H 'Authorization: Bearer ${access_token}' http://127.0.0.1:${port}/notes`
    const { process: pid } = JSON.parse(await run(notes))
    process.kill(pid, 'SIGKILL')
    const others = new Set<number>()
    // until the one that was left and the new one have both answered
    while (others.size < 2) {
      const { process: other } = JSON.parse(await run(notes).catch(() => '{}'))
      if (other !== undefined && other !== pid) others.add(other)
    }
    expect(lines.some((line) => line.includes('a worker ended') && line.includes(String(pid)))).toBe(true)
  })

  it('finishes a request that it has begun when it is told to end', async () => {
    const body = 'grant_type=client_credentials'
    const socket = connect(port, '127.0.0.1')
    socket.write(
      `POST /oauth2/token HTTP/1.1\r\nHost: auth.example.com\r\nConnection: close\r\nContent-Length: ${body.length}\r\n` +
        `Authorization: Basic ${btoa(`service:${secrets.SERVICE_SECRET}`)}\r\n` +
        `Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n`,
    )
    const chunks: string[] = []
    socket.on('data', (chunk) => chunks.push(String(chunk)))
    await once(socket, 'data') // it has read the head
    expect(chunks.join()).toMatch(/^HTTP\/1\.1 100 /)
    const ended = once(app, 'exit')
    app.kill('SIGTERM')
    // until no new connection is taken
    while (await isListening(port));
    socket.write(body)
    await once(socket, 'close')
    expect(chunks.join('')).toMatch(/HTTP\/1\.1 200 OK[\s\S]*"access_token"/)
    expect((await ended)[0]).toBe(0)
  })

  it('has logged requests and events, and no secret', () => {
    const log = lines.filter((line) => line.startsWith('{')).join('\n')
    expect(log).toContain('"path":"/oauth2/token"')
    expect(log).toContain('"msg":"token.issued"')
    for (const secret of ['analytical', 'difference', secrets.SERVICE_SECRET, 'eyJ', 'session=', 'return_to']) {
      expect(log).not.toContain(secret)
    }
    expect(complaints).toEqual([])
  })
})
