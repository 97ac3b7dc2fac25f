/** A procedure of the MySQL adapter: its name, its rights, and how each begins and fails. */
import { sha256 } from '../../crypto'

/** What it is called, and the statement that creates it. */
export interface Procedure {
  readonly name: string
  readonly sql: string
}

/**
 * The name ends with a digest of the text: a release that changes one makes another one, and processes of the release
 * before go on with theirs. The rights are those of who calls.
 */
export function procedure(prefix: string, name: string, parameters: string, body: string): Procedure {
  const rest = `(${parameters})\nSQL SECURITY INVOKER\n${body}`
  const version = Buffer.from(sha256(rest), 'base64url').toString('hex').slice(0, 8)
  return { name: `${prefix}${name}_${version}`, sql: `CREATE PROCEDURE ${prefix}${name}_${version}${rest}` }
}

/** Whatever fails leaves nothing behind. */
export const ROLLED_BACK = `DECLARE EXIT HANDLER FOR SQLEXCEPTION
  BEGIN
    ROLLBACK;
    RESIGNAL;
  END;`
/** Whatever the host made its default: above this level what is read goes on being what it was. */
export const BEGUN = `SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  START TRANSACTION;`
