/** What the private servers of the tests have in common: whose they are, and that none outlives its test. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
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

/** A process and all below it. Linux alone. */
function family(pid: number): number[] {
  const parents = readdirSync('/proc')
    .map(Number)
    .filter(Number.isInteger)
    .flatMap((child) => {
      try {
        // the name, in parentheses, may have spaces: after it come the state and the parent
        const [, parent] = readFileSync(`/proc/${child}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
        return [[child, Number(parent)]]
      } catch {
        // it has ended meanwhile
        return []
      }
    })
  const below = (one: number): number[] => [
    one,
    ...parents.flatMap(([child, of]) => (of === one ? below(child as number) : [])),
  ]
  return below(pid)
}

/** Whether each thread of a process has stopped. */
function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`
  return readdirSync(tasks).every(
    (task) => readFileSync(`${tasks}/${task}/stat`, 'utf8').split(') ').at(-1)?.[0] === 'T',
  )
}

/** Stops the server and all that it has started, which keep their connections and answer nothing. Returns what undoes it. */
export function freeze(pid: number): () => void {
  const frozen = family(pid)
  for (const one of frozen) process.kill(one, 'SIGSTOP')
  // a thread that is at work stops a moment later
  while (!frozen.every(isStopped)) {}
  return () => {
    for (const one of frozen) process.kill(one, 'SIGCONT')
  }
}
