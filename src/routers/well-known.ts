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
    // whatever of the path the host has mounted it at: which document is asked for is known already
    return { path, handle: endpoint(source, { router, methods, cors, below: () => methods }) }
  })
  // it is mounted at the root, which is the host's, or at a part of the well-known path
  return router.use((req, res, next) => {
    const below = req.path.replace(/\/$/, '')
    const found = handlers.find(({ path }) => path === below || path === `${req.baseUrl}${below}`)
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
