// A client id that is a URL makes the server fetch it: nobody may use that to reach what only the server can reach (SSRF).
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'
import { hostname } from 'node:os'
import { isPublicAddress } from '../../src/fetch/public-address'
import { fetchDocument } from '../../src/fetch/untrusted'
import { bearerGuard } from '../../src/index'
import type { ClientDocuments } from '../../src/types/client-metadata'
import { createDocumentHost, type DocumentHost } from '../support/documents'
import { createHost, type Host, paths } from '../support/host'
import { createNameServer, type NameServer } from '../support/name-server'

let host: Host
let inside: DocumentHost
let names: NameServer | undefined
beforeEach(async () => {
  host = await createHost({ clientIdMetadataDocuments: { scopes: ['read'] } })
  inside = await createDocumentHost()
})
afterEach(async () => {
  names?.close()
  names = undefined
  await inside.close()
})
const redirectUri = 'https://notes.example/cb'
const port = () => new URL(inside.origin).port
const reasons = () => host.events.flatMap((event) => (event.type === 'client.document_refused' ? [event.reason] : []))
/** Every place that takes a client id. */
const tries = (clientId: string) => [
  host.authorize({ clientId, redirectUri }).set('Accept', 'application/json'),
  host.exchange({ clientId, redirectUri }, 'x'),
  host.revoke({ clientId, redirectUri }, 'x'),
  host.introspect({ clientId, redirectUri }, 'x'),
]

/** app.example is at these addresses: its name server is the attacker's. */
async function resolveTo(...answers: string[][]): Promise<() => number> {
  names?.close()
  // a question for each of the two kinds of addresses
  const asked = () => (names?.asked.length ?? 0) / 2
  names = await createNameServer(() => answers[Math.min(Math.ceil(asked()), answers.length) - 1] ?? [])
  return asked
}

describe('addresses that are not public are not connected to, and the answers are all the same', () => {
  it.each([
    'https://127.0.0.1:PORT/client.json',
    'https://[::1]:PORT/client.json',
    'https://[::ffff:7f00:1]:PORT/client.json',
    'https://localhost:PORT/client.json',
    'https://0.0.0.0:PORT/client.json',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/admin',
    'https://[fd00:ec2::254]/latest/meta-data/',
    'https://[64:ff9b::7f00:1]:PORT/client.json',
    'https://[2002:7f00:1::]:PORT/client.json',
  ])('%s', async (template) => {
    for (const attempt of tries(template.replace('PORT', port()))) {
      const answer = await attempt
      expect([answer.status, answer.body]).toEqual([
        400,
        {
          error: 'temporarily_unavailable',
          error_description: 'The client metadata document could not be fetched.',
        },
      ])
      expect(answer.headers).not.toHaveProperty('location')
    }
    expect(reasons()[0]).toMatch(/not (a )?public/)
    expect(inside.connections()).toBe(0)
  })

  it('the name of this machine', async () => {
    await host.exchange({ clientId: `https://${hostname().toLowerCase()}:${port()}/client.json`, redirectUri }, 'x')
    expect(inside.connections()).toBe(0)
  })

  it('a name that resolves to one, among public ones', async () => {
    for (const addresses of [['127.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['8.8.8.8', '::1'], ['::ffff:127.0.0.1'], []]) {
      await resolveTo(addresses)
      host.clock.advance(10)
      const answer = await host.exchange({ clientId: `https://app.example:${port()}/client.json`, redirectUri }, 'x')
      expect([answer.status, answer.body.error]).toEqual([400, 'temporarily_unavailable'])
    }
    expect(reasons()).toHaveLength(5)
    expect(inside.connections()).toBe(0)
  })

  it('a name that cannot be resolved', async () => {
    await resolveTo([])
    const answer = await host.exchange({ clientId: 'https://app.example/client.json', redirectUri }, 'x')
    expect([answer.status, answer.body.error]).toEqual([400, 'temporarily_unavailable'])
    expect(reasons()).toEqual([expect.stringContaining('ENOTFOUND')])
  })

  it('names of this machine and of loopback, which no name server is asked about (RFC 6761 §6.3)', async () => {
    await resolveTo(['8.8.8.8'])
    for (const name of ['localhost', 'localhost.', 'app.localhost']) {
      await host.exchange({ clientId: `https://${name}:${port()}/client.json`, redirectUri }, 'x')
    }
    expect(reasons()).toEqual(Array(3).fill(expect.stringContaining('is at 127.0.0.1, which is not public')))
    expect([names?.asked, inside.connections()]).toEqual([[], 0])
  })

  it('a hundred at once that nobody answers for, and not one more', async () => {
    names = await createNameServer(() => undefined)
    const documents = host.server.clientDocuments as ClientDocuments
    const find = async (url: string) => documents.find(url)
    const answers = Promise.allSettled(
      Array.from({ length: 100 }, (_, i) => find(`https://host${i % 20}.example/${i}`)),
    )
    await expect(find('https://last.example/client')).rejects.toThrow('Too many')
    expect((await answers).map(({ status }) => status)).toEqual(Array(100).fill('rejected'))
    expect(await names.pending()).toBe(0)
  })

  it('http, other spellings of an address, and credentials are no client ids at all', async () => {
    for (const id of [
      `http://127.0.0.1:${port()}/client.json`,
      `https://2130706433:${port()}/client.json`,
      `https://0x7f.1:${port()}/client.json`,
      `https://app.example@127.0.0.1:${port()}/client.json`,
      `https://127.0.0.1:${port()}\\@app.example/client.json`,
      `file:///etc/passwd`,
      `gopher://127.0.0.1:${port()}/_x`,
    ]) {
      for (const attempt of tries(id)) expect([400, 401]).toContain((await attempt).status)
    }
    expect(reasons()).toEqual([])
    expect(inside.connections()).toBe(0)
  })
})

describe('a name that means another address the next time (DNS rebinding)', () => {
  /** 127.0.0.1 plays the Internet, 127.0.0.2 what is inside. */
  const onInternet = (address: string) => address === '127.0.0.1'

  it('is resolved once for each connection, and connected to only where it was looked at', async () => {
    inside.at('/client.json', {})
    const secret: Server = createServer((socket) => socket.end())
    let reached = 0
    secret.on('connection', () => reached++)
    await new Promise<void>((resolve) => secret.listen(Number(port()), '127.0.0.2', resolve))
    expect((secret.address() as AddressInfo).address).toBe('127.0.0.2')
    const asked = await resolveTo(['127.0.0.1'], ['127.0.0.2'])
    const url = `http://app.example:${port()}/client.json`
    await expect(fetchDocument(url, onInternet)).resolves.toMatchObject({ members: expect.any(Object) })
    expect(asked()).toBe(1)
    // a connection that was kept would not be asked about again
    await expect(fetchDocument(url, onInternet)).rejects.toThrow('127.0.0.2')
    expect([asked(), reached, inside.connections()]).toEqual([2, 0, 1])
    secret.close()
  })
})

it('a redirect to the inside is not followed', async () => {
  const outside = await createDocumentHost()
  outside.at('/client.json', (_req, res) => void res.writeHead(307, { Location: `${inside.origin}/admin` }).end())
  await expect(fetchDocument(`${outside.origin}/client.json`, () => true)).rejects.toThrow('307')
  expect([outside.connections(), inside.connections()]).toEqual([1, 0])
  await outside.close()
})

it('nothing that was sent to us is sent on: no cookies, no authorization, no body', async () => {
  const seen: object[] = []
  const url = inside.at('/client.json', (req, res) => {
    seen.push({ method: req.method, ...req.headers })
    res.writeHead(404).end()
  })
  host = await createHost({ clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true } })
  await host
    .http()
    .post(paths.token)
    .type('form')
    .set({ Cookie: 'session=1', 'X-Forwarded-For': '192.0.2.1' })
    .send({ client_id: url, grant_type: 'authorization_code', code: 'secret-code' })
  expect(seen).toEqual([
    {
      method: 'GET',
      host: new URL(url).host,
      accept: 'application/json',
      'accept-encoding': 'identity',
      connection: 'close',
    },
  ])
})

it('dangerouslyAllowLoopback allows loopback, and no other inside', async () => {
  host = await createHost({ clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true } })
  const addresses = ['10.0.0.1', '169.254.169.254', '192.168.0.1']
  for (const address of addresses) {
    await host.exchange({ clientId: `https://${address}/client.json`, redirectUri }, 'x')
  }
  expect(reasons()).toEqual(addresses.map((address) => `${address} is not a public address`))
  expect(isPublicAddress('127.0.0.1')).toBe(false)
})

it('app authorization (?client_id=) is for registered clients: it fetches nothing', async () => {
  host = await createHost({
    clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true },
    mount: (app, server) =>
      void app.get('/app', bearerGuard(server, { clientIdQuery: true }), (_req, res) => void res.end('in')),
  })
  const url = inside.at('/client.json', { redirect_uris: [redirectUri] })
  expect((await host.http().get(`/app?client_id=${encodeURIComponent(url)}`)).status).toBe(401)
  expect(inside.connections()).toBe(0)
})
