/**
 * Values in the SQL of the MySQL adapter. Text is hexadecimal: quoting, charsets and SQL modes do not change it, and it
 * cannot become SQL. So no statement needs to be prepared, and each is one round trip.
 */
import { misuse } from '../../options/misuse'
import type { Credential, Grant } from '../../storage'
import { type CredentialRow, type GrantRow, grantRow, rowsById } from '../sql/rows'

/** The size of a column in bytes. An index of two is within InnoDB's 3072 bytes. */
export const ID_BYTES = 255
/** 255 characters of any script. */
export const OWNER_BYTES = 765

/** A longer value would be cut silently if the host's SQL mode is not strict: two values could become equal. */
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

/** The hexadecimal digits of a text. Throws if it is longer than the column. */
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

/** A whole number, as SQL. Throws for other numbers, which would be rounded. */
export function numberOf(value: number): string {
  if (Number.isSafeInteger(value)) return String(value)
  throw misuse('unstorable_value', `mysqlStorage keeps whole numbers only, and this one is ${value}`)
}

/** Rows as JSON for a procedure, as SQL: column names, hexadecimal digits and whole numbers. */
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

/** In the order in which rows are locked: the same in all calls, against deadlocks. */
export function credentialsOf(credentials: readonly Credential[]): string {
  return jsonOf(
    rowsById(credentials).sort((a, b) => Buffer.compare(Buffer.from(String(a.id)), Buffer.from(String(b.id)))),
  )
}

export function grantsOf(grant: Grant | undefined): string {
  return jsonOf(grant ? [grantRow(grant)] : [])
}
