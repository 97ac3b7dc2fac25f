/** What the PostgreSQL adapter deletes, in a separate call and in small parts with inserts. */
import { BRIEF_KIND } from '../retention'
import type { Tables } from '../sql/tables'

/**
 * The parts of a statement that removes rows that expired by `now`: at most `limit` of each kind, and none that another
 * transaction is about to change. `removed` has a row for each credential. When no expired credential is left, it checks
 * the grants and marks that are due:
 * - A grant is removed when it has no stored credential. Until then it is checked again when the next of them expires.
 *   Their ids begin with the grant's id and `~`: a range of the primary key.
 * - A mark is postponed once, to when the last of all rows expires: concurrent rows are included by then.
 *
 * With `brief`, it also removes as many rows of the kind with the brief grace period that expired by then. No grant waits
 * for them.
 *
 * Written for the planner: rows are named by ARRAY(SELECT …), because for a join it reads whole tables. `limit` is a
 * number in the text, because it estimates a parameter as a tenth of the table.
 */
export function cleanup({ credentials, grants, marks }: Tables, now: string, limit: number, brief?: string): string {
  const whoseTimeHasCome = `WHERE delete_at <= ${now} AND (SELECT count(*) FROM due) < ${limit}
    ORDER BY delete_at LIMIT ${limit} FOR UPDATE SKIP LOCKED`
  const nextExpiry = (grant: string) => `(
      SELECT rest.expires_at FROM ${credentials} AS rest
      WHERE rest.id >= ${grant}.id || '~' AND rest.id < ${grant}.id || chr(127) AND rest.id NOT IN (SELECT id FROM due)
      ORDER BY rest.id LIMIT 1
    )`
  return `
  due AS MATERIALIZED (
    SELECT id FROM ${credentials} WHERE expires_at <= ${now} ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
  ),
  ${brief === undefined ? '' : dueBrief(credentials, brief, limit)}
  removed AS (
    DELETE FROM ${credentials} WHERE id = ANY (ARRAY(
      SELECT id FROM due ${brief === undefined ? '' : 'UNION ALL SELECT id FROM due_brief'}
    )) RETURNING 1
  ),
  due_grants AS MATERIALIZED (
    SELECT id, expires_at FROM ${grants} ${whoseTimeHasCome}
  ),
  staying_grants AS MATERIALIZED (
    SELECT id FROM due_grants WHERE expires_at > ${now} OR ${nextExpiry('due_grants')} IS NOT NULL
  ),
  put_off_grants AS (
    UPDATE ${grants} AS present
    SET delete_at = GREATEST(COALESCE(${nextExpiry('present')}, present.expires_at), ${now} + 1)
    WHERE id = ANY (ARRAY(SELECT id FROM staying_grants))
  ),
  removed_grants AS (
    DELETE FROM ${grants} WHERE id = ANY (ARRAY(SELECT id FROM due_grants EXCEPT SELECT id FROM staying_grants))
  ),
  due_marks AS MATERIALIZED (
    SELECT ctid AS place, settled FROM ${marks} ${whoseTimeHasCome}
  ),
  put_off_marks AS (
    UPDATE ${marks} SET settled = true, delete_at = GREATEST(
      (SELECT max(expires_at) FROM ${credentials}), (SELECT max(delete_at) FROM ${grants}), ${now} + 1
    )
    WHERE ctid = ANY (ARRAY(SELECT place FROM due_marks WHERE NOT settled))
  ),
  removed_marks AS (
    DELETE FROM ${marks} WHERE ctid = ANY (ARRAY(SELECT place FROM due_marks WHERE settled))
  )`
}

const dueBrief = (credentials: string, brief: string, limit: number) => `due_brief AS MATERIALIZED (
    SELECT id FROM ${credentials} WHERE kind = '${BRIEF_KIND}' AND expires_at <= ${brief}
    ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
  ),`
