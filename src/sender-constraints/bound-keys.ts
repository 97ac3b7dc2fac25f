/** Decides what a client's tokens must be bound to, and whether a request has the keys of a refresh token. */
import type { Request } from 'express'
import type { OAuthError } from '../errors'
import { misuse } from '../options/misuse'
import type { Client } from '../storage'
import type { Confirmation } from '../types/authorization'
import type { AuthorizationServer } from '../types/authorization-server'
import type { ProvenKey, SenderConstraint } from '../types/capability'
import { missingProof, requireKey } from './confirmation'
import { refusedProof } from './refusal'

type Bound = Pick<Client, 'clientId' | 'dpopBoundAccessTokens' | 'tlsClientCertificateBoundAccessTokens'>

/**
 * The keys of a token request: of its proof, and its certificate if the record requires that (RFC 8705 §3.4). Throws if
 * the record requires a key that the request lacks.
 */
export async function boundKeys(
  server: AuthorizationServer,
  req: Request,
  client: Bound,
  proven: ProvenKey | undefined,
): Promise<Confirmation | undefined> {
  const constraint = server.senderConstraints.find(({ member }) => member === 'x5t#S256')
  const wanted = client.tlsClientCertificateBoundAccessTokens ? constraint : undefined
  const held = await wanted?.confirm(server, { req, url: '' })
  const keys = { ...proven?.confirmation, ...held?.confirmation }
  requireBound(server, client, keys)
  return Object.keys(keys).length === 0 ? undefined : keys
}

/** Throws if the client's tokens would be bound to less than its record requires. */
export function requireBound(server: AuthorizationServer, client: Bound, keys: Confirmation = {}): void {
  const { clientId } = client
  if (client.dpopBoundAccessTokens && keys.jkt === undefined) throw missingProof(server, clientId)
  if (!client.tlsClientCertificateBoundAccessTokens || keys['x5t#S256'] !== undefined) return
  const reason = "This client's tokens are bound to its certificate, and the request has none."
  throw refusedProof(server, reason, { clientId, code: 'invalid_request' })
}

/** One name for all keys of a token. Undefined for a bearer token. */
export function nameOfKeys({ jkt, 'x5t#S256': certificate }: Confirmation = {}): string | undefined {
  return certificate === undefined ? jkt : `${jkt ?? ''} ${certificate}`
}

/** Throws if the request lacks a key that the refresh token is bound to. */
export function requireKeys(
  server: AuthorizationServer,
  clientId: string,
  held: Confirmation,
  proven: Confirmation | undefined,
): void {
  const { jkt, 'x5t#S256': certificate } = held
  if (jkt !== undefined || certificate === undefined) requireKey(server, clientId, jkt, proven)
  if (certificate !== undefined && certificate !== proven?.['x5t#S256']) throw otherCertificate(server, clientId)
}

/** The error for a request whose certificate is missing or not the token's (RFC 8705 §7.1). */
function otherCertificate(server: AuthorizationServer, clientId: string): OAuthError {
  const reason = 'The token is bound to a certificate, which the request does not have.'
  return refusedProof(server, reason, { clientId, code: 'invalid_grant' })
}

/** Throws if a repeated response was for other keys. */
export function requireSameKeys(
  server: AuthorizationServer,
  clientId: string,
  made: string | undefined,
  proven: Confirmation | undefined,
): void {
  if (made === nameOfKeys(proven)) return
  if (made?.includes(' ') || proven?.['x5t#S256'] !== undefined) throw otherCertificate(server, clientId)
  requireKey(server, clientId, made, proven)
}

/** Checks the option `senderConstraints` of a server or a `remoteServer`. */
export function verifiedConstraints(values: readonly SenderConstraint[] = []): readonly SenderConstraint[] {
  const isConstraint = (value: SenderConstraint | undefined) => typeof value?.confirm === 'function'
  if (!Array.isArray(values) || !values.every(isConstraint)) {
    throw misuse('wrong_list', 'senderConstraints must be a list such as [dpop()]')
  }
  const twice = values.find(({ member }, at) => values.findIndex((one) => one.member === member) !== at)
  if (twice)
    throw misuse(
      'duplicate_name',
      `senderConstraints has ${twice.scheme === 'Bearer' ? 'mutualTls()' : twice.scheme} more than once: name it once`,
    )
  return Object.freeze([...values])
}
