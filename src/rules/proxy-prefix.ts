/** The beginning of a path that clients see, and that a proxy in front of the host takes off. */

import { misuse } from '../options/misuse'

interface Place {
  readonly issuer: string
  readonly proxyPrefix: string | undefined
}

/** Throws a TypeError for what is no path, and for endpoints that do not begin with it. */
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

/** What a proxy may take off: what the host has said, or the path of the issuer. '' where there is neither. */
export function prefixOf({ issuer, proxyPrefix }: Place): string {
  const path = proxyPrefix ?? new URL(issuer).pathname.replace(/\/$/, '')
  return isPlainPath(path) ? path : ''
}

/** Where a request to `path` arrives when a proxy takes the prefix off; undefined for a path without it. */
export function arrivesAt(path: string, prefix: string): string | undefined {
  const begins = prefix !== '' && path.toLowerCase().startsWith(`${prefix.toLowerCase()}/`)
  return begins ? path.slice(prefix.length) : undefined
}

/** Express takes other characters for patterns. */
export function isPlainPath(path: string): boolean {
  return /^(?:\/[\w.~-]+)*$/.test(path)
}
