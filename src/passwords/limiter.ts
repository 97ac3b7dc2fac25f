/** Counts of attempts, on rate-limiter-flexible: one point of one key is taken, and given back where it should not count. */
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

/** The used part of a rate-limiter-flexible limiter. */
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

/** Keys of one count in memory: names are made up without number, and each would be kept for an hour. */
const MAX_KEYS = 20_000

/** A limiter in the memory of this process. Beyond 20,000 keys it forgets the one that was used longest ago. */
export function memoryLimiter(options: LimiterOptions): Limiter {
  // made with the first attempt: an app starts without loading the package, and without places for all keys
  let made: Limiter | undefined
  const limiter = (): Limiter => {
    made ??= makeLimiter(options)
    return made
  }
  return {
    consume: async (key) => limiter().consume(key),
    reward: async (key) => limiter().reward(key),
    get: async (key) => limiter().get(key),
    set: async (key, points, seconds) => limiter().set(key, points, seconds),
  }
}

function makeLimiter(options: LimiterOptions): Limiter {
  const { RateLimiterMemory } = require('rate-limiter-flexible') as typeof import('rate-limiter-flexible')
  const limiter = new RateLimiterMemory(options)
  const keys = createLRU<string, true>({ max: MAX_KEYS, onEviction: (key) => void limiter.delete(key) })
  // a key that is there only moves: set again it would count as evicted
  const use = (key: string): void => void (keys.get(key) ?? keys.set(key, true))
  return {
    consume(key) {
      use(key)
      return limiter.consume(key)
    },
    // a key that was forgotten has nothing to give back, or it would have a point more than others
    reward: async (key) => void (keys.has(key) && (await limiter.reward(key))),
    async get(key) {
      keys.get(key)
      return limiter.get(key)
    },
    set(key, points, seconds) {
      use(key)
      return limiter.set(key, points, seconds)
    },
  }
}

/** One point, or the seconds until there is one. */
export type Point = { retryAfter: number } | { giveBack: () => Promise<void> }

/**
 * Points are taken before the secret is looked at: of many at once no more get through than of many in turn. What is
 * refused takes none, or right attempts that come at once would use up those that come later.
 */
export async function takePoint(limiter: Limiter, key: string): Promise<Point> {
  const [isTaken, answer] = await limiter.consume(key).then(
    (taken) => [true, taken] as const,
    (refusal: unknown) => [false, refusal] as const,
  )
  const { msBeforeNext } = (answer ?? {}) as { msBeforeNext?: unknown }
  const milliseconds = typeof msBeforeNext === 'number' ? msBeforeNext : undefined
  // anything else is the limiter's store failing, and that is not a permission
  if (!isTaken && milliseconds === undefined) throw answer
  const isOver = Date.now() + (milliseconds ?? Number.POSITIVE_INFINITY)
  const giveBack = async () => {
    // in the next window it would be a point more than others have
    if (Date.now() < isOver) await limiter.reward(key)
  }
  if (isTaken) return { giveBack }
  await giveBack()
  return { retryAfter: Math.max(1, Math.ceil((milliseconds as number) / 1000)) }
}
