/** Turns the request of a device into an authorization request, and carries out the decision. */

import type { Request } from 'express'
import { grantedScope } from '../authorization/decision'
import { secondOf } from '../authorization/request'
import { findClient, isBeingDeleted } from '../clients/client'
import { boundOf, findCredential } from '../credentials/bound'
import { OAuthError } from '../errors'
import { heldAudience } from '../rules/resource'
import { remainingScope } from '../rules/scope'
import { subjectId } from '../rules/subject'
import type { Credential } from '../storage'
import { detailsMember, remainingDetails } from '../tokens/authorization-details'
import type { AuthorizationRequest, AuthorizationServer, Decision } from '../types/authorization-server'
import { storeAnswer } from './answer'

/** The user, and when the user asked. */
interface Asking {
  readonly server: AuthorizationServer
  readonly req: Request
  readonly startedAt: number
}

/** The request of a device. Undefined if its client no longer exists. `sent` are the browser's parameters. */
export async function deviceRequest(
  { server, req, startedAt }: Asking,
  found: Credential,
  userCode: string,
  sent: ReadonlyMap<string, string>,
): Promise<AuthorizationRequest | undefined> {
  const client = await findClient(server, found.clientId, req)
  if (!client || client.disabled || isBeingDeleted(client)) return undefined
  const { network = '', parameters, audience, authorizationDetails } = boundOf(found)
  return Object.freeze({
    server,
    client: client.name === undefined ? { ...client, name: client.clientId } : client,
    responseType: 'device_code',
    // without the scope that the client has lost since
    scope: remainingScope(server.scopes, client, found.scope),
    audience: heldAudience(server, audience),
    ...(authorizationDetails && { authorizationDetails: remainingDetails(server, client, authorizationDetails) }),
    parameters: new Map(parameters),
    // with the code in one spelling, because the answer's is compared with it
    sent: new Map([...sent, ['user_code', userCode]]),
    startedAt,
    device: { userCode, network, startedAt: found.startedAt },
  })
}

/** Stores the decision of the user who entered the code. False if another answer was faster. */
export async function carryOut(
  server: AuthorizationServer,
  request: AuthorizationRequest,
  found: Credential,
  decision: Decision,
  userId: string,
): Promise<boolean> {
  const { clientId } = found
  if (!decision.allow) {
    const answer = { userId, scope: found.scope, startedAt: request.startedAt }
    const isFirst = await storeAnswer(server, found, 'denied', answer)
    if (isFirst) server.emit({ type: 'authorization.denied', clientId, userId })
    return isFirst
  }
  // RFC 8628 §5.4: only the user who saw the device may approve it
  if (subjectId(decision.userId) !== userId) {
    throw new OAuthError('access_denied', 'The decision is of another user than the one who entered the code.')
  }
  const scope = decision.scope === undefined ? request.scope : grantedScope(request, decision.scope)
  if (scope.length === 0 && request.scope.length > 0) {
    throw new OAuthError('access_denied', 'None of the requested scope was granted.')
  }
  const startedAt = Math.min(secondOf(decision.startedAt ?? request.startedAt), request.startedAt)
  const answer = { userId, scope, startedAt, ...detailsMember(request.authorizationDetails) }
  if (!(await storeAnswer(server, found, 'approved', answer))) return false
  // an authorization older than this request may have been revoked: the device would wait in vain
  if (startedAt < server.now() && !(await findCredential(server, found.id, 'device_code'))) {
    throw new OAuthError('access_denied', 'The session has been revoked. Sign in again.')
  }
  server.emit({ type: 'device.approved', clientId, userId, scope })
  return true
}
