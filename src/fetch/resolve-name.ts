/**
 * Resolves names that strangers choose. `dns.lookup` would occupy libuv's thread pool, two names at a time for the
 * whole process, and cannot be cancelled: a silent name server would delay the host app's own lookups.
 */
import { Resolver } from 'node:dns/promises'
import { readFileSync, statSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { isLocalhostName } from '../rules/loopback'
import { parseHosts } from './hosts-file'

export interface Address {
  address: string
  family: 4 | 6
}

/** The second try takes twice as long, with some time to end: four seconds for one name server. */
const TRY_MILLISECONDS = 1000
const TRIES = 2
const HOSTS_FILE =
  process.platform === 'win32'
    ? `${process.env.SystemRoot ?? 'C:\\Windows'}\\System32\\drivers\\etc\\hosts`
    : '/etc/hosts'

let hostsFile: { changedAt: number; hosts: ReadonlyMap<string, readonly string[]> } | undefined

/** All addresses of a name. Rejects if there are none, and when the signal aborts, which also ends all queries. */
export async function resolveName(name: string, signal: AbortSignal): Promise<Address[]> {
  const stated = statedAddresses(name.toLowerCase().replace(/\.$/, ''))
  return stated ? stated.map(toAddress) : askNameServers(name, signal)
}

async function askNameServers(name: string, signal: AbortSignal): Promise<Address[]> {
  // one for each name, because `cancel` ends all of a resolver's queries
  const resolver = new Resolver({ timeout: TRY_MILLISECONDS, tries: TRIES })
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel)
  try {
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const found = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (found.length === 0 && v4.status === 'rejected') throw v4.reason
    return found.map(toAddress)
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/** Addresses without a query: from the hosts file, or for a name below localhost (RFC 6761 §6.3). */
function statedAddresses(name: string): readonly string[] | undefined {
  return currentHosts().get(name) ?? (isLocalhostName(name) ? ['127.0.0.1', '::1'] : undefined)
}

/** The hosts file, read again after a change. Synchronously, because the thread pool may be busy. */
function currentHosts(): ReadonlyMap<string, readonly string[]> {
  try {
    const changedAt = statSync(HOSTS_FILE).mtimeMs
    if (hostsFile?.changedAt !== changedAt)
      hostsFile = { changedAt, hosts: parseHosts(readFileSync(HOSTS_FILE, 'utf8')) }
    return hostsFile.hosts
  } catch {
    // there may be no such file
    return new Map()
  }
}

function toAddress(address: string): Address {
  return { address, family: isIPv4(address) ? 4 : 6 }
}
