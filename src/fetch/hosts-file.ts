/** The hosts file, where an administrator maps names to addresses before any name server is asked (hosts(5)). */
import { isIP } from 'node:net'

/** The addresses of each name, in the file's order. */
export function parseHosts(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = (line.split('#', 1)[0] as string).trim().split(/\s+/)
    // an address with a zone is link-local
    if (isIP(address) === 0 || address.includes('%')) continue
    for (const name of names) {
      const key = name.toLowerCase()
      hosts.set(key, [...(hosts.get(key) ?? []), address])
    }
  }
  return hosts
}
