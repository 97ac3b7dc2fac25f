// Another process holds the write lock of the SQLite file, as a backup does: the rest of the host's app goes on.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { sqliteStorage } from 'express-authorization-server/sqlite'
import { createHost, type Host } from '../support/host'
import { BetterSqlite3, itBetterSqlite3 } from './support/sqlite'

const folder = mkdtempSync(join(tmpdir(), 'sqlite-lock-'))
const open: Database.Database[] = []
const holders: ChildProcess[] = []
afterAll(() => {
  for (const holder of holders) holder.kill('SIGKILL')
  for (const database of open) database.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A process that takes the lock, and keeps it until it is told to give it back. */
async function lock(file: string): Promise<() => void> {
  const program = `
    const database = new (require(${JSON.stringify(require.resolve('better-sqlite3'))}))(process.argv[1])
    database.exec('BEGIN IMMEDIATE')
    process.stdout.write('locked')
    process.stdin.once('data', () => database.exec('COMMIT')).once('data', () => process.exit())`
  const holder = spawn(process.execPath, ['-e', program, file], { stdio: ['pipe', 'pipe', 'inherit'] })
  holders.push(holder)
  await once(holder.stdout, 'data')
  return () => void holder.stdin.write('enough')
}

async function hostOn(name: string, timeout: number): Promise<{ host: Host; file: string }> {
  const file = join(folder, name)
  const database = new BetterSqlite3(file, { timeout })
  open.push(database)
  const storage = sqliteStorage(database)
  storage.migrate()
  return { host: await createHost({ storage }), file }
}

itBetterSqlite3(
  'six writes that wait stop nothing else, and succeed when the lock is free',
  async () => {
    // by far more than the rest takes: a process that stood still would stand until here
    const { host, file } = await hostOn('six.db', 60_000)
    const { access_token } = await host.signIn()
    const codes = await Promise.all(Array.from({ length: 6 }, () => host.code()))
    const unlock = await lock(file)
    let settled = 0
    const writes = codes.map((code) =>
      host.exchange(host.web, code).then((answer) => {
        settled += 1
        return answer
      }),
    )
    for (let n = 0; n < 20; n++) {
      await host.http().get('/elsewhere').expect(418)
      await host.me(access_token).expect(200)
    }
    expect(settled).toBe(0)
    unlock()
    expect((await Promise.all(writes)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
    expect(host.reportedErrors()).toEqual([])
  },
  60_000,
)

itBetterSqlite3(
  'asks for the lock for one of them at a time',
  async () => {
    const file = join(folder, 'asks.db')
    const database = new BetterSqlite3(file, { timeout: 60_000 })
    open.push(database)
    const seen = { begins: 0 }
    const counting = {
      prepare(sql: string) {
        const statement = database.prepare(sql)
        if (!sql.startsWith('BEGIN')) return statement as never
        const run = () => {
          seen.begins += 1
          return statement.run()
        }
        return { run, get: statement.get, all: statement.all } as never
      },
      exec: (sql: string) => database.exec(sql),
      get inTransaction() {
        return database.inTransaction
      },
    }
    const storage = sqliteStorage(counting)
    storage.migrate()
    const unlock = await lock(file)
    seen.begins = 0
    const writes = Array.from({ length: 50 }, () => storage.grants.revoke({ userId: 'ada' }, 1))
    // the first asked, and the others stand behind it
    expect(seen.begins).toBe(1)
    unlock()
    await Promise.all(writes)
  },
  60_000,
)

itBetterSqlite3(
  'is 503 with an event once the host’s time is over, and works when the lock is free',
  async () => {
    const { host, file } = await hostOn('long.db', 300)
    const code = await host.code()
    const unlock = await lock(file)
    await host.exchange(host.web, code).expect(503)
    expect(host.reportedErrors().map(({ cause }) => String(cause))).toEqual([
      expect.stringContaining('another connection has had the lock for 300 ms'),
    ])
    unlock()
    let answer = await host.exchange(host.web, code)
    while (answer.status === 503) answer = await host.exchange(host.web, code)
    expect(answer.status).toBe(200)
  },
  60_000,
)
