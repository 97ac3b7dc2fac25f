/**
 * Throttling of guesses at what people choose (RFC 6749 §4.3.2, §10.10), on rate-limiter-flexible. Failures count per
 * account and network: who guesses shuts out their own network from that account, and nobody else. Two wider limits do not
 * touch networks that the account was used from before: one per network over all accounts, which ends the trying of one
 * password at many; and one per account over all networks, after which each network has a slow lane of its own.
 */

import { type Awaitable, orElse } from '../awaitable'
import { sha256 } from '../crypto'
import { OAuthError, storageFailure } from '../errors'
import { requireNoMore } from '../options/known'
import { siteOf } from '../rules/network'
import type { Attempt, TakenAttempt, Throttle } from '../types/attempts'
import type { AuthorizationServer } from '../types/authorization-server'
import { type Limiter, type LimiterOptions, memoryLimiter, takePoint } from './limiter'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * Attempts in a quarter of an hour at one account from one network, in a quarter of an hour at all accounts from one
 * network, and in an hour at one account from all networks. An office of thousands behind one address mistypes 300 times
 * when all of them sign in within a quarter of an hour.
 */
const attempts: Record<Attempt['kind'], { fromNetwork: number; atAllAccounts?: number; fromAnywhere: number }> = {
  password: { fromNetwork: 20, atAllAccounts: 300, fromAnywhere: 100 },
  client_secret: { fromNetwork: 100, atAllAccounts: 1000, fromAnywhere: 1000 },
  // each of them stays, and they have no account: those of one network are counted once
  registration: { fromNetwork: 50, fromAnywhere: 1000 },
  // a network, whatever it asks for; and for one host of documents, from many networks together, one a second
  document: { fromNetwork: 50, fromAnywhere: 3600 },
  // what is stored for who knows no secret; a network is its own account, or strangers could shut out a client
  public_client: { fromNetwork: 300, fromAnywhere: 1200 },
  // RFC 8628 §5.1: one in 25 billion codes, and of all networks together 1,000 guesses an hour
  user_code: { fromNetwork: 20, fromAnywhere: 1000 },
}

// rate-limiter-flexible sets a timer for each key in memory, and no timer runs for more than 24 days
const KNOWN_NETWORK_SECONDS = 20 * DAY

/**
 * Beyond `fromAnywhere`: one attempt of each network in so many seconds, and so many of all networks together. Fewer
 * networks than that cannot shut out another one; more can, or an account would be guessed at without end.
 */
const LANE_SECONDS = 10 * MINUTE
const LANES = 100

/** Counts attempts in the memory of this process: the default. With several processes each counts for itself. */
export function memoryThrottle(): Throttle {
  requireNoMore('memoryThrottle', arguments, 0)
  return limiterThrottle(memoryLimiter)
}

/**
 * Counts attempts in the store of `makeLimiter`, so that several processes count together:
 * `limiterThrottle((options) => new RateLimiterRedis({ storeClient, useRedisPackage: true, ...options }))`. Leave
 * `useRedisPackage` out for a client of ioredis. The store then decides how many keys it keeps. Each process by itself
 * counts identical concurrent secrets as one attempt.
 */
export function limiterThrottle(makeLimiter: (options: LimiterOptions) => Limiter): Throttle {
  requireNoMore('limiterThrottle', arguments, 1)
  const throttles = {
    password: throttleOf(makeLimiter, 'password'),
    client_secret: throttleOf(makeLimiter, 'client_secret'),
    registration: throttleOf(makeLimiter, 'registration'),
    document: throttleOf(makeLimiter, 'document'),
    public_client: throttleOf(makeLimiter, 'public_client'),
  }
  // with the first code of a device: few servers have any
  let userCodes: Throttle | undefined
  return Object.freeze({
    take(attempt: Attempt) {
      if (attempt.kind !== 'user_code') return throttles[attempt.kind].take(attempt)
      userCodes ??= throttleOf(makeLimiter, 'user_code')
      return userCodes.take(attempt)
    },
  })
}

function throttleOf(makeLimiter: (options: LimiterOptions) => Limiter, kind: Attempt['kind']): Throttle {
  const limiter = (name: string, points: number, duration: number) =>
    makeLimiter({ keyPrefix: `oauth_${kind}_${name}`, points, duration })
  const { fromNetwork, atAllAccounts, fromAnywhere } = attempts[kind]
  const networkLimiter = limiter('network', fromNetwork, 15 * MINUTE)
  const spreadLimiter = atAllAccounts === undefined ? undefined : limiter('spread', atAllAccounts, 15 * MINUTE)
  const accountLimiter = limiter('account', fromAnywhere, HOUR)
  const laneLimiter = limiter('lane', 1, LANE_SECONDS)
  const lanesLimiter = limiter('lanes', LANES, LANE_SECONDS)
  const knownNetworks = limiter('known', 1, KNOWN_NETWORK_SECONDS)
  return {
    async take(attempt) {
      const { account, accountInNetwork, exact, site } = keysOf(attempt)
      const points: (() => Promise<void>)[] = []
      const giveBack = async () => {
        for (const give of points.splice(0)) await give()
      }
      const refusal = async (counts: Limiter, key: string) => {
        const point = await takePoint(counts, key)
        if ('retryAfter' in point) return point.retryAfter
        points.push(point.giveBack)
        return undefined
      }
      const crowdRefusal = async () => {
        if ((await refusal(accountLimiter, account)) === undefined) return undefined
        return (await refusal(laneLimiter, `${account} ${site}`)) ?? (await refusal(lanesLimiter, account))
      }
      // the spread first: names that are made up from one network take no more memory than it has attempts
      const strangerRefusal = async () =>
        (spreadLimiter && (await refusal(spreadLimiter, site))) ??
        (await refusal(networkLimiter, accountInNetwork)) ??
        (await crowdRefusal())
      const isKnown = Boolean(await knownNetworks.get(exact))
      const retryAfter = isKnown ? await refusal(networkLimiter, accountInNetwork) : await strangerRefusal()
      if (retryAfter !== undefined) {
        await giveBack()
        return { retryAfter }
      }
      const succeed = async () => {
        await giveBack()
        await knownNetworks.set(exact, 1, KNOWN_NETWORK_SECONDS)
      }
      return { succeed, giveBack }
    },
  }
}

/** Accents, and what cannot be seen. */
const unseen = /[\p{M}\p{Cf}\p{Cc}]/gu

/**
 * One account has many spellings, and all of them count together. What a success proves is proven for the exact name
 * alone: "Ána" may be somebody else than "ana". Digests bound the length of what anybody may send as a username.
 */
function keysOf({ kind, account: sent, network }: Attempt) {
  // without what is nothing to some databases: once before, because to put thousands of combining marks in order takes time
  // by their square; by way of upper case, because there are letters (ß, ı) that are others only there
  const bare = sent.replace(unseen, '').normalize('NFKD').replace(unseen, '')
  const account = sha256(bare.normalize('NFKC').trim().toLowerCase().toUpperCase().toLowerCase())
  // the sender of a document's URL chooses its host, and so has as many as they like
  const accountInNetwork = kind === 'document' ? network : `${account} ${network}`
  return { account, accountInNetwork, exact: `${sha256(sent)} ${network}`, site: siteOf(network) }
}

const tooMany: Readonly<Record<Attempt['kind'], string>> = {
  password: 'failed attempts',
  client_secret: 'failed attempts',
  registration: 'registrations',
  document: 'client metadata documents',
  public_client: 'requests of public clients',
  user_code: 'wrong codes',
}

/** Takes an attempt, or throws 429 with `Retry-After` (RFC 6585 §4). Until one of the two is called it is a failure. */
export async function takeAttempt(
  server: Pick<AuthorizationServer, 'throttle' | 'emit' | 'inTime'>,
  attempt: Attempt,
  clientId?: string,
): Promise<Required<TakenAttempt>> {
  if (!server.throttle) return { succeed: () => {}, giveBack: () => {} }
  const { inTime } = server
  const taken = await inTime(
    'throttle.take',
    orElse(() => (server.throttle as Throttle).take(attempt), failed),
  )
  if ('succeed' in taken) {
    const safely =
      (give: () => Awaitable<void> = () => {}) =>
      () =>
        inTime(
          'an attempt of throttle.take',
          orElse(() => give.call(taken), failed),
        )
    return { succeed: safely(taken.succeed), giveBack: safely(taken.giveBack) }
  }
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
