/**
 * One endpoint as a router of Express. How a request finds it, by where the host mounted it (`endpoint.ts` decides by path
 * and method):
 *
 * | mounted                                  | request                    | what happens                            |
 * | ---------------------------------------- | -------------------------- | --------------------------------------- |
 * | `app.use('/token', router)`              | `/token`, `/token/`        | the endpoint                            |
 * | the same                                 | `/token/x`                 | passed on                               |
 * | the same, an endpoint with paths below   | `/clients/a`               | the path below                          |
 * | `app.post('/token', router)`             | `/token`, `/token/`        | the endpoint: the URL keeps the path    |
 * | `app.get(…).post(…)`, one router each    | `/public/token`            | each its own method                     |
 * | `app.get('/x', (…) => router(…))`        | `/x`                       | the endpoint: the path is the route's   |
 * | `app.get('/:x/y', …)`, lists, patterns   | `/a/y`                     | the same, wrapped by whatever it may be |
 * | two with `app.use` on one path           | a method of the second     | 405 by the first                        |
 * | any                                      | HEAD                       | 405: Express would run the GET handler  |
 * | any                                      | a method it does not have  | 405 with `Allow`                        |
 */
import { type NextFunction, type Request, type RequestHandler, Router } from 'express'
import { orElse } from '../awaitable'
import { asFailure } from '../errors'
import { type EndpointOptions, type EndpointSource, endpoint } from './endpoint'

/** A method of a router that Express calls but does not declare. */
interface Handling extends Router {
  handle: RequestHandler
}

/**
 * Express 4 ignores the promise of a handler, and an unhandled rejection ends the process. `next('route')`, which skips
 * the rest of a route, would let the request past what the handler protects.
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

/** Calls `check` with the router's first request. Later requests cost nothing. */
export function onFirstRequest(router: Router, check: (req: Request) => void): void {
  const first = router as Handling
  const { handle } = first
  first.handle = (req, res, next) => {
    first.handle = handle
    check(req)
    handle.call(first, req, res, next)
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
  // calls the only handler directly: Express's own way there costs as much as a whole endpoint
  router.handle = (req, res, next) => {
    if (router.stack.length > 1) handle.call(router, req, res, next)
    else {
      // as Express's own way does if no app has set it
      req.originalUrl ||= req.url
      req.baseUrl ||= ''
      handler(req, res, next)
    }
  }
  return router
}
