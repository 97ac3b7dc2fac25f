/** Which addresses and hosts are on the public Internet (RFC 6890), and not only reachable from here. */
import { BlockList, isIP, isIPv4 } from 'node:net'
import { isLocalhostName } from '../rules/loopback'

// the IANA registries of special-purpose addresses: all that are not "globally reachable"
const reserved = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3], // multicast and unassigned
] as const) {
  reserved.addSubnet(network, prefix, 'ipv4')
}
// within the allocated range: protocols, tunnels to IPv4 addresses, and documentation
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  reserved.addSubnet(network, prefix, 'ipv6')
}
const allocated = new BlockList()
allocated.addSubnet('2000::', 3, 'ipv6')

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether an IP address is public. An IPv4 address in IPv6 form never counts as public. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !reserved.check(address, 'ipv4')
  return isIP(address) === 6 && allocated.check(address, 'ipv6') && !reserved.check(address, 'ipv6')
}

export function isLoopbackAddress(address: string): boolean {
  return isIP(address) !== 0 && loopback.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/**
 * Whether a URL's host is this machine. Includes all addresses that a socket may connect to, more than redirect URIs
 * may have.
 */
export function isThisMachine(hostname: string): boolean {
  return isLocalhostName(hostname) || isLoopbackAddress(hostname.replace(/^\[|\]$/g, ''))
}

/** RFC 6761, RFC 6762, RFC 8375, and the domain reserved by ICANN: names with a local meaning. */
const localNames = /(^|\.)(localhost|local|internal|home\.arpa|onion|test|invalid)$/

/** Whether a URL's host (as the URL parser writes it) can be public: an address, or a name with a dot. */
export function isPublicHost(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '')
  if (isIP(address) !== 0) return isPublicAddress(address)
  const name = hostname.replace(/\.$/, '')
  return name.includes('.') && !localNames.test(name)
}

/**
 * Whether a URL is https with a public host, without credentials and fragment. `withLoopback` also admits http on
 * loopback.
 */
export function isPublicUrl(url: string, withLoopback: boolean): boolean {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(url) || url.length > 2048 || !URL.canParse(url) || url.includes('#'))
    return false
  const { protocol, hostname, username, password } = new URL(url)
  if (username !== '' || password !== '') return false
  if (withLoopback && isThisMachine(hostname)) return true
  return protocol === 'https:' && isPublicHost(hostname)
}
