/** A value from another server, kept for a while: renewed before it is too old, and asked for at a bounded rate. */
import { type Awaitable, whenReady } from '../awaitable'

/** Seconds. */
export interface Pace {
  /** Older than `fresh`, a value is renewed while it is still used; older than `stale`, it is used no more. */
  readonly fresh: number
  readonly stale: number
  /** Between two attempts at something newer, and after a renewal that failed while the value was used. */
  readonly cooldown: number
  /** After an attempt that failed and that somebody waited for. */
  readonly retry: number
}

const PACE: Pace = { fresh: 600, stale: 3600, cooldown: 10, retry: 2 }

export interface Kept<T> {
  /** The value. Rejects when it is too old and cannot be renewed. */
  get(): Awaitable<T>
  /** The value where nothing has to be fetched for it. */
  current(): T | undefined
  /** Whether the value is too new for another attempt. */
  isNew(): boolean
  /** A value newer than the one there is; undefined when that one is too new for another attempt. */
  newer(): Awaitable<T | undefined>
}

/** `failed` hears of renewals that nobody waits for. */
export function kept<T>(
  load: () => Promise<T>,
  now: () => number,
  failed: (error: unknown) => void,
  { fresh, stale, cooldown, retry } = PACE,
): Kept<T> {
  let current: { value: T; at: number } | undefined
  let failure: { error: unknown; at: number } | undefined
  let loading: Promise<T> | undefined

  // whether the clock goes forward or back, after so many seconds something is no longer new
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
