/**
 * Where a name is that a stranger has chosen. `dns.lookup` would ask in libuv's thread pool, two names at a time for the
 * whole process, and nobody can call it back: one silent name server, and the host app's own lookups wait with it.
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

/** The second try has twice the time, and as much again to end: four seconds with one name server. */
const TRY_MILLISECONDS = 1000
const TRIES = 2
const HOSTS_FILE =
  process.platform === 'win32'
    ? `${process.env.SystemRoot ?? 'C:\\Windows'}\\System32\\drivers\\etc\\hosts`
    : '/etc/hosts'

let hostsFile: { changedAt: number; hosts: ReadonlyMap<string, readonly string[]> } | undefined

/** All addresses of a name. Rejects where there is none, and when the signal says stop: then nothing goes on behind it. */
export async function resolveName(name: string, signal: AbortSignal): Promise<Address[]> {
  const stated = statedAddresses(name.toLowerCase().replace(/\.$/, ''))
  return stated ? stated.map(toAddress) : askNameServers(name, signal)
}

async function askNameServers(name: string, signal: AbortSignal): Promise<Address[]> {
  // one for each name: `cancel` ends everything that a resolver was asked
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

/** What nobody has to be asked: what the hosts file says, and a name below localhost (RFC 6761 §6.3). */
function statedAddresses(name: string): readonly string[] | undefined {
  return currentHosts().get(name) ?? (isLocalhostName(name) ? ['127.0.0.1', '::1'] : undefined)
}

/** Read again when it has changed. At once, because what waits for the thread pool waits for everybody who is in it. */
function currentHosts(): ReadonlyMap<string, readonly string[]> {
  try {
    const changedAt = statSync(HOSTS_FILE).mtimeMs
    if (hostsFile?.changedAt !== changedAt)
      hostsFile = { changedAt, hosts: parseHosts(readFileSync(HOSTS_FILE, 'utf8')) }
    return hostsFile.hosts
  } catch {
    // a machine may have none
    return new Map()
  }
}

function toAddress(address: string): Address {
  return { address, family: isIPv4(address) ? 4 : 6 }
}
