// The pool that an app has already, through Knex, Drizzle, Kysely, Prisma, TypeORM and Sequelize: the lines of
// examples/production/README.md as they stand there, each on a real PostgreSQL and a real MariaDB.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MysqlStorage, mysqlSchema, mysqlStorage } from 'express-authorization-server/mysql'
import { type PostgresStorage, postgresSchema, postgresStorage } from 'express-authorization-server/postgres'
import { storageContract } from 'express-authorization-server/storage-contract'
import { createPool } from 'mysql2/promise'
import { Pool } from 'pg'
import ts from 'typescript'
import { describeMysql, startMysql } from '../storage/support/mysql'
import { describePostgres, startPostgres } from '../storage/support/postgres'
import { createHost } from '../support/host'
import { type App, type HostPackage, packages } from './packages'

type Database = 'postgres' | 'mysql'

/** The first code of a cell of the document's table, of which a row is a package. */
const page = readFileSync(join(__dirname, '../../examples/production/README.md'), 'utf8')
const [, table = ''] = /\| package \| PostgreSQL \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(page) ?? []
const lines = Object.fromEntries(
  [...table.matchAll(/^\| (\w+)[^|]* \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$/gm)].map(([, name = '', ...cells]) => {
    const [postgres, mysql, migration] = cells.map((cell) => /`([^`]+)`/.exec(cell)?.[1])
    return [name, { postgres, mysql, migration }]
  }),
)
const library = { postgresStorage, mysqlStorage, postgresSchema, mysqlSchema }

/** What a line of the document is, where an app has these values. */
function run<Result>(line: string | undefined, values: object): Result {
  if (line === undefined) throw new Error('the document has no line for it')
  const { outputText } = ts.transpileModule(`export const result = ${line}`, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  })
  const given = { ...library, ...values }
  const exports: { result?: Result } = {}
  new Function('exports', ...Object.keys(given), outputText)(exports, ...Object.values(given))
  return exports.result as Result
}

it('the document has a row for each package, and a line for each of its pools', () => {
  expect(Object.keys(lines)).toEqual(Object.keys(packages))
  for (const [name, { mysql }] of Object.entries(packages)) {
    expect(lines[name]?.postgres).toMatch(/^postgresStorage\(/)
    expect(lines[name]?.mysql).toMatch(mysql ? /^mysqlStorage\(/ : /^mysqlStorage\(createPool\(/)
  }
})

it('the lines compile with the types of each package', () => {
  const { config } = ts.readConfigFile(join(__dirname, '../../tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, join(__dirname, '../..'))
  const files = new Map<string, string>()
  for (const [name, { types, mysql }] of Object.entries(packages)) {
    for (const database of mysql ? (['postgres', 'mysql'] as const) : (['postgres'] as const)) {
      const text = [
        types[database],
        `import { ${database}Storage } from 'express-authorization-server/${database}'`,
        'declare const text: string',
        `export const storage = ${lines[name]?.[database]}`,
        `export const migration = ${lines[name]?.migration ?? 'undefined'}`,
      ]
      files.set(join(__dirname, `${name}-${database}.ts`), text.join('\n'))
    }
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (file) => files.has(file) || fileExists(file)
  host.getSourceFile = (file, ...more) => {
    const source = files.get(file)
    return source === undefined ? getSourceFile(file, ...more) : ts.createSourceFile(file, source, more[0])
  }
  const unused = { noUnusedLocals: false, noEmit: true }
  const problems = ts
    .getPreEmitDiagnostics(ts.createProgram([...files.keys()], { ...options, ...unused }, host))
    .map(({ file, messageText }) => [file?.fileName, ts.flattenDiagnosticMessageText(messageText, '\n')])
  expect(problems).toEqual([])
})

/** One database of its own for each package, and what its operator does there. */
interface Server {
  url: string
  /** Empties the tables. */
  empty(): Promise<unknown>
  /** Ends every connection but the operator's. */
  cut(): Promise<unknown>
}

function tests(name: string, database: Database, open: NonNullable<HostPackage[Database]>, server: () => Server): void {
  const line = lines[name]
  let app: App
  let storage: PostgresStorage | MysqlStorage
  beforeAll(async () => {
    app = await open(server().url)
    storage = run(line?.[database], app.values)
  })
  afterAll(async () => await app.close())

  it('makes the tables by a migration of its own, of which the document has the line', async () => {
    const texts = database === 'postgres' ? [postgresSchema()] : mysqlSchema()
    if (line?.migration) for (const text of texts) await run(line.migration, { ...app.values, text })
    const from = line?.migration ? 2 : 0
    expect(await storage.migrate()).toEqual({ from, to: 2, sessionsEnded: false })
  })

  describe('keeps the contract', () => {
    storageContract({
      describe,
      test,
      async create() {
        await server().empty()
        return storage
      },
    })
  })

  it('serves the whole flow over HTTP, beside statements of the host', async () => {
    await server().empty()
    const host = await createHost({ storage })
    const first = await host.signIn()
    const second = await host.refresh(host.web, first.refresh_token).expect(200)
    await app.ask()
    expect(await host.isAlive(second.body)).toBe(true)
    await host.revoke(host.web, second.body.refresh_token).expect(200)
    for (const tokens of [first, second.body]) expect(await host.isAlive(tokens)).toBe(false)
  })

  it('gives every connection back, also those whose statement failed', async () => {
    const failing = run<PostgresStorage | MysqlStorage>(
      line?.[database]?.replace(/\)$/, `, { prefix: 'no_' })`),
      app.values,
    )
    for (let times = 0; times < 20; times++) {
      await expect(Promise.resolve(failing.clients.find('a'))).rejects.toThrow('the tables are missing')
    }
    const calls = Array.from({ length: 40 }, (_, n) => storage.clients.find(`client-${n}`))
    expect(await Promise.all(calls)).toEqual(calls.map(() => undefined))
    await app.ask()
  })

  it('goes on after its connections were cut', async () => {
    await app.ask()
    await server().cut()
    // a pool may learn of it by the first statement that fails
    const find = () => Promise.resolve(storage.clients.find('client-1'))
    for (let times = 0; times < 10; times++) await find().catch(() => undefined)
    expect(await find()).toBeUndefined()
  })
}

const names = (database: Database) =>
  Object.entries(packages).flatMap(([name, { [database]: open }]) => (open ? [[name, open] as const] : []))

describePostgres('on PostgreSQL', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>
  let operator: Pool
  beforeAll(async () => {
    postgres = await startPostgres()
    operator = new Pool({ connectionString: postgres.connectionString })
    for (const [name] of names('postgres')) await operator.query(`CREATE DATABASE ${name.toLowerCase()}`)
  })
  afterAll(async () => {
    await operator.end()
    await postgres.stop()
  })

  describe.each(names('postgres'))('the pool of %s', (name, open) => {
    let own: Pool
    const url = () => postgres.connectionString.replace(/\w+$/, name.toLowerCase())
    beforeAll(() => {
      own = new Pool({ connectionString: url(), application_name: 'operator' })
    })
    afterAll(() => own.end())
    tests(name, 'postgres', open, () => ({
      url: url(),
      empty: () => own.query('TRUNCATE oauth_clients, oauth_grants, oauth_credentials, oauth_marks'),
      cut: () =>
        own.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name <> 'operator'`),
    }))
  })
})

describeMysql('on MariaDB', () => {
  let mysql: Awaited<ReturnType<typeof startMysql>>
  let operator: ReturnType<typeof createPool>
  beforeAll(async () => {
    mysql = await startMysql()
    operator = createPool(mysql.url)
    for (const [name] of names('mysql')) await operator.query(`CREATE DATABASE ${name}`)
  })
  afterAll(async () => {
    await operator.end()
    await mysql.stop()
  })

  describe.each(names('mysql'))('the pool of %s', (name, open) => {
    tests(name, 'mysql', open, () => ({
      url: mysql.url.replace(/\w+$/, name),
      async empty() {
        for (const table of ['clients', 'grants', 'credentials', 'marks'])
          await operator.query(`DELETE FROM ${name}.oauth_${table}`)
      },
      async cut() {
        const [rows] = await operator.query('SELECT id FROM information_schema.processlist WHERE db = ?', [name])
        for (const { id } of rows as { id: number }[]) await operator.query(`KILL ${id}`)
      },
    }))
  })
})
