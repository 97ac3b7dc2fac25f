/** What is known of the documents at URLs, and until when: fresh, stale, refused, or nothing. */
import { LRUCache } from 'lru-cache'
import type { OAuthError } from '../errors'
import type { Client } from '../storage'

/** Seconds. Within these bounds a document is kept for as long as its HTTP headers say. */
const MIN_FRESH = 300
const MAX_FRESH = 24 * 3600
/** Seconds before a document that could not be fetched is asked for again: a back-off, not error caching (which the draft forbids). */
export const RETRY = 10
/** Seconds for which a document is used that cannot be fetched anew: its host is down, or strangers keep all places busy. */
const MAX_STALE = 24 * 3600
const MAX_KEPT = 1000

export interface DocumentCache {
  /** The client, fresh or as good; undefined where it has to be fetched. Throws the refusal that still stands. */
  current(url: string): Client | undefined
  /** The client as it was, where that may still be used; else throws the error. */
  stale(url: string, error: unknown): Client
  keep(url: string, client: Client, fresh: number): Client
  /** Remembers why it is not asked for again yet, and returns that. */
  refuse(url: string, error: OAuthError): OAuthError
  refusalOf(url: string): OAuthError | undefined
  /** The document was withdrawn: it is not used as it was, either. */
  forget(url: string): void
}

export function documentCache(now: () => number): DocumentCache {
  const known = new LRUCache<string, { client: Client; at: number; until: number }>({ max: MAX_KEPT })
  // apart, so that URLs made up by the thousand drive out no document
  const refused = new LRUCache<string, { error: OAuthError; until: number }>({ max: MAX_KEPT })

  function stale(url: string, error: unknown): Client {
    const last = known.get(url)
    if (last && now() - last.at < MAX_STALE) return last.client
    throw error
  }
  function refusalOf(url: string): OAuthError | undefined {
    const refusal = refused.get(url)
    return refusal && refusal.until > now() ? refusal.error : undefined
  }

  return {
    stale,
    refusalOf,
    current(url) {
      const kept = known.get(url)
      if (kept && kept.until > now()) return kept.client
      const refusal = refusalOf(url)
      return refusal && stale(url, refusal)
    },
    keep(url, client, fresh) {
      const at = now()
      known.set(url, { client, at, until: at + Math.min(Math.max(fresh, MIN_FRESH), MAX_FRESH) })
      return client
    },
    refuse(url, error) {
      refused.set(url, { error, until: now() + RETRY })
      return error
    },
    forget: (url) => void known.delete(url),
  }
}
