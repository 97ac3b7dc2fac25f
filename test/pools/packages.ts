/** Knex, Drizzle, Kysely, Prisma, TypeORM and Sequelize as an app has them, each with a pool of its own. */
import 'reflect-metadata'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { sql as drizzleSql } from 'drizzle-orm'
import * as drizzleMysql from 'drizzle-orm/mysql2'
import * as drizzlePostgres from 'drizzle-orm/node-postgres'
import { knex as createKnex } from 'knex'
import { Kysely, sql as kyselySql, MysqlDialect, PostgresDialect } from 'kysely'
import * as mysql2 from 'mysql2'
import { Pool } from 'pg'
import { Sequelize } from 'sequelize'
import { DataSource } from 'typeorm'

/** An app with one of the packages. */
export interface App {
  /** What the lines of the document speak of, by name. */
  values: Record<string, unknown>
  /** A statement of the host's own, through the package. */
  ask: () => PromiseLike<unknown>
  close: () => PromiseLike<unknown>
}

export interface HostPackage {
  /** The imports and the types of `values`, as the app has them. */
  types: Record<'postgres' | 'mysql', string>
  postgres: (url: string) => Promise<App>
  /** Left out: it has no pool of mysql2. */
  mysql?: (url: string) => Promise<App>
}

/** Connections of each pool: fewer than calls at once, so that one that is not given back is missed. */
const CONNECTIONS = 4

const postgresPool = (connectionString: string) => new Pool({ connectionString, max: CONNECTIONS })
const mysqlPool = (uri: string) => mysql2.createPool({ uri, connectionLimit: CONNECTIONS })

async function knexApp(client: string, connection: string): Promise<App> {
  // it warns of each connection that was cut
  const log = { warn() {} }
  const knex = createKnex({ client, connection, log, pool: { min: 0, max: CONNECTIONS } })
  return { values: { knex }, ask: () => knex.select(knex.raw('1')), close: () => knex.destroy() }
}

async function typeormApp(type: 'postgres' | 'mariadb', url: string): Promise<App> {
  const size = type === 'postgres' ? { max: CONNECTIONS } : { connectionLimit: CONNECTIONS }
  const dataSource = new DataSource({ type, url, extra: size })
  await dataSource.initialize()
  const queryRunner = dataSource.createQueryRunner()
  return {
    values: { dataSource, queryRunner },
    ask: () => dataSource.query('SELECT 1'),
    close: () => dataSource.destroy(),
  }
}

async function sequelizeApp(url: string): Promise<App> {
  const sequelize = new Sequelize(url, { logging: false, pool: { max: CONNECTIONS } })
  return { values: { sequelize }, ask: () => sequelize.query('SELECT 1'), close: () => sequelize.close() }
}

async function kyselyApp(dialect: PostgresDialect | MysqlDialect, pool: unknown): Promise<App> {
  const db = new Kysely<Record<string, never>>({ dialect })
  const ask = () => kyselySql`SELECT 1`.execute(db)
  return { values: { db, pool, sql: kyselySql }, ask, close: () => db.destroy() }
}

/** Its command wants an engine for migrations, which making a client does not use: any file keeps it from downloading one. */
function generatedClient(): new (options: object) => { $queryRaw: (text: TemplateStringsArray) => Promise<unknown> } {
  const command = join(__dirname, 'node_modules/prisma/build/index.js')
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: __filename, CHECKPOINT_DISABLE: '1' }
  const schema = join(__dirname, 'schema.prisma')
  execFileSync(process.execPath, [command, 'generate', '--schema', schema], { cwd: __dirname, env, stdio: 'pipe' })
  return require(join(__dirname, 'generated/client.ts')).PrismaClient
}

/** By the first column of the document's table. */
export const packages: Record<string, HostPackage> = {
  Knex: {
    types: {
      postgres: `declare const knex: import('knex').Knex`,
      mysql: `declare const knex: import('knex').Knex`,
    },
    postgres: (url) => knexApp('pg', url),
    mysql: (url) => knexApp('mysql2', url),
  },
  Drizzle: {
    types: {
      postgres: `import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
const db = drizzle('postgres://')`,
      mysql: `import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/mysql2'
const db = drizzle('mysql://')`,
    },
    async postgres(url) {
      const db = drizzlePostgres.drizzle(url)
      return { values: { db, sql: drizzleSql }, ask: () => db.execute('SELECT 1'), close: () => db.$client.end() }
    },
    async mysql(url) {
      const db = drizzleMysql.drizzle(url)
      const close = () => db.$client.promise().end()
      return { values: { db, sql: drizzleSql }, ask: () => db.execute('SELECT 1'), close }
    },
  },
  Kysely: {
    types: {
      postgres: `import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool } from 'pg'
const pool = new Pool()
const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) })`,
      mysql: `import { Kysely, MysqlDialect, sql } from 'kysely'
import { createPool } from 'mysql2'
const pool = createPool('mysql://')
const db = new Kysely<object>({ dialect: new MysqlDialect({ pool }) })`,
    },
    async postgres(url) {
      const pool = postgresPool(url)
      return kyselyApp(new PostgresDialect({ pool }), pool)
    },
    async mysql(url) {
      const pool = mysqlPool(url)
      return kyselyApp(new MysqlDialect({ pool }), pool)
    },
  },
  Prisma: {
    types: {
      postgres: `import { PrismaPg } from '@prisma/adapter-pg'
import { Pool } from 'pg'
const pool = new Pool()
const adapter = new PrismaPg(pool)`,
      mysql: '',
    },
    async postgres(url) {
      const pool = postgresPool(url)
      const prisma = new (generatedClient())({ adapter: new PrismaPg(pool) })
      return { values: { pool }, ask: () => prisma.$queryRaw`SELECT 1`, close: () => pool.end() }
    },
  },
  TypeORM: {
    types: {
      postgres: `import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver'
declare const dataSource: import('typeorm').DataSource
declare const queryRunner: import('typeorm').QueryRunner`,
      mysql: `import type { MysqlDriver } from 'typeorm/driver/mysql/MysqlDriver'
declare const dataSource: import('typeorm').DataSource
declare const queryRunner: import('typeorm').QueryRunner`,
    },
    postgres: (url) => typeormApp('postgres', url),
    mysql: (url) => typeormApp('mariadb', url),
  },
  Sequelize: {
    types: {
      postgres: `declare const sequelize: import('sequelize').Sequelize`,
      mysql: `declare const sequelize: import('sequelize').Sequelize`,
    },
    postgres: sequelizeApp,
    mysql: sequelizeApp,
  },
}
