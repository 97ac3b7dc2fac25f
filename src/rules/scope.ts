/** Scope: RFC 6749 §3.3. In TypeScript a list of scope tokens, on the wire one string with spaces between them. */
import { OAuthError } from '../errors'
import type { Client } from '../storage'

/** A list of scope tokens (RFC 6749 §3.3). */
export type Scope = readonly string[]

const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

export function isScopeToken(text: unknown): text is string {
  return typeof text === 'string' && scopeToken.test(text)
}

/** The option `scopes` of a server: what each token means in words. Throws a TypeError that names what is wrong. */
export function scopeMap(scopes: unknown): ReadonlyMap<string, string> {
  if (typeof scopes !== 'object' || scopes === null) {
    throw new TypeError("scopes must name every scope, such as { read: 'See your data' } or ['read'], or [] for none")
  }
  const entries: [string, unknown][] = Array.isArray(scopes)
    ? scopes.map((scope) => [scope, scope])
    : Object.entries(scopes)
  for (const [scope, words] of entries) {
    if (!isScopeToken(scope) || typeof words !== 'string') {
      throw new TypeError(`scopes: ${String(scope)} must be a scope token (RFC 6749 §3.3) with a description`)
    }
  }
  return new Map(entries as [string, string][])
}

/** The tokens of a `scope` parameter, in the order sent, each once. */
export function parseScope(text: string): string[] {
  const tokens = [...new Set(text.split(' ').filter((token) => token !== ''))]
  for (const token of tokens) {
    if (!isScopeToken(token)) throw new OAuthError('invalid_scope', 'The scope has a character that is not allowed.')
  }
  return tokens
}

/** The tokens of a `scope` parameter that was sent. §3.3: there is one at least; what is empty was not sent. */
export function askedScope(text: string): string[] {
  const tokens = parseScope(text)
  if (tokens.length > 0 || text === '') return tokens
  throw new OAuthError('invalid_scope', 'The scope is blank.')
}

/** What hosts write: `'read write'` or `['read', 'write']`. */
export function toScope(scope: string | Scope): string[] {
  return parseScope(typeof scope === 'string' ? scope : scope.join(' '))
}

/** What a route needs. What names nothing, such as a setting that is not set, would let everybody pass. */
export function neededScope(owner: string, options: { scope?: string | Scope | undefined }): string[] {
  const scope = 'scope' in options ? options.scope : []
  const needed = typeof scope === 'string' || Array.isArray(scope) ? toScope(scope) : []
  if (needed.length > 0 || (Array.isArray(scope) && scope.length === 0)) return needed
  throw new TypeError(`${owner}'s scope is empty: leave it out, or name the required scope, such as 'read'`)
}

export function formatScope(scope: Scope): string {
  return scope.join(' ')
}

export function includesScope(held: Scope, asked: Scope): boolean {
  return asked.every((token) => held.includes(token))
}

export function intersectScope(scope: Scope, limit: Scope): string[] {
  return scope.filter((token) => limit.includes(token))
}

/** The scopes that a client may have: those of its record that the server still has. */
export function scopesOfClient(serverScopes: ReadonlyMap<string, string>, client: Client): string[] {
  return (client.scopes ?? []).filter((token) => serverScopes.has(token))
}

/**
 * What the client may still have of what was granted. Where that is nothing, an answer could not say so: without `scope` it
 * would mean all that was asked (RFC 6749 §5.1).
 */
export function remainingScope(
  serverScopes: ReadonlyMap<string, string>,
  { scopes = [] }: Client,
  granted: Scope,
): Scope {
  const remaining = granted.filter((token) => scopes.includes(token) && serverScopes.has(token))
  if (remaining.length > 0 || granted.length === 0) return remaining
  throw new OAuthError('invalid_scope', 'The client is no longer allowed any of the granted scope.')
}

/**
 * The scope of a request: what was asked, or the client's default when nothing was (RFC 6749 §3.3). A scope that the
 * server does not have or the client may not have is refused, never silently dropped.
 */
export function resolveScope(
  serverScopes: ReadonlyMap<string, string>,
  client: Client,
  asked: string | undefined,
): Scope {
  const allowed = scopesOfClient(serverScopes, client)
  if (asked === undefined) return client.defaultScopes ? intersectScope(client.defaultScopes, allowed) : allowed
  return requireScopeWithin(askedScope(asked), allowed)
}

/** A refresh or an exchange may narrow the scope, never widen it (RFC 6749 §6). */
export function requireScopeWithin(asked: Scope, limit: Scope): Scope {
  if (!includesScope(limit, asked)) {
    throw new OAuthError('invalid_scope', 'The scope is unknown or not allowed for this client.')
  }
  return asked
}
