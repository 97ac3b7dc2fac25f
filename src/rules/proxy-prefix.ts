/** The part of a path that clients see, and that a proxy in front of the host removes. */

import { misuse } from '../options/misuse'

interface Place {
  readonly issuer: string
  readonly proxyPrefix: string | undefined
}

/** Throws a TypeError for a value that is not a path, and for endpoints that do not begin with it. */
export function verifiedProxyPrefix(
  prefix: unknown,
  endpoints: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (prefix === undefined) return undefined
  if (typeof prefix !== 'string' || !isPlainPath(prefix) || !/^\/.*[^/]$/.test(prefix)) {
    throw misuse(
      'wrong_url',
      "proxyPrefix must be the path that your proxy takes off, such as '/auth', without a final slash",
    )
  }
  for (const [name, path] of Object.entries(endpoints)) {
    if (path === undefined || arrivesAt(path, prefix) !== undefined) continue
    throw misuse(
      'wrong_url',
      `endpoints.${name} must begin with proxyPrefix ${prefix}: endpoints are the paths that clients see`,
    )
  }
  return prefix
}

/** The prefix that a proxy may remove: the option, or the path of the issuer. Empty without both. */
export function prefixOf({ issuer, proxyPrefix }: Place): string {
  const path = proxyPrefix ?? new URL(issuer).pathname.replace(/\/$/, '')
  return isPlainPath(path) ? path : ''
}

/** The path at which a request to `path` arrives behind the proxy. Undefined for a path without the prefix. */
export function arrivesAt(path: string, prefix: string): string | undefined {
  const begins = prefix !== '' && path.toLowerCase().startsWith(`${prefix.toLowerCase()}/`)
  return begins ? path.slice(prefix.length) : undefined
}

/** Whether a path has only plain characters: Express treats others as patterns. */
export function isPlainPath(path: string): boolean {
  return /^(?:\/[\w.~-]+)*$/.test(path)
}
