/** The tables of the PostgreSQL adapter, as SQL, and their creation. */

import { COMPARED } from '../client-names'
import { BRIEF_KIND } from '../retention'
import { announced, type Migration, needsUpgrade, refuseNewer, SCHEMA_VERSION } from '../schema-version'
import type { Row } from '../sql/rows'
import { DEFAULT_PREFIX, endSessions, requireFrom, requireName, type Tables } from '../sql/tables'
import { codeOf, explained, OLDEST_VERSION, type PostgresPool, type Run, sqlState } from './connection'

/** Options of `postgresSchema`. */
export interface PostgresSchemaOptions {
  /** The schema of the tables. @default the first one in the search_path of the connection */
  schema?: string
  /** The prefix of the tables' names. @default 'oauth_' */
  prefix?: string
}

/** Checked names, which are safe as SQL. Throws a TypeError that names the option. */
export function postgresTables({ schema, prefix = DEFAULT_PREFIX }: PostgresSchemaOptions): Tables {
  requireName('prefix', prefix)
  const start = schema === undefined ? prefix : `"${requireName('schema', schema)}".${prefix}`
  return {
    clients: `${start}clients`,
    grants: `${start}grants`,
    credentials: `${start}credentials`,
    marks: `${start}marks`,
    schema: `${start}schema`,
  }
}

/**
 * Returns the tables and indexes as SQL, for hosts that run their own migrations; `migrate()` runs the same. It creates
 * missing ones, and can be repeated. With `from` it upgrades tables of that version, which ends every session: run it
 * in a transaction. It has no foreign keys, because rows may arrive before the grant that they name, and after its
 * revocation.
 */
export function postgresSchema({ from, ...options }: PostgresSchemaOptions & { from?: 1 } = {}): string {
  requireFrom('postgresSchema', from)
  if (from !== undefined) return upgradeSql(options)
  const tables = tablesSql(options)
  return options.schema === undefined ? tables : `${schemaSql(options.schema)}\n${tables}`
}

/**
 * The name of a client as JSON has it. The name comes first in a record, and a quote in a text has a backslash before
 * it.
 */
const writtenName = String.raw`substring(record FROM E'"name":"((?:[^"\\\\]|\\\\.)*)"')`

/**
 * The name of a client in its compared form, see `nameAsWritten`. An index on the record needs no column, and so no
 * upgrade. Without JSON functions, which refuse text that a record may contain. An index row has at most 2704 bytes,
 * and a name may be longer.
 */
export const nameInRecord = String.raw`left(lower(regexp_replace(${writtenName}, E'\\\\(["\\\\])', E'\\1', 'g') COLLATE "C"), ${COMPARED})`

const schemaSql = (schema: string) => `CREATE SCHEMA IF NOT EXISTS "${schema}";\n`

function tablesSql(options: PostgresSchemaOptions): string {
  const { clients, grants, credentials, marks, schema } = postgresTables(options)
  const { prefix = DEFAULT_PREFIX } = options
  return `${versionTable(schema)}-- tables without a version have version 1, and are left so
INSERT INTO ${schema} (id, version) SELECT 1, ${SCHEMA_VERSION}
WHERE to_regclass('${grants}') IS NULL ON CONFLICT (id) DO NOTHING;

CREATE TABLE IF NOT EXISTS ${clients} (
  client_id text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  username text COLLATE "C",
  record text NOT NULL
);
CREATE INDEX IF NOT EXISTS ${prefix}clients_by_username ON ${clients} (username, client_id);
CREATE INDEX IF NOT EXISTS ${prefix}clients_by_name ON ${clients} (${nameInRecord}, client_id);

CREATE TABLE IF NOT EXISTS ${grants} (
  id text COLLATE "C" PRIMARY KEY,
  client_id text COLLATE "C",
  user_id text COLLATE "C",
  scope text,
  started_at bigint,
  expires_at bigint,
  revoked_at bigint,
  delete_at bigint NOT NULL,
  data text NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS ${prefix}grants_by_user ON ${grants} (user_id, id) WHERE revoked_at IS NULL;
CREATE INDEX IF NOT EXISTS ${prefix}grants_by_client ON ${grants} (client_id, id) WHERE revoked_at IS NULL;
CREATE INDEX IF NOT EXISTS ${prefix}grants_by_delete_at ON ${grants} (delete_at);
CREATE INDEX IF NOT EXISTS ${prefix}grants_by_started_at ON ${grants} (started_at);

CREATE TABLE IF NOT EXISTS ${credentials} (
  id text COLLATE "C" PRIMARY KEY,
  kind text NOT NULL,
  state text NOT NULL,
  digest text NOT NULL,
  grant_id text COLLATE "C",
  client_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C",
  scope text NOT NULL,
  started_at bigint NOT NULL,
  issued_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  data text NOT NULL
);
CREATE INDEX IF NOT EXISTS ${prefix}credentials_by_expires_at ON ${credentials} (expires_at);
CREATE INDEX IF NOT EXISTS ${prefix}credentials_by_started_at ON ${credentials} (started_at) WHERE grant_id IS NULL;
CREATE INDEX IF NOT EXISTS ${prefix}credentials_brief ON ${credentials} (expires_at) WHERE kind = '${BRIEF_KIND}';

CREATE TABLE IF NOT EXISTS ${marks} (
  owner text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C" NOT NULL,
  revoked_at bigint NOT NULL,
  delete_at bigint NOT NULL,
  settled boolean NOT NULL,
  PRIMARY KEY (owner, owner_id)
);
CREATE INDEX IF NOT EXISTS ${prefix}marks_by_delete_at ON ${marks} (delete_at);
`
}

const versionTable = (schema: string) => `CREATE TABLE IF NOT EXISTS ${schema} (
  id integer PRIMARY KEY CHECK (id = 1),
  version integer NOT NULL
);
`

/** Adds the column first: PostgreSQL then waits for all writers, so that no row escapes the next statements. */
function upgradeSql(options: PostgresSchemaOptions): string {
  const tables = postgresTables(options)
  return `${versionTable(tables.schema)}ALTER TABLE ${tables.grants} ADD COLUMN IF NOT EXISTS data text NOT NULL DEFAULT '{}';
${endSessions(tables)}`
}

/** The version of the tables. 0 without tables. Throws for a newer release. */
async function versionOf(run: Run, { schema, grants }: Tables): Promise<number> {
  const once = { once: true } as const
  const version = await run(`SELECT version FROM ${schema} WHERE id = 1`, [], once).then(
    ([row]) => row?.version,
    (error) => {
      if (codeOf(error.cause) !== sqlState.undefinedTable) throw error
    },
  )
  if (version === undefined) {
    const [found] = await run('SELECT to_regclass($1) AS present', [grants], once)
    return found?.present === null ? 0 : 1
  }
  refuseNewer('postgresStorage', Number(version))
  return Number(version)
}

/**
 * Whether the tables have the version of this code. False without tables, which the statement itself reports. Otherwise
 * throws.
 */
export async function requireVersion(run: Run, tables: Tables): Promise<boolean> {
  const version = await versionOf(run, tables)
  if (version === 0 || version === SCHEMA_VERSION) return version > 0
  const fix = 'Call `await storage.migrate()` at start-up, or run the SQL of postgresSchema({ from: 1 })'
  throw needsUpgrade('postgresStorage', version, fix)
}

/** Every table and index, for `to_regclass`. */
function relations(options: PostgresSchemaOptions): string[] {
  const start = options.schema === undefined ? '' : `"${options.schema}".`
  const created = tablesSql(options).matchAll(/CREATE (TABLE|INDEX) IF NOT EXISTS (\S+)/g)
  return [...created].map(([, what, name]) => (what === 'INDEX' ? start : '') + name)
}

/** Any number of processes may migrate at once: one does it, and the others wait. */
const MIGRATION_LOCK = 6_749_675_076_627_009

/**
 * Creates what is missing, and upgrades. First checks, so that a user without the right to create tables is not
 * refused, and a start beside a running server takes no lock. Throws if a table belongs to another program.
 */
export async function migrate(
  run: Run,
  pool: PostgresPool,
  options: PostgresSchemaOptions,
  checks: { check: string; checkVersion1: string },
): Promise<Migration> {
  const { schema } = options
  const tables = postgresTables(options)
  const look = `SELECT current_setting('server_version_num') AS version,
    (SELECT count(*) FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NULL) AS missing,
    (SELECT count(*) FROM pg_namespace WHERE nspname = $2) AS schemas`
  const [found] = await run(look, [relations(options), schema ?? null], { once: true })
  if (!(Number(found?.version) >= OLDEST_VERSION * 10_000)) {
    throw new Error(
      `postgresStorage needs PostgreSQL ${OLDEST_VERSION} or newer; this server reports ${found?.version}`,
    )
  }
  let from = await versionOf(run, tables)
  if (from !== SCHEMA_VERSION || found?.missing !== '0') {
    const inSchema = schema === undefined || found?.schemas !== '0' ? '' : schemaSql(schema)
    const upgrade = from === 1 ? `${checks.checkVersion1};\n${upgradeSql(options)}` : ''
    // one string without parameters is one transaction, on any connection of the pool. READ COMMITTED, or it would
    // not see what another process did while this one waited for the lock
    const text = `SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
SELECT pg_advisory_xact_lock(${MIGRATION_LOCK});\n${inSchema}${versionTable(tables.schema)}
SELECT (SELECT version FROM ${tables.schema}) AS made;\n${tablesSql(options)}${upgrade}`
    const results = await pool.query({ text }).catch((error) => {
      throw explained(error)
    })
    // pg returns a list for several statements. Another process may have been faster
    const rows = [results].flat().flatMap(({ rows }) => rows as Row[])
    from = Number(rows.find((row) => 'made' in row)?.made ?? from)
  }
  refuseNewer('postgresStorage', from)
  await run(checks.check, [], { once: true })
  return announced('postgresStorage', { from, to: SCHEMA_VERSION, sessionsEnded: from === 1 })
}
