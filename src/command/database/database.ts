/** Opens a command's database by its URL, with the host's own driver. Closes it at the end. Names never have its password. */
import { closeSync, existsSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Awaitable } from '../../awaitable'
import type { OAuthStorage } from '../../storage'
import { type MysqlPool, mysqlStorage } from '../../storage/mysql/mysql'
import { type PostgresPool, postgresStorage } from '../../storage/postgres/postgres'
import { checkRedis, type RedisClient, redisStorage } from '../../storage/redis/redis'
import type { Migration } from '../../storage/schema-version'
import { type SqliteDatabase, sqliteStorage } from '../../storage/sqlite/sqlite'
import type { Call, Options } from '../call/call'
import { isOfCaller, reasonOf } from '../call/reason'
import { exit, misused, Refusal } from '../call/refusal'
import { shown } from '../call/shown'
import { loadDriver } from './driver'

export const databaseOptions: Options = {
  database: {
    type: 'string',
    value: 'URL',
    words: 'postgres://, mysql://, redis:// or sqlite:FILE. Without it, DATABASE_URL of the environment',
  },
  prefix: {
    type: 'string',
    value: 'NAME',
    words: "the prefix of the tables or keys, where the host's storage has one",
  },
  schema: { type: 'string', value: 'NAME', words: 'the schema of the tables in PostgreSQL' },
}

export interface OpenDatabase {
  readonly storage: OAuthStorage
  /** Its name in sentences, without user and password. */
  readonly name: string
  /** Undefined if it has no tables to create. */
  readonly migrate: () => Awaitable<Migration | undefined>
  readonly close: () => Awaitable<unknown>
}

/** Milliseconds for the server to accept the connection. */
const PATIENCE = 5000

interface Place {
  readonly url: string
  readonly name: string
  readonly naming: { prefix?: string }
  readonly schema: string | undefined
  readonly mayCreate: boolean
}

type Opener = (place: Place) => Awaitable<OpenDatabase>

const openers: Readonly<Record<string, Opener>> = {
  'postgres:': openPostgres,
  'postgresql:': openPostgres,
  'mysql:': openMysql,
  'mariadb:': openMysql,
  'redis:': openRedis,
  'rediss:': openRedis,
  'sqlite:': openSqlite,
  'file:': openSqlite,
}

/** Runs `use` on the call's database. With `mayCreate`, creates a missing SQLite file. */
export async function withDatabase<T>(
  call: Call,
  use: (database: OpenDatabase) => Promise<T>,
  { mayCreate = false } = {},
): Promise<T> {
  const url = databaseUrl(call)
  const scheme = /^[a-z]+:/i.exec(url)?.[0].toLowerCase() ?? ''
  const open = openers[scheme]
  if (!open) {
    // shows nothing of it: it may be a password
    const fix = 'write postgres://HOST/NAME, mysql://HOST/NAME, redis://HOST or sqlite:FILE'
    throw misused(`The database URL has no scheme that is known: ${fix}.`)
  }
  const name = nameOf(call, url, scheme)
  const [prefix, schema] = [call.text('prefix'), call.text('schema')]
  if (schema !== undefined && open !== openPostgres) throw misused('--schema is for PostgreSQL alone.')
  const naming = prefix === undefined ? {} : { prefix }
  try {
    const database = await open({ url, name, naming, schema, mayCreate })
    try {
      return await use(database)
    } finally {
      await database.close()
    }
  } catch (error) {
    throw error instanceof Refusal || isOfCaller(error) ? error : failed(name, error)
  }
}

/** An error in the arguments is described without the database. */
function failed(name: string, error: unknown): Refusal {
  const reason = shown(reasonOf(error), 1000)
  if (error instanceof TypeError) return misused(reason)
  return new Refusal(`${name[0]?.toUpperCase()}${name.slice(1)}: ${reason}`, exit.failed, { cause: error })
}

function databaseUrl(call: Call): string {
  const url = call.text('database') ?? process.env.DATABASE_URL
  if (!url) throw misused('No database is named: set DATABASE_URL, or add --database URL.')
  return url
}

function nameOf(call: Call, url: string, scheme: string): string {
  call.terminal.conceal(url)
  if (scheme === 'sqlite:' || scheme === 'file:') return `the SQLite file ${shown(fileOf(url))}`
  const { password, host, pathname, searchParams } = serverUrl(url)
  // drivers accept passwords there under several names: password, passwd, password1
  const inSearch = [...searchParams].flatMap(([name, value]) => (/pass/i.test(name) ? [value] : []))
  const secrets = [password, decoded(password), ...inSearch].filter((secret) => secret !== '')
  // every user of the machine can see arguments
  if (secrets.length > 0 && call.text('database') !== undefined) {
    throw misused('--database must have no password, for arguments are no secret: set DATABASE_URL instead.')
  }
  for (const secret of secrets) call.terminal.conceal(secret)
  return `the database at ${shown(`${scheme}//${host}${pathname}`)}`
}

/**
 * WHATWG URL §4.4 accepts almost any text: in postgres:/USER:PASSWORD@HOST everything is the path, and a / # or ? in a
 * password ends the host. The password would then be printed as part of the name.
 */
function serverUrl(url: string): URL {
  const parsed = /^[a-z]+:\/\//i.test(url) && URL.canParse(url) ? new URL(url) : undefined
  const { host = '', pathname = '', search = '', hash = '' } = parsed ?? {}
  // without a host, as for the socket of postgres:///NAME, a user may be in its place
  const isMisplaced = `${pathname}${search}${hash}`.includes('@') || (host === '' && pathname.includes(':'))
  if (parsed && !isMisplaced) return parsed
  throw misused(
    'The database URL is not valid: write SCHEME://USER@HOST/NAME, and in a password %40 for @ and %2F for a slash.',
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

async function openPostgres({ url, name, naming, schema }: Place): Promise<OpenDatabase> {
  type Pool = PostgresPool & { end(): Promise<void> }
  const { Pool } = loadDriver<{ Pool: new (options: object) => Pool }>('pg', 'PostgreSQL')
  const pool = new Pool({ connectionString: url, connectionTimeoutMillis: PATIENCE, max: 2 })
  const storage = postgresStorage(pool, { ...naming, ...(schema !== undefined && { schema }) })
  return { storage, name, migrate: () => storage.migrate(), close: () => pool.end() }
}

async function openMysql({ url, name, naming }: Place): Promise<OpenDatabase> {
  type Pool = MysqlPool & { end(): Promise<void> }
  const driver = loadDriver<{ createPool(options: object): Pool }>('mysql2/promise', 'MySQL')
  const uri = url.replace(/^mariadb:/i, 'mysql:')
  const pool = driver.createPool({ uri, connectTimeout: PATIENCE, connectionLimit: 2 })
  const storage = mysqlStorage(pool, naming)
  return { storage, name, migrate: () => storage.migrate(), close: () => pool.end() }
}

async function openRedis({ url, name, naming }: Place): Promise<OpenDatabase> {
  type Client = RedisClient & { connect(): Promise<unknown>; destroy?(): unknown; disconnect?(): unknown }
  const { createClient } = loadDriver<{ createClient(options: object): Client }>('redis', 'Redis')
  const socket = { connectTimeout: PATIENCE, reconnectStrategy: false }
  const client = createClient({ url, disableOfflineQueue: true, socket })
  const storage = redisStorage(client, naming)
  await client.connect()
  const close = () => (client.destroy ? client.destroy() : client.disconnect?.())
  const migrate = async () => {
    await checkRedis(client)
    return undefined
  }
  return { storage, name, migrate, close }
}

function openSqlite({ url, name, naming, mayCreate }: Place): OpenDatabase {
  const file = fileOf(url)
  if (file === '') throw misused('The database URL names no file: write sqlite:FILE.')
  const isThere = existsSync(file)
  if (!mayCreate && !isThere) throw new Refusal(`There is no ${name.replace('the ', '')}: migrate makes it.`)
  const Database = fileClass()
  if (!isThere && file !== ':memory:') makeFile(file)
  const database = new Database(file)
  const storage = sqliteStorage(database, naming)
  return { storage, name, migrate: () => storage.migrate(), close: () => database.close() }
}

/** Creates an empty file for this user only. SQLite would make it readable for all, and its journals have its mode. */
function makeFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    // another process was faster. A dangling link is refused, because its creator chose where the file would be
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !existsSync(file)) throw error
  }
}

function fileOf(url: string): string {
  try {
    if (/^file:\/\//i.test(url)) return fileURLToPath(url)
  } catch {
    throw misused('The file URL is not valid on this system: write sqlite:FILE.')
  }
  return url.replace(/^(sqlite|file):(\/\/(?=\/))?/i, '')
}

type File = SqliteDatabase & { close(): unknown }
type FileClass = new (file: string) => File

/** Node's own class since 22.13, or else better-sqlite3. */
function fileClass(): FileClass {
  const builtin = process.getBuiltinModule?.('node:sqlite') as { DatabaseSync: FileClass } | undefined
  return builtin?.DatabaseSync ?? loadDriver('better-sqlite3', 'SQLite on this Node, which has no node:sqlite,')
}
