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
  const owner = sha256(clientId)
  // The client column has what is no client's id (RFC 6749 Appendix A.1 has no line break in one): the mark of a revocation would
  // let a store forget the row, and what was used could be used again. The hash alone is an id that anybody can give a client
  const column = `${owner}\n`
  const issuedAt = now()
  const rows = proofs.map(({ purpose, id, expiresAt }) => {
    const named = sha256(JSON.stringify([purpose, id]))
    return lockedRow(
      { id: lookupId(owner, `${lookupSuffix.jti}${named}`), kind: 'jti', state: 'used' },
      { clientId: column, scope: [], startedAt: issuedAt },
      { issuedAt, expiresAt: Math.ceil(expiresAt) + REMEMBERED_LONGER },
    )
  })
  return storage.grants.insert(rows)
}
