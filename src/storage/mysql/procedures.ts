/**
 * The MySQL adapter's writes to several tables, as procedures: each call is one round trip and one transaction. Each
 * sets READ COMMITTED, and relies on these rules:
 *
 * - A statement sees what was committed when it began. A locking statement sees the newest version of each row. So rows
 *   that a decision depends on are locked first: credentials in the order of their ids, then grants.
 * - Locked rows are written with INSERT … ON DUPLICATE KEY UPDATE, which keeps `revoked_at`.
 * - Marks need no lock. Nor does a tombstone that arrives between the search for an absent grant and its insert. Every
 *   reader checks both: a transition that missed one ended just before it, and its rows are dead.
 * - A deadlock rolls everything back, and the adapter calls again.
 */
import { BRIEF_KIND, GRACE, REVOCATION_MEMORY } from '../retention'
import { credentialColumns, grantColumns } from '../sql/rows'
import { isCovered, markedUntil, SWEEP_LIMIT, type Tables } from '../sql/tables'
import { sweeping } from './cleanup'
import { BEGUN, type Procedure, procedure, ROLLED_BACK } from './procedure'
import { ID_BYTES, limits, OWNER_BYTES } from './values'

export interface Procedures {
  readonly sweep: Procedure
  readonly deleteExpired: Procedure
  readonly insert: Procedure
  readonly transition: Procedure
  readonly mark: Procedure
}

const GIVEN = `IN p_credentials LONGTEXT CHARACTER SET ascii, IN p_grants LONGTEXT CHARACTER SET ascii`

/** The rows of a parameter (`values.ts`), in order. */
function given(parameter: string, columns: readonly string[]): string {
  const isNumber = (name: string) => name.endsWith('_at')
  const typeOf = (name: string) => {
    const limit = limits[name]
    if (isNumber(name)) return 'BIGINT'
    return `${limit === undefined ? 'LONGTEXT' : `VARCHAR(${limit * 2})`} CHARACTER SET ascii`
  }
  const values = columns.map((name) => (isNumber(name) ? name : `UNHEX(${name}) AS ${name}`))
  return `SELECT ${values.join(', ')}
    FROM JSON_TABLE(${parameter}, '$[*]' COLUMNS (
      ${columns.map((name) => `${name} ${typeOf(name)} PATH '$.${name}'`).join(',\n      ')}
    )) AS parameter`
}

/** `column = VALUES(column)`, except for `kept` columns. */
const replaced = (columns: readonly string[], kept: readonly string[]) =>
  columns
    .filter((name) => !kept.includes(name))
    .map((name) => `${name} = VALUES(${name})`)
    .join(', ')

export function mysqlProcedures(prefix: string, tables: Tables): Procedures {
  const sweep = sweeping(prefix, tables)
  const deleteExpired = procedure(
    prefix,
    'delete_expired',
    'IN p_now BIGINT, IN p_limit INT',
    `BEGIN
  DECLARE v_removed INT DEFAULT 0;
  CALL ${sweep.name}(p_now, p_limit, v_removed);
  SELECT v_removed AS removed;
END`,
  )
  return {
    sweep,
    deleteExpired,
    insert: inserting(prefix, tables, sweep),
    transition: moving(prefix, tables),
    mark: marking(prefix, tables),
  }
}

/** `done` is 0 if an id is taken: the primary key refuses it, even if another insert is faster. */
function inserting(prefix: string, { credentials, grants }: Tables, sweep: Procedure): Procedure {
  return procedure(
    prefix,
    'insert',
    `${GIVEN}, IN p_sweep BIGINT`,
    `BEGIN
  DECLARE v_removed INT;
  ${ROLLED_BACK}
  DECLARE EXIT HANDLER FOR 1062
  BEGIN
    ROLLBACK;
    SELECT 0 AS done;
  END;
  IF p_sweep IS NOT NULL THEN
    CALL ${sweep.name}(p_sweep, ${SWEEP_LIMIT}, v_removed);
    DELETE FROM ${credentials} WHERE kind = '${BRIEF_KIND}' AND expires_at <= p_sweep + ${GRACE}
      ORDER BY expires_at LIMIT ${SWEEP_LIMIT};
  END IF;
  ${BEGUN}
  INSERT INTO ${credentials} (${credentialColumns.join(', ')})
    ${given('p_credentials', credentialColumns)};
  INSERT INTO ${grants} (${grantColumns.join(', ')})
    ${given('p_grants', grantColumns)};
  COMMIT;
  SELECT 1 AS done;
END`,
  )
}

function moving(prefix: string, tables: Tables): Procedure {
  const { credentials, grants } = tables
  const refused = `ROLLBACK;
    SELECT 0 AS done;
    LEAVE transition;`
  return procedure(
    prefix,
    'transition',
    `IN p_id VARBINARY(${ID_BYTES}), IN p_from VARBINARY(${ID_BYTES}), ${GIVEN}`,
    `transition: BEGIN
  DECLARE v_found, v_dead INT;
  DECLARE v_grant, v_given_grant VARBINARY(${ID_BYTES});
  ${ROLLED_BACK}
  ${BEGUN}
  SELECT count(*) INTO v_found
    FROM (${given('p_credentials', ['id'])}) AS given
    STRAIGHT_JOIN ${credentials} AS credential ON credential.id = given.id FOR UPDATE;
  SELECT count(*), max(credential.grant_id) INTO v_found, v_grant FROM ${credentials} AS credential
    WHERE credential.id = p_id AND credential.state = p_from AND NOT ${isCovered(tables, 'credential')} FOR UPDATE;
  IF v_found = 0 THEN
    ${refused}
  END IF;
  SELECT max(given.id), count(CASE WHEN given.revoked_at IS NOT NULL OR ${isCovered(tables, 'given')} THEN 1 END)
    INTO v_given_grant, v_dead FROM (${given('p_grants', grantColumns)}) AS given;
  IF v_dead > 0 THEN
    ${refused}
  END IF;
  SELECT count(CASE WHEN present.id = v_grant THEN 1 END),
      count(CASE WHEN present.revoked_at IS NOT NULL OR ${isCovered(tables, 'present')} THEN 1 END)
    INTO v_found, v_dead FROM ${grants} AS present WHERE present.id IN (v_grant, v_given_grant) FOR UPDATE;
  IF v_dead > 0 OR v_grant IS NOT NULL AND v_found = 0 THEN
    ${refused}
  END IF;
  IF v_given_grant IS NOT NULL THEN
    INSERT INTO ${grants} (${grantColumns.join(', ')})
      ${given('p_grants', grantColumns)}
      ON DUPLICATE KEY UPDATE ${replaced(grantColumns, ['id', 'revoked_at', 'delete_at'])};
  END IF;
  INSERT INTO ${credentials} (${credentialColumns.join(', ')})
    ${given('p_credentials', credentialColumns)}
    ON DUPLICATE KEY UPDATE ${replaced(credentialColumns, ['id'])};
  COMMIT;
  SELECT 1 AS done;
END`,
  )
}

/**
 * A procedure, because it needs READ COMMITTED: otherwise the search for later rows would lock the end of their index.
 */
function marking(prefix: string, tables: Tables): Procedure {
  const until = markedUntil(tables, 'GREATEST', { owner: 'p_owner', ownerId: 'p_owner_id', now: 'p_now' })
  return procedure(
    prefix,
    'mark',
    `IN p_owner VARBINARY(6), IN p_owner_id VARBINARY(${OWNER_BYTES}), IN p_now BIGINT`,
    `BEGIN
  ${ROLLED_BACK}
  ${BEGUN}
  INSERT INTO ${tables.marks} (owner, owner_id, revoked_at, delete_at, settled)
    VALUES (p_owner, p_owner_id, ${until}, p_now + ${REVOCATION_MEMORY}, 0)
    ON DUPLICATE KEY UPDATE revoked_at = GREATEST(revoked_at, VALUES(revoked_at)),
      delete_at = GREATEST(delete_at, VALUES(delete_at)), settled = 0;
  COMMIT;
  SELECT 1 AS done;
END`,
  )
}
