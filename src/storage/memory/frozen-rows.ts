/** Copies of rows that nobody can change, so that nothing in a store is shared with its callers. */
import type { Credential, Grant, Writable } from '../../storage'
import { frozenCopy } from '../frozen'

/** More are forgotten: clients may ask in any order. */
const MAX_SCOPES = 1000

/**
 * Makes the rows of one store. They are written out, so that all of a kind get their members in the same order: what is
 * spread and then frozen has a hidden class of its own in V8, which is larger than the row and slow to collect.
 */
export function rowKeeper(): { credential: (row: Credential) => Credential; grant: (row: Grant) => Grant } {
  const scopes = new Map<string, readonly string[]>()

  /** One list for the many rows of a scope: a quarter of what an access token takes up would be its own. */
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
