// Beyond ATTACKS.md: bodies that come slowly, never, or only half, and clients that leave.
import { createHost, encode, type Host, paths } from '../support/host'
import { exchange, type Listening, listen, open, request } from '../support/raw'
import { gate } from '../support/storage'

let host: Host
let listening: Listening
const rejections: unknown[] = []
const onRejection = (reason: unknown) => void rejections.push(reason)
beforeAll(async () => {
  host = await createHost({ throttle: false })
  listening = await listen(host.app)
  process.on('unhandledRejection', onRejection)
})
afterAll(() => void process.off('unhandledRejection', onRejection))

const type = 'Content-Type: application/x-www-form-urlencoded'
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const right = () => encode({ grant_type: 'client_credentials', client_id: 'web', client_secret: host.web.clientSecret })
const serves = async () => {
  const answer = await exchange(listening.port, request('POST', paths.token, [type], right()))
  expect(answer?.status).toBe(200)
}
afterEach(async () => {
  await serves()
  expect(rejections).toEqual([])
})
const head = (length: number) =>
  `POST ${paths.token} HTTP/1.1\r\nHost: a\r\n${type}\r\nContent-Length: ${length}\r\n\r\n`

it('a hundred bodies that never end keep nobody else waiting', async () => {
  const sockets = Array.from({ length: 100 }, () => open(listening.port, `${head(5000)}grant_type=`))
  await pause(50)
  await serves()
  for (const socket of sockets) socket.destroy()
  await pause(50)
})

it('a body that comes byte by byte is read', async () => {
  const body = right()
  const socket = open(listening.port, head(body.length))
  let answer = ''
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text
  })
  for (const byte of body) {
    socket.write(byte)
    await pause(0)
  }
  await pause(100)
  expect(answer).toMatch(/^HTTP\/1\.1 200/)
  socket.destroy()
})

it('a client that leaves in the middle of its body gets nothing done', async () => {
  const before = host.events.length
  for (let n = 0; n < 20; n++) {
    const body = right()
    const socket = open(listening.port, `${head(body.length)}${body.slice(0, -1)}`)
    await pause(5)
    socket.destroy()
  }
  await pause(50)
  expect(host.events.slice(before).map(({ type }) => type)).toEqual([])
})

it('a client that leaves while storage works ends nothing', async () => {
  const slow = gate()
  const body = right()
  host.storage.replace('clients.find', async (call) => {
    await slow.opened
    return call()
  })
  const sockets = Array.from({ length: 5 }, () => open(listening.port, `${head(body.length)}${body}`))
  await pause(50)
  for (const socket of sockets) socket.destroy()
  await pause(20)
  slow.open()
  await pause(50)
  host.storage.restore()
})

it.each([
  ['a length that is no number', `POST ${paths.token} HTTP/1.1\r\nHost: a\r\n${type}\r\nContent-Length: x\r\n\r\n`],
  [
    'two lengths',
    `POST ${paths.token} HTTP/1.1\r\nHost: a\r\n${type}\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\na=b`,
  ],
  [
    'a length and chunks (request smuggling)',
    `POST ${paths.token} HTTP/1.1\r\nHost: a\r\n${type}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'a chunk that is no chunk',
    `POST ${paths.token} HTTP/1.1\r\nHost: a\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
  ],
  ['a header folded over two lines', `GET /me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer\r\n x\r\n\r\n`],
  ['a header with NUL', `GET /me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \0\r\n\r\n`],
  ['HTTP/0.9', 'GET /me\r\n\r\n'],
  ['no HTTP', '\x16\x03\x01\x02\x00\x01\x00'],
  ['a target of a megabyte', `GET ${paths.authorize}?${'a'.repeat(1_000_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
  ['ten thousand headers', `GET /me HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(10_000)}\r\n`],
])('%s does no harm', async (_, text) => {
  const answer = await exchange(listening.port, text, 300)
  expect(answer?.status ?? 0).toBeLessThan(500)
  expect(answer?.body ?? '').not.toMatch(/access_token|\n {4}at /)
})

it('a body that is too large is refused while it still comes, and not kept', async () => {
  const before = process.memoryUsage().arrayBuffers
  const body = 'x'.repeat(30_000_000)
  const answer = await exchange(listening.port, request('POST', paths.token, [type], body), 5000)
  expect(answer?.status).toBe(413)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(120_000_000)
})

it('a body in a thousand chunks, and one that says it is chunked and is empty, are read like others', async () => {
  const chunks = [...right()].map((letter) => `1\r\n${letter}\r\n`).join('')
  const chunked = `POST ${paths.token} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\n`
  expect((await exchange(listening.port, `${chunked}${chunks}0\r\n\r\n`))?.status).toBe(200)
  expect((await exchange(listening.port, `${chunked}0\r\n\r\n`))?.status).toBe(401)
})

describe('a body without end', () => {
  // or Node would close what is silent by itself, once it is answered
  beforeAll(() => {
    listening.server.keepAliveTimeout = 0
  })
  const endless = (target: string, contentType: string) => {
    const socket = open(
      listening.port,
      `POST ${target} HTTP/1.1\r\nHost: a\r\n${contentType}\r\nContent-Length: 1000000000\r\n\r\n`,
    )
    let received = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text
    })
    const chunk = Buffer.alloc(65_536, 'x')
    const send = () => {
      while (!socket.destroyed && socket.write(chunk));
    }
    socket.on('drain', send)
    send()
    return new Promise<{ received: string; sent: number }>((resolve) => {
      socket.once('close', () => resolve({ received, sent: socket.bytesWritten }))
    })
  }

  it.each([
    ['that is too large', paths.token, type, 413],
    ['of a type that nobody reads', paths.token, 'Content-Type: text/plain', 415],
    ['to a path that has no POST', '/.well-known/oauth-authorization-server', type, 405],
  ])('%s is answered, and then the connection is closed', async (_, target, contentType, status) => {
    const { received, sent } = await endless(target, contentType)
    expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    // what was read, and what the two kernels had in between
    expect(sent).toBeLessThan(50_000_000)
  })

  it('that comes slowly is not waited for either', async () => {
    const timers = jest.spyOn(global, 'setTimeout')
    const socket = open(listening.port, `${head(200_000)}${'x'.repeat(100_000)}`)
    let received = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text
    })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const find = () => timers.mock.calls.find(([, after]) => after === 5000)?.[0] as (() => void) | undefined
    while (!find() || received === '') await pause(5)
    const wake = find()
    timers.mockRestore()
    wake?.()
    await closed
    expect(received).toMatch(/^HTTP\/1.1 413 /)
  })

  it('is one with an end where it is only a little too large: the connection is used again', async () => {
    const large = `${head(300_000)}${'x'.repeat(300_000)}`
    const answer = await exchange(listening.port, `${large}${request('POST', paths.token, [type], right())}`)
    expect(answer?.status).toBe(413)
    expect(answer?.body).toMatch(/HTTP\/1.1 200 /)
  })
})
