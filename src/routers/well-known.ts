/** Documents at well-known paths (RFC 8615): public, cacheable JSON. */
import { type Request, type Response, Router } from 'express'
import { type CorsOptions, type EndpointSource, endpoint, type Handler } from '../http/endpoint'

export interface WellKnownDocument {
  path: string
  /** How long it may be cached. Seconds. */
  maxAge: number
  /** Returns the same object until it changes. */
  content: () => object
}

/** Serves the documents, for a router at the root of the host. Passes all other requests on. */
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
    // any path, because the host may mount it anywhere: the document is already known
    return { path, handle: endpoint(source, { router, methods, cors, below: () => methods }) }
  })
  // it is mounted at the root, which belongs to the host, or at a part of the well-known path
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
