/** Caches a value from another server: renews it in time, and limits the rate of requests. */
import { type Awaitable, whenReady } from '../awaitable'

/** Times in seconds. */
export interface Pace {
  /** A value older than `fresh` is renewed while it is still used. A value older than `stale` is not used. */
  readonly fresh: number
  readonly stale: number
  /** Between two renewals, and after a failed renewal while the old value was used. */
  readonly cooldown: number
  /** After a failed request that a caller waited for. */
  readonly retry: number
}

const PACE: Pace = { fresh: 600, stale: 3600, cooldown: 10, retry: 2 }

export interface Kept<T> {
  /** Returns the value. Rejects if it is stale and cannot be renewed. */
  get(): Awaitable<T>
  /** Returns the value if no request is needed. */
  current(): T | undefined
  /** Whether the value is too new for another request. */
  isNew(): boolean
  /** Returns a newer value. Undefined if the current one is too new for another request. */
  newer(): Awaitable<T | undefined>
}

/** Caches a value. `failed` is called after renewals that no caller waits for. */
export function kept<T>(
  load: () => Promise<T>,
  now: () => number,
  failed: (error: unknown) => void,
  { fresh, stale, cooldown, retry } = PACE,
): Kept<T> {
  let current: { value: T; at: number } | undefined
  let failure: { error: unknown; at: number } | undefined
  let loading: Promise<T> | undefined

  // works with clocks that jump forward or back
  const age = ({ at }: { at: number }) => Math.abs(now() - at)
  const attempt = async (): Promise<T> => {
    try {
      const value = await load()
      current = { value, at: now() }
      failure = undefined
      return value
    } catch (error) {
      failure = { error, at: now() }
      throw error
    } finally {
      loading = undefined
    }
  }
  const renew = (): Promise<T> => {
    if (failure && age(failure) < retry) return Promise.reject(failure.error)
    loading ??= attempt()
    return loading
  }
  const isNew = () => current !== undefined && age(current) < cooldown

  return {
    get() {
      if (!current || age(current) >= stale) return renew()
      const mayRenew = !loading && (!failure || age(failure) >= cooldown)
      if (age(current) >= fresh && mayRenew) renew().catch(failed)
      return current.value
    },
    current: () => (current && age(current) < stale ? current.value : undefined),
    isNew,
    newer: () => (isNew() ? undefined : whenReady(renew(), (value) => value)),
  }
}
