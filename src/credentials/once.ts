/** Proofs that count once, in whatever process: the `jti` of a client assertion (RFC 7523 §3). */

import type { Awaitable } from '../awaitable'
import { sha256 } from '../crypto'
import type { AuthorizationServer } from '../types/authorization-server'
import type { OneTimeProof } from '../types/capability'
import { lockedRow } from './bound'
import { lookupSuffix } from './kinds'
import { lookupId } from './split-token'

/** Seconds for which an id is remembered beyond its proof: another process may have a clock that is behind. */
const REMEMBERED_LONGER = 60

/**
 * Whether none of a client's proofs was used before; from then on they all were. One insert: of many at once one is the first,
 * and where one of two proofs was used the other one is not used up.
 */
export function isFirstUse(
  { storage, now }: Pick<AuthorizationServer, 'storage' | 'now'>,
  clientId: string,
  proofs: readonly OneTimeProof[],
): Awaitable<boolean> {
  // The client column has the hash, too, which is no client's id: the mark of a revocation would let a store forget the row,
  // and what was used before it could be used again for a token that begins after it
  const owner = sha256(clientId)
  const issuedAt = now()
  const rows = proofs.map(({ purpose, id, expiresAt }) => {
    const named = sha256(JSON.stringify([purpose, id]))
    return lockedRow(
      { id: lookupId(owner, `${lookupSuffix.jti}${named}`), kind: 'jti', state: 'used' },
      { clientId: owner, scope: [], startedAt: issuedAt },
      { issuedAt, expiresAt: Math.ceil(expiresAt) + REMEMBERED_LONGER },
    )
  })
  return storage.grants.insert(rows)
}
