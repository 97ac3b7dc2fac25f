/**
 * A private PostgreSQL for tests: a cluster of its own in a temporary folder, on a free port of 127.0.0.1.
 *
 *     describePostgres('my tests', () => {
 *       let postgres: TestPostgres
 *       beforeAll(async () => { postgres = await startPostgres() })
 *       afterAll(() => postgres.stop())
 *     })
 *
 * Its collation is ICU's English, which sorts otherwise than by bytes: what relies on the database's own order fails.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dieWithParent, freeze, unprivileged } from './private-server'

export interface TestPostgres {
  /** Stays the same over `restart` and `kill`. */
  connectionString: string
  port: number
  /** Ends the server and deletes its folder. */
  stop(): Promise<void>
  /** Ends the server where it still runs, cutting every connection, and starts it again on the same data. */
  restart(): Promise<void>
  /** `kill -9` of the server and of whatever it was doing. `restart` brings it back. */
  kill(): Promise<void>
  /** It hangs from now on, without closing its connections, until the returned function is called. */
  freeze(): () => void
}

export interface StartPostgresOptions {
  /** Whether a commit waits for the disk. @default false */
  fsync?: boolean
  /** More settings of the server, as in postgresql.conf. */
  settings?: Readonly<Record<string, string>>
}

const isWindows = process.platform === 'win32'
const START_SECONDS = 60

/** The folder of the newest server programs: on the PATH, or where Debian keeps them. */
function findBinaries(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ]
  return isWindows
    ? undefined
    : folders.find((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))))
}

const binaries = findBinaries()
const missing = 'PostgreSQL is not on this machine (apt-get install postgresql): its tests are skipped'
if (!binaries && process.env.CI === 'true') throw new Error(`${missing}, which CI must not do`)
if (!binaries) console.warn(missing)

/** `describe` where there is a PostgreSQL to start, `describe.skip` where there is none. */
export const describePostgres: jest.Describe = binaries ? describe : describe.skip

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

export async function startPostgres({
  fsync = false,
  settings = {},
}: StartPostgresOptions = {}): Promise<TestPostgres> {
  if (!binaries) throw new Error(missing)
  const user = unprivileged('postgres')
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'))
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid as number)
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  const data = join(folder, 'data')
  const locale = ['--locale=C', '--locale-provider=icu', '--icu-locale=en-US', '--encoding=UTF8']
  const initdb = ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--no-instructions', ...locale]
  execFileSync(join(binaries, 'initdb'), initdb, { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })

  const port = await freePort()
  const configuration = {
    listen_addresses: '127.0.0.1',
    port: `${port}`,
    unix_socket_directories: '',
    max_connections: '200',
    fsync: fsync ? 'on' : 'off',
    ...settings,
  }
  const arguments_ = Object.entries(configuration).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  let server: ChildProcess | undefined

  /** True once it takes connections; false when it gave up, with its last words in `log`. */
  async function launch(log: string[]): Promise<boolean> {
    const [command, ...rest] = [
      ...dieWithParent('QUIT'),
      join(binaries as string, 'postgres'),
      '-D',
      data,
      ...arguments_,
    ]
    const started = spawn(command as string, rest, { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    server = started
    process.once('exit', killServer)
    return new Promise((resolve) => {
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        log.push(text)
        if (log.length > 50) log.shift()
        if (text.includes('ready to accept connections')) resolve(true)
      })
      started.once('error', (error) => log.push(String(error)))
      started.once('close', () => {
        process.off('exit', killServer)
        if (server === started) server = undefined
        resolve(false)
      })
    })
  }
  const killServer = () => void server?.kill('SIGKILL')

  async function start(): Promise<void> {
    const log: string[] = []
    // after a kill, what the server was doing goes on for a moment and holds the shared memory
    for (let tries = 0; tries < START_SECONDS * 5; tries++) {
      if (await launch(log)) return
      await sleep(200)
    }
    throw new Error(`PostgreSQL does not start: ${log.join('')}`)
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const running = server
    if (!running) return
    const closed = new Promise((resolve) => running.once('close', resolve))
    running.kill(signal)
    await closed
  }

  await start().catch((error) => {
    removeFolder()
    throw error
  })
  return {
    connectionString: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    async stop() {
      await end('SIGQUIT')
      removeFolder()
    },
    async restart() {
      await end('SIGINT')
      await start()
    },
    kill: () => end('SIGKILL'),
    freeze: () => freeze(server?.pid as number),
  }
}
