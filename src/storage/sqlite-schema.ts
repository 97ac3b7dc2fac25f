/** The tables of the SQLite adapter, as SQL, and how they come to be. */
import { DEFAULT_PREFIX, requireName, type Tables } from './sql'
import { type SqliteDatabase, value, type Write } from './sqlite-connection'

/** Options of `sqliteSchema`. */
export interface SqliteSchemaOptions {
  /** What the names of the tables begin with. @default 'oauth_' */
  prefix?: string
}

/** Checked names: what is made of them is safe to be SQL. Throws and names the option. */
export function sqliteTables({ prefix = DEFAULT_PREFIX }: SqliteSchemaOptions): Tables {
  requireName('prefix', prefix)
  return {
    clients: `${prefix}clients`,
    grants: `${prefix}grants`,
    credentials: `${prefix}credentials`,
    marks: `${prefix}marks`,
  }
}

/**
 * The tables and indexes as plain SQL, for those who run their own migrations; `migrate()` runs the same. It creates what
 * is missing, and running it again changes nothing. There are no foreign keys, because rows may arrive before the grant
 * that they name, and after its revocation.
 */
export function sqliteSchema(options: SqliteSchemaOptions = {}): string {
  return `${WAL};\n\n${tablesSql(options)}`
}

/** A property of the file: readers and the one writer do not wait for each other. */
const WAL = 'PRAGMA journal_mode = WAL'

function tablesSql(options: SqliteSchemaOptions): string {
  const { clients, grants, credentials, marks } = sqliteTables(options)
  const { prefix = DEFAULT_PREFIX } = options
  return `CREATE TABLE IF NOT EXISTS ${clients} (
  client_id TEXT PRIMARY KEY NOT NULL,
  version INTEGER NOT NULL,
  username TEXT,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS ${prefix}clients_by_username ON ${clients} (username, client_id);

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

/** Creates what is missing. Looks first, so that a start beside a running server takes no lock. */
export function migrate(database: SqliteDatabase, write: Write, options: SqliteSchemaOptions): void {
  useWriteAheadLog(database)
  const created = [...tablesSql(options).matchAll(/IF NOT EXISTS (\S+)/g)].map(([, name]) => name)
  const present = 'SELECT count(*) AS present FROM sqlite_schema WHERE name IN (SELECT value FROM json_each(@created))'
  if (value(database, present, { created: JSON.stringify(created) }) === created.length) return
  write(() => database.exec(tablesSql(options)))
}

const TRIES = 250
const TRY_AGAIN_AFTER = 20

/** The change needs the file for itself for a moment, for which SQLite itself does not wait. */
function useWriteAheadLog(database: SqliteDatabase): void {
  for (let tries = 1; ; tries++) {
    const mode = value(database, 'PRAGMA journal_mode')
    if (mode === 'wal' || mode === 'memory') return
    try {
      // some file systems cannot have one; then the answer is the mode that stays, and only slower
      return void value(database, WAL)
    } catch (error) {
      if (tries === TRIES || !/locked|busy/i.test(String(error))) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TRY_AGAIN_AFTER)
    }
  }
}
