/** The tables of the PostgreSQL adapter, as SQL, and how they come to be. */
import { explained, OLDEST_VERSION, type PostgresPool, type Run } from './postgres-connection'
import { DEFAULT_PREFIX, requireName, type Tables } from './sql'

/** Options of `postgresSchema`. */
export interface PostgresSchemaOptions {
  /** The schema that the tables are in. @default the first one in the search_path of the connection */
  schema?: string
  /** What the names of the tables begin with. @default 'oauth_' */
  prefix?: string
}

/** Checked names: what is made of them is safe to be SQL. Throws and names the option. */
export function postgresTables({ schema, prefix = DEFAULT_PREFIX }: PostgresSchemaOptions): Tables {
  requireName('prefix', prefix)
  const start = schema === undefined ? prefix : `"${requireName('schema', schema)}".${prefix}`
  return {
    clients: `${start}clients`,
    grants: `${start}grants`,
    credentials: `${start}credentials`,
    marks: `${start}marks`,
  }
}

/**
 * The tables and indexes as plain SQL, for those who run their own migrations; `migrate()` runs the same. It creates what
 * is missing, and running it again changes nothing. There are no foreign keys, because rows may arrive before the grant
 * that they name, and after its revocation.
 */
export function postgresSchema(options: PostgresSchemaOptions = {}): string {
  const tables = tablesSql(options)
  return options.schema === undefined ? tables : `${schemaSql(options.schema)}\n${tables}`
}

const schemaSql = (schema: string) => `CREATE SCHEMA IF NOT EXISTS "${schema}";\n`

function tablesSql(options: PostgresSchemaOptions): string {
  const { clients, grants, credentials, marks } = postgresTables(options)
  const { prefix = DEFAULT_PREFIX } = options
  return `CREATE TABLE IF NOT EXISTS ${clients} (
  client_id text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  username text COLLATE "C",
  record text NOT NULL
);
CREATE INDEX IF NOT EXISTS ${prefix}clients_by_username ON ${clients} (username, client_id);

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

/** Every table and index, as `to_regclass` takes them. */
function relations(options: PostgresSchemaOptions): string[] {
  const start = options.schema === undefined ? '' : `"${options.schema}".`
  const created = tablesSql(options).matchAll(/CREATE (TABLE|INDEX) IF NOT EXISTS (\S+)/g)
  return [...created].map(([, what, name]) => (what === 'INDEX' ? start : '') + name)
}

/** Any number of processes may migrate at once; the first one does, and the others wait for it. */
const MIGRATION_LOCK = 6_749_675_076_627_009

/**
 * Creates what is missing. Looks first: whoever may only use the tables is not refused for what is there already, and a
 * start beside a running server takes no lock.
 */
export async function migrate(
  run: Run,
  pool: PostgresPool,
  options: PostgresSchemaOptions,
  check: string,
): Promise<void> {
  const { schema } = options
  const look = `SELECT current_setting('server_version_num') AS version,
    (SELECT count(*) FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NULL) AS missing,
    (SELECT count(*) FROM pg_namespace WHERE nspname = $2) AS schemas`
  const [found] = await run(look, [relations(options), schema ?? null], { once: true })
  if (!(Number(found?.version) >= OLDEST_VERSION * 10_000)) {
    throw new Error(`postgresStorage needs PostgreSQL ${OLDEST_VERSION} or newer; this server says ${found?.version}`)
  }
  if (found?.missing !== '0') {
    const inSchema = schema === undefined || found?.schemas !== '0' ? '' : schemaSql(schema)
    // one string without parameters is one transaction, on whatever connection the pool gives
    const text = `SELECT pg_advisory_xact_lock(${MIGRATION_LOCK});\n${inSchema}${tablesSql(options)}`
    await pool.query({ text }).catch((error) => {
      throw explained(error)
    })
  }
  await run(check, [], { once: true })
}
