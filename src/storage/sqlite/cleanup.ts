/** Removes expired rows from the tables of the SQLite adapter. */
import { type Awaitable, whenReady } from '../../awaitable'
import { GRACE } from '../retention'
import { inSlices } from '../slices'
import { SWEEP_LIMIT } from '../sql/tables'
import type { Access } from './connection'
import type { SqliteStatements } from './statements'

/** The most slices of dead grants and marks in one call, so that it stays within its deadline. The next call continues. */
const SLICES_OF_GRANTS = 100

export interface SqliteCleanup {
  /** Removes some rows that expired at or before `now`, in the transaction of an insert. */
  sweep(now: number): void
  /** As in GrantStorage, in several transactions, each as small as a sweep. */
  deleteExpired(now: number, limit: number): Awaitable<number>
}

export function sqliteCleanup(statements: SqliteStatements, write: Access['write']): SqliteCleanup {
  return {
    sweep(now) {
      deleteSome(now, { removed: 0, kind: 0 }, SWEEP_LIMIT)
      statements.deleteBrief.run({ now: now + GRACE, limit: SWEEP_LIMIT })
    },
    deleteExpired(now, limit) {
      let state: State = { removed: 0, kind: 0 }
      let slices = 0
      const step = () =>
        whenReady(
          write(() => deleteSome(now, state, limit)),
          (next) => {
            state = next
            return state.kind === kinds.length || (state.kind > 0 && ++slices === SLICES_OF_GRANTS)
          },
        )
      return whenReady(inSlices(step), () => state.removed)
    },
  }

  /** One slice. It changes only the tables, because a refused transaction is repeated. */
  function deleteSome(now: number, { removed, kind }: State, limit: number): State {
    for (let room = SWEEP_LIMIT; room > 0 && kind < kinds.length; ) {
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
