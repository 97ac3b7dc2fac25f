/**
 * Throttling of guesses at what people choose (RFC 6749 §4.3.2, §10.10), on rate-limiter-flexible. Failures count per
 * account and network: who guesses shuts out their own network from that account, and nobody else. A second, wider limit
 * per account slows down guesses from many networks; it never locks: networks the account was used from before do not
 * feel it, all others get one attempt every few seconds.
 */
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Attempt, Throttle } from './attempts'
import { type Awaitable, orElse } from './awaitable'
import { sha256 } from './crypto'
import { OAuthError, storageFailure } from './errors'
import type { AuthorizationServer } from './types'

/** What a limiter of rate-limiter-flexible is made with: `points` in `duration` seconds. */
export interface LimiterOptions {
  /** What the keys of this count begin with. */
  keyPrefix: string
  /** How many attempts there are. */
  points: number
  /** In how many seconds. */
  duration: number
}

/** What is used of a limiter of rate-limiter-flexible. */
export interface Limiter {
  /** Takes one point; rejects with `{ msBeforeNext }` when none is left. */
  consume(key: string): Promise<unknown>
  /** Gives one point back. */
  reward(key: string): Promise<unknown>
  /** Forgets a key. */
  delete(key: string): Promise<unknown>
  /** What is known of a key; null for nothing. */
  get(key: string): Promise<unknown>
  /** Makes a key have used so many points for so many seconds. */
  set(key: string, points: number, seconds: number): Promise<unknown>
}

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Attempts in a quarter of an hour from one network, and in an hour from all of them. */
const attempts = {
  password: { fromNetwork: 20, fromAnywhere: 100 },
  client_secret: { fromNetwork: 100, fromAnywhere: 1000 },
  // each of them stays: from many networks together one every ten seconds, once there were so many within the hour
  registration: { fromNetwork: 50, fromAnywhere: 1000 },
  // a network, whatever it asks for; and for one host of documents, from many networks together, one a second
  document: { fromNetwork: 50, fromAnywhere: 3600 },
} as const

// rate-limiter-flexible sets a timer for each key in memory, and no timer runs for more than 24 days
const KNOWN_NETWORK_SECONDS = 20 * DAY
const SLOW_SECONDS = 10

/** Counts in the memory of this process: the default. With several processes each counts for itself. */
export function memoryThrottle(): Throttle {
  return limiterThrottle((options) => new RateLimiterMemory(options))
}

/**
 * Counts where `makeLimiter` says, so that several processes count together:
 * `limiterThrottle((options) => new RateLimiterRedis({ storeClient, useRedisPackage: true, ...options }))`; without
 * `useRedisPackage` for a client of ioredis.
 */
export function limiterThrottle(makeLimiter: (options: LimiterOptions) => Limiter): Throttle {
  const throttles = {
    password: throttleOf(makeLimiter, 'password'),
    client_secret: throttleOf(makeLimiter, 'client_secret'),
    registration: throttleOf(makeLimiter, 'registration'),
    document: throttleOf(makeLimiter, 'document'),
  }
  return Object.freeze({
    take: (attempt: Attempt) => throttles[attempt.kind].take(attempt),
  })
}

function throttleOf(makeLimiter: (options: LimiterOptions) => Limiter, kind: Attempt['kind']): Throttle {
  const limiter = (name: string, points: number, duration: number) =>
    makeLimiter({ keyPrefix: `oauth_${kind}_${name}`, points, duration })
  const { fromNetwork, fromAnywhere } = attempts[kind]
  const networkLimiter = limiter('network', fromNetwork, 15 * MINUTE)
  const accountLimiter = limiter('account', fromAnywhere, HOUR)
  const slowLimiter = limiter('slow', 1, SLOW_SECONDS)
  const knownNetworks = limiter('known', 1, KNOWN_NETWORK_SECONDS)
  return {
    async take(attempt) {
      const { account, accountInNetwork } = keysOf(attempt)
      const retryAfter = await consume(networkLimiter, accountInNetwork)
      if (retryAfter !== undefined) return { retryAfter }
      const forget = async () => void (await networkLimiter.delete(accountInNetwork))
      if (await knownNetworks.get(accountInNetwork)) return { succeed: forget }
      const isCrowded = (await consume(accountLimiter, account)) !== undefined
      const slowly = isCrowded ? await consume(slowLimiter, account) : undefined
      if (slowly !== undefined) return { retryAfter: slowly }
      const succeed = async () => {
        await forget()
        await accountLimiter.reward(account)
        await knownNetworks.set(accountInNetwork, 1, KNOWN_NETWORK_SECONDS)
      }
      return { succeed }
    },
  }
}

/** Attempts are taken before the secret is looked at: of many at once no more get through than of many in turn. */
async function consume(limiter: Limiter, key: string): Promise<number | undefined> {
  try {
    await limiter.consume(key)
    return undefined
  } catch (refusal) {
    const { msBeforeNext } = (refusal ?? {}) as { msBeforeNext?: unknown }
    // anything else is the limiter's store failing, and that is not a permission
    if (typeof msBeforeNext !== 'number') throw refusal
    return Math.max(1, Math.ceil(msBeforeNext / 1000))
  }
}

/** Accents, and what cannot be seen. */
const unseen = /[\p{M}\p{Cf}\p{Cc}]/gu

/** One account has many spellings; a digest bounds the length of what anybody may send as a username. */
function keysOf(attempt: Attempt): { account: string; accountInNetwork: string } {
  // without what is nothing to some databases: once before, because to put thousands of combining marks in order takes time
  // by their square; by way of upper case, because there are letters (ß, ı) that are others only there
  const bare = attempt.account.replace(unseen, '').normalize('NFKD').replace(unseen, '')
  const account = sha256(bare.normalize('NFKC').trim().toLowerCase().toUpperCase().toLowerCase())
  // whoever chooses the host has as many as they like
  return { account, accountInNetwork: attempt.kind === 'document' ? attempt.network : `${account} ${attempt.network}` }
}

const tooMany: Readonly<Record<Attempt['kind'], string>> = {
  password: 'failed attempts',
  client_secret: 'failed attempts',
  registration: 'registrations',
  document: 'client metadata documents',
}

/** Takes an attempt, or throws 429 with `Retry-After` (RFC 6585 §4). The answer is to be called when the secret was right. */
export async function takeAttempt(
  server: Pick<AuthorizationServer, 'throttle' | 'emit'>,
  attempt: Attempt,
  clientId?: string,
): Promise<() => Awaitable<void>> {
  if (!server.throttle) return () => {}
  const taken = await orElse(() => (server.throttle as Throttle).take(attempt), failed)
  if ('succeed' in taken) return () => orElse(taken.succeed, failed)
  const { retryAfter } = taken
  const { kind } = attempt
  server.emit({ type: 'attempt.throttled', kind, ...(clientId !== undefined && { clientId }), retryAfter })
  throw new OAuthError('temporarily_unavailable', `Too many ${tooMany[kind]}. Try again later.`, {
    status: 429,
    headers: { 'Retry-After': String(retryAfter) },
  })
}

/** The store of a limiter is storage: 503, and nobody gets in. */
function failed(error: unknown): never {
  throw storageFailure(error)
}
