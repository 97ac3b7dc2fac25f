/** Requests over TLS to a server whose certificate is of its own making. `fetch` of Node 20 takes no certificate at run time. */
import { request } from 'node:https'
import { type ConnectionOptions, connect } from 'node:tls'

/** A `fetch` that trusts this certificate alone, with these options of TLS, and follows no redirect. */
export function fetchOver(tls: ConnectionOptions): typeof fetch {
  return async (input, init) => {
    // a Request makes bytes, and their headers, of whatever body there is
    const asked = new Request(input as string, init)
    const body = Buffer.from(await asked.arrayBuffer())
    const { method } = asked
    const headers = { ...Object.fromEntries(asked.headers), 'content-length': String(body.length) }
    return new Promise((resolve, reject) => {
      const sent = request(asked.url, { ...tls, method, headers, agent: false }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => {
          const { statusCode: status = 0, rawHeaders } = answer
          const pairs = rawHeaders.flatMap((name, n): [string, string][] =>
            n % 2 === 0 ? [[name, rawHeaders[n + 1] as string]] : [],
          )
          const hasBody = ![204, 304].includes(status)
          resolve(new Response(hasBody ? Buffer.concat(chunks) : null, { status, headers: pairs }))
        })
        answer.on('error', reject)
      })
      sent.on('error', reject).end(body)
    })
  }
}

/** The protocol and the cipher suite that a server takes; its refusal, where it takes none. */
export function handshake(url: string, tls: ConnectionOptions): Promise<string> {
  const { hostname: host, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect({ ...tls, host, port: Number(port) }, () => {
      resolve(`${socket.getProtocol()} ${socket.getCipher().standardName}`)
      socket.end()
    })
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(code))
  })
}
