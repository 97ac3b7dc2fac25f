/** A value from another server, kept for a while: renewed before it is too old, and asked for at a bounded rate. */
import { type Awaitable, whenReady } from '../awaitable'

/** Seconds. Older than `FRESH`, a value is renewed while it is still used; older than `STALE`, it is used no more. */
const FRESH = 600
const STALE = 3600
/** Seconds between two attempts at something newer, and after one that failed. */
const COOLDOWN = 10
const RETRY = 2

export interface Kept<T> {
  /** The value. Rejects when it is too old and cannot be renewed. */
  get(): Awaitable<T>
  /** A value newer than the one there is; undefined when that one is too new for another attempt. */
  newer(): Awaitable<T | undefined>
}

/** `failed` hears of renewals that nobody waits for. */
export function kept<T>(load: () => Promise<T>, now: () => number, failed: (error: unknown) => void): Kept<T> {
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
    if (failure && age(failure) < RETRY) return Promise.reject(failure.error)
    loading ??= attempt()
    return loading
  }

  return {
    get() {
      if (!current || age(current) >= STALE) return renew()
      const mayRenew = !loading && (!failure || age(failure) >= COOLDOWN)
      if (age(current) >= FRESH && mayRenew) renew().catch(failed)
      return current.value
    },
    newer: () => (current && age(current) < COOLDOWN ? undefined : whenReady(renew(), (value) => value)),
  }
}
