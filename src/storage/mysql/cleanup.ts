/** What the MySQL adapter deletes, in a separate call and in small parts with inserts. */
import type { Tables } from '../sql/tables'
import { BEGUN, type Procedure, procedure, ROLLED_BACK } from './procedure'
import { ID_BYTES, OWNER_BYTES } from './values'

/**
 * Removes rows that expired by `p_now`: at most `p_limit` of each kind, and none that another transaction is about to
 * change. When no expired credential is left, checks the grants and marks that are due:
 * - A grant is removed when it has no stored credential. Until then it is checked again when the last of them expires.
 *   Their ids begin with the grant's id and `~`: a range of the primary key.
 * - A mark is postponed once, to when the last of all rows expires: concurrent rows are included by then.
 */
export function sweeping(prefix: string, { credentials, grants, marks }: Tables): Procedure {
  const due = (table: string, columns: string, time: string) =>
    `CURSOR FOR SELECT ${columns} FROM ${table} FORCE INDEX (by_${time})
    WHERE ${time} <= p_now ORDER BY ${time} LIMIT p_limit FOR UPDATE SKIP LOCKED`
  const forEach = (cursor: string, into: string, act: string) => `SET v_end = 0;
    OPEN ${cursor};
    ${cursor}: LOOP
      FETCH ${cursor} INTO ${into};
      IF v_end THEN
        LEAVE ${cursor};
      END IF;
      ${act}
    END LOOP;
    CLOSE ${cursor};`
  return procedure(
    prefix,
    'sweep',
    'IN p_now BIGINT, IN p_limit INT, OUT p_removed INT',
    `BEGIN
  DECLARE v_end, v_settled INT DEFAULT 0;
  DECLARE v_expires_at, v_last BIGINT;
  DECLARE v_id VARBINARY(${ID_BYTES});
  DECLARE v_owner VARBINARY(6);
  DECLARE v_owner_id VARBINARY(${OWNER_BYTES});
  DECLARE due_credentials ${due(credentials, 'id', 'expires_at')};
  DECLARE due_grants ${due(grants, 'id, expires_at', 'delete_at')};
  DECLARE due_marks ${due(marks, 'owner, owner_id, settled', 'delete_at')};
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_end = 1;
  ${ROLLED_BACK}
  SET p_removed = 0;
  ${BEGUN}
    ${forEach(
      'due_credentials',
      'v_id',
      `DELETE FROM ${credentials} WHERE id = v_id;
      SET p_removed = p_removed + 1;`,
    )}
  IF p_removed < p_limit THEN
    ${forEach(
      'due_grants',
      'v_id, v_expires_at',
      `SELECT max(expires_at) INTO v_last FROM ${credentials}
        WHERE id >= CONCAT(v_id, x'7e') AND id < CONCAT(v_id, x'7f');
      IF v_last IS NULL AND coalesce(v_expires_at, 0) <= p_now THEN
        DELETE FROM ${grants} WHERE id = v_id;
      ELSE
        UPDATE ${grants} SET delete_at = GREATEST(coalesce(v_last, 0), coalesce(v_expires_at, 0), p_now + 1) WHERE id = v_id;
      END IF;`,
    )}
    ${forEach(
      'due_marks',
      'v_owner, v_owner_id, v_settled',
      `IF v_settled THEN
        DELETE FROM ${marks} WHERE owner = v_owner AND owner_id = v_owner_id;
      ELSE
        SELECT GREATEST(coalesce((SELECT max(expires_at) FROM ${credentials}), 0),
          coalesce((SELECT max(delete_at) FROM ${grants}), 0), p_now + 1) INTO v_last;
        UPDATE ${marks} SET delete_at = v_last, settled = 1 WHERE owner = v_owner AND owner_id = v_owner_id;
      END IF;`,
    )}
  END IF;
  COMMIT;
END`,
  )
}
