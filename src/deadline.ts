/**
 * Time limits for calls of the storage and of the host's functions. A database may hang without closing its
 * connections: the request must not hang with it.
 */
import { type Awaitable, isPromise, toPromise } from './awaitable'
import { storageFailure } from './errors'

/**
 * Returns `answer`, or fails with 503 if it does not arrive in time. The cause names the `call`. A late answer is
 * dropped.
 */
export type InTime = <T>(call: string, answer: Awaitable<T>) => Awaitable<T>

/** The default of `storageTimeout`. */
const SECONDS = 5

interface Waiting {
  readonly call: string
  readonly until: number
  readonly refuse: (error: Error) => void
}

/**
 * One timer for all waiting calls. All wait equally long, so they expire in the order in which they began. The timer
 * keeps no process alive.
 */
export function deadline(seconds = SECONDS): InTime {
  const waiting = new Set<Waiting>()
  let isSet = false

  function refuseLate(): void {
    isSet = false
    const now = performance.now()
    for (const one of waiting) {
      if (one.until > now) return wakeIn(one.until - now)
      waiting.delete(one)
      one.refuse(tooLate(one.call, seconds))
    }
  }
  function wakeIn(milliseconds: number): void {
    isSet = true
    // after pending input: a process that was blocked reads the answers that arrived meanwhile
    setTimeout(() => setImmediate(refuseLate), milliseconds).unref()
  }
  function wait<T>(call: string, answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const one = { call, until: performance.now() + seconds * 1000, refuse: reject }
      waiting.add(one)
      if (!isSet) wakeIn(seconds * 1000)
      toPromise(answer).then(
        (value) => {
          waiting.delete(one)
          resolve(value)
        },
        (error) => {
          waiting.delete(one)
          reject(error)
        },
      )
    })
  }

  return (call, answer) => (isPromise(answer) ? wait(call, answer) : answer)
}

function tooLate(call: string, seconds: number): Error {
  const time = `${seconds} second${seconds === 1 ? '' : 's'}`
  return storageFailure(new Error(`${call} did not answer within ${time}. What it asks hangs, or is too slow`))
}

/**
 * Runs `begin` once, and returns its value to all callers. Runs it again if it failed, if the value is not `kept`, or
 * if it hangs: later callers do not wait for it.
 */
export function begunOnce<T>(begin: () => Promise<T>, kept: (value: T) => boolean = () => true): () => Promise<T> {
  let shared: { value: Promise<T>; until: number } | undefined
  return () => {
    if (shared && performance.now() < shared.until) return shared.value
    const begun = { value: begin(), until: performance.now() + SECONDS * 1000 }
    const end = () => {
      if (shared === begun) shared = undefined
    }
    begun.value.then((value) => {
      begun.until = Number.POSITIVE_INFINITY
      if (!kept(value)) end()
    }, end)
    shared = begun
    return begun.value
  }
}
