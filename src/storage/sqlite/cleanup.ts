/** Removes expired rows from the tables of the SQLite adapter. */
import { type Awaitable, whenReady } from '../../awaitable'
import { GRACE } from '../retention'
import { inSlices } from '../slices'
import { SWEEP_LIMIT } from '../sql/tables'
import type { Access } from './connection'
import type { SqliteStatements } from './statements'

/**
 * Rows in a transaction of deleteExpired. Ids are random, so that each row changes pages that no other row changes: two
 * for a credential, four for a grant. These pages are the work: first the log gets them, and then the file.
 */
export const ROWS_AT_ONCE = 48
/** Milliseconds for dead grants and marks in one call, so that it stays within its deadline. The next call continues. */
const TIME_FOR_GRANTS = 2000

export interface SqliteCleanup {
  /** Removes some rows that expired at or before `now`, in the transaction of an insert. */
  sweep(now: number): void
  /** As in GrantStorage, in several transactions. */
  deleteExpired(now: number, limit: number): Awaitable<number>
}

export function sqliteCleanup(statements: SqliteStatements, { write, checkpoint }: Access): SqliteCleanup {
  return {
    sweep(now) {
      deleteSome(now, { removed: 0, kind: 0 }, SWEEP_LIMIT, SWEEP_LIMIT)
      statements.deleteBrief.run({ now: now + GRACE, limit: SWEEP_LIMIT })
    },
    deleteExpired(now, limit) {
      let state: State = { removed: 0, kind: 0 }
      let hasWritten = false
      let until: number | undefined
      const step = () => {
        // in a turn of its own, because it takes as long as a slice
        if (hasWritten) {
          hasWritten = false
          checkpoint()
          return false
        }
        return whenReady(
          write(() => deleteSome(now, state, limit, ROWS_AT_ONCE)),
          (next) => {
            state = next
            hasWritten = true
            if (state.kind > 0) until ??= performance.now() + TIME_FOR_GRANTS
            return state.kind === kinds.length || (until !== undefined && performance.now() >= until)
          },
        )
      }
      return whenReady(inSlices(step), () => state.removed)
    },
  }

  /** One slice of `room` rows. It changes only the tables, because a refused transaction is repeated. */
  function deleteSome(now: number, { removed, kind }: State, limit: number, room: number): State {
    while (room > 0 && kind < kinds.length) {
      const size = kind === 0 ? Math.min(room, limit - removed) : room
      const done = (kinds[kind] as Kind)(statements, now, size)
      room -= done
      if (kind === 0) removed += done
      if (kind === 0 && removed >= limit) kind = kinds.length
      else if (done < size) kind++
    }
    return { removed, kind }
  }
}

/** The number of removed credentials, and the kind of row that is next. */
interface State {
  readonly removed: number
  readonly kind: number
}

/** Removes or postpones at most `limit` rows. Returns how many were due. */
type Kind = (statements: SqliteStatements, now: number, limit: number) => number

// grants and marks are removed after the last credential, so not while credentials are due
const kinds: readonly Kind[] = [
  ({ deleteCredentials }, now, limit) => deleteCredentials.run({ now, limit }),
  deleteGrants,
  deleteMarks,
]

/** Removes grants without credentials. Others are postponed to the expiry of their last credential. Returns how many were due. */
function deleteGrants(statements: SqliteStatements, now: number, limit: number): number {
  const due = statements.dueGrants.all({ now, limit })
  for (const row of due) {
    const [id, last] = [String(row.id), Number(row.last)]
    if (last > now) statements.putOffGrant.run({ id, last })
    else statements.deleteGrant.run({ id })
  }
  return due.length
}

/** Postpones a mark once, to when the last of all rows expires: concurrent rows are included by then. */
function deleteMarks(statements: SqliteStatements, now: number, limit: number): number {
  const due = statements.dueMarks.all({ now, limit })
  for (const row of due) {
    const mark = { owner: String(row.owner), owner_id: String(row.owner_id) }
    if (Number(row.settled)) statements.deleteMark.run(mark)
    else statements.settleMark.run({ ...mark, last: Math.max(Number(row.last), now + 1) })
  }
  return due.length
}
