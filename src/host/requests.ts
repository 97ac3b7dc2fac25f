/** Detects mistakes of the host in the first requests and in failures. Each check warns once. */
import type { Request } from 'express'
import type { OAuthError } from '../errors'
import { bodyIsGone } from '../http/request'
import { pathOf } from '../http/request-target'
import { arrivesAt, isPlainPath, prefixOf } from '../rules/proxy-prefix'
import type { Client } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'
import { checkGuards } from './guards'
import { checkIssuerHost } from './issuer'

/**
 * Counts the routers of each endpoint of a server: several of them may have several paths. Keyed by a member that
 * `oauthRouter` keeps when it copies the server.
 */
const routersOf = new WeakMap<AuthorizationServer['warn'], Map<string, number>>()

/** Requests of a router that are checked. The first external request shows a proxy. */
const FIRST = 16

/** The checks of one router. Returns true when it has seen enough requests. */
export function requestChecks(
  server: AuthorizationServer,
  name: string,
): (req: Request, error?: OAuthError) => boolean {
  const routers = routersOf.get(server.warn) ?? new Map<string, number>()
  routersOf.set(server.warn, routers)
  routers.set(name, (routers.get(name) ?? 0) + 1)
  const isHttps = server.issuer.startsWith('https:')
  let seen = 0
  let proxied = false
  return (req, error) => {
    if (error) {
      if (error.cause instanceof Error && error.cause.message === bodyIsGone)
        server.warn('body_read_before', bodyIsGone)
      return true
    }
    if (++seen === 1) {
      if (routers.get(name) === 1) checkPlace(server, name, req)
      checkGuards(req)
      checkTrust(server, req)
      checkIssuerHost(server, req)
    }
    if (!proxied && isHttps && String(req.headers['x-forwarded-proto']).startsWith('https')) {
      proxied = true
      checkProxy(server, req)
    }
    return seen >= FIRST
  }
}

function checkPlace(server: AuthorizationServer, name: string, req: Request): void {
  const stated = server.endpoints[name]
  const path = comparable(req.originalUrl)
  const expected = comparable(stated ?? path)
  const isRight = path === expected || path === arrivesAt(expected, prefixOf(server))
  const prefix = takenOff(server, req, path, expected)
  if (isRight && prefix === undefined) return
  // it matters where browsers return to
  if (prefix !== undefined && name !== 'authorize') return
  const fix = prefix === undefined ? `mount it there, or set endpoints.${name}` : prefixFix(prefix)
  const said = stated === undefined ? '' : `, but metadata says ${stated}`
  server.warn('router_mounted_elsewhere', `the ${name} router received a request at ${path}${said}: ${fix}`)
}

/**
 * The prefix that a proxy removes but `proxyPrefix` does not name: from its header, or missing in the expected path.
 */
function takenOff(
  server: AuthorizationServer,
  { headers }: Request,
  path: string,
  expected: string,
): string | undefined {
  const told = comparable(String(headers['x-forwarded-prefix'] ?? ''))
  const isTold = told !== '' && arrivesAt(expected, told) === undefined
  const isProxied = ['x-forwarded-for', 'x-forwarded-proto', 'forwarded', 'via'].some((header) => header in headers)
  const missing = isProxied && expected.endsWith(path) ? expected.slice(0, -path.length) : ''
  const prefix = isTold ? told : missing
  return prefix === '' || prefix === comparable(prefixOf(server)) || !isPlainPath(prefix) ? undefined : prefix
}

/** The fix for a proxy that removes a prefix. */
export function prefixFix(prefix: string): string {
  return `if a proxy takes ${prefix} off, set proxyPrefix: '${prefix}'`
}

/** Clients look for metadata and endpoints at the root of the host. */
export function warnOfPlace(server: AuthorizationServer, router: string, place: string): void {
  const fix = `Mount it at the root: app.use(${router}(server, ...))`
  server.warn('router_mounted_elsewhere', `${router} is mounted below ${place}, where clients do not look. ${fix}`)
}

/** A client without scopes gets tokens that no guard with a scope admits. */
export function warnOfNoScopes(server: AuthorizationServer, { clientId }: Client): void {
  // RFC 9396 §3.1: details need no scope
  if (server.authorizationDetails) return
  const seen = `a request came from the client ${clientId}, which has no scopes`
  server.warn('client_without_scopes', `${seen}: its tokens can do nothing. Set scopes in its record`)
}

/** RFC 8707: a server without resources ignores the parameter. */
export function warnOfResource(server: AuthorizationServer): void {
  const seen = 'a client names a resource, and the server has no resources'
  server.warn('resource_ignored', `${seen}: its tokens are for any API. Set resources of the server`)
}

/** A path in Express's comparison. */
export function comparable(target: string): string {
  return pathOf(target).toLowerCase()
}

function checkProxy(server: AuthorizationServer, req: Request): void {
  if (req.protocol === 'https') return
  const effect = 'every request seems to come from one network, by http'
  const fix = "Set app.set('trust proxy', 1), or the number of your proxies"
  server.warn('proxy_not_trusted', `Express does not trust the proxy in front: ${effect}. ${fix}`)
}

/** A distance greater than any proxy's, and an address that belongs to no one (RFC 5737). */
const STRANGER = '203.0.113.1'
const FAR_AWAY = 99

/** Express compiles every form of its setting to a function of an address and its distance. */
function checkTrust(server: AuthorizationServer, req: Request): void {
  const trusts: unknown = req.app?.get('trust proxy fn')
  try {
    if (typeof trusts !== 'function' || !trusts(STRANGER, FAR_AWAY)) return
  } catch {
    // a function of the host may throw here, and this is only advice
    return
  }
  const effect = 'a forged X-Forwarded-For removes all limits on guesses and registrations'
  const fix = "Set app.set('trust proxy', 1), or the number of your proxies"
  server.warn('every_proxy_trusted', `Express trusts every proxy: ${effect}. ${fix}`)
}
