/** An authorization request behind a guard: what it may be, and the session that it begins, are those of the access token in front. */
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

/** A page is for the person at a browser: a token of an app must not make its holder more than the token is. */
export function refuseToken(req: Request): void {
  if (admissionOf(req)) throw new OAuthError('access_denied', 'Sign in in a browser. A token cannot use these pages.')
}

/** What a token in front may not do itself, it may not obtain a code for. */
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
  // RFC 9449 §5: as the refresh tokens of a public client, its next session stays with the key
  const isOwn = token.clientId === client.clientId && mayOmitAuthentication(client)
  const jkt = isOwn ? keyOfSession(token, dpopJkt) : dpopJkt
  return { ...request, scope, ...(jkt !== undefined && { dpopJkt: jkt }) }
}

/** The session of the access token in front, which what is approved will be of. */
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
  // in a string every part of it would be named
  if (!Array.isArray(fromTokensOf))
    throw misuse('wrong_decision', 'decide must return fromTokensOf as a list of client ids')
  // or every app that a user has let in for an hour could begin a session of any other one
  if (accessToken.clientId !== client.clientId && !fromTokensOf.includes(accessToken.clientId)) {
    throw new OAuthError('access_denied', 'The access token belongs to another client.')
  }
  // RFC 8693: its code would be of the user alone, and nobody would know who acts
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
  // stateless, without a refresh token: no revocation would reach what begins with it
  if (grantId === undefined || expiresAt === undefined) {
    throw new OAuthError('access_denied', 'The access token belongs to a grant that cannot be revoked.')
  }
  // since the guard let it in: a decider may take its time
  if (expiresAt <= server.now()) throw new OAuthError('access_denied', 'The access token has expired.')
  return { startedAt: admission.startedAt, source: { grantId, session, expiresAt } }
}
