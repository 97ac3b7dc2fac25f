/** The request target (RFC 9112 §3.2), of which Express takes off only what it has routed by. */
import type { Request } from 'express'
import { arrivesAt, prefixOf } from '../rules/proxy-prefix'
import type { AuthorizationServer } from '../types/authorization-server'

/** The target as a path with its query: a request may name the whole URL (§3.2.2), and its host is none to believe. */
export function withoutOrigin(target: string): string {
  return target.startsWith('/') ? target : target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#\\]*/i, '')
}

/** The path alone, without the slash that Express takes for none. */
export function pathOf(target: string): string {
  return (withoutOrigin(target).split('?', 1)[0] as string).replace(/\/$/, '')
}

/** The target as clients see it: with what a proxy in front has taken off its path. */
export function publicTarget(
  server: Pick<AuthorizationServer, 'issuer' | 'proxyPrefix' | 'endpoints'>,
  { originalUrl }: Pick<Request, 'originalUrl'>,
): string {
  const prefix = prefixOf(server)
  const target = withoutOrigin(originalUrl)
  const path = pathOf(target)
  if (prefix === '' || arrivesAt(`${path}/`, prefix) !== undefined) return target
  // by the path of the issuer alone nobody has said that there is a proxy: it took something off an endpoint, or nothing
  const isTakenOff = server.proxyPrefix !== undefined || isOneOf(server.endpoints, `${prefix}${path}`)
  return isTakenOff ? `${prefix}${target}` : target
}

function isOneOf(endpoints: AuthorizationServer['endpoints'], path: string): boolean {
  return Object.values(endpoints).some((one) => one !== undefined && pathOf(one).toLowerCase() === path.toLowerCase())
}
