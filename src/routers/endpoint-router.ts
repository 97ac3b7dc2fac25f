/** One endpoint as a router of Express, which the host mounts with `app.use`, `app.get` or `app.post`. */
import { type RequestHandler, Router } from 'express'
import { orElse } from '../awaitable'
import { type EndpointOptions, type EndpointSource, endpoint } from '../http/endpoint'

/** What Express calls of a router, and does not name in its types. */
interface Handling extends Router {
  handle: RequestHandler
}

/**
 * Express 4 does not look at what a handler of the host returns, and a promise that nobody looks at ends the process. To
 * both, whoever throws nothing, or 'route', has passed the request on.
 */
function caught(handler: RequestHandler): RequestHandler {
  return (req, res, next) => {
    const failed = (thrown: unknown) =>
      next(
        typeof thrown === 'object' && thrown ? thrown : new Error('A handler in front has failed', { cause: thrown }),
      )
    void orElse<unknown>(() => handler(req, res, next), failed)
  }
}

/** The router of an endpoint, behind the handlers in front of it. */
export function endpointRouter(
  server: EndpointSource,
  options: Omit<EndpointOptions, 'router'>,
  ...front: RequestHandler[]
): Router {
  const router = Router() as Handling
  const handler = endpoint(server, { ...options, router })
  for (const one of front) router.use(caught(one))
  router.use(handler)
  const { handle } = router
  // Straight to the only handler, while it is the only one: Express's own way there costs as much as a whole endpoint
  router.handle = (req, res, next) => {
    if (router.stack.length > 1) handle.call(router, req, res, next)
    else {
      // as Express's own way there does, where no app has done so in front
      req.originalUrl ||= req.url
      req.baseUrl ||= ''
      handler(req, res, next)
    }
  }
  return router
}
