/** A private PgBouncer in transaction mode for tests, in front of a PostgreSQL: in a temporary folder, on a free port. */
import { spawn, spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../support/free-port'
import { dieWithParent, unprivileged } from './private-server'

const program = '/usr/sbin/pgbouncer'
const said = spawnSync(program, ['--version'], { encoding: 'utf8' })
const [, major = 0, minor = 0] = /^PgBouncer (\d+)\.(\d+)/.exec(said.stdout ?? '')?.map(Number) ?? []
const isThere = major > 0
const missing = 'PgBouncer is not on this machine (apt-get install pgbouncer): its tests are skipped'
if (!isThere && process.env.CI === 'true') throw new Error(`${missing}, which CI must not do`)
if (!isThere) console.warn(missing)

/** Whether it can keep prepared statements at all. */
const keepsStatements = major > 1 || minor >= 21

export const describePgBouncer: jest.Describe = isThere ? describe : describe.skip

/** `statements`: how many prepared statements it keeps, where it can. */
export async function startPgBouncer(postgresPort: number, statements: number) {
  const user = unprivileged('postgres')
  const folder = mkdtempSync(join(tmpdir(), 'pgbouncer-'))
  const port = await freePort()
  const file = join(folder, 'pgbouncer.ini')
  writeFileSync(
    file,
    `[databases]
postgres = host=127.0.0.1 port=${postgresPort} dbname=postgres user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
${keepsStatements ? `max_prepared_statements = ${statements}` : ''}
`,
  )
  if (user.uid !== undefined) for (const path of [folder, file]) chownSync(path, user.uid, user.gid as number)
  const [command, ...rest] = [...dieWithParent('KILL'), program, file]
  const running = spawn(command as string, rest, { ...user, cwd: folder, stdio: 'ignore' })
  const isUp = () =>
    new Promise<boolean>((resolve) => {
      const socket = createConnection(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  while (!(await isUp())) {
    if (running.exitCode !== null) throw new Error('PgBouncer does not start')
    await sleep(20)
  }
  return {
    connectionString: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      const closed = new Promise((resolve) => running.once('close', resolve))
      running.kill('SIGKILL')
      await closed
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
