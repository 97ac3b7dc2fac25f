/** The tables of the SQLite adapter, as SQL, and their creation. */

import { COMPARED } from '../client-names'
import { BRIEF_KIND } from '../retention'
import { announced, type Migration, needsUpgrade, refuseNewer, SCHEMA_VERSION } from '../schema-version'
import { credentialColumns, grantColumns } from '../sql/rows'
import { DEFAULT_PREFIX, endSessions, requireFrom, requireName, type Tables } from '../sql/tables'
import { execute, type SqliteDatabase, statement, value } from './connection'

/** Options of `sqliteSchema`. */
export interface SqliteSchemaOptions {
  /** The prefix of the tables' names. @default 'oauth_' */
  prefix?: string
}

/** Checked names, which are safe as SQL. Throws a TypeError that names the option. */
export function sqliteTables({ prefix = DEFAULT_PREFIX }: SqliteSchemaOptions): Tables {
  requireName('prefix', prefix)
  return {
    clients: `${prefix}clients`,
    grants: `${prefix}grants`,
    credentials: `${prefix}credentials`,
    marks: `${prefix}marks`,
    schema: `${prefix}schema`,
  }
}

/**
 * Returns the tables and indexes as SQL, for hosts that run their own migrations; `migrate()` runs the same. It creates
 * missing ones, and can be repeated. With `from` it upgrades tables of that version, which ends every session: run that
 * once, in a transaction. It has no foreign keys, because rows may arrive before the grant that they name, and after
 * its revocation.
 */
export function sqliteSchema({ from, ...options }: SqliteSchemaOptions & { from?: 1 } = {}): string {
  requireFrom('sqliteSchema', from)
  return from === undefined ? `${WAL};\n\n${tablesSql(options)}` : upgradeSql(options)
}

/** The name of a client in its compared form. An index on the record needs no column, and so no upgrade. */
export const nameInRecord = `lower(substr(json_extract(record, '$.name'), 1, ${COMPARED}))`

/** A property of the file: readers and the writer do not block each other. */
const WAL = 'PRAGMA journal_mode = WAL'

function tablesSql(options: SqliteSchemaOptions): string {
  const { clients, grants, credentials, marks, schema } = sqliteTables(options)
  const { prefix = DEFAULT_PREFIX } = options
  return `${versionTable(schema)}-- tables without a version have version 1, and are left so
INSERT INTO ${schema} (id, version) SELECT 1, ${SCHEMA_VERSION}
WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '${grants}') ON CONFLICT (id) DO NOTHING;

CREATE TABLE IF NOT EXISTS ${clients} (
  client_id TEXT PRIMARY KEY NOT NULL,
  version INTEGER NOT NULL,
  username TEXT,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS ${prefix}clients_by_username ON ${clients} (username, client_id);
CREATE INDEX IF NOT EXISTS ${prefix}clients_by_name ON ${clients} (${nameInRecord}, client_id);

CREATE TABLE IF NOT EXISTS ${grants} (
  id TEXT PRIMARY KEY NOT NULL,
  client_id TEXT,
  user_id TEXT,
  scope TEXT,
  started_at INTEGER,
  expires_at INTEGER,
  revoked_at INTEGER,
  delete_at INTEGER NOT NULL,
  data TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX IF NOT EXISTS ${prefix}grants_by_user ON ${grants} (user_id, id) WHERE revoked_at IS NULL;
CREATE INDEX IF NOT EXISTS ${prefix}grants_by_client ON ${grants} (client_id, id) WHERE revoked_at IS NULL;
CREATE INDEX IF NOT EXISTS ${prefix}grants_by_delete_at ON ${grants} (delete_at);
CREATE INDEX IF NOT EXISTS ${prefix}grants_by_started_at ON ${grants} (started_at);

CREATE TABLE IF NOT EXISTS ${credentials} (
  id TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  digest TEXT NOT NULL,
  grant_id TEXT,
  client_id TEXT NOT NULL,
  user_id TEXT,
  scope TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  issued_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS ${prefix}credentials_by_expires_at ON ${credentials} (expires_at);
CREATE INDEX IF NOT EXISTS ${prefix}credentials_by_started_at ON ${credentials} (started_at) WHERE grant_id IS NULL;
CREATE INDEX IF NOT EXISTS ${prefix}credentials_brief ON ${credentials} (expires_at) WHERE kind = '${BRIEF_KIND}';

CREATE TABLE IF NOT EXISTS ${marks} (
  owner TEXT NOT NULL,
  owner_id TEXT NOT NULL,
  revoked_at INTEGER NOT NULL,
  delete_at INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  PRIMARY KEY (owner, owner_id)
) STRICT;
CREATE INDEX IF NOT EXISTS ${prefix}marks_by_delete_at ON ${marks} (delete_at);
`
}

const versionTable = (schema: string) => `CREATE TABLE IF NOT EXISTS ${schema} (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL
) STRICT;
`

function upgradeSql(options: SqliteSchemaOptions): string {
  const tables = sqliteTables(options)
  return `${versionTable(tables.schema)}ALTER TABLE ${tables.grants} ADD COLUMN data TEXT NOT NULL DEFAULT '{}';
${endSessions(tables)}`
}

/** The version of the tables. 0 without tables. Throws for a newer release. */
function versionOf(database: SqliteDatabase, { schema, grants }: Tables): number {
  const has = (table: string) => value(database, 'SELECT 1 FROM sqlite_schema WHERE name = @table', { table }) === 1
  const version = has(schema) ? value(database, `SELECT version FROM ${schema} WHERE id = 1`) : undefined
  if (version === undefined) return has(grants) ? 1 : 0
  refuseNewer('sqliteStorage', Number(version))
  return Number(version)
}

/**
 * Whether the tables have the version of this code. False without tables, which the statement itself reports. Otherwise
 * throws.
 */
export function requireVersion(database: SqliteDatabase, tables: Tables): boolean {
  const version = versionOf(database, tables)
  if (version === 0 || version === SCHEMA_VERSION) return version > 0
  const fix = 'Call `storage.migrate()` at start-up, or run the SQL of sqliteSchema({ from: 1 })'
  throw needsUpgrade('sqliteStorage', version, fix)
}

/** Creates what is missing, and upgrades. First checks, so that a start beside a running server takes no lock. */
export function migrate(
  database: SqliteDatabase,
  write: <T>(act: () => T) => T,
  options: SqliteSchemaOptions,
): Migration {
  const tables = sqliteTables(options)
  const current = { from: SCHEMA_VERSION, to: SCHEMA_VERSION, sessionsEnded: false }
  useWriteAheadLog(database)
  const version = versionOf(database, tables)
  const created = [...tablesSql(options).matchAll(/CREATE \w+ IF NOT EXISTS (\S+)/g)].map(([, name]) => name)
  const present = 'SELECT count(*) AS present FROM sqlite_schema WHERE name IN (SELECT value FROM json_each(@created))'
  const isWhole = value(database, present, { created: JSON.stringify(created) }) === created.length
  if (version === SCHEMA_VERSION && isWhole) return current
  const migration = write(() => {
    // another process may have been faster
    const from = versionOf(database, tables)
    if (from === 1) {
      requireColumns(database, tables)
      execute(database, upgradeSql(options))
    }
    execute(database, tablesSql(options))
    return { ...current, from, sessionsEnded: from === 1 }
  })
  return announced('sqliteStorage', migration)
}

/** Before anything is deleted: the tables may belong to another program. */
function requireColumns(database: SqliteDatabase, { clients, grants, credentials }: Tables): void {
  const columns = grantColumns.filter((name) => name !== 'data')
  statement(database, `SELECT ${columns.join(', ')} FROM ${grants}`).prepare()
  statement(database, `SELECT ${credentialColumns.join(', ')} FROM ${credentials}`).prepare()
  statement(database, `SELECT client_id, version, username, record FROM ${clients}`).prepare()
}

const TRIES = 250
const TRY_AGAIN_AFTER = 20

/** The change needs exclusive access for a moment, and SQLite itself does not wait for it. */
function useWriteAheadLog(database: SqliteDatabase): void {
  for (let tries = 1; ; tries++) {
    const mode = value(database, 'PRAGMA journal_mode')
    if (mode === 'wal' || mode === 'memory') return
    try {
      // some file systems do not support it: then the mode does not change, and it is only slower
      return void value(database, WAL)
    } catch (error) {
      if (tries === TRIES || !/locked|busy/i.test(String(error))) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TRY_AGAIN_AFTER)
    }
  }
}
