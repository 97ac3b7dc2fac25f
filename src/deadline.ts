/**
 * How long an answer of somebody else is waited for: of the storage, and of the host's functions. A database that hangs
 * without closing its connections never answers, and a request that waits for it would not either.
 */
import { type Awaitable, isPromise, toPromise } from './awaitable'
import { storageFailure } from './errors'

/**
 * Gives `answer`, at once where it is there. Where it has not arrived in time: 503, with a cause that names the `call`.
 * What arrives later is dropped.
 */
export type InTime = <T>(call: string, answer: Awaitable<T>) => Awaitable<T>

/** Where the host says nothing else. */
const SECONDS = 5

interface Waiting {
  readonly call: string
  readonly until: number
  readonly refuse: (error: Error) => void
}

/**
 * One timer for all who wait. Each waits for the same time, so the first to come is the first whose time is over. It
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
    // after what has come in meanwhile: a process that stood still itself reads its answers first
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
 * What `begin` gives, begun once for all who ask. What fails is begun again, and so is what is not `kept`, and what hangs:
 * it is in the way of nobody who comes later.
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
