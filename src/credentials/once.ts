/**
 * One-time proofs, across processes: the `jti` of a client assertion (RFC 7523 §3) or a DPoP proof (RFC 9449 §11.1).
 */

import { sha256 } from '../crypto'
import type { AuthorizationServer } from '../types/authorization-server'
import type { OneTimeProof } from '../types/capability'
import { lockedRow } from './bound'
import { lookupSuffix } from './kinds'
import { lookupId } from './split-token'

/** Seconds that an id is remembered beyond its proof, for processes with a slow clock. */
const REMEMBERED_LONGER = 60

/**
 * Uses up a client's proofs in one insert: of many concurrent calls one succeeds. Otherwise returns the proof that was
 * used before, and uses none up.
 */
export async function useUp(
  { storage, now }: Pick<AuthorizationServer, 'storage' | 'now'>,
  clientId: string,
  proofs: readonly OneTimeProof[],
): Promise<OneTimeProof | undefined> {
  const owner = sha256(clientId)
  // the client column has no client's id (RFC 6749 Appendix A.1: ids contain no line break): otherwise a revocation's
  // mark would let a store forget the row, and the proof could be used again. The hash alone could be a client's id
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
  if (await storage.grants.insert(rows)) return undefined
  const found = await Promise.all(rows.slice(1).map(({ id }) => storage.grants.find(id)))
  // if it is none of the others, it is the first
  return proofs[found.findIndex(Boolean) + 1]
}
