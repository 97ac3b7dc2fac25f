/** Counts attempts with rate-limiter-flexible: an attempt takes a point of a key, and may give it back. */
import { createLRU } from 'lru.min'

/** The options of a rate-limiter-flexible limiter: `points` in `duration` seconds. */
export interface LimiterOptions {
  /** The prefix of this counter's keys. */
  keyPrefix: string
  /** The number of attempts. */
  points: number
  /** The period in seconds. */
  duration: number
}

/** The part of a rate-limiter-flexible limiter that the library uses. */
export interface Limiter {
  /** Consumes one point; rejects with `{ msBeforeNext }` when no point is left. */
  consume(key: string): Promise<unknown>
  /** Returns one point. */
  reward(key: string): Promise<unknown>
  /** The state of a key; null for an unknown key. */
  get(key: string): Promise<unknown>
  /** Sets a key's used points for a number of seconds. */
  set(key: string, points: number, seconds: number): Promise<unknown>
}

/** The most keys of one limiter in memory: anyone can invent names, and each key stays for an hour. */
const MAX_KEYS = 20_000

/** A limiter in the memory of this process. Beyond 20,000 keys it forgets the least recently used one. */
export function memoryLimiter(options: LimiterOptions): Limiter {
  // created at the first attempt: the start of an app does not load the package
  let made: Limiter | undefined
  const limiter = (): Limiter => {
    made ??= makeLimiter(options)
    return made
  }
  return {
    consume: (key) => limiter().consume(key),
    reward: (key) => limiter().reward(key),
    get: (key) => limiter().get(key),
    set: (key, points, seconds) => limiter().set(key, points, seconds),
  }
}

function makeLimiter(options: LimiterOptions): Limiter {
  const { RateLimiterMemory } = require('rate-limiter-flexible') as typeof import('rate-limiter-flexible')
  const limiter = new RateLimiterMemory(options)
  const keys = createLRU<string, true>({ max: MAX_KEYS, onEviction: (key) => void limiter.delete(key) })
  // an existing key is only moved: setting it again would count as an eviction
  const use = (key: string): void => void (keys.get(key) ?? keys.set(key, true))
  return {
    consume(key) {
      use(key)
      return limiter.consume(key)
    },
    // a forgotten key has nothing to give back: it would get one point too many
    reward: (key) => (keys.has(key) ? limiter.reward(key) : Promise.resolve()),
    get(key) {
      keys.get(key)
      return limiter.get(key)
    },
    set(key, points, seconds) {
      use(key)
      return limiter.set(key, points, seconds)
    },
  }
}

/** A taken point, or the seconds until one is free. */
export type Point = { retryAfter: number } | { giveBack: () => Promise<void> }

/**
 * Takes a point before the secret is checked: parallel attempts have no advantage. A refused attempt takes no point;
 * otherwise parallel correct attempts would block later ones.
 */
export async function takePoint(limiter: Limiter, key: string): Promise<Point> {
  let isTaken = true
  let answer: unknown
  try {
    answer = await limiter.consume(key)
  } catch (refusal) {
    isTaken = false
    answer = refusal
  }
  const { msBeforeNext } = (answer ?? {}) as { msBeforeNext?: unknown }
  const milliseconds = typeof msBeforeNext === 'number' ? msBeforeNext : undefined
  // another error means that the limiter's store failed, which is no permission
  if (!isTaken && milliseconds === undefined) throw answer
  const isOver = Date.now() + (milliseconds ?? Number.POSITIVE_INFINITY)
  const giveBack = async () => {
    // in the next window it would be one point too many
    if (Date.now() < isOver) await limiter.reward(key)
  }
  if (isTaken) return { giveBack }
  await giveBack()
  return { retryAfter: Math.max(1, Math.ceil((milliseconds as number) / 1000)) }
}
