/**
 * The statements of the PostgreSQL adapter, one for each call of the contract. Each is correct under READ COMMITTED and
 * above, whatever runs concurrently. They rely on these rules:
 *
 * - A statement sees what was committed when it began, and the newest version of each row that it has locked. So rows
 *   that a decision depends on are locked first: credentials in the order of their ids, then grants, against deadlocks.
 * - Locked rows are written with INSERT … ON CONFLICT DO UPDATE, which finds the newest version itself.
 * - Marks need no lock. They only grow, and every reader checks them: a transition that missed a mark ended just before
 *   it, and its rows are dead.
 */

import { GRACE, REVOCATION_MEMORY } from '../retention'
import { credentialColumns, grantColumns } from '../sql/rows'
import { isCovered, markedUntil, SWEEP_LIMIT, selectAlive, type Tables } from '../sql/tables'
import { cleanup } from './cleanup'
import { nameInRecord } from './schema'

const definitions = (columns: readonly string[]) =>
  columns.map((name) => `${name} ${name.endsWith('_at') ? 'bigint' : 'text COLLATE "C"'}`).join(', ')

const credentialList = credentialColumns.join(', ')
const grantList = grantColumns.join(', ')

/** Rows from JSON: one parameter for any number of rows, and one text for all. */
const givenRows = (credentials: string, grants: string) => `
  given AS MATERIALIZED (
    SELECT * FROM json_to_recordset(${credentials}::json) AS row (${definitions(credentialColumns)})
  ),
  given_grant AS MATERIALIZED (
    SELECT * FROM json_to_recordset(${grants}::json) AS row (${definitions(grantColumns)})
  )`

/** `columns = EXCLUDED.columns`, except for `kept` columns. */
const replaced = (columns: readonly string[], kept: readonly string[]) =>
  columns
    .filter((name) => !kept.includes(name))
    .map((name) => `${name} = EXCLUDED.${name}`)
    .join(', ')

/** False if an id is taken, by its own check; if another insert is faster, by the primary key's error. */
function insert({ credentials, grants }: Tables, sweep = ''): string {
  return `WITH ${sweep}${givenRows('$1', '$2')},
  free AS MATERIALIZED (
    SELECT WHERE NOT EXISTS (SELECT FROM ${credentials} WHERE id = ANY (ARRAY(SELECT id FROM given)))
      AND NOT EXISTS (SELECT FROM ${grants} WHERE id = ANY (ARRAY(SELECT id FROM given_grant)))
  ),
  stored AS (
    INSERT INTO ${credentials} (${credentialList})
    SELECT ${credentialList} FROM given WHERE EXISTS (SELECT FROM free) ORDER BY id
    RETURNING 1
  ),
  granted AS (
    INSERT INTO ${grants} (${grantList})
    SELECT ${grantList} FROM given_grant WHERE EXISTS (SELECT FROM free) AND (SELECT count(*) FROM stored) >= 0
  )
SELECT 1 AS done FROM free`
}

function transition(tables: Tables): string {
  const { credentials, grants } = tables
  return `WITH ${givenRows('$3', '$4')},
  locked AS MATERIALIZED (
    SELECT id, state, grant_id, client_id, user_id, started_at FROM ${credentials}
    WHERE id = ANY (ARRAY(SELECT id FROM given)) ORDER BY id FOR UPDATE
  ),
  current AS MATERIALIZED (
    SELECT grant_id FROM locked WHERE id = $1 AND state = $2 AND NOT ${isCovered(tables, 'locked')}
  ),
  locked_grants AS MATERIALIZED (
    SELECT id, revoked_at, client_id, user_id, started_at FROM ${grants}
    WHERE id = ANY (ARRAY(SELECT grant_id FROM current UNION SELECT id FROM given_grant WHERE EXISTS (SELECT FROM current)))
    ORDER BY id FOR NO KEY UPDATE
  ),
  allowed AS MATERIALIZED (
    SELECT FROM current
    WHERE (grant_id IS NULL OR EXISTS (SELECT FROM locked_grants WHERE id = current.grant_id))
      AND NOT EXISTS (SELECT FROM locked_grants WHERE revoked_at IS NOT NULL OR ${isCovered(tables, 'locked_grants')})
      AND NOT EXISTS (SELECT FROM given_grant WHERE revoked_at IS NOT NULL OR ${isCovered(tables, 'given_grant')})
  ),
  granted AS (
    INSERT INTO ${grants} AS present (${grantList})
    SELECT ${grantList} FROM given_grant WHERE EXISTS (SELECT FROM allowed)
    ON CONFLICT (id) DO UPDATE SET ${replaced(grantColumns, ['id', 'revoked_at', 'delete_at'])}
    WHERE present.revoked_at IS NULL
    RETURNING 1
  ),
  stored AS (
    INSERT INTO ${credentials} (${credentialList})
    SELECT ${credentialList} FROM given WHERE EXISTS (SELECT FROM allowed)
      AND (NOT EXISTS (SELECT FROM given_grant) OR EXISTS (SELECT FROM granted))
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET ${replaced(credentialColumns, ['id'])}
    RETURNING 1
  )
SELECT 1 AS done FROM stored LIMIT 1`
}

export function postgresStatements(tables: Tables) {
  const { clients, grants, marks } = tables
  const until = markedUntil(tables, 'GREATEST', { owner: '$1::text', ownerId: '$3::text', now: '$2::bigint' })
  const remembered = `$2::bigint + ${REVOCATION_MEMORY}`
  return {
    findClient: `SELECT record FROM ${clients} WHERE client_id = $1`,
    listClients: (filters: readonly string[], limit: number) =>
      `SELECT record FROM ${clients} WHERE ${page('client_id', filters, limit)}`,
    listClientsByName: (limit: number) => `SELECT record FROM ${clients}
WHERE (${nameInRecord}, client_id) > ($1, $2) AND ${nameInRecord} < $3 ORDER BY ${nameInRecord}, client_id LIMIT ${limit}`,
    insertClient: `INSERT INTO ${clients} (client_id, version, username, record) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING 1 AS done`,
    updateClient: `UPDATE ${clients} SET version = $2, username = $3, record = $4
WHERE client_id = $1 AND version = $5 RETURNING 1 AS done`,
    deleteClient: `DELETE FROM ${clients} WHERE client_id = $1 RETURNING 1 AS done`,

    insert: insert(tables),
    insertAndSweep: insert(tables, `${cleanup(tables, '$3::bigint', SWEEP_LIMIT, `$3::bigint + ${GRACE}`)},`),
    find: selectAlive(tables, credentialColumns, '$1'),
    transition: transition(tables),
    listGrants: (
      filters: readonly string[],
      limit: number,
    ) => `SELECT id, client_id, user_id, scope, started_at, expires_at, data
FROM ${grants} AS present WHERE revoked_at IS NULL AND NOT ${isCovered(tables, 'present')} AND ${page('id', filters, limit)}`,
    revokeGrant: `INSERT INTO ${grants} AS present (id, revoked_at, delete_at) VALUES ($1, $2, ${remembered})
ON CONFLICT (id) DO UPDATE SET revoked_at = EXCLUDED.revoked_at WHERE present.revoked_at IS NULL`,
    mark: `INSERT INTO ${marks} AS present (owner, owner_id, revoked_at, delete_at, settled)
VALUES ($1, $3, ${until}, ${remembered}, false)
ON CONFLICT (owner, owner_id) DO UPDATE SET revoked_at = GREATEST(present.revoked_at, EXCLUDED.revoked_at),
  delete_at = GREATEST(present.delete_at, EXCLUDED.delete_at), settled = false`,
    deleteExpired: (limit: number) =>
      `WITH ${cleanup(tables, '$1::bigint', limit)}\nSELECT count(*) AS removed FROM removed`,

    /** Fails if a table is missing or has other columns: it may belong to another program. */
    check: check(tables, grantColumns),
    /** The same for version 1. */
    checkVersion1: check(
      tables,
      grantColumns.filter((name) => name !== 'data'),
    ),
  }
}

function check({ clients, grants, credentials, marks }: Tables, columns: readonly string[]): string {
  return `SELECT FROM ${clients} AS client, ${grants} AS present, ${credentials} AS credential, ${marks} AS mark
WHERE false AND ROW(client.client_id, version, username, record, ${columnsOf('present', columns)},
  ${columnsOf('credential', credentialColumns)}, owner, owner_id, mark.revoked_at, mark.delete_at, settled) IS NULL`
}

const columnsOf = (alias: string, columns: readonly string[]) => columns.map((name) => `${alias}.${name}`).join(', ')

/** The end of a list statement: after `$1`, with the filters' values from `$2` on. */
function page(id: string, filters: readonly string[], limit: number): string {
  const conditions = filters.map((column, n) => ` AND ${column} = $${n + 2}`).join('')
  return `${id} > $1${conditions} ORDER BY ${id} LIMIT ${limit}`
}
