/** The cache of client metadata documents, and of failures to fetch them. */
import { createLRU } from 'lru.min'
import type { OAuthError } from '../errors'
import type { Client } from '../storage'

/** Seconds. Within these bounds a document is cached as its HTTP headers say. */
const MIN_FRESH = 300
const MAX_FRESH = 24 * 3600
/** Seconds before a failed fetch is repeated. The draft forbids caching errors; this only limits the pace. */
export const RETRY = 10
/** Seconds for which a stale document is used, if its host is down or the fetches of others occupy every place. */
const MAX_STALE = 24 * 3600
const MAX_KEPT = 1000

export type DocumentCache = ReturnType<typeof documentCache>

export function documentCache(now: () => number) {
  const known = createLRU<string, { client: Client; at: number; until: number }>({ max: MAX_KEPT })
  // a separate cache, so that thousands of made-up URLs evict no document
  const refused = createLRU<string, { error: OAuthError; until: number }>({ max: MAX_KEPT })

  /** The failure of the last fetch, while the URL is not fetched again. */
  function failureOf(url: string): OAuthError | undefined {
    const failure = refused.get(url)
    return failure && failure.until > now() ? failure.error : undefined
  }

  /** The stale client if it may still be used. Otherwise throws the error. */
  function stale(url: string, error: unknown): Client {
    const last = known.get(url)
    // a removed key may have been stolen: a failed fetch must not keep it valid
    if (last && now() - last.at < (last.client.jwks ? MIN_FRESH : MAX_STALE)) return last.client
    throw error
  }

  return {
    failureOf,
    stale,
    /** What is known about the URL without a fetch. Undefined if nothing is. */
    current(url: string): Client | undefined {
      const kept = known.get(url)
      if (kept && kept.until > now()) return kept.client
      const failure = failureOf(url)
      return failure && stale(url, failure)
    },
    keep(url: string, client: Client, fresh: number): void {
      const at = now()
      const until = at + Math.min(Math.max(fresh, MIN_FRESH), client.jwks ? MIN_FRESH : MAX_FRESH)
      known.set(url, { client, at, until })
    },
    forget: (url: string): void => void known.delete(url),
    /** Remembers the failure and returns it. */
    refuse(url: string, error: OAuthError): OAuthError {
      refused.set(url, { error, until: now() + RETRY })
      return error
    },
  }
}
