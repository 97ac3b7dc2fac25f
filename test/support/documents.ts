/** A web server on loopback that publishes client metadata documents, counts who asks, and can be bent. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface DocumentHost {
  /** Without a slash at the end. */
  origin: string
  /** The paths that were asked for, in order. */
  asked: string[]
  /** How many connections were opened, whether or not anything was asked over them. */
  connections(): number
  /** What is at a path: a document (its `client_id` is added), or a listener that answers itself. */
  at(path: string, content: object | RequestListener): string
  close(): Promise<void>
}

export async function createDocumentHost(): Promise<DocumentHost> {
  const contents = new Map<string, object | RequestListener>()
  const asked: string[] = []
  let connections = 0
  const server = createServer((req, res) => {
    asked.push(req.url ?? '')
    const content = contents.get(req.url ?? '')
    if (typeof content === 'function') return (content as RequestListener)(req, res)
    res.writeHead(content ? 200 : 404, { 'Content-Type': 'application/json' }).end(JSON.stringify(content ?? {}))
  })
  server.on('connection', () => {
    connections++
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    asked,
    connections: () => connections,
    at(path, content) {
      const url = `${origin}${path}`
      contents.set(path, typeof content === 'function' ? content : { client_id: url, ...content })
      return url
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
