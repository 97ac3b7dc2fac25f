/**
 * Values as they stand in the SQL of the MySQL adapter. Text is hexadecimal: no quoting, no charset and no SQL mode of the
 * host changes it, and nothing in it can become SQL. So no statement needs to be prepared, and each is one round trip.
 */
import { misuse } from '../../options/misuse'
import type { Credential, Grant } from '../../storage'
import { type CredentialRow, type GrantRow, grantRow, rowsById } from '../sql/rows'

/** Bytes that fit into a column. An index of two of them is within the 3072 bytes of InnoDB. */
export const ID_BYTES = 255
/** 255 characters of any script. */
export const OWNER_BYTES = 765

/** A longer value would be cut without a word where the host's SQL mode is not strict: two of them would be one. */
export const limits: Readonly<Record<string, number>> = {
  id: ID_BYTES,
  kind: ID_BYTES,
  state: ID_BYTES,
  digest: ID_BYTES,
  grant_id: ID_BYTES,
  client_id: OWNER_BYTES,
  user_id: OWNER_BYTES,
  username: OWNER_BYTES,
}

/** The hexadecimal digits of a text. Throws for one that is longer than the column. */
function digits(column: string, text: string): string {
  const bytes = Buffer.from(text)
  const limit = limits[column] ?? Number.POSITIVE_INFINITY
  if (bytes.length > limit) {
    throw misuse(
      'unstorable_value',
      `mysqlStorage keeps at most ${limit} bytes of ${column}, and this one has ${bytes.length}`,
    )
  }
  return bytes.toString('hex')
}

/** A text, as SQL. */
export function textOf(column: string, text: string | undefined): string {
  return text === undefined ? 'NULL' : `x'${digits(column, text)}'`
}

/** A whole number, as SQL. Throws for others: they would be rounded. */
export function numberOf(value: number): string {
  if (Number.isSafeInteger(value)) return String(value)
  throw misuse('unstorable_value', `mysqlStorage keeps whole numbers only, and this one is ${value}`)
}

/** Rows as JSON for a procedure, as SQL: names of columns, hexadecimal digits and whole numbers. */
function jsonOf(rows: readonly (CredentialRow | GrantRow)[]): string {
  const given = rows.map((row) =>
    Object.entries(row).flatMap(([column, value]) => {
      if (value === null) return []
      const written = typeof value === 'string' ? `"${digits(column, value)}"` : numberOf(value)
      return `"${column}":${written}`
    }),
  )
  return `'[${given.map((members) => `{${members}}`)}]'`
}

/** In the order in which the rows are locked: the same for all calls, so that no two wait for each other. */
export function credentialsOf(credentials: readonly Credential[]): string {
  return jsonOf(
    rowsById(credentials).sort((a, b) => Buffer.compare(Buffer.from(String(a.id)), Buffer.from(String(b.id)))),
  )
}

export function grantsOf(grant: Grant | undefined): string {
  return jsonOf(grant ? [grantRow(grant)] : [])
}
