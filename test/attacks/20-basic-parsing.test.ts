// ATTACKS.md row 20: the Authorization header at every endpoint that authenticates clients, over HTTP. The tables and
// properties of the parser itself are in test/clients/basic.test.ts.
import { createHost, encode, type Host, paths } from '../support/host'
import { exchange, type Listening, listen, request } from '../support/raw'

const noColon = 'a-secret-without-a-colon'
let host: Host
let listening: Listening
beforeAll(async () => {
  host = await createHost({ throttle: false })
  await host.register({
    clientId: 'spaced id',
    clientSecret: 'colon:and%41 plus+é',
    grantTypes: ['client_credentials'],
  })
  // what noColon becomes where it is split at its missing colon
  await host.register({ clientId: noColon.slice(0, -1), clientSecret: noColon, grantTypes: ['client_credentials'] })
  listening = await listen(host.app)
})
afterAll(() => listening.close())

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const endpoints: [string, string, Record<string, string>][] = [
  ['token', paths.token, { grant_type: 'client_credentials' }],
  ['revocation', paths.revoke, { token: 'x' }],
  ['introspection', paths.introspect, { token: 'x' }],
]
const send = (path: string, parameters: Record<string, string>, ...authorizations: string[]) => {
  const headers = authorizations.map((value) => `Authorization: ${value}`)
  const type = 'Content-Type: application/x-www-form-urlencoded'
  return exchange(listening.port, request('POST', path, [...headers, type], encode(parameters)))
}

describe.each(endpoints)('Basic at the %s endpoint', (_, path, parameters) => {
  it.each([
    ['as it is', () => basic(`web:${host.web.clientSecret}`)],
    ['form-encoded (RFC 6749 §2.3.1)', () => basic('spaced+id:colon%3Aand%2541+plus%2B%C3%A9')],
    ['percent-encoded', () => basic('spaced%20id:colon%3Aand%2541%20plus%2B%C3%A9')],
    ['as it is, with a colon in the secret', () => basic('spaced id:colon:and%41 plus+é')],
    ['with the scheme in capitals', () => basic(`web:${host.web.clientSecret}`).replace('Basic', 'BASIC')],
    ['with spaces around', () => `  ${basic(`web:${host.web.clientSecret}`).replace(' ', '  ')}  `],
  ])('is taken %s', async (_name, header) => {
    expect((await send(path, parameters, header()))?.status).toBe(200)
  })

  it.each([
    ['empty', 'Basic'],
    ['a space', 'Basic '],
    ['no base64', 'Basic web:secret'],
    ['no colon', basic('web')],
    ['no colon, of which the beginning is an id and the whole a secret', basic(noColon)],
    ['a colon alone', basic(':')],
    ['a wrong secret', basic('web:guess')],
    ['a broken encoding', basic('%zz:%zz')],
    ['no UTF-8', `Basic ${Buffer.from([0x77, 0x3a, 0xff]).toString('base64')}`],
    ['NUL', basic('web\0:x')],
    ['a line break in base64', basic('web:x\r\nX-Evil: 1')],
  ])('is 401 with a challenge for %s', async (_name, header) => {
    const answer = await send(path, parameters, header)
    expect([answer?.status, JSON.parse(answer?.body ?? '').error]).toEqual([401, 'invalid_client'])
    expect(answer?.headers).toMatch(/^WWW-Authenticate: Basic realm="[^"]+"(, charset="UTF-8")?\r?$/m)
    expect(answer?.headers).not.toMatch(/^X-Evil/m)
  })

  it('is 400 beside a secret in the body, and beside another client_id', async () => {
    const right = basic(`web:${host.web.clientSecret}`)
    for (const more of [
      { client_secret: host.web.clientSecret as string },
      { client_secret: 'x' },
      { client_id: 'native' },
    ]) {
      expect((await send(path, { ...parameters, ...more }, right))?.status).toBe(400)
    }
    expect((await send(path, { ...parameters, client_id: 'web', client_secret: '' }, right))?.status).toBe(200)
  })

  it('is 400 twice, whichever is right', async () => {
    const right = basic(`web:${host.web.clientSecret}`)
    for (const pair of [
      [right, right],
      [right, basic('native:')],
      ['Bearer x', right],
    ]) {
      expect((await send(path, parameters, ...pair))?.status).toBe(400)
    }
  })

  it('does not take a secret from the URL', async () => {
    const query = encode({ client_id: 'web', client_secret: host.web.clientSecret })
    expect((await send(`${path}?${query}`, parameters))?.status).toBe(401)
  })
})
