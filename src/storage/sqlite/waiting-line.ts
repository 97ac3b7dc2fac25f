/**
 * Calls that wait until another connection releases its lock. SQLite itself would wait inside the call and block the
 * process: a backup that holds the lock for half a minute would stop the host's whole app.
 */
import type { Awaitable } from '../../awaitable'
import { messageOf } from '../../errors'

/** Milliseconds between two attempts. */
const SHORTEST_PAUSE = 2
const LONGEST_PAUSE = 25

interface Waiting {
  act: () => unknown
  until: number
  resolve: (result: never) => void
  reject: (error: unknown) => void
}

export interface WaitingLine {
  /**
   * Returns the result of `act`, at once if no other connection has the lock. `behind`: after calls that already wait.
   */
  run<T>(act: () => T, behind: boolean): Awaitable<T>
}

/** Only the first waiting call tries. After `patience` milliseconds all throw SQLite's error. */
export function waitingLine(patience: number): WaitingLine {
  const waiting: Waiting[] = []
  let pause = SHORTEST_PAUSE

  function ask(): void {
    const [first] = waiting
    if (!first) return
    try {
      const result = first.act()
      leave().resolve(result as never)
    } catch (error) {
      if (!isBusy(error)) leave().reject(error)
      else if (performance.now() + pause < first.until) return void later()
      else leave().reject(tooLong(patience, error))
    }
    // one at a time, so that other events are handled in between
    if (waiting.length > 0) setImmediate(ask)
  }
  function later(): void {
    setTimeout(ask, pause)
    pause = Math.min(2 * pause, LONGEST_PAUSE)
  }
  function leave(): Waiting {
    pause = SHORTEST_PAUSE
    return waiting.shift() as Waiting
  }

  return {
    run(act, behind) {
      if (!behind || waiting.length === 0) {
        try {
          return act()
        } catch (error) {
          if (!isBusy(error)) throw error
        }
      }
      return new Promise((resolve, reject) => {
        waiting.push({ act, until: performance.now() + patience, resolve, reject })
        if (waiting.length === 1) later()
      })
    },
  }
}

/** Whether it is SQLITE_BUSY of better-sqlite3 or `node:sqlite`. */
function isBusy(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown }
  return /^SQLITE_BUSY/.test(String(code)) || (Number(errcode) & 0xff) === 5
}

function tooLong(patience: number, cause: unknown): Error {
  const held = `another connection has had the lock for ${patience} ms`
  return new Error(`sqliteStorage: ${held} (${messageOf(cause)})`, { cause })
}
