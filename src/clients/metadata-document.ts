/** Unregistered clients: their id is the URL of a metadata document (draft-ietf-oauth-client-id-metadata-document). */
import { type Awaitable, orElse, whenReady } from '../awaitable'
import { OAuthError } from '../errors'
import { isLoopbackAddress, isPublicAddress, isThisMachine } from '../fetch/public-address'
import { fetchDocument, hasPlace, WrongDocument } from '../fetch/untrusted'
import { requireKnown } from '../options/known'
import { misuse } from '../options/misuse'
import { takeAttempt } from '../passwords/throttle'
import { siteOf } from '../rules/network'
import { type Scope, toScope } from '../rules/scope'
import type { Client } from '../storage'
import type { TakenAttempt } from '../types/attempts'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ClientDocuments } from '../types/client-metadata'
import { type DocumentCache, documentCache, RETRY } from './document-cache'
import { describedClient, type SelfDescriptionRules } from './self-description'

/** Options of `createAuthorizationServer({ clientIdMetadataDocuments })`. */
export interface ClientIdMetadataDocumentsOptions {
  /** The maximum scope of these clients, which is also their default: `'read'` or `['read', 'write']`. */
  scopes: string | Scope
  /** Which URLs to accept, for example only those of known hosts. @default every public URL */
  allow?: (url: URL) => Awaitable<boolean>
  /**
   * Also accepts URLs on loopback with http, for development and tests. Anyone can then make this process send GET requests
   * to local services.
   * @default false
   */
  dangerouslyAllowLoopback?: boolean
}

const TOO_MANY = 'Too many client metadata documents are being fetched. Try again later.'

const optionNames: readonly string[] = [
  'scopes',
  'allow',
  'dangerouslyAllowLoopback',
] satisfies (keyof ClientIdMetadataDocumentsOptions)[]

type Source = SelfDescriptionRules &
  Pick<AuthorizationServer, 'scopes' | 'grants' | 'now' | 'emit' | 'inTime' | 'throttle'>

/** Throws a TypeError for a wrong option. */
export function clientDocuments(options: ClientIdMetadataDocumentsOptions, source: Source): ClientDocuments {
  const verified = verifiedOptions(options, source)
  const cache = documentCache(source.now)
  const { load, requireAllowed } = documentSource(verified, source, cache)
  const loading = new Map<string, Promise<Client>>()
  const paced = new Map<string, Promise<Client>>()

  /** The cached client, or a fetch under way. Otherwise throws the error. */
  const withoutFetch = (url: string, error: unknown): Awaitable<Client> =>
    cache.current(url) ?? loading.get(url) ?? cache.stale(url, error)

  const mayFetch = (url: string) => !cache.current(url) && !loading.has(url) && hasPlace(loading.keys(), url)

  /** One fetch for all who wait. A caller that had to wait checks the cache again. */
  const once = (url: string): Awaitable<Client> =>
    mayFetch(url) ? shared(loading, url, () => load(url)) : withoutFetch(url, unavailable(TOO_MANY))

  /** An attempt pays for a fetch. If nothing is fetched, it is given back. */
  async function inPace(url: string, network: string): Promise<Client> {
    const attempt = { kind: 'document', account: new URL(url).hostname, network } as const
    const taken = await orElse<Required<TakenAttempt> | { error: unknown }>(
      () => takeAttempt(source, attempt, url),
      (error) => ({ error }),
    )
    if ('error' in taken) return withoutFetch(url, taken.error)
    if (mayFetch(url)) return once(url)
    await taken.giveBack()
    return withoutFetch(url, unavailable(TOO_MANY))
  }

  return Object.freeze({
    isDocumentUrl: (clientId: string) => isDocumentUrl(clientId, verified.withLoopback),
    find(url: string, network?: string): Awaitable<Client> {
      const client = cache.current(url)
      if (client) return client
      return whenReady(requireAllowed(url), () => {
        if (network === undefined || !mayFetch(url)) return once(url)
        // one attempt for one network and one document, however many requests wait
        const site = siteOf(network)
        return shared(paced, `${site} ${url}`, () => inPace(url, site))
      })
    },
  })
}

/** Returns the pending promise for this key, or begins one. */
function shared<T>(underWay: Map<string, Promise<T>>, key: string, begin: () => Promise<T>): Promise<T> {
  const found = underWay.get(key)
  if (found) return found
  const begun = begin().finally(() => underWay.delete(key))
  underWay.set(key, begun)
  return begun
}

/** Fetches documents and reads clients from them. */
function documentSource(
  { allow, withLoopback, permitted }: ReturnType<typeof verifiedOptions>,
  source: Source,
  cache: DocumentCache,
) {
  const mayConnectTo = (address: string) => isPublicAddress(address) || (withLoopback && isLoopbackAddress(address))

  async function load(url: string): Promise<Client> {
    try {
      const { client, fresh } = await fetchClient(url)
      // meanwhile another caller's `allow` may have refused it
      const failure = cache.failureOf(url)
      if (failure) throw failure
      cache.keep(url, client, fresh)
      return client
    } catch (error) {
      return cache.stale(url, error instanceof OAuthError ? cache.refuse(url, error) : error)
    }
  }

  async function fetchClient(url: string): Promise<{ client: Client; fresh: number }> {
    const { members, fresh } = await fetchDocument(url, mayConnectTo).catch((error: Error) => {
      if (error instanceof WrongDocument) cache.forget(url)
      throw refusal(source, url, error.message)
    })
    try {
      return { client: describedClient(url, members, permitted, source), fresh }
    } catch (error) {
      cache.forget(url)
      if (error instanceof OAuthError) throw refusal(source, url, error.description, error.description)
      throw error
    }
  }

  /** Asks the host's `allow`. Before any shared work begins, because it may take its time. */
  function requireAllowed(url: string): Awaitable<void> {
    if (!allow) return
    return whenReady(source.inTime('clientIdMetadataDocuments.allow', allow(new URL(url))), (answer) => {
      if (answer === true) return
      cache.forget(url)
      const reason = 'the option allow refused this URL'
      throw cache.failureOf(url) ?? cache.refuse(url, refusal(source, url, reason))
    })
  }

  return { load, requireAllowed }
}

/** Only the host learns the cause: it could tell a stranger about our network. */
function refusal({ emit }: Source, url: string, reason: string, told?: string): OAuthError {
  emit({ type: 'client.document_refused', clientId: url, reason })
  if (told === undefined) return unavailable('The client metadata document could not be fetched.')
  return new OAuthError('invalid_client', `The client metadata document is invalid: ${told}`, {
    status: 400,
  })
}

function verifiedOptions(options: ClientIdMetadataDocumentsOptions, { scopes: all, grants }: Source) {
  const name = 'clientIdMetadataDocuments'
  const { scopes, allow, dangerouslyAllowLoopback = false } = options ?? {}
  if (typeof scopes !== 'string' && !Array.isArray(scopes)) {
    throw misuse(
      'missing_option',
      `${name} needs scopes: the scopes that these clients may have, such as { scopes: ['read'] }`,
    )
  }
  requireKnown(`${name} option`, options, optionNames, ['scopes'])
  if (allow !== undefined && typeof allow !== 'function')
    throw misuse('not_a_function', `${name}.allow must be a function`)
  if (typeof dangerouslyAllowLoopback !== 'boolean') {
    throw misuse('wrong_choice', `${name}.dangerouslyAllowLoopback must be true or false`)
  }
  const wrong = toScope(scopes).find((scope) => !all.has(scope))
  if (wrong !== undefined)
    throw misuse(
      'unknown_to_server',
      `${name}.scopes: the server has no scope ${wrong}: add it to its scopes, or leave it out`,
    )
  const grantTypes = ['authorization_code', 'refresh_token'].filter((grantType) => grants.has(grantType))
  return { allow, withLoopback: dangerouslyAllowLoopback, permitted: { scopes: toScope(scopes), grantTypes } }
}

/**
 * Whether a client id is the URL of a document (§3 of the draft): https with a path, without credentials, fragment and
 * dot segments. It must be written exactly as the URL parser writes it, because ids are compared as strings.
 * `withLoopback` also admits http on loopback.
 */
export function isDocumentUrl(clientId: string, withLoopback: boolean): boolean {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(clientId) || clientId.length > 255 || !URL.canParse(clientId)) return false
  const { protocol, hostname, username, password, pathname, href } = new URL(clientId)
  if (protocol !== 'https:' && !(withLoopback && isThisMachine(hostname))) return false
  // the parser removes dot segments, also encoded ones, so that such a URL differs from `href`
  return href === clientId && username === '' && password === '' && pathname !== '/' && !clientId.includes('#')
}

/** 400: after `invalid_client` a client would discard its tokens, and 5xx is for our own failures. */
export function unavailable(description: string): OAuthError {
  const headers = { 'Retry-After': String(RETRY) }
  return new OAuthError('temporarily_unavailable', description, { status: 400, headers })
}
