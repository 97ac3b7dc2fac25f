/** The key that a code is bound to before anybody exchanges it: RFC 9449 §10. */
import { OAuthError } from '../errors'
import type { RequestParameters } from '../rules/params'
import type { Client } from '../storage'
import type { AccessToken } from '../types/access-token'
import type { Confirmation } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import { requireKey } from './confirmation'

/** Whether the server has `dpop()`. A server with certificates only has no proofs. */
export const hasProofs = ({ senderConstraints }: Pick<AuthorizationServer, 'senderConstraints'>): boolean =>
  senderConstraints.some(({ member }) => member === 'jkt')

/**
 * The thumbprint that an authorization code is bound to (RFC 9449 §10): of `dpop_jkt`, or of the proof in a pushed
 * request (§10.1). If both are present, they must be equal.
 */
export function keyToBind(
  server: AuthorizationServer,
  { clientId }: Client,
  parameters: RequestParameters,
  proven?: Confirmation,
): string | undefined {
  // RFC 6749 §3.1: without `dpop()` the parameter is unknown, and a code that it binds could never be exchanged
  const sent = hasProofs(server) ? parameters.get('dpop_jkt') : undefined
  if (sent === undefined) return proven?.jkt
  if (!/^[A-Za-z0-9_-]{43}$/.test(sent)) {
    throw new OAuthError('invalid_request', 'dpop_jkt must be the SHA-256 thumbprint of a key, in base64url.')
  }
  if (proven) requireKey(server, clientId, sent, proven)
  return sent
}

/** The key of a code for a session that begins with an access token: the token's key, if it has one. */
export function keyOfSession({ confirmation }: AccessToken, dpopJkt: string | undefined): string | undefined {
  const { jkt } = confirmation ?? {}
  if (jkt === undefined || dpopJkt === undefined || dpopJkt === jkt) return jkt ?? dpopJkt
  throw new OAuthError('access_denied', 'The access token is bound to another key than dpop_jkt.')
}
