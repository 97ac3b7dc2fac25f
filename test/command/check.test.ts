// `check URL`, as a process of its own, against servers with one weakness each: it finds that one, and nothing else.

import { listen, type RunningApp } from '../../examples/shared/start'
import { createApp } from '../../examples/your-app/quickstart'
import { findings } from '../../src/command/check/finding'
import { type FindingId, kinds } from '../../src/command/check/kinds'
import { lookAtResponse } from '../../src/command/check/responses'
import { authority, certificate } from '../support/certificates'
import { freePort } from '../support/free-port'
import { buildCommand } from './support/command'
import { clientId, createWeak, redirectUri, type Weakness, weaknesses } from './support/weak'

const command = buildCommand()
const running: RunningApp[] = []
afterEach(() => Promise.all(running.splice(0).map(({ close }) => close())))
afterAll(() => command.remove())

async function serve(weakness: Partial<Weakness> = {}): Promise<string> {
  const app = await listen((issuer) => createWeak(issuer, weakness), 0, weakness.tls)
  running.push(app)
  return app.issuer
}

const asClient = ['--client-id', clientId, '--redirect-uri', redirectUri]

async function check(issuer: string, more: readonly string[] = asClient, env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await command(['check', issuer, '--json', ...more], { env })
  const found = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { id: FindingId; level: string })
  return { code, stderr, ids: found.map(({ id }) => id).sort() }
}

/** What is so of every server of these tests. */
const isOfLoopback: FindingId[] = ['loopback']

describe('a server with nothing to find', () => {
  it('has no finding but that it is on loopback, with exit code 0', async () => {
    expect(await check(await serve())).toMatchObject({ code: 0, ids: isOfLoopback })
  })

  it('and so has the quickstart', async () => {
    const app = await listen(createApp)
    running.push(app)
    const more = ['--client-id', 'demo', '--redirect-uri', `${app.issuer}/`]
    expect(await check(app.issuer, more)).toMatchObject({ code: 0, ids: isOfLoopback })
    expect(await check(app.issuer, [])).toMatchObject({ code: 0, ids: ['loopback', 'without_client'] })
  })
})

it.each(Object.entries(weaknesses))('finds %s', async (_name, weakness) => {
  const { code, ids } = await check(await serve(weakness))
  expect(ids).toEqual([...weakness.finds, ...isOfLoopback].sort())
  expect(code).toBe(3)
})

it('has at least twenty weak servers, and a server for each problem', () => {
  const tried = new Set(Object.values(weaknesses).flatMap(({ finds }) => finds))
  expect(Object.keys(weaknesses).length).toBeGreaterThanOrEqual(20)
  const elsewhere: FindingId[] = ['tls_untrusted', 'tls_old', 'hsts']
  const untried = (Object.keys(kinds) as FindingId[]).filter(
    (id) => kinds[id].level !== 'note' && !tried.has(id) && !elsewhere.includes(id),
  )
  expect(untried).toEqual([])
})

describe('over TLS', () => {
  const ca = authority()
  const { key, cert } = certificate({ subject: '/CN=127.0.0.1', names: 'IP:127.0.0.1', by: ca })

  it('finds a certificate that nobody trusts, and looks at the rest', async () => {
    const issuer = await serve({ tls: { key, cert } })
    expect(await check(issuer)).toMatchObject({ code: 3, ids: ['tls_untrusted'] })
  })

  it('finds TLS 1.1, and a cookie without Secure', async () => {
    const before = weaknesses['a cookie without HttpOnly and SameSite']?.before
    const tls = { key, cert, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    const issuer = await serve({ tls, ...(before && { before }) })
    const { ids } = await check(issuer)
    expect(ids).toEqual(['cookie_flags', 'tls_old', 'tls_untrusted'])
  })

  it('finds that HSTS is missing, where a name is served', () => {
    const seen = { url: 'https://auth.example.com/x', method: 'GET', status: 200, body: '' }
    const ids = (headers: Record<string, string>) => {
      const found = findings()
      lookAtResponse(found, { ...seen, headers })
      return found.all().map(({ id }) => id)
    }
    expect(ids({})).toEqual(['hsts'])
    expect(ids({ 'strict-transport-security': 'max-age=31536000' })).toEqual([])
  })
})

describe('what it says', () => {
  it('is the problem, where it was seen, the fix and the section', async () => {
    const issuer = await serve(weaknesses['public clients without PKCE'])
    const { stdout, stderr } = await command(['check', issuer, ...asClient])
    expect(stdout).toContain('A request without PKCE is not refused. [pkce_not_required]')
    expect(stdout).toContain(`seen: GET ${issuer}/oauth2/authorize (303)`)
    expect(stdout).toContain('RFC 9700 §2.1.1')
    expect(stderr).toMatch(/^1 problems, 0 advice, 1 notes, by \d\d requests\.\n$/)
  })

  it('names a section for everything, in sentences', () => {
    for (const { says, fix, section } of Object.values(kinds)) {
      expect(says).toMatch(/^[A-Z].*\.$/)
      expect(fix).toMatch(/^[A-Z].*\.$/)
      expect(section).toMatch(/^(RFC \d+|Fetch|CWE-\d+)/)
    }
  })

  it('tells that the client was refused, where its redirect URI is another', async () => {
    const other = ['--client-id', clientId, '--redirect-uri', 'https://other.example/']
    expect(await check(await serve(), other)).toMatchObject({ code: 0, ids: ['client_refused', 'loopback'] })
  })
})

describe('an argument that is wrong', () => {
  it.each([
    ['not a URL', ['auth.example.com']],
    ['a query', ['https://auth.example.com/?x=1']],
    ['a password in the URL', ['https://user:secret@auth.example.com']],
    ['another scheme', ['file:///etc/passwd']],
    ['nothing', []],
    ['a client without its redirect URI', ['http://127.0.0.1:1', '--client-id', 'x']],
  ])('%s: exit code 2 and one sentence', async (_name, args) => {
    const { code, stdout, stderr } = await command(['check', ...args])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).not.toContain('secret')
  })

  it('a server that is not there: exit code 1 and one sentence', async () => {
    const port = await freePort()
    const { code, stderr } = await command(['check', `http://127.0.0.1:${port}`])
    expect([code, stderr]).toEqual([
      1,
      `express-authorization-server: http://127.0.0.1:${port} cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}\n`,
    ])
  })
})
