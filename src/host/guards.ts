/** Detects a guard that is mounted after the routes that it should protect. */
import type { Request, RequestHandler } from 'express'
import { pathOf } from '../http/request-target'
import type { AuthorizationServer } from '../types/authorization-server'
import { coreEndpoints } from '../types/endpoints'

/** The common part of a router's entries in Express 4 and 5. */
interface Layer {
  handle: RequestHandler & { stack?: unknown }
  route?: { path: unknown; stack: Layer[] } | undefined
  method?: string | undefined
}

interface App {
  parent?: App
  _router?: { stack?: Layer[] }
  router?: { stack?: Layer[] }
}

/** What comes after a handler: anything unknown, or only routes with comparable paths. */
interface After {
  anything: boolean
  paths: Set<string>
}

const guards = new WeakMap<RequestHandler, AuthorizationServer['warn']>()
const looked = new WeakSet<App>()

/** Registers a guard for the check. */
export function rememberGuard(guard: RequestHandler, warn: AuthorizationServer['warn']): void {
  guards.set(guard, warn)
}

/**
 * Warns of guards that protect nothing, once for each app. Not if anything behind the guard might respond, even the
 * host's 404 page, and not if something may follow the app: such a guard may be right.
 */
export function checkGuards(req: Request): void {
  let app = req.app as unknown as App | undefined
  while (app?.parent) app = app.parent
  if (!app || looked.has(app)) return
  looked.add(app)
  // an app that Node's server does not call directly may pass requests on
  const { server } = (req.socket ?? {}) as { server?: { listeners?: (event: string) => unknown[] } }
  if (!server?.listeners?.('request').includes(app)) return
  // Express 4 throws when its `router` is read
  const { stack } = app._router ?? app.router ?? {}
  if (!Array.isArray(stack)) return
  try {
    walk(stack, { anything: false, paths: new Set() }, undefined)
  } catch {
    // a router inside itself has no end, and this is only advice
  }
}

/** Detects a guard in front of endpoints where clients get their first token. */
export function checkRefused(
  server: Pick<AuthorizationServer, 'warn'> & Partial<AuthorizationServer>,
  req: Request,
): void {
  if (req.method !== 'POST') return
  const path = pathOf(req.originalUrl).toLowerCase()
  for (const name of ['token', 'revoke', 'introspect'] as const) {
    if (path !== (server.endpoints?.[name] ?? coreEndpoints[name].path).toLowerCase()) continue
    const fix = 'Mount the router before the guard, or give the guard a path of its own'
    server.warn('guard_before_endpoint', `a guard refused a request to the ${name} endpoint at ${path}. ${fix}`)
  }
}

/** Visits the handlers from last to first. `front` is a route before all of them. */
function walk(stack: readonly Layer[], after: After, front: string | undefined): void {
  for (let index = stack.length - 1; index >= 0; index--) {
    const layer = stack[index] as Layer
    const before = stack.slice(0, index)
    if (layer.route) walkRoute(layer.route, before, after)
    else if (Array.isArray(layer.handle.stack)) {
      // an empty router may be filled later
      const inner: After = { anything: isAnything(after) || layer.handle.stack.length === 0, paths: new Set() }
      walk(layer.handle.stack, inner, routeIn(before) ?? front)
      // its paths are relative to an unknown mount point
      after.anything ||= isAnything(inner)
    } else if (guards.has(layer.handle)) {
      const route = routeIn(before) ?? front
      if (route !== undefined && !isAnything(after)) warnOf(layer, route)
      // Express recognises error handlers the same way
    } else if (layer.handle.length < 4) after.anything = true
  }
}

function walkRoute({ path, stack }: NonNullable<Layer['route']>, before: readonly Layer[], after: After): void {
  const literal = literalPath(path)
  const last = stack.at(-1)
  if (literal !== undefined && last && guards.has(last.handle)) {
    const twins = before.flatMap(({ route }) => (literalPath(route?.path) === literal ? (route?.stack ?? []) : []))
    const inFront = [...twins, ...stack].some(({ handle, method }) => !guards.has(handle) && method === last.method)
    if (inFront && !after.anything && !after.paths.has(literal)) warnOf(last, String(path))
  }
  if (stack.every(({ handle }) => guards.has(handle))) return
  if (literal === undefined) after.anything = true
  else after.paths.add(literal)
}

function warnOf({ handle }: Layer, route: string): void {
  const fix = 'Add the guard before the routes that it protects'
  guards.get(handle)?.(
    'guard_after_route',
    `a guard is added after the route ${route}, and no route follows it. ${fix}`,
  )
}

const isAnything = ({ anything, paths }: After): boolean => anything || paths.size > 0

/** The last route in these handlers, or in routers among them. */
function routeIn(layers: readonly Layer[]): string | undefined {
  for (const { route, handle } of [...layers].reverse()) {
    const path = route ? route.path : Array.isArray(handle.stack) ? routeIn(handle.stack) : undefined
    if (path !== undefined) return String(path)
  }
  return undefined
}

/** A path without parameters and patterns, in Express's comparison. */
function literalPath(path: unknown): string | undefined {
  if (typeof path !== 'string' || !/^[\w/-]*$/.test(path)) return undefined
  return path.replace(/\/$/, '').toLowerCase()
}
