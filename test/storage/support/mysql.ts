/**
 * A private MariaDB for tests: data of its own in a temporary folder, on a free port of 127.0.0.1.
 *
 *     describeMysql('my tests', () => {
 *       let mysql: TestMysql
 *       beforeAll(async () => { mysql = await startMysql() })
 *       afterAll(() => mysql.stop())
 *     })
 *
 * Its collation is the one that folds case and pads with spaces, as MySQL's was for long: what relies on it fails.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { MysqlPool } from 'express-authorization-server/mysql'
import type { Pool, PoolConnection } from 'mysql2/promise'
import { freePort } from '../../support/free-port'
import { dieWithParent, freeze, unprivileged } from './private-server'

export interface TestMysql {
  /** Stays the same over `restart` and `kill`. */
  url: string
  /** Ends the server and deletes its folder. */
  stop(): Promise<void>
  /** Ends the server where it still runs, cutting every connection, and starts it again on the same data. */
  restart(): Promise<void>
  /** `kill -9` of the server and of whatever it was doing. `restart` brings it back. */
  kill(): Promise<void>
  /** It hangs from now on, without closing its connections, until the returned function is called. */
  freeze(): () => void
}

/** Where Debian keeps the server, and what is on the PATH. */
function find(program: string): string | undefined {
  const folders = ['/usr/sbin', '/usr/bin', ...(process.env.PATH ?? '').split(delimiter)]
  return process.platform === 'win32'
    ? undefined
    : folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}

const [server, installer] = [find('mariadbd'), find('mariadb-install-db')]
const isThere = server !== undefined && installer !== undefined
const missing = 'MariaDB is not on this machine (apt-get install mariadb-server): its tests are skipped'
if (!isThere && process.env.CI === 'true') throw new Error(`${missing}, which CI must not do`)
if (!isThere) console.warn(missing)

/** `describe` where there is a MariaDB to start, `describe.skip` where there is none. */
export const describeMysql: jest.Describe = isThere ? describe : describe.skip

/** `settings`: more of the server, as in my.cnf. */
export async function startMysql(settings: Readonly<Record<string, string>> = {}): Promise<TestMysql> {
  if (!isThere) throw new Error(missing)
  const user = unprivileged('mysql')
  const folder = mkdtempSync(join(tmpdir(), 'mysql-'))
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid as number)
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  process.once('exit', removeFolder)
  const data = `--datadir=${join(folder, 'data')}`
  const installing = ['--no-defaults', data, '--auth-root-authentication-method=normal']
  execFileSync(installer, installing, { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })

  const port = await freePort()
  const configuration = {
    'bind-address': '127.0.0.1',
    port: `${port}`,
    socket: join(folder, 'socket'),
    'pid-file': join(folder, 'pid'),
    'max-connections': '200',
    'character-set-server': 'utf8mb4',
    'collation-server': 'utf8mb4_general_ci',
    // a commit does not wait for the disk: nobody cuts the power
    'innodb-flush-log-at-trx-commit': '2',
    'innodb-buffer-pool-size': '64M',
    'skip-name-resolve': '1',
    ...settings,
  }
  const arguments_ = Object.entries(configuration).map(([name, value]) => `--${name}=${value}`)
  let running: ChildProcess | undefined
  const killServer = () => void running?.kill('SIGKILL')
  process.once('exit', killServer)

  async function start(): Promise<void> {
    const [command, ...rest] = [...dieWithParent('KILL'), server as string, '--no-defaults', data, ...arguments_]
    const started = spawn(command as string, rest, { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    running = started
    const log: string[] = []
    const isReady = await new Promise<boolean>((resolve) => {
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        log.push(text)
        if (text.includes('ready for connections')) resolve(true)
      })
      started.once('error', (error) => log.push(String(error)))
      started.once('close', () => resolve(false))
    })
    if (!isReady) throw new Error(`MariaDB does not start: ${log.join('')}`)
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = running
    running = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const closed = new Promise((resolve) => ending.once('close', resolve))
    ending.kill(signal)
    await closed
  }

  await start().catch((error) => {
    removeFolder()
    throw error
  })
  execFileSync(find('mariadb') as string, [
    ...['--no-defaults', '-uroot', `--socket=${configuration.socket}`, '-e'],
    `CREATE DATABASE app; CREATE USER app@'127.0.0.1' IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO app@'127.0.0.1' WITH GRANT OPTION`,
  ])
  return {
    url: `mysql://app:secret@127.0.0.1:${port}/app`,
    async stop() {
      await end('SIGKILL')
      process.off('exit', removeFolder)
      process.off('exit', killServer)
      removeFolder()
    },
    async restart() {
      await end('SIGTERM')
      await start()
    },
    kill: () => end('SIGKILL'),
    freeze: () => freeze(running?.pid as number),
  }
}

/** Resolves once so many statements wait for a lock of somebody else. */
export async function areWaiting(pool: Pool, count = 1): Promise<void> {
  for (;;) {
    const [rows] = await pool.query(`SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'`)
    if (Number((rows as { Value: string }[])[0]?.Value) === count) return
  }
}

/** The same pool, that notes each statement. */
export function recorded(pool: Pool, seen: string[]): MysqlPool {
  const on = (connection: Pool | PoolConnection): MysqlPool['query'] => {
    return (statement) => {
      seen.push(statement.sql)
      return connection.query(statement)
    }
  }
  return {
    query: on(pool),
    async getConnection() {
      const connection = await pool.getConnection()
      return { query: on(connection), release: () => connection.release() }
    },
  }
}
