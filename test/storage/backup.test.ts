// Backup and restore by the commands of examples/production/README.md, on real databases: a restore undoes revocations,
// and the lines that the page has for it end everything that began before.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mysqlStorage } from 'express-authorization-server/mysql'
import { postgresStorage } from 'express-authorization-server/postgres'
import { redisStorage } from 'express-authorization-server/redis'
import { sqliteStorage } from 'express-authorization-server/sqlite'
import { createPool } from 'mysql2/promise'
import { Pool } from 'pg'
import { createClient } from 'redis'
import ts from 'typescript'
import * as library from '../../src/index'
import { describeMysql, startMysql } from './support/mysql'
import { type OpenSqlite, openSqlite } from './support/open-sqlite'
import { describePostgres, startPostgres } from './support/postgres'
import { describeRedis, startRedis } from './support/redis'
import { itSqlite } from './support/sqlite'

const page = readFileSync(join(__dirname, '../../examples/production/README.md'), 'utf8')
const [, table = ''] = /\| store \| backup \| restore \|\n\|[-|]+\n((?:\|.*\n)+)/.exec(page) ?? []
const commands = Object.fromEntries(
  [...table.matchAll(/^\| (\w+)[^|]* \| `([^`]+)`[^|]* \| (?:`([^`]+)`)?[^|]* \|$/gm)].map(
    ([, store = '', ...both]) => [store, both as [backup: string, restore: string]],
  ),
)
const [, afterRestore = ''] = /```ts\n((?:(?!```)[\s\S])*listGrants\(server\)[\s\S]*?)```/.exec(page) ?? []

/** What the page has to be run after a restore. */
async function runLines(server: library.AuthorizationServer): Promise<void> {
  const { outputText } = ts.transpileModule(afterRestore, { compilerOptions: { target: ts.ScriptTarget.ES2022 } })
  const AsyncFunction = (async () => {}).constructor as new (
    ...parts: string[]
  ) => (...args: unknown[]) => Promise<void>
  const { listClients, listGrants, revokeGrants } = library
  const names = ['server', 'listClients', 'listGrants', 'revokeGrants']
  await new AsyncFunction(...names, outputText)(server, listClients, listGrants, revokeGrants)
}

interface Setup {
  open: () => library.OAuthStorage | Promise<library.OAuthStorage>
  backUp: () => unknown
  /** With no process of the app: what `open` gave is not used afterwards. */
  restore: () => unknown
}

async function proves({ open, backUp, restore }: Setup): Promise<void> {
  const clock = { now: 1_800_000_000 }
  const serverOn = (storage: library.OAuthStorage) =>
    library.createAuthorizationServer({
      issuer: 'https://auth.example',
      storage,
      scopes: ['read'],
      now: () => clock.now,
    })
  const before = serverOn(await open())
  const redirectUris = ['https://app.example/callback']
  for (const clientId of ['web', 'by-document'])
    await library.registerClient(before, { clientId, redirectUris, scopes: ['read'] })
  const issue = async (server: library.AuthorizationServer, clientId: string, userId: string) =>
    (await library.issueTokens(server, { clientId, userId, scope: 'read' })).access_token
  const stolen = await issue(before, 'web', 'ada')
  await issue(before, 'by-document', 'bob')
  // as a client that is described by a document: it has sessions, and no record
  await before.storage.clients.delete('by-document')
  await backUp()
  clock.now += 60
  await library.revokeGrants(before, { userId: 'ada' })
  const since = await issue(before, 'web', 'carol')
  await expect(library.verifyAccessToken(before, stolen)).rejects.toThrow('revoked')
  await restore()
  clock.now += 600
  const after = serverOn(await open())
  // the danger: what was revoked is good again
  await library.verifyAccessToken(after, stolen)
  await expect(library.verifyAccessToken(after, since)).rejects.toThrow()
  expect(await library.listGrants(after)).toHaveLength(2)
  await runLines(after)
  await expect(library.verifyAccessToken(after, stolen)).rejects.toThrow('revoked')
  expect(await library.listGrants(after)).toEqual([])
  clock.now += 1
  await library.verifyAccessToken(after, await issue(after, 'web', 'ada'))
}

/** Runs a command of the page in `folder`. */
function shell(folder: string, command: string | undefined, env: Record<string, string> = {}): void {
  execFileSync('sh', ['-ec', String(command)], { cwd: folder, env: { ...process.env, ...env }, stdio: 'pipe' })
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backup-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('the page has commands for each store, and the lines to run', () => {
  expect(Object.keys(commands)).toEqual(['SQLite', 'PostgreSQL', 'MySQL', 'Redis'])
  expect(afterRestore).toContain('revokeGrants(server, { clientId })')
})

itSqlite('SQLite', async () => {
  const [backup, restore] = commands.SQLite ?? []
  // what its command line does with the statement is the driver's
  const [, statement = ''] = /^sqlite3 oauth\.db "(.*)"$/.exec(backup ?? '') ?? []
  let database: OpenSqlite | undefined
  await proves({
    open() {
      database = openSqlite(join(folder, 'oauth.db'))
      const storage = sqliteStorage(database)
      storage.migrate()
      return storage
    },
    backUp: () => database?.exec(statement.replace('backup.db', join(folder, 'backup.db'))),
    restore() {
      database?.close()
      shell(folder, restore)
    },
  })
  database?.close()
})

describePostgres('on a server', () => {
  it('PostgreSQL', async () => {
    const postgres = await startPostgres()
    const [backup, restore] = commands.PostgreSQL ?? []
    const env = { DATABASE_URL: postgres.connectionString }
    let pool: Pool | undefined
    await proves({
      async open() {
        pool = new Pool(postgres)
        const storage = postgresStorage(pool)
        await storage.migrate()
        return storage
      },
      backUp: () => shell(folder, backup, env),
      async restore() {
        await pool?.end()
        shell(folder, restore, env)
      },
    })
    await pool?.end()
    await postgres.stop()
  })
})

describeMysql('on a server', () => {
  it('MariaDB', async () => {
    const mysql = await startMysql()
    const { hostname, port, username, password } = new URL(mysql.url)
    const options = join(folder, 'my.cnf')
    writeFileSync(options, `[client]\nhost=${hostname}\nport=${port}\nuser=${username}\npassword=${password}\n`)
    const run = (command = '') =>
      shell(folder, command.replace(/^[\w-]+/, `$& --defaults-file=${options}`), { DATABASE: 'app' })
    const [backup, restore] = commands.MySQL ?? []
    let pool: ReturnType<typeof createPool> | undefined
    await proves({
      async open() {
        pool = createPool(mysql.url)
        const storage = mysqlStorage(pool)
        await storage.migrate()
        return storage
      },
      backUp: () => run(backup),
      async restore() {
        await pool?.end()
        // a database that has lost its procedures, too: they are in the copy
        run('mariadb -e "DROP DATABASE app; CREATE DATABASE app"')
        run(restore)
      },
    })
    await pool?.end()
    await mysql.stop()
  })
})

describeRedis('on a server', () => {
  it('Redis', async () => {
    const redis = await startRedis({ config: { appendonly: 'no' } })
    const [backup] = commands.Redis ?? []
    let client: ReturnType<typeof createClient> | undefined
    let file = ''
    await proves({
      async open() {
        client = createClient({ url: redis.url })
        await client.connect()
        file = join(String((await client.configGet('dir')).dir), 'dump.rdb')
        return redisStorage(client)
      },
      backUp() {
        shell(folder, backup, { REDIS_URL: redis.url })
        copyFileSync(file, join(folder, 'dump.rdb'))
      },
      async restore() {
        client?.destroy()
        await redis.kill()
        copyFileSync(join(folder, 'dump.rdb'), file)
        await redis.restart()
      },
    })
    await client?.configSet('appendonly', 'yes')
    client?.destroy()
    await redis.stop()
  })
})
