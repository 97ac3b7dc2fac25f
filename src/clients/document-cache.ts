/** What is remembered of client metadata documents: those that were had, and why others could not be. */
import { createLRU } from 'lru.min'
import type { OAuthError } from '../errors'
import type { Client } from '../storage'

/** Seconds. Within these bounds a document is kept for as long as its HTTP headers say. */
const MIN_FRESH = 300
const MAX_FRESH = 24 * 3600
/** Seconds before one that could not be had is asked for again. The draft would have errors not cached: this is no answer, but a pace. */
export const RETRY = 10
/** Seconds for which one is used that cannot be had anew: its host is down, or strangers keep all places busy. */
const MAX_STALE = 24 * 3600
const MAX_KEPT = 1000

export type DocumentCache = ReturnType<typeof documentCache>

export function documentCache(now: () => number) {
  const known = createLRU<string, { client: Client; at: number; until: number }>({ max: MAX_KEPT })
  // apart, so that URLs made up by the thousand drive out no document
  const refused = createLRU<string, { error: OAuthError; until: number }>({ max: MAX_KEPT })

  /** Why it is not asked for again yet. */
  function failureOf(url: string): OAuthError | undefined {
    const failure = refused.get(url)
    return failure && failure.until > now() ? failure.error : undefined
  }

  /** The client as it was, where that may still be used; else throws the error. */
  function stale(url: string, error: unknown): Client {
    const last = known.get(url)
    // a key that was taken out may have been stolen: it does not count for longer because nobody can look
    if (last && now() - last.at < (last.client.jwks ? MIN_FRESH : MAX_STALE)) return last.client
    throw error
  }

  return {
    failureOf,
    stale,
    /** What is known of the URL without asking anybody; undefined for nothing. */
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
    /** Remembers, and returns, why it could not be had. */
    refuse(url: string, error: OAuthError): OAuthError {
      refused.set(url, { error, until: now() + RETRY })
      return error
    },
  }
}
