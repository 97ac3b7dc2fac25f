/** How clients are found by name in MySQL: by a column that the server fills from the record, whoever writes it. */
import { COMPARED } from '../client-names'

const hex = (text: string) => `x'${Buffer.from(text).toString('hex')}'`
const replace = (value: string, from: string, to: string) => `REPLACE(${value}, ${hex(from)}, ${hex(to)})`

const KEY = '"name":"'
/** What JSON escapes, while the end of the name is looked for. As themselves these two stand in no JSON. */
const [BACKSLASH, QUOTE] = ['\x01', '\x02']

/**
 * The name of a client as it is compared, see `nameAsWritten`, or NULL. Names come first in a record. By functions for bytes:
 * those for JSON refuse text that a record may have, and those for text depend on the collation. `LOWER` would fold more than
 * A to Z, or of bytes nothing.
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

/** Stored, because an index of what is computed has failed in too many releases of both servers. */
export const nameColumn = `name VARBINARY(${COMPARED * 4}) GENERATED ALWAYS AS (${nameInRecord()}) STORED`
export const nameIndex = 'INDEX by_name (name, client_id)'

/** What gives a table of an older release its column and its index. One after the other: what was interrupted goes on. */
export function namesAdded(clients: string): { column: string; index: string } {
  const alter = `ALTER TABLE ${clients} ADD`
  return { column: `${alter} COLUMN ${nameColumn}`, index: `${alter} ${nameIndex}` }
}

/** The same as statements that change nothing where it is there. MySQL knows no `ADD COLUMN IF NOT EXISTS`: a procedure. */
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
