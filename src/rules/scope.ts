/** Scope (RFC 6749 §3.3): a list of scope tokens in TypeScript; on the wire, one string with spaces. */
import { OAuthError } from '../errors'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import type { Client } from '../storage'
import { type Audience, type ResourceLimits, usableScope } from './resource'

/** A list of scope tokens (RFC 6749 §3.3). */
export type Scope = readonly string[]

/**
 * OpenID Connect Core §11: requests a refresh token. Here the client's record decides about that. Clients send it by
 * habit, so it is never an error. If no record has it as a scope, it grants nothing.
 */
export const OFFLINE_ACCESS = 'offline_access'

/** Scopes may be URIs. */
const MAX_SHOWN = 100

const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

export function isScopeToken(text: unknown): text is string {
  return typeof text === 'string' && scopeToken.test(text)
}

/** The option `scopes` as a map from tokens to meanings. Throws a TypeError that names the mistake. */
export function scopeMap(scopes: unknown): ReadonlyMap<string, string> {
  if (typeof scopes !== 'object' || scopes === null || Symbol.iterator in scopes !== Array.isArray(scopes)) {
    const examples = "{ read: 'See your data' } or ['read'], or [] for none"
    throw misuse('wrong_scope', `scopes must name every scope, such as ${examples}, not ${kindOf(scopes)}`)
  }
  const entries: [string, unknown][] = Array.isArray(scopes)
    ? scopes.map((scope) => [scope, scope])
    : Object.entries(scopes)
  for (const [scope, words] of entries) {
    if (typeof scope === 'string' && scope.includes(',')) {
      throw misuse(
        'wrong_scope',
        `scopes: ${scope} has a comma. List each scope by itself: a request has spaces between them`,
      )
    }
    if (!isScopeToken(scope) || typeof words !== 'string') {
      throw misuse(
        'wrong_scope',
        `scopes: ${String(scope)} must be a scope token (RFC 6749 section 3.3) with a description`,
      )
    }
  }
  return new Map(entries as [string, string][])
}

type ScopeWords = ReadonlyMap<string, string>

interface Words {
  readonly scopes: Readonly<Record<string, string>>
}

/** Adds the scopes of a capability. The host's own meaning of a scope wins; a name without a meaning does not. */
export function withScopes(scopes: ScopeWords, brought: ScopeWords = new Map()): ScopeWords {
  return new Map([...brought, ...[...scopes].filter(([token, words]) => words !== token || !brought.has(token))])
}

/** By language: a capability's meanings, for scopes that the host gave no meaning. */
export function wordsBrought(
  scopes: ScopeWords,
  { scopes: brought, words }: { scopes: ScopeWords; words: Readonly<Record<string, Words>> },
): Record<string, Words> {
  const isUntold = ([token]: [string, string]) => scopes.get(token) === brought.get(token)
  const tell = ([language, all]: [string, Words]) =>
    [language, { ...all, scopes: Object.fromEntries(Object.entries(all.scopes).filter(isUntold)) }] as const
  return Object.fromEntries(Object.entries(words).map(tell))
}

/** The tokens of a `scope` parameter, in the order sent, without repetition. */
export function parseScope(text: string): string[] {
  // one token, as most requests have
  if (scopeToken.test(text)) return [text]
  const tokens = [...new Set(text.split(' ').filter((token) => token !== ''))]
  for (const token of tokens) {
    if (!isScopeToken(token)) throw new OAuthError('invalid_scope', 'The scope has a character that is not allowed.')
  }
  return tokens
}

/** The tokens of a sent `scope` parameter. §3.3: at least one; an empty parameter counts as not sent. */
export function askedScope(text: string): string[] {
  const tokens = parseScope(text)
  if (tokens.length > 0 || text === '') return tokens
  throw new OAuthError('invalid_scope', 'The scope is blank.')
}

/** Accepts `'read write'` or `['read', 'write']`. */
export function toScope(scope: string | Scope): string[] {
  return parseScope(typeof scope === 'string' ? scope : scope.join(' '))
}

/** The host's value in the form of a `scope` parameter (RFC 6749 §3.3). */
export function scopeParameter(scope: string | Scope | undefined): string | undefined {
  return scope === undefined ? undefined : formatScope(toScope(scope))
}

/** The scope that a route needs. An empty one, such as an unset setting, throws: it would admit everyone. */
export function neededScope(owner: string, options: { scope?: string | Scope | undefined }): string[] {
  const scope = 'scope' in options ? options.scope : []
  const needed = typeof scope === 'string' || Array.isArray(scope) ? toScope(scope) : []
  if (needed.length > 0 || (Array.isArray(scope) && scope.length === 0)) return needed
  throw misuse('wrong_scope', `${owner}'s scope is empty: leave it out, or name the required scope, such as 'read'`)
}

export function formatScope(scope: Scope): string {
  return scope.join(' ')
}

/** The tokens, without `offline_access` unless `limit` has it. */
export function withoutOfflineAccess(asked: Scope, limit: Scope): Scope {
  return asked.filter((token) => token !== OFFLINE_ACCESS || limit.includes(token))
}

/** §3.3: tokens are separated by spaces. A comma is part of a token, so the error needs this hint. */
export function commaHint(tokens: Scope): string {
  return tokens.some((token) => token.includes(',')) ? ' Scopes are separated by spaces, not commas.' : ''
}

export function includesScope(held: Scope, asked: Scope): boolean {
  return asked.every((token) => held.includes(token))
}

export function intersectScope(scope: Scope, limit: Scope): string[] {
  return scope.filter((token) => limit.includes(token))
}

/** The scopes that a client may have: those of its record that the server still has. */
export function scopesOfClient(serverScopes: ReadonlyMap<string, string>, { scopes = [] }: Client): Scope {
  // returns the list itself if complete, as usual: V8 does not inline `filter` on a frozen list
  for (const token of scopes) if (!serverScopes.has(token)) return scopes.filter((one) => serverScopes.has(one))
  return scopes
}

/**
 * The granted scope that the client may still have. Throws if nothing remains: a response without `scope` would mean
 * the whole requested scope (RFC 6749 §5.1).
 */
export function remainingScope(
  serverScopes: ReadonlyMap<string, string>,
  { scopes = [] }: Client,
  granted: Scope,
): Scope {
  const remaining: string[] = []
  for (const token of granted) if (scopes.includes(token) && serverScopes.has(token)) remaining.push(token)
  if (remaining.length === granted.length) return granted
  if (remaining.length > 0) return remaining
  throw new OAuthError('invalid_scope', 'The client is no longer allowed any of the granted scope.')
}

/** The scope rules of a server. */
interface ScopeRules {
  readonly scopes: ScopeWords
  readonly resourceLimits?: ResourceLimits | undefined
}

/**
 * The scope of a request: the requested one, or the client's default (RFC 6749 §3.3). A scope that the client may not
 * have is refused. A scope that no requested resource accepts is dropped.
 */
export function resolveScope(
  { scopes, resourceLimits }: ScopeRules,
  client: Client,
  asked: string | undefined,
  audience?: Audience,
): Scope {
  const allowed = scopesOfClient(scopes, client)
  const named = asked === undefined ? undefined : scopeWithin(scopes, client, asked, allowed)
  const scope = named ?? (client.defaultScopes ? intersectScope(client.defaultScopes, allowed) : allowed)
  return resourceLimits && audience ? usableScope(resourceLimits, audience, scope) : scope
}

/**
 * The requested scope within `limit`. Undefined for `offline_access` alone, which is no scope. For a client that
 * registered itself, scopes of other servers are dropped, and the response shows the granted scope (§3.3). For other
 * clients they are errors.
 */
export function scopeWithin(
  serverScopes: ReadonlyMap<string, string>,
  client: Client,
  text: string,
  limit: Scope,
): Scope | undefined {
  const asked = askedScope(text)
  if (includesScope(limit, asked)) return asked
  const named = withoutOfflineAccess(asked, limit)
  if (named.length === 0) return undefined
  if (client.origin === undefined) return requireScopeWithin(named, limit)
  const known = named.filter((token) => serverScopes.has(token))
  const hint = commaHint(named.filter((token) => !serverScopes.has(token)))
  // without the words that were sent: strangers write these requests, and a page may show the error
  if (known.length > 0 && hint === '') return requireScopeWithin(known, limit)
  throw new OAuthError('invalid_scope', `This server has no such scope. Open to this client: ${openTo(limit)}.${hint}`)
}

function openTo(limit: Scope): string {
  return limit.length > 0 ? formatScope(limit) : 'none'
}

/** A refresh or an exchange may narrow the scope, never widen it (RFC 6749 §6). The error names the excess. */
export function requireScopeWithin(asked: Scope, limit: Scope): Scope {
  if (includesScope(limit, asked)) return asked
  const named = withoutOfflineAccess(asked, limit)
  const wrong = named.find((token) => !limit.includes(token))
  if (wrong === undefined) return named
  // shortened: a long value may be a secret in the wrong place, and errors are logged
  const shown = wrong.length > MAX_SHOWN ? '' : ` ${wrong}`
  throw new OAuthError(
    'invalid_scope',
    `The scope${shown} is unknown or not allowed for this client.${commaHint([wrong])}`,
  )
}
