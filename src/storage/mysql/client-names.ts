/** Clients by name in MySQL: a generated column, which the server fills from the record for every writer. */
import { COMPARED } from '../client-names'

const hex = (text: string) => `x'${Buffer.from(text).toString('hex')}'`
const replace = (value: string, from: string, to: string) => `REPLACE(${value}, ${hex(from)}, ${hex(to)})`

const KEY = '"name":"'
/** Placeholders for escaped characters, used to find the end of the name. JSON never contains these two unescaped. */
const [BACKSLASH, QUOTE] = ['\x01', '\x02']

/**
 * The name of a client in its compared form, see `nameAsWritten`, or NULL. A record begins with the name. Uses byte
 * functions: JSON functions refuse text that a record may contain, and text functions depend on the collation. `LOWER`
 * folds more than A to Z in text, and nothing in bytes.
 */
function nameInRecord(): string {
  const rest = `SUBSTRING(record, LOCATE(${hex(KEY)}, record) + ${KEY.length})`
  const unescaped = replace(replace(rest, '\\\\', BACKSLASH), '\\"', QUOTE)
  const name = replace(replace(`SUBSTRING_INDEX(${unescaped}, ${hex('"')}, 1)`, QUOTE, '"'), BACKSLASH, '\\')
  const folded = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].reduce(
    (sql, letter) => replace(sql, letter, letter.toLowerCase()),
    name,
  )
  return `IF(LOCATE(${hex(KEY)}, record) = 0, NULL, CAST(LEFT(CONVERT(${folded} USING utf8mb4), ${COMPARED}) AS BINARY))`
}

/** Stored: indexes on virtual columns have failed in too many releases of both servers. */
export const nameColumn = `name VARBINARY(${COMPARED * 4}) GENERATED ALWAYS AS (${nameInRecord()}) STORED`
export const nameIndex = 'INDEX by_name (name, client_id)'

/** Adds the column and the index to a table of an older release. Two statements, so that an interrupted upgrade continues. */
export function namesAdded(clients: string): { column: string; index: string } {
  const alter = `ALTER TABLE ${clients} ADD`
  return { column: `${alter} COLUMN ${nameColumn}`, index: `${alter} ${nameIndex}` }
}

/** The same as statements that may run again. A procedure, because MySQL has no `ADD COLUMN IF NOT EXISTS`. */
export function namesEnsured(prefix: string, clients: string): string[] {
  const name = `${prefix}add_names`
  const { column, index } = namesAdded(clients)
  const isMissing = (what: 'column' | 'index', view: string, called: string) =>
    `NOT EXISTS (SELECT 1 FROM information_schema.${view}
    WHERE table_schema = DATABASE() AND table_name = '${clients}' AND ${what}_name = '${called}')`
  return [
    `DROP PROCEDURE IF EXISTS ${name}`,
    `CREATE PROCEDURE ${name}()
SQL SECURITY INVOKER
BEGIN
  IF ${isMissing('column', 'columns', 'name')} THEN
    ${column};
  END IF;
  IF ${isMissing('index', 'statistics', 'by_name')} THEN
    ${index};
  END IF;
END`,
    `CALL ${name}()`,
    `DROP PROCEDURE ${name}`,
  ]
}
