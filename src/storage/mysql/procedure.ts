/** A procedure of the MySQL adapter: its name, its rights, and its common beginning and error handling. */
import { sha256 } from '../../crypto'

/** The name, and the statement that creates it. */
export interface Procedure {
  readonly name: string
  readonly sql: string
}

/**
 * The name ends with a digest of the text: a release that changes a procedure creates another one, and processes of the
 * old release continue with theirs. It has the caller's rights.
 */
export function procedure(prefix: string, name: string, parameters: string, body: string): Procedure {
  const rest = `(${parameters})\nSQL SECURITY INVOKER\n${body}`
  const version = Buffer.from(sha256(rest), 'base64url').toString('hex').slice(0, 8)
  return { name: `${prefix}${name}_${version}`, sql: `CREATE PROCEDURE ${prefix}${name}_${version}${rest}` }
}

/** A failure leaves nothing behind. */
export const ROLLED_BACK = `DECLARE EXIT HANDLER FOR SQLEXCEPTION
  BEGIN
    ROLLBACK;
    RESIGNAL;
  END;`
/** Overrides the host's default: at a higher level reads would not see newer commits. */
export const BEGUN = `SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  START TRANSACTION;`
