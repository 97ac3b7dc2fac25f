/**
 * An authorization request behind a guard: the access token limits the request, and the new session belongs to its
 * grant.
 */
import type { Request } from 'express'
import { mayOmitAuthentication } from '../clients/client'
import { OAuthError } from '../errors'
import { type Admission, admissionOf } from '../guard/presented-token'
import { misuse } from '../options/misuse'
import { narrowDetails } from '../rules/authorization-details'
import { intersectScope } from '../rules/scope'
import { keyOfSession } from '../sender-constraints/code-key'
import { sessionEnd } from '../tokens/rotation'
import type { SourceToken } from '../types/access-token'
import type { AuthorizationRequest, Decision } from '../types/authorization-server'

/** Pages are for users at a browser. An access token must not get its client more than the token allows. */
export function refuseToken(req: Request): void {
  if (admissionOf(req)) throw new OAuthError('access_denied', 'Sign in in a browser. A token cannot use these pages.')
}

/** A client cannot obtain a code for more than its access token allows. */
export function limitToToken(request: AuthorizationRequest, { accessToken: token }: Admission): AuthorizationRequest {
  const scope = intersectScope(request.scope, token.scope)
  if (scope.length === 0 && request.scope.length > 0) {
    throw new OAuthError('invalid_scope', 'The scope exceeds that of the access token.')
  }
  const { audience } = token
  if (audience && !request.audience.every((resource) => audience.includes(resource))) {
    throw new OAuthError('invalid_target', 'The access token is for another resource.')
  }
  if (request.authorizationDetails) narrowDetails(token.authorizationDetails ?? [], request.authorizationDetails)
  const { client, dpopJkt } = request
  // RFC 9449 §5: the next session of a public client stays bound to the key, as its refresh tokens are
  const isOwn = token.clientId === client.clientId && mayOmitAuthentication(client)
  const jkt = isOwn ? keyOfSession(token, dpopJkt) : dpopJkt
  return { ...request, scope, ...(jkt !== undefined && { dpopJkt: jkt }) }
}

/** The session of the access token. The new authorization belongs to it. */
export function sessionInFront(
  { server, client }: AuthorizationRequest,
  { fromTokensOf = [] }: Extract<Decision, { allow: true }>,
  admission: Admission,
  userId: string,
): { startedAt: number; source: SourceToken } {
  const { accessToken, session } = admission
  if (accessToken.userId !== userId) {
    throw new OAuthError('access_denied', 'The access token belongs to another user.')
  }
  // in a string, `includes` would match any part
  if (!Array.isArray(fromTokensOf))
    throw misuse('wrong_decision', 'decide must return fromTokensOf as a list of client ids')
  // otherwise any app with an access token could begin a session of any other app
  if (accessToken.clientId !== client.clientId && !fromTokensOf.includes(accessToken.clientId)) {
    throw new OAuthError('access_denied', 'The access token belongs to another client.')
  }
  // RFC 8693: the code would be for the user alone, and would lose the actor
  if (accessToken.exchange !== undefined || accessToken.actor) {
    throw new OAuthError('access_denied', 'The access token was exchanged: it begins no other authorization.')
  }
  if (admission.startedAt === undefined || session === undefined) {
    throw misuse(
      'not_a_server',
      'authorizeRouter is behind a guard of a remoteServer: put bearerGuard(server) before it',
    )
  }
  if (sessionEnd(server, admission.startedAt) <= server.now()) {
    throw new OAuthError('access_denied', 'The session of the access token has ended.')
  }
  const { grantId, expiresAt } = accessToken
  // a stateless token without a refresh token has no grant: no revocation would reach the new session
  if (grantId === undefined || expiresAt === undefined) {
    throw new OAuthError('access_denied', 'The access token belongs to a grant that cannot be revoked.')
  }
  // it may have expired while the decider ran
  if (expiresAt <= server.now()) throw new OAuthError('access_denied', 'The access token has expired.')
  return { startedAt: admission.startedAt, source: { grantId, session, expiresAt } }
}
