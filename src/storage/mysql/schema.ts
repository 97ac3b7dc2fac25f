/** The tables and procedures of the MySQL adapter, as SQL, and their creation. */
import { announced, type Migration, needsUpgrade, refuseNewer, SCHEMA_VERSION } from '../schema-version'
import { DEFAULT_PREFIX, requireName, type Tables } from '../sql/tables'
import { nameColumn, nameIndex, namesAdded, namesEnsured } from './client-names'
import { errno, errnoOf, explained, type MysqlPool, type Run, runner } from './connection'
import { mysqlProcedures, type Procedures } from './procedures'
import { ID_BYTES, OWNER_BYTES, textOf } from './values'

/** Options of `mysqlSchema`. */
export interface MysqlSchemaOptions {
  /** The prefix of the names of tables and procedures. @default 'oauth_' */
  prefix?: string
}

/** Checked names, which are safe as SQL. Throws a TypeError that names the option. */
export function mysqlTables({ prefix = DEFAULT_PREFIX }: MysqlSchemaOptions): Tables {
  requireName('prefix', prefix)
  return {
    clients: `${prefix}clients`,
    grants: `${prefix}grants`,
    credentials: `${prefix}credentials`,
    marks: `${prefix}marks`,
    schema: `${prefix}schema`,
  }
}

export function proceduresOf({ prefix = DEFAULT_PREFIX, ...options }: MysqlSchemaOptions): Procedures {
  return mysqlProcedures(prefix, mysqlTables({ ...options, prefix }))
}

/**
 * Returns the tables and procedures as SQL, one statement per member, for hosts that run their own migrations;
 * `migrate()` runs the same. It creates missing ones, and can be repeated. Run it with the server's default SQL mode.
 * It has no foreign keys, because rows may arrive before the grant that they name, and after its revocation.
 */
export function mysqlSchema(options: MysqlSchemaOptions = {}): string[] {
  const procedures = Object.values(proceduresOf(options)).flatMap(({ name, sql }) => [
    `DROP PROCEDURE IF EXISTS ${name}`,
    sql,
  ])
  const { prefix = DEFAULT_PREFIX } = options
  return [...tableStatements(options), ...namesEnsured(prefix, mysqlTables(options).clients), ...procedures]
}

/**
 * Columns are binary, so that ids are compared and ordered by bytes: without case folding or padding, whatever the
 * database's default.
 */
function tableStatements(options: MysqlSchemaOptions): string[] {
  const { clients, grants, credentials, marks, schema } = mysqlTables(options)
  return [
    `CREATE TABLE IF NOT EXISTS ${schema} (
  id INT NOT NULL PRIMARY KEY,
  version INT NOT NULL
) ENGINE = InnoDB`,
    `INSERT IGNORE INTO ${schema} (id, version) VALUES (1, ${SCHEMA_VERSION})`,
    `CREATE TABLE IF NOT EXISTS ${clients} (
  client_id VARBINARY(${OWNER_BYTES}) NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  username VARBINARY(${OWNER_BYTES}),
  record LONGBLOB NOT NULL,
  ${nameColumn},
  INDEX by_username (username, client_id),
  ${nameIndex}
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
    `CREATE TABLE IF NOT EXISTS ${grants} (
  id VARBINARY(${ID_BYTES}) NOT NULL PRIMARY KEY,
  client_id VARBINARY(${OWNER_BYTES}),
  user_id VARBINARY(${OWNER_BYTES}),
  scope LONGBLOB,
  started_at BIGINT,
  expires_at BIGINT,
  revoked_at BIGINT,
  delete_at BIGINT NOT NULL,
  data LONGBLOB,
  INDEX by_user (user_id, revoked_at, id),
  INDEX by_client (client_id, revoked_at, id),
  INDEX by_delete_at (delete_at),
  INDEX by_started_at (started_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
    `CREATE TABLE IF NOT EXISTS ${credentials} (
  id VARBINARY(${ID_BYTES}) NOT NULL PRIMARY KEY,
  kind VARBINARY(${ID_BYTES}) NOT NULL,
  state VARBINARY(${ID_BYTES}) NOT NULL,
  digest VARBINARY(${ID_BYTES}) NOT NULL,
  grant_id VARBINARY(${ID_BYTES}),
  client_id VARBINARY(${OWNER_BYTES}) NOT NULL,
  user_id VARBINARY(${OWNER_BYTES}),
  scope LONGBLOB NOT NULL,
  started_at BIGINT NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  data LONGBLOB NOT NULL,
  INDEX by_expires_at (expires_at),
  INDEX by_kind (kind, expires_at),
  INDEX by_started_at (started_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
    `CREATE TABLE IF NOT EXISTS ${marks} (
  owner VARBINARY(6) NOT NULL,
  owner_id VARBINARY(${OWNER_BYTES}) NOT NULL,
  revoked_at BIGINT NOT NULL,
  delete_at BIGINT NOT NULL,
  settled TINYINT NOT NULL,
  PRIMARY KEY (owner, owner_id),
  INDEX by_delete_at (delete_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
  ]
}

/** The version of the tables. 0 without tables. Throws for a newer release. */
async function versionOf(run: Run, { schema }: Tables): Promise<number> {
  const found = await run(`SELECT version, @@autocommit AS autocommit FROM ${schema} WHERE id = 1`).catch((error) => {
    if (errnoOf(error.cause) !== errno.noSuchTable) throw error
  })
  const [row] = found?.rows ?? []
  if (row === undefined) return 0
  if (row.autocommit !== '1') {
    throw new Error(
      'mysqlStorage: sessions of this pool have autocommit off, so a read goes on seeing what was there when the ' +
        'first one began, revoked tokens too. Set autocommit = 1',
    )
  }
  refuseNewer('mysqlStorage', Number(row.version))
  return Number(row.version)
}

/**
 * Whether the tables have the version of this code. False without tables, which the statement itself reports. Otherwise
 * throws.
 */
export async function requireVersion(run: Run, tables: Tables): Promise<boolean> {
  const version = await versionOf(run, tables)
  if (version === 0 || version === SCHEMA_VERSION) return version > 0
  throw needsUpgrade('mysqlStorage', version, 'Call `await storage.migrate()` at start-up')
}

const OLDEST = { MySQL: [8, 0], MariaDB: [10, 6] } as const

/** Requires procedures that read JSON as rows, and SKIP LOCKED. */
function requireServer(version: string): void {
  const name = /MariaDB/i.test(version) ? 'MariaDB' : 'MySQL'
  // some report `5.5.5-` first, for old replicas
  const [major = 0, minor = 0] = version
    .replace(/^5\.5\.5-/, '')
    .split('.')
    .map(Number.parseFloat)
  const [oldest, oldestMinor] = OLDEST[name]
  if (major > oldest || (major === oldest && minor >= oldestMinor)) return
  throw new Error(`mysqlStorage needs MySQL 8.0 or MariaDB 10.6, or newer; this server reports ${version}`)
}

/** Any number of processes may migrate at once: one does it, and the others wait. Seconds. */
const LOCK_PATIENCE = 300

/**
 * Creates what is missing. First checks, so that a user without the right to create tables is not refused. Throws if a
 * table belongs to another program.
 */
export async function migrate(pool: MysqlPool, options: MysqlSchemaOptions, check: string): Promise<Migration> {
  const connection = await pool.getConnection()
  try {
    const run = runner(connection)
    const { rows } = await run('SELECT VERSION() AS version, DATABASE() AS name, @@SESSION.sql_mode AS mode')
    const { version, name, mode } = rows[0] ?? {}
    requireServer(String(version))
    if (name === null) throw explained({ errno: errno.noDatabase, message: 'No database selected' })
    const tables = mysqlTables(options)
    let from = await versionOf(run, tables)
    if (from !== SCHEMA_VERSION || (await missing(run, options)).length > 0) {
      const lock = textOf('lock', `${tables.schema} of ${name}`.slice(0, 64))
      const locked = await run(`SELECT GET_LOCK(CONVERT(${lock} USING utf8mb4), ${LOCK_PATIENCE}) AS locked`)
      if (locked.rows[0]?.locked !== '1')
        throw new Error('mysqlStorage: another process is migrating, and does not end')
      try {
        // a procedure keeps the SQL mode of its creation
        await run(`SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'`)
        from = await versionOf(run, tables)
        for (const statement of await missing(run, options)) await run(statement)
      } finally {
        await run(`SET SESSION sql_mode = CONVERT(${textOf('mode', String(mode))} USING utf8mb4)`)
        await run(`SELECT RELEASE_LOCK(CONVERT(${lock} USING utf8mb4))`)
      }
    }
    await run(check)
    return announced('mysqlStorage', { from, to: SCHEMA_VERSION, sessionsEnded: false })
  } finally {
    connection.release()
  }
}

/** The statements that create what is missing. */
async function missing(run: Run, options: MysqlSchemaOptions): Promise<string[]> {
  const [procedures, tables] = [proceduresOf(options), mysqlTables(options)]
  const { rows } =
    await run(`SELECT routine_name AS name FROM information_schema.routines WHERE routine_schema = DATABASE()
UNION ALL SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()
UNION ALL SELECT CONCAT(table_name, '.', column_name) AS name FROM information_schema.columns
  WHERE table_schema = DATABASE() AND column_name = 'name'
UNION ALL SELECT CONCAT(table_name, '.', index_name) AS name FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND index_name = 'by_name'`)
  const present = rows.map(({ name }) => name)
  const [areTablesThere, areClientsThere] = [Object.values(tables), [tables.clients]].map((names) =>
    names.every((name) => present.includes(name)),
  )
  const { column, index } = namesAdded(tables.clients)
  return [
    ...(areTablesThere ? [] : tableStatements(options)),
    // an older release made the table
    ...(areClientsThere && !present.includes(`${tables.clients}.name`) ? [column] : []),
    ...(areClientsThere && !present.includes(`${tables.clients}.by_name`) ? [index] : []),
    ...Object.values(procedures).flatMap(({ name, sql }) => (present.includes(name) ? [] : [sql])),
  ]
}
