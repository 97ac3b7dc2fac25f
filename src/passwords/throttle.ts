/**
 * Throttles guesses at secrets that people choose (RFC 6749 §4.3.2, §10.10), with rate-limiter-flexible. Failures count
 * per account and network: an attacker blocks only their own network from that account. Two wider limits do not affect
 * networks that used the account before. One counts a network over all accounts, against trying one password at many.
 * The other counts an account over all networks; beyond it each network has its own slow lane.
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
 * The number of attempts: in 15 minutes at one account from one network; in 15 minutes at all accounts from one
 * network; in one hour at one account from all networks. An office of thousands behind one address mistypes 300 times
 * if all sign in within 15 minutes.
 */
const attempts: Record<Attempt['kind'], { fromNetwork: number; atAllAccounts?: number; fromAnywhere: number }> = {
  password: { fromNetwork: 20, atAllAccounts: 300, fromAnywhere: 100 },
  client_secret: { fromNetwork: 100, atAllAccounts: 1000, fromAnywhere: 1000 },
  // each creates a row, and has no account: all of one network count together
  registration: { fromNetwork: 50, fromAnywhere: 1000 },
  // a network, whatever it fetches; and from all networks one fetch a second for one document host
  document: { fromNetwork: 50, fromAnywhere: 3600 },
  // rows for senders without a secret; counted by network, or strangers could block a client
  public_client: { fromNetwork: 300, fromAnywhere: 1200 },
  // RFC 8628 §5.1: one in 25 billion codes, and 1,000 guesses an hour from all networks together
  user_code: { fromNetwork: 20, fromAnywhere: 1000 },
}

// rate-limiter-flexible sets a timer for each key in memory, and timers run for at most 24 days
const KNOWN_NETWORK_SECONDS = 20 * DAY
/** A success on the same day does not store the network again. */
const KNOWN_AFRESH_MILLISECONDS = (KNOWN_NETWORK_SECONDS - DAY) * 1000

/**
 * Beyond `fromAnywhere`: one attempt of each network in this time, and a limit for all networks together. Fewer
 * networks than that limit cannot block another one. More can: otherwise guesses at an account would be unlimited.
 */
const LANE_SECONDS = 10 * MINUTE
const LANES = 100

/** Counts attempts in the memory of this process: the default. With several processes each counts for itself. */
export function memoryThrottle(): Throttle {
  requireNoMore('memoryThrottle', arguments, 0)
  return limiterThrottle(memoryLimiter)
}

/**
 * Counts attempts in the store of `makeLimiter`, which several processes share: `limiterThrottle((options) => new
 * RateLimiterRedis({ storeClient, useRedisPackage: true, ...options }))`. Omit `useRedisPackage` for an ioredis client.
 * The store limits how many keys it keeps. Identical concurrent secrets count as one attempt in each process.
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
  // created with the first user code: few servers have any
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
      // first the count over all accounts: one network cannot fill the memory with invented names
      const strangerRefusal = async () =>
        (spreadLimiter && (await refusal(spreadLimiter, site))) ??
        (await refusal(networkLimiter, accountInNetwork)) ??
        (await crowdRefusal())
      const known = (await knownNetworks.get(exact)) as { msBeforeNext?: unknown } | null | undefined
      const retryAfter = known ? await refusal(networkLimiter, accountInNetwork) : await strangerRefusal()
      if (retryAfter !== undefined) {
        await giveBack()
        return { retryAfter }
      }
      const succeed = async () => {
        await giveBack()
        if (Number(known?.msBeforeNext) > KNOWN_AFRESH_MILLISECONDS) return
        await knownNetworks.set(exact, 1, KNOWN_NETWORK_SECONDS)
      }
      return { succeed, giveBack }
    },
  }
}

/** Accents and invisible characters. */
const unseen = /[\p{M}\p{Cf}\p{Cc}]/gu

/**
 * All spellings of an account count together. A success counts only for the exact name: "Ána" may be another user than
 * "ana". Digests bound the length of a username.
 */
function keysOf({ kind, account: sent, network }: Attempt) {
  const spelling = /^[!-~]*$/.test(sent) ? sent.toLowerCase() : spellingOf(sent)
  const account = sha256(spelling)
  // the sender chooses the host of a document's URL, so can invent any number
  const accountInNetwork = kind === 'document' ? network : `${account} ${network}`
  return {
    account,
    accountInNetwork,
    exact: `${sent === spelling ? account : sha256(sent)} ${network}`,
    site: siteOf(network),
  }
}

/** One spelling for all that some database or eye takes for the same. For ASCII without spaces it is lower case. */
function spellingOf(sent: string): string {
  // first removes what some databases ignore, because ordering thousands of combining marks takes quadratic
  // time; then upper case, because some letters (ß, ı) change only there
  const bare = sent.replace(unseen, '').normalize('NFKD').replace(unseen, '')
  return bare.normalize('NFKC').trim().toLowerCase().toUpperCase().toLowerCase()
}

const tooMany: Readonly<Record<Attempt['kind'], string>> = {
  password: 'failed attempts',
  client_secret: 'failed attempts',
  registration: 'registrations',
  document: 'client metadata documents',
  public_client: 'requests of public clients',
  user_code: 'wrong codes',
}

/**
 * Takes an attempt, or throws 429 with `Retry-After` (RFC 6585 §4). It counts as a failure until `succeed` or
 * `giveBack` is called.
 */
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

/** The store of a limiter failed: 503, and nothing is admitted. */
function failed(error: unknown): never {
  throw storageFailure(error)
}
