/** Detects an issuer with another host than the requests: clients that compare both would refuse it. */
import { isIP } from 'node:net'
import type { Request } from 'express'
import type { AuthorizationServer } from '../types/authorization-server'

const loopback = ['localhost', '127.0.0.1', '[::1]']

/**
 * Checks the first request. Ignores hosts that say nothing: an address, as probes use, a host that a proxy may have
 * changed, and a loopback host in tests or before a public issuer.
 */
export function checkIssuerHost(server: AuthorizationServer, req: Request): void {
  const host = req.headers.host?.toLowerCase()
  if (host === undefined || !URL.canParse(`http://${host}`)) return
  const { host: stated, hostname: statedName } = new URL(server.issuer)
  const { hostname } = new URL(`http://${host}`)
  const forwarded = ['x-forwarded-host', 'x-forwarded-for', 'forwarded', 'via'].some((name) => name in req.headers)
  if (forwarded || stated === host || `${statedName}:443` === host) return
  // clients with a certificate use this host (RFC 8705 §5)
  if (server.capabilities.some(({ aliases }) => aliases !== undefined && new URL(aliases).host === host)) return
  if (loopback.includes(hostname)) {
    if (!loopback.includes(statedName) || process.env.NODE_ENV === 'test') return
  } else if (isIP(hostname.replace(/[[\]]/g, '')) !== 0) return
  const fix = 'Set issuer to the URL that clients use, or let the proxy pass on the Host header'
  server.warn('issuer_host_differs', `a request came for ${host}, but the issuer is ${server.issuer}. ${fix}`)
}
