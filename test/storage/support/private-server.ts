/** What the private servers of the tests have in common: whose they are, and that none outlives its test. */
import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'

/** Database servers refuse to run as root, so root lends them the user `name`, or nobody. */
export function unprivileged(name: string): { uid?: number; gid?: number } {
  if (userInfo().uid !== 0) return {}
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const user = users.find(([found]) => found === name) ?? users.find(([found]) => found === 'nobody')
  return { uid: Number(user?.[2]), gid: Number(user?.[3]) }
}

/** On Linux the server ends with the process that started it, however that ends: no orphans after `kill -9` of Jest. */
export function dieWithParent(signal: 'QUIT' | 'KILL'): string[] {
  return existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', signal] : []
}
