/** Documents at well-known places (RFC 8615): JSON that everybody may read, and keep for a while. */
import { type Request, type Response, Router } from 'express'
import { type CorsOptions, type EndpointSource, endpoint, type Handler } from '../http/endpoint'

export interface WellKnownDocument {
  path: string
  /** Seconds for which it may be kept. */
  maxAge: number
  /** The same object until it changes. */
  content: () => object
}

/** Serves the documents; for a router that is mounted at the root of the host. Everything else is passed on. */
export function wellKnownRouter(
  source: EndpointSource,
  documents: readonly WellKnownDocument[],
  cors: CorsOptions | undefined,
): Router {
  const router = Router()
  const handlers = documents.map((document) => {
    const { path } = document
    const handler = serve(document)
    const methods = { GET: handler, HEAD: handler }
    const below = (asked: string) => (asked === path ? methods : undefined)
    return { path, handle: endpoint(source, { router, methods, cors, below }) }
  })
  // it is mounted at the root, and the root itself is the host's
  return router.use((req, res, next) => {
    const asked = `${req.baseUrl}${req.path}`.replace(/\/$/, '')
    const found = handlers.find(({ path }) => asked.endsWith(path))
    return found ? found.handle(req, res, next) : next()
  })
}

function serve({ content, maxAge }: WellKnownDocument): Handler {
  let last: { content: object; text: string } | undefined
  return (_req: Request, res: Response) => {
    const now = content()
    if (last?.content !== now) last = { content: now, text: JSON.stringify(now) }
    res.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(last.text),
      'Cache-Control': `public, max-age=${maxAge}`,
    })
    res.end(last.text)
  }
}
