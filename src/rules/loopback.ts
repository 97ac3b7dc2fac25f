/** Loopback hosts: the device itself. */

/** Whether a name is `localhost` or a name below it, which is loopback everywhere (RFC 6761 §6.3). */
export function isLocalhostName(name: string): boolean {
  return /^([a-z0-9_-]+\.)*localhost$/.test(name)
}

/**
 * Whether a URL's host, as the URL parser writes it, is loopback: one of the two addresses (RFC 8252 §7.3), or a name.
 */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === '127.0.0.1' || hostname === '[::1]' || isLocalhostName(hostname)
}
