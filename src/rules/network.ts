/** Networks for counting failures: one IPv4 address, or one IPv6 /64, in which a host has millions of addresses. */
import { isIPv6 } from 'node:net'

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
/** An IPv4 address, plain or as a dual-stack socket shows it: the form of almost every request. */
const ipv4 = new RegExp(`^(?:::ffff:)?(${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET})$`)

/** The sender of a request. Express computes `ip` from its `trust proxy` setting at each access. */
export interface Sender {
  readonly ip?: string | undefined
}

/** The network of `req.ip`, which Express takes from the connection and its `trust proxy` setting. */
export function networkOf(ip: string | undefined): string {
  if (ip === undefined) return ''
  const mapped = ipv4.exec(ip)
  if (mapped) return mapped[1] as string
  // some proxies include the port, which changes with each connection
  const [, host = ip] = /^(\d+(?:\.\d+){3}):\d+$/.exec(ip) ?? /^\[(.*)\](?::\d+)?$/.exec(ip) ?? []
  const address = host.split('%', 1)[0] as string
  if (!isIPv6(address)) return address
  // the URL parser writes every form of an address in one way: lower case, no leading zeros, one `::`
  const halves = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const [before, after = []] = halves.map(groupsOf) as [string[], string[]?]
  const zeros = Array<string>(8 - before.length - after.length).fill('0')
  const groups = [...before, ...zeros, ...after]
  const isMapped = groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff'
  if (isMapped) return [groups[6], groups[7]].flatMap((group) => bytesOf(group as string)).join('.')
  return `${groups.slice(0, 4).join(':')}::/64`
}

/** The network of one provider customer: an IPv4 address, or an IPv6 /48 (RFC 6177). */
export function siteOf(network: string): string {
  return network.includes(':') ? network.replace(/^((?:[^:]+:){3})[^:]+::\/64$/, '$1:/48') : network
}

function groupsOf(text: string): string[] {
  return text.split(':').filter((group) => group !== '')
}

function bytesOf(group: string): [number, number] {
  const value = Number.parseInt(group, 16)
  return [value >> 8, value & 255]
}
