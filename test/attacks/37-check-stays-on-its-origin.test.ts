// ATTACKS.md row 37 on the command line: a server that is looked at sends the operator's machine nowhere else, and gets no credential.
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildCommand } from '../command/support/command'

const command = buildCommand()
afterAll(() => command.remove())

async function record(answer: RequestListener) {
  const requests: IncomingMessage[] = []
  const server = createServer((req, res) => {
    requests.push(req)
    answer(req, res)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { requests, origin, close: () => new Promise((done) => server.close(done)) }
}

it.each(['endpoints', 'redirects'])('%s on another origin are told, and never asked', async (how) => {
  const inner = await record((_req, res) => res.end('{}'))
  const hostile = await record((req, res) => {
    const at = how === 'endpoints' ? inner.origin : hostile.origin
    if (!req.url?.startsWith('/.well-known/o')) {
      return void res.writeHead(307, { location: `${inner.origin}/admin?delete=all` }).end()
    }
    const names = ['authorization', 'token', 'introspection', 'revocation', 'registration']
    const endpoints = names.map((name) => [`${name}_endpoint`, `${at}/${name}`])
    const metadata = {
      issuer: hostile.origin,
      response_types_supported: ['code'],
      jwks_uri: `${at}/jwks`,
      ...Object.fromEntries(endpoints),
    }
    res.setHeader('content-type', 'application/json').end(JSON.stringify(metadata))
  })
  const args = ['check', hostile.origin, '--client-id', 'app', '--redirect-uri', 'https://app.example/', '--json']
  const { code, stdout } = await command(args, { env: { DATABASE_URL: 'postgres://ada:hidden-password@127.0.0.1/x' } })
  expect(code).toBe(3)
  if (how === 'endpoints') expect(stdout).toContain('"endpoint_elsewhere"')
  expect(inner.requests).toEqual([])
  expect(hostile.requests.length).toBeGreaterThan(0)
  expect(hostile.requests.length).toBeLessThan(48)
  for (const { headers } of hostile.requests) {
    expect(headers.authorization).toBeUndefined()
    expect(headers.cookie).toBeUndefined()
  }
  await Promise.all([inner.close(), hostile.close()])
})
