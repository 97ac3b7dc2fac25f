/** What the PostgreSQL adapter deletes: as a call of its own, and a little with every so many inserts. */
import { BRIEF_KIND } from '../retention'
import type { Tables } from '../sql/tables'

/**
 * The parts of a statement that remove what expired by `now`: at most `limit` of each kind, and nothing that somebody else
 * is about to change. `removed` has a row for each credential. Once no expired credential is left, the grants and marks
 * whose time has come are looked at:
 * - A grant leaves when no credential of it is stored. Until then it is looked at again when the next of them expires.
 *   Their ids begin with its own and `~`: a stretch of the primary key.
 * - A mark is put off once, to when the last of all rows expires: what was under way beside it is among them by then.
 *
 * With `brief`, rows of the kind whose grace is brief are removed that expired by then, as many again. No grant waits for them.
 *
 * Written for the planner: rows are named by ARRAY(SELECT …), because it takes a join for a reason to read whole tables,
 * and `limit` is a number in the text, because it takes a parameter for a tenth of the table.
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
