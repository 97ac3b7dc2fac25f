/** The request target (RFC 9112 §3.2). Express removes only the part that it has routed. */
import type { Request } from 'express'
import { arrivesAt, prefixOf } from '../rules/proxy-prefix'
import type { AuthorizationServer } from '../types/authorization-server'

/** The target as a path with query. A request may contain the whole URL (§3.2.2), whose host is not trusted. */
export function withoutOrigin(target: string): string {
  return target.startsWith('/') ? target : target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#\\]*/i, '')
}

/** The path, without the final slash, which Express ignores. */
export function pathOf(target: string): string {
  return (withoutOrigin(target).split('?', 1)[0] as string).replace(/\/$/, '')
}

/** The target as clients see it, with the part that a proxy removed. */
export function publicTarget(
  server: Pick<AuthorizationServer, 'issuer' | 'proxyPrefix' | 'endpoints'>,
  { originalUrl }: Pick<Request, 'originalUrl'>,
): string {
  const prefix = prefixOf(server)
  const target = withoutOrigin(originalUrl)
  const path = pathOf(target)
  if (prefix === '' || arrivesAt(`${path}/`, prefix) !== undefined) return target
  // without `proxyPrefix` a proxy is only assumed if the path then is one of the endpoints
  const isTakenOff = server.proxyPrefix !== undefined || isOneOf(server.endpoints, `${prefix}${path}`)
  return isTakenOff ? `${prefix}${target}` : target
}

function isOneOf(endpoints: AuthorizationServer['endpoints'], path: string): boolean {
  return Object.values(endpoints).some((one) => one !== undefined && pathOf(one).toLowerCase() === path.toLowerCase())
}
