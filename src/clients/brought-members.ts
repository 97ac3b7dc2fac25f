/**
 * The members of client metadata that the values in the server's lists bring along: read from JSON, checked, and written,
 * as the table of members does with its own. This is the one place that is wired to them.
 */
import { OAuthError } from '../errors'
import type { ClientMember } from '../types/capability'

type Members = Readonly<Record<string, unknown>>

/** Those that a client may set itself (RFC 7591 §2), under the names of records. What is empty is not there. */
export function readBrought(json: Members, rows: readonly ClientMember[] = []): Members {
  const own = rows.filter(({ setBy }) => setBy === 'self')
  const named = own.map((row) => [row.name, checked(row, row.wire, json[row.wire])] as const)
  return Object.fromEntries(named.filter(([, value]) => value !== undefined))
}

/** Those of a record, as it is stored. */
export function checkBrought(record: object, rows: readonly ClientMember[] = []): Members {
  const named = rows.map((row) => [row.name, checked(row, row.name, (record as Members)[row.name])] as const)
  return Object.fromEntries(named.filter(([, value]) => value !== undefined))
}

/** Those that a client may read of its own registration (RFC 7591 §3.2.1). */
export function writeBrought(record: object, rows: readonly ClientMember[] = []): Members {
  const own = rows.filter(({ setBy }) => setBy === 'self')
  const named = own.map(({ name, wire }) => [wire, (record as Members)[name]] as const)
  return Object.fromEntries(named.filter(([, value]) => value !== undefined))
}

/** The record without those that a client may set itself: RFC 7592 §2.2, what it leaves out is gone. */
export function withoutBrought<Record extends object>(record: Record, rows: readonly ClientMember[] = []): Record {
  const own = rows.filter(({ setBy }) => setBy === 'self').map(({ name }) => name)
  return Object.fromEntries(Object.entries(record).filter(([name]) => !own.includes(name))) as Record
}

/** Throws for an owner who is no administrator, where an administrator alone may set a member. */
export function verifyBrought(record: object, rows: readonly ClientMember[] = []): void {
  const wrong = rows.find(({ name, setBy }) => setBy === 'admin' && ((record as Members)[name] ?? false) !== false)
  if (wrong) throw new OAuthError('access_denied', `Only an administrator may set ${wrong.name}.`)
}

function checked({ type, check }: ClientMember, member: string, value: unknown): unknown {
  if (value === undefined || value === null || value === '') return undefined
  if (!type.is(value)) throw new OAuthError('invalid_client_metadata', `${member} must be ${type.words}.`)
  return check ? check(member, value) : value
}
