// A client metadata document is on a server of the attacker's, which may answer anything or nothing: no answer of it may
// keep a place among the fetches, or a hundred such clients would shut out all others for ever.
import { type AddressInfo, createServer, type Server } from 'node:net'
import { createDocumentHost } from '../support/documents'
import { createHost, type Host } from '../support/host'

const redirectUri = 'https://notes.example/cb'
const answers = {
  'that wants another protocol': 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nxxxx',
  'that wants another protocol and says 200': 'HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nxxxx',
  'that is no HTTP': 'hello\r\n\r\n',
  'that ends too early': 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
  'that is a redirect without end': 'HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 99\r\n\r\n',
} as const

let host: Host
let evil: Server
let answer: string
beforeEach(async () => {
  host = await createHost({ clientIdMetadataDocuments: { scopes: ['read'], dangerouslyAllowLoopback: true } })
  evil = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => void (answer.endsWith('{') ? socket.end(answer) : socket.write(answer)))
  })
  await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve))
})
afterEach(() => void evil.close())

describe('an answer', () => {
  it.each(Object.entries(answers))('%s is a failure at once, and its place is free again', async (_, text) => {
    answer = text
    const origin = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`
    // more than are fetched from one host at once
    for (let i = 0; i < 7; i++) {
      const refused = await host.exchange({ clientId: `${origin}/${i}`, redirectUri }, 'x').timeout(3000)
      expect([refused.status, refused.body.error_description]).toEqual([
        400,
        'The client metadata document could not be fetched.',
      ])
    }
    const documents = await createDocumentHost()
    const clientId = documents.at('/client.json', { redirect_uris: [redirectUri] })
    expect(await host.code({ clientId, redirectUri })).toEqual(expect.any(String))
    await documents.close()
  })
})
