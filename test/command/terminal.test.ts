// A person at a terminal: the question before what cannot be undone, and Ctrl-C.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { sqliteStorage } from 'express-authorization-server/sqlite'
import { buildCommand, environmentOf } from './support/command'

const command = buildCommand()
const folder = mkdtempSync(join(tmpdir(), 'terminal-'))
const file = join(folder, 'oauth.db')
const DATABASE_URL = `sqlite:${file}`
const run = (...args: string[]) => command(args, { env: { DATABASE_URL } })

beforeAll(async () => {
  await run('migrate')
  await run('clients', 'add', '--id', 'shop')
})
afterAll(() => {
  command.remove()
  rmSync(folder, { recursive: true, force: true })
})

// of util-linux: gives a program a terminal
const inTerminal = existsSync('/usr/bin/script') && process.platform === 'linux' ? it : it.skip

async function answered(answer: string, ...args: string[]): Promise<{ code: number | null; printed: string }> {
  const line = [process.execPath, command.main, ...args].join(' ')
  const child = spawn('/usr/bin/script', ['-qec', line, '/dev/null'], { env: environmentOf({ DATABASE_URL }) })
  let printed = ''
  child.stdout.on('data', (text) => {
    if (!printed.includes('[y/N]') && `${printed}${text}`.includes('[y/N]')) child.stdin.write(answer)
    printed += text
  })
  const [code] = await once(child, 'close')
  return { code, printed }
}

inTerminal.each([
  ['n', 'n\r', 4],
  ['nothing', '\r', 4],
  ['Ctrl-C', '\u0003', 130],
  ['Ctrl-D', '\u0004', 4],
])('a question with the answer %s changes nothing', async (_name, answer, expected) => {
  const { code, printed } = await answered(answer, 'clients', 'delete', 'shop')
  expect([code, printed]).toEqual([expected, expect.stringContaining('Nothing was changed.')])
  expect((await run('clients', 'list')).stdout).toContain('shop')
})

it('Ctrl-C in a change leaves it whole: a secret that was stored was printed, and no other was', async () => {
  const digest = async () => {
    const database = new Database(file)
    const client = await sqliteStorage(database).clients.find('shop')
    database.close()
    return client?.secrets[0]?.digest
  }
  const before = await digest()
  const lock = new Database(file)
  lock.exec('BEGIN IMMEDIATE')
  const child = command.start(['clients', 'rotate', 'shop', '--yes'], { env: { DATABASE_URL } })
  child.stdin?.end()
  const closed = once(child, 'close')
  let stdout = ''
  child.stdout?.on('data', (text) => {
    stdout += text
  })
  // whether it waits for the lock by then, or is not there yet: it holds for both
  await sleep(1000)
  child.kill('SIGINT')
  // with the lock a while longer: without it the change could be done before the signal arrives
  await sleep(1000)
  lock.exec('ROLLBACK')
  lock.close()
  const [code, signal] = await closed
  expect(['SIGINT', 130]).toContain(signal ?? code)
  const [, secret] = /client_secret: (\S+)/.exec(stdout) ?? []
  const now = secret === undefined ? before : createHash('sha256').update(secret).digest('base64url')
  expect(await digest()).toBe(now)
})

inTerminal('a question with the answer y goes on', async () => {
  expect(await answered('y\r', 'clients', 'delete', 'shop')).toMatchObject({ code: 0 })
  expect((await run('clients', 'list')).stdout).toBe('')
})
