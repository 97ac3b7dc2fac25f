/** The digest of a secret and of what it is bound to. */

import { equalDigests, sha256 } from '../crypto'
import type { Credential } from '../storage'
import type { AuthorizationServer } from '../types/authorization-server'

/** What a credential is bound to: whose it is, for what, and since when. */
export type Binding = Pick<Credential, 'clientId' | 'scope' | 'startedAt' | 'data'> & {
  readonly userId?: string | undefined
  readonly grantId?: string | undefined
}

/**
 * The digest of a secret of 256 bits and of what it is bound to. A storage adapter that loses or changes one of these makes
 * the token unusable, instead of one of nobody, of more, without PKCE, or that no revocation reaches.
 */
export function boundDigest(secret: string, row: Binding): string {
  const { clientId, userId = null, grantId = null, scope, startedAt } = row
  const { audience = null, codeChallenge = null, redirectUri = null, source } = row.data
  const members = [secret, clientId, userId, grantId, scope, startedAt, audience, codeChallenge, redirectUri]
  // behind the others, whose digests stay what they are: only a code that began with an access token has it
  return sha256(JSON.stringify(source === undefined ? members : [...members, source]))
}

/** Whether this is the secret of the row, and the row bound to what it was when it was made. */
export function hasSecret(row: Binding & { readonly digest: string }, secret: string): boolean {
  return equalDigests(row.digest, boundDigest(secret, row))
}

/** A credential is dead in the second named by `expiresAt`. */
export function isExpired(server: AuthorizationServer, row: { expiresAt: number }): boolean {
  return row.expiresAt <= server.now()
}
