/** What the tests of the five systems share: an example that runs, a clock to move, and requests as they are documented. */
import { once } from 'node:events'
import { connect } from 'node:net'
import request from 'supertest'
import { listen, type RunningApp } from '../../examples/shared/start'
import * as oauth from '../../src/index'

type CreateApp = (
  issuer: string,
  options: Partial<oauth.AuthorizationServerOptions>,
) => ReturnType<Parameters<typeof listen>[0]>

export interface Example {
  issuer: string
  /** The server's clock, and how to move it. */
  clock: { now: number; advance(seconds: number): void }
  /** The same clients and tokens, for what a host does from its own code. */
  server: oauth.AuthorizationServer
  http: request.Agent
}

/** Runs the example for the tests of a file. */
export function useExample(createApp: CreateApp, scopes: string[]): Example {
  const clock = {
    now: 1_800_000_000,
    advance(seconds: number) {
      clock.now += seconds
    },
  }
  const example = { clock } as Example
  // every password and chosen secret is a bcrypt hash to compare, and other tests run at the same time
  jest.setTimeout(60_000)
  let running: RunningApp
  beforeAll(async () => {
    const options = { storage: oauth.memoryStorage(), now: () => clock.now }
    running = await listen((issuer) => createApp(issuer, options))
    const { issuer } = running
    const server = oauth.createAuthorizationServer({ ...options, issuer, scopes })
    Object.assign(example, { issuer, server, http: request(issuer) })
  })
  afterAll(() => running.close())
  return example
}

/**
 * Sends a request as it is documented, byte for byte, and reads the answer. Documents leave out the Content-Length, which
 * a body must have; nothing else is added.
 */
export async function play({ issuer }: Pick<Example, 'issuer'>, text: string) {
  const [head = '', ...rest] = text.split('\n\n')
  const body = rest.join('\n\n')
  const lines = head.split('\n')
  if (body !== '' && !/^content-length:/im.test(head)) lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  const { hostname, port } = new URL(issuer)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk
    if (isComplete(answer)) socket.end()
  })
  socket.write([...lines, '', body].join('\r\n'))
  await once(socket, 'close')
  const [answerHead = '', answerBody = ''] = answer.split('\r\n\r\n', 2)
  const [statusLine = '', ...headerLines] = answerHead.split('\r\n')
  const headers = headerLines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: JSON.parse(answerBody || 'null'),
  }
}

function isComplete(answer: string): boolean {
  const [head = '', body] = answer.split('\r\n\r\n', 2)
  const length = /^content-length: *(\d+)/im.exec(head)?.[1]
  return body !== undefined && length !== undefined && Buffer.byteLength(body) >= Number(length)
}

export const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

/** What every token response has, and no cache may keep (RFC 6749 §5.1). */
export function expectTokenHeaders({ status, headers }: { status: number; headers: Record<string, string> }): void {
  expect(status).toBe(200)
  expect(headers['content-type']).toBe('application/json')
  expect(headers['cache-control']).toBe('no-store')
  expect(headers.pragma).toBe('no-cache')
}

/** A refusal at the token endpoint: RFC 6749 §5.2. */
export function expectRefusal(answer: { status: number; body: unknown }, status: number, error: string): void {
  expect({ status: answer.status, body: answer.body }).toEqual({
    status,
    body: expect.objectContaining({ error, error_description: expect.any(String) }),
  })
}

/** A refusal of the guard: RFC 6750 §3. */
export function expectDeadToken(answer: { status: number; headers: Record<string, string> }): void {
  expect(answer.status).toBe(401)
  expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="[^"]+", error="invalid_token"/)
}

/** A browser with cookies and without scripts: signs in, reads pages, presses buttons, follows no redirect by itself. */
export function browser({ issuer, clock }: Example) {
  const agent = request.agent(issuer)
  const path = (location: string) => location.replace(issuer, '')
  return {
    get: (url: string) => agent.get(path(url)).set('Accept', 'text/html').redirects(0),
    /** Submits the form of a page, which has no action, to the URL of the page. */
    submit(url: string, page: string, fields: Record<string, string>) {
      const hidden = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)]
      const all = { ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])), ...fields }
      return agent.post(path(url)).type('form').set('Origin', issuer).redirects(0).send(all)
    },
    /** Opens an authorization request, signs in on the way, and answers the page that asks. */
    async answer(url: string, [username, password]: [string, string], consent: 'allow' | 'deny'): Promise<URL> {
      const toSignIn = await this.get(url)
      expect(toSignIn.status).toBe(303)
      const login = toSignIn.headers.location as string
      const signedIn = await this.submit(login, '', { username, password })
      expect(signedIn.status).toBe(303)
      const asked = signedIn.headers.location as string
      const page = await this.get(asked)
      expect(page.status).toBe(200)
      clock.advance(0.5)
      const answered = await this.submit(asked, page.text, { consent })
      expect(answered.status).toBe(303)
      return new URL(answered.headers.location as string)
    },
  }
}
