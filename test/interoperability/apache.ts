/** A private Apache with mod_auth_openidc on a free port, in a temporary folder, in front of an app. Nothing of it stays. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dieWithParent, unprivileged } from '../storage/support/private-server'

/** Where Debian keeps them. */
const [program, modules] = ['/usr/sbin/apache2', '/usr/lib/apache2/modules']
const isInstalled = existsSync(program) && existsSync(join(modules, 'mod_auth_openidc.so'))
const missing = 'Apache or its module is not installed: apt-get install apache2 libapache2-mod-auth-openidc'

/** `describe` where there is an Apache with the module, and a skipped block that says what is missing where there is none. */
export function describeApache(name: string, body: () => void): void {
  if (isInstalled) return describe(name, body)
  if (process.env.CI === 'true') throw new Error(missing)
  describe.skip(`${name} (${missing})`, body)
}

export interface RunningApache {
  /** What it has written down, for the message of a test that fails. */
  log(): string
  stop(): Promise<void>
}

/** `directives` are those of the host's own configuration. */
export async function startApache(port: number, directives: readonly string[]): Promise<RunningApache> {
  const user = unprivileged('www-data')
  const folder = mkdtempSync(join(tmpdir(), 'apache-test-'))
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid as number)
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  process.once('exit', removeFolder)
  const [config, errors] = [join(folder, 'apache.conf'), join(folder, 'errors')]
  const own = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'proxy', 'proxy_http', 'auth_openidc']
  const lines = [
    ...own.map((name) => `LoadModule ${name}_module ${join(modules, `mod_${name}.so`)}`),
    ...[`ServerRoot ${folder}`, `DefaultRuntimeDir ${folder}`, `PidFile ${join(folder, 'pid')}`],
    ...[`Mutex file:${folder} default`, `ErrorLog ${errors}`, 'LogLevel warn', 'KeepAlive Off'],
    ...[`Listen 127.0.0.1:${port}`, 'ServerName 127.0.0.1', ...directives],
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)

  // one process, in the foreground: what is told to end is all that there is
  const [command, ...rest] = [...dieWithParent('KILL'), program, '-f', config, '-X']
  const apache = spawn(command as string, rest, { ...user, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const killApache = () => void apache.kill('SIGKILL')
  process.once('exit', killApache)
  let said = ''
  for (const stream of [apache.stdout, apache.stderr]) stream.on('data', (text) => (said += text))
  const log = () => said + (existsSync(errors) ? readFileSync(errors, 'utf8') : '')
  const stop = async () => {
    await end(apache)
    process.off('exit', killApache)
    process.off('exit', removeFolder)
    removeFolder()
  }
  while (!(await answers(port))) {
    if (!hasEnded(apache)) await sleep(20)
    else {
      const problem = log()
      await stop()
      throw new Error(`Apache does not start: ${problem}`)
    }
  }
  return { log, stop }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null

/** Asks it, so that it gives back what it has of the system; and kills it where it does not listen. */
async function end(apache: ChildProcess): Promise<void> {
  apache.kill('SIGTERM')
  for (let waited = 0; !hasEnded(apache); waited++) {
    if (waited === 500) apache.kill('SIGKILL')
    await sleep(20)
  }
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual' }).then(
    () => true,
    () => false,
  )
}
