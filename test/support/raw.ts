/** Requests as bytes on a socket, for what no HTTP client would send. */
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Express } from 'express'

export interface Listening {
  port: number
  server: Server
  close(): Promise<void>
}

const listening = new Set<Server>()
// a test that fails must not keep the others waiting
afterAll(() => {
  for (const server of listening) server.closeAllConnections()
  for (const server of listening) server.close()
})

export async function listen(app: Express): Promise<Listening> {
  const server = createServer(app)
  listening.add(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  return { port: (server.address() as AddressInfo).port, server, close }
}

/** A connection to the server; `sent` are bytes in latin1. */
export function open(port: number, sent: string): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(sent, 'latin1')
  return socket
}

export interface RawAnswer {
  status: number
  headers: string
  body: string
}

/** What came back until the server or the time closed the connection; undefined when it was nothing. */
export function exchange(port: number, sent: string, milliseconds = 3000): Promise<RawAnswer | undefined> {
  return new Promise((resolve) => {
    const socket = open(port, sent)
    let received = ''
    const timer = setTimeout(() => socket.destroy(), milliseconds)
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      received += text
    })
    socket.on('close', () => {
      clearTimeout(timer)
      const [headers = '', ...body] = received.split('\r\n\r\n')
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(headers)?.[1] ?? 0)
      resolve(received === '' ? undefined : { status, headers, body: body.join('\r\n\r\n') })
    })
  })
}

/** A request text. `Connection: close` is added, so that the answer ends. */
export function request(method: string, target: string, headers: readonly string[] = [], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body, 'latin1')}`]
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: auth.example.com', 'Connection: close', ...length, ...headers]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
