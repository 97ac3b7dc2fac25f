/** One endpoint as a router of Express, which the host mounts with `app.use`, `app.get` or `app.post`. */
import { type NextFunction, type RequestHandler, Router } from 'express'
import { orElse } from '../awaitable'
import { asFailure } from '../errors'
import { type EndpointOptions, type EndpointSource, endpoint } from './endpoint'

/** What Express calls of a router, and does not name in its types. */
interface Handling extends Router {
  handle: RequestHandler
}

/**
 * Express 4 does not look at what a handler of the host returns, and a promise that nobody looks at ends the process. And
 * `next('route')`, which skips what comes next in a route, would let the request go on to what the handler protects.
 */
function caught(handler: RequestHandler): RequestHandler {
  return (req, res, next) => {
    const onward: NextFunction = (error?: unknown) => next(error === 'route' ? 'router' : error)
    void orElse<unknown>(
      () => handler(req, res, onward),
      (thrown) => next(asFailure(thrown)),
    )
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
