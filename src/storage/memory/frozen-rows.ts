/** Immutable copies of rows, so that a store shares nothing with its callers. */
import type { Credential, Grant, Writable } from '../../storage'
import { frozenCopy } from '../frozen'

/** Beyond this number scopes are forgotten, because clients may request them in any order. */
const MAX_SCOPES = 1000

/**
 * Creates the rows of one store. Written out, so that all rows of a kind have their members in the same order: a spread
 * and frozen object has its own hidden class in V8, which is larger than the row and slow to collect.
 */
export function rowKeeper(): { credential: (row: Credential) => Credential; grant: (row: Grant) => Grant } {
  const scopes = new Map<string, readonly string[]>()

  /** Shares one list among the rows with this scope: a list for each access token would be a quarter of its size. */
  function kept(scope: readonly string[]): readonly string[] {
    const key = scope.join(' ')
    const known = scopes.get(key)
    if (known?.length === scope.length && known.every((token, at) => token === scope[at])) return known
    if (scopes.size === MAX_SCOPES) scopes.clear()
    const copy = frozenCopy(scope)
    scopes.set(key, copy)
    return copy
  }

  return {
    credential({ id, kind, state, digest, clientId, userId, grantId, scope, startedAt, issuedAt, expiresAt, data }) {
      const row: Writable<Credential> = {
        id,
        kind,
        state,
        digest,
        clientId,
        scope: kept(scope),
        startedAt,
        issuedAt,
        expiresAt,
        data: frozenCopy(data),
      }
      if (userId !== undefined) row.userId = userId
      if (grantId !== undefined) row.grantId = grantId
      return Object.freeze(row)
    },
    grant({ id, clientId, userId, scope, startedAt, expiresAt, data }) {
      const row: Writable<Grant> = { id, clientId, scope: kept(scope), startedAt, expiresAt, data: frozenCopy(data) }
      if (userId !== undefined) row.userId = userId
      return Object.freeze(row)
    },
  }
}
