/** Clients that nobody registered: their id is the URL of a document about them (draft-ietf-oauth-client-id-metadata-document). */
import { LRUCache } from 'lru-cache'
import { type Awaitable, whenReady } from '../awaitable'
import { OAuthError } from '../errors'
import { isLoopbackAddress, isPublicAddress } from '../fetch/public-address'
import { fetchDocument, WrongDocument } from '../fetch/untrusted'
import { requireKnown } from '../options/known'
import { takeAttempt } from '../passwords/throttle'
import { siteOf } from '../rules/network'
import { type Scope, toScope } from '../rules/scope'
import type { Client } from '../storage'
import type { AuthorizationServer, ClientDocuments } from '../types/authorization-server'
import { isDocumentUrl } from './client-id-url'
import { describedClient, type SelfDescriptionRules } from './self-description'

/** Options of `createAuthorizationServer({ clientIdMetadataDocuments })`. */
export interface ClientIdMetadataDocumentsOptions {
  /** What these clients may have at most, and have when they ask for nothing: `'read'` or `['read', 'write']`. */
  scopes: string | Scope
  /** Which URLs are taken at all, such as those of hosts that you know. @default every public one */
  allow?: (url: URL) => Awaitable<boolean>
  /**
   * For development and tests: also takes URLs on loopback, with http, so that everybody can make this process send GET
   * requests to what runs beside it. @default false
   */
  dangerouslyAllowLoopback?: boolean
}

/** Seconds. Within these bounds a document is kept for as long as its HTTP headers say. */
const MIN_FRESH = 300
const MAX_FRESH = 24 * 3600
/** Seconds before one that could not be had is asked for again. The draft would have errors not cached: this is no answer, but a pace. */
const RETRY = 10
/** Seconds for which one is used that cannot be had anew: its host is down, or strangers keep all places busy. */
const MAX_STALE = 24 * 3600
const MAX_KEPT = 1000
/** How many are fetched at once: in all, and from one host. */
const MAX_LOADING = 100
const MAX_LOADING_FROM_HOST = 5
const TOO_MANY = 'Too many client metadata documents are being fetched. Try again later.'

const optionNames: readonly string[] = [
  'scopes',
  'allow',
  'dangerouslyAllowLoopback',
] satisfies (keyof ClientIdMetadataDocumentsOptions)[]

type Source = SelfDescriptionRules & Pick<AuthorizationServer, 'scopes' | 'grants' | 'now' | 'emit' | 'throttle'>

/** Throws a TypeError for options that are wrong. */
export function clientDocuments(options: ClientIdMetadataDocumentsOptions, source: Source): ClientDocuments {
  const { allow, withLoopback, permitted } = verifiedOptions(options, source)
  const mayConnectTo = (address: string) => isPublicAddress(address) || (withLoopback && isLoopbackAddress(address))
  const { now } = source
  const known = new LRUCache<string, { client: Client; at: number; until: number }>({ max: MAX_KEPT })
  // apart, so that URLs made up by the thousand drive out no document
  const refused = new LRUCache<string, { error: OAuthError; until: number }>({ max: MAX_KEPT })
  const loading = new Map<string, Promise<Client>>()

  async function load(url: string): Promise<Client> {
    try {
      const { client, fresh } = await fetchClient(url)
      // `allow` may have said no meanwhile, to somebody else
      const failure = failureOf(url)
      if (failure) throw failure
      const at = now()
      known.set(url, { client, at, until: at + Math.min(Math.max(fresh, MIN_FRESH), MAX_FRESH) })
      return client
    } catch (error) {
      return stale(url, error instanceof OAuthError ? remembered(url, error) : error)
    } finally {
      loading.delete(url)
    }
  }

  /** Why it is not asked for again yet. */
  function failureOf(url: string): OAuthError | undefined {
    const failure = refused.get(url)
    return failure && failure.until > now() ? failure.error : undefined
  }

  function remembered(url: string, error: OAuthError): OAuthError {
    refused.set(url, { error, until: now() + RETRY })
    return error
  }

  /** The client as it was, where that may still be used; else throws the error. */
  function stale(url: string, error: unknown): Client {
    const last = known.get(url)
    if (last && now() - last.at < MAX_STALE) return last.client
    throw error
  }

  async function fetchClient(url: string): Promise<{ client: Client; fresh: number }> {
    const { members, fresh } = await fetchDocument(url, mayConnectTo).catch((error: Error) => {
      if (error instanceof WrongDocument) known.delete(url)
      throw refusal(url, error.message)
    })
    try {
      return { client: describedClient(url, members, permitted, source), fresh }
    } catch (error) {
      known.delete(url)
      if (error instanceof OAuthError) throw refusal(url, error.description, error.description)
      throw error
    }
  }

  /** The host's own word on the URL. Before anything is begun that others wait for: this may take as long as it likes. */
  function requireAllowed(url: string): Awaitable<void> {
    if (!allow) return
    return whenReady(allow(new URL(url)), (answer) => {
      if (answer === true) return
      known.delete(url)
      throw failureOf(url) ?? remembered(url, refusal(url, 'the option allow does not take this URL'))
    })
  }

  /** What is known of the URL without asking anybody; undefined for nothing. */
  function current(url: string): Client | undefined {
    const kept = known.get(url)
    if (kept && kept.until > now()) return kept.client
    const failure = failureOf(url)
    return failure && stale(url, failure)
  }

  /** What went wrong on the way there is for the host: whoever asked could learn from it what is in our network. */
  function refusal(url: string, reason: string, told?: string): OAuthError {
    source.emit({ type: 'client.document_refused', clientId: url, reason })
    if (told === undefined) return unavailable('The document that client_id is the URL of cannot be had.')
    return new OAuthError('invalid_client', `The document that client_id is the URL of is wrong: ${told}`, {
      status: 400,
    })
  }

  /** One fetch for everybody who waits for it. Whoever had to wait before may find that others have come further. */
  function once(url: string): Awaitable<Client> {
    const found = current(url) ?? loading.get(url)
    if (found) return found
    if (!hasPlace(loading, url)) return stale(url, unavailable(TOO_MANY))
    const begun = load(url)
    loading.set(url, begun)
    return begun
  }

  return Object.freeze({
    isDocumentUrl: (clientId: string) => isDocumentUrl(clientId, withLoopback),
    find(url: string, network?: string): Awaitable<Client> {
      const client = current(url)
      if (client) return client
      return whenReady(requireAllowed(url), () => {
        if (network === undefined || loading.has(url)) return once(url)
        if (!hasPlace(loading, url)) return stale(url, unavailable(TOO_MANY))
        const attempt = { kind: 'document', account: new URL(url).hostname, network: siteOf(network) } as const
        return takeAttempt(source, attempt, url).then(
          () => once(url),
          (error) => stale(url, error),
        )
      })
    },
  })
}

function verifiedOptions(options: ClientIdMetadataDocumentsOptions, { scopes: all, grants }: Source) {
  const name = 'clientIdMetadataDocuments'
  const { scopes, allow, dangerouslyAllowLoopback = false } = options ?? {}
  if (typeof scopes !== 'string' && !Array.isArray(scopes)) {
    throw new TypeError(`${name} needs scopes: what these clients may have, such as { scopes: ['read'] }`)
  }
  requireKnown(`${name} option`, options, optionNames)
  if (allow !== undefined && typeof allow !== 'function') throw new TypeError(`${name}.allow must be a function`)
  if (typeof dangerouslyAllowLoopback !== 'boolean') {
    throw new TypeError(`${name}.dangerouslyAllowLoopback must be true or false`)
  }
  const wrong = toScope(scopes).find((scope) => !all.has(scope))
  if (wrong !== undefined) throw new TypeError(`${name}.scopes: the server has no ${wrong}`)
  const grantTypes = ['authorization_code', 'refresh_token'].filter((grantType) => grants.has(grantType))
  return { allow, withLoopback: dangerouslyAllowLoopback, permitted: { scopes: toScope(scopes), grantTypes } }
}

function hasPlace(loading: ReadonlyMap<string, unknown>, url: string): boolean {
  const { hostname } = new URL(url)
  const fromHost = [...loading.keys()].filter((other) => new URL(other).hostname === hostname).length
  return loading.size < MAX_LOADING && fromHost < MAX_LOADING_FROM_HOST
}

/** 400 and not `invalid_client`, after which a client would throw away its tokens; not 5xx, which is for our own failures. */
function unavailable(description: string): OAuthError {
  const headers = { 'Retry-After': String(RETRY) }
  return new OAuthError('temporarily_unavailable', description, { status: 400, headers })
}
