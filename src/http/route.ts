/**
 * Whether a request is in a route of the host, whose path stays in the URL: `app.post('/:tenant/token', …)`. Nothing on the
 * request says so. `req.route` may also be a route that passed on before, and wrappers hide who its handlers are. So it is
 * asked of the path: what the route matches in it must be what Express has put into `req.params`.
 */
import { type Request, Router } from 'express'
import { withoutOrigin } from './request-target'

type Parameters = Readonly<Record<string, unknown>>
type Match = (url: string) => Parameters | undefined

const matchers = new WeakMap<object, Match>()

/** Whether the path of the URL is one of those of the route that the request is in. */
export function isInPathOfRoute({ route, url, baseUrl, params }: Request): boolean {
  if (!route) return false
  const match = matcherOf(route)
  const matched = match(url)
  if (!matched) return false
  const values = Object.entries(matched)
  // by its path alone a pattern such as /.*/ has matched further up as well: there it passed on
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

/** The parameters of the path of a request, as Express itself finds them: each version has patterns of its own. */
function matcher(pattern: never): Match {
  const router = Router()
  let found: Parameters | undefined
  try {
    router.get(pattern, ({ params }) => {
      found = params
    })
  } catch {
    // a pattern of another Express than ours
    return () => undefined
  }
  return (url) => {
    found = undefined
    router({ url, method: 'GET' } as Request, {} as never, () => {})
    return found
  }
}
