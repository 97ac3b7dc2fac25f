/**
 * Whether a request is in a route of the host, whose path stays in the URL: `app.post('/:tenant/token', …)`. The
 * request does not tell. `req.route` may be a route that passed the request on, and wrappers hide its handlers. So the
 * path decides: the route's match must equal `req.params` of Express.
 */
import { type Request, Router } from 'express'
import { withoutOrigin } from './request-target'

type Parameters = Readonly<Record<string, unknown>>
type Match = (url: string) => Parameters | undefined

const matchers = new WeakMap<object, Match>()

/** Whether the URL's path matches the route that the request is in. */
export function isInPathOfRoute({ route, url, baseUrl, params }: Request): boolean {
  if (!route) return false
  const match = matcherOf(route)
  const matched = match(url)
  if (!matched) return false
  const values = Object.entries(matched)
  // without parameters, a pattern such as /.*/ may have matched further up, where the route passed on
  if (values.length === 0) return !baseUrl || !match(`${baseUrl}${withoutOrigin(url)}`)
  return values.every(([name, value]) => String(params[name]) === String(value))
}

function matcherOf(route: { path: never }): Match {
  const known = matchers.get(route)
  if (known) return known
  const match = matcher(route.path)
  matchers.set(route, match)
  return match
}

/** The parameters of a path as Express itself finds them, because each version has its own patterns. */
function matcher(pattern: never): Match {
  const router = Router()
  let found: Parameters | undefined
  try {
    router.get(pattern, ({ params }) => {
      found = params
    })
  } catch {
    // a pattern of another Express version
    return () => undefined
  }
  return (url) => {
    found = undefined
    router({ url, method: 'GET' } as Request, {} as never, () => {})
    return found
  }
}
