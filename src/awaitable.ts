/** Values that are available now or later. With a synchronous store the guard decides in the same turn. */

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>

/** `isPromise(value) ? await value : value` saves the turn that `await` of an available value costs. */
export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

/** `then` of a foreign thenable may return undefined, and the caller would not wait for it. */
export function toPromise<T>(value: Promise<T>): Promise<T> {
  return value instanceof Promise ? value : Promise.resolve(value)
}

/** Calls `next` with the value: at once if it is available, otherwise when it arrives. */
export function whenReady<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return isPromise(value) ? toPromise(value).then(next) : next(value)
}

/** Returns the result of `attempt`. An error, now or later, goes to `failed`. */
export function orElse<T>(attempt: () => Awaitable<T>, failed: (error: unknown) => T): Awaitable<T> {
  try {
    const value = attempt()
    return isPromise(value) ? toPromise(value).then(undefined, failed) : value
  } catch (error) {
    return failed(error)
  }
}
