/** Values now or later: with a synchronous store the guard decides in the same turn (DESIGN: Awaitable). */

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>

export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

/** A thenable of another making may answer nothing from `then`, and then nobody would wait for it. */
export function toPromise<T>(value: Promise<T>): Promise<T> {
  return value instanceof Promise ? value : Promise.resolve(value)
}

/** `next(value)`, at once when the value is there and after it has arrived otherwise. */
export function whenReady<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return isPromise(value) ? toPromise(value).then(next) : next(value)
}

/** What `attempt` gives; whatever it throws, now or later, goes to `failed`. */
export function orElse<T>(attempt: () => Awaitable<T>, failed: (error: unknown) => T): Awaitable<T> {
  try {
    const value = attempt()
    return isPromise(value) ? toPromise(value).then(undefined, failed) : value
  } catch (error) {
    return failed(error)
  }
}
