/** A refused proof: the error for its client, and the event for the host. */
import { OAuthError, type OAuthErrorCode } from '../errors'
import type { AuthorizationServer } from '../types/authorization-server'

/** Returns the error and emits the event. `clientId` is omitted if the client is not known yet. */
export function refusedProof(
  { emit }: Pick<AuthorizationServer, 'emit'>,
  reason: string,
  { clientId, code = 'invalid_dpop_proof', status }: { clientId?: string; code?: OAuthErrorCode; status?: number } = {},
): OAuthError {
  emit({ type: 'proof.refused', ...(clientId !== undefined && { clientId }), reason })
  return new OAuthError(code, reason, status === undefined ? {} : { status })
}
