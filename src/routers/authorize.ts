/** The authorization endpoint: RFC 6749 §3.1. */
import type { Request, Router } from 'express'
import { approve } from '../authorization/approve'
import { consentPage } from '../authorization/consent-page'
import { expectAnswer, grantedScope, notADecision } from '../authorization/decision'
import { authorizationParameters, parseAuthorizationRequest, requireTarget, secondOf } from '../authorization/request'
import { type AuthorizationResponseStyle, refuse, sendAuthorizationResponse } from '../authorization/response'
import { signInCheck } from '../authorization/sign-in'
import { mayOmitAuthentication } from '../clients/client'
import { OAuthError, toOAuthError } from '../errors'
import { admissionOf } from '../guard/presented-token'
import { requestChecks } from '../host/requests'
import { failLate, type Handler, requireServer, sendError } from '../http/endpoint'
import { errorPage } from '../http/page'
import { endpointRouter } from '../http/router'
import { requireCalled, requireKnown, requireNoMore } from '../options/known'
import { audienceMember } from '../rules/resource'
import { intersectScope } from '../rules/scope'
import { subjectId, userIdWords } from '../rules/subject'
import { keyOfSession } from '../sender-constraints/confirmation'
import { useRequest } from '../tokens/code'
import { sessionEnd } from '../tokens/rotation'
import type { SourceToken } from '../types/access-token'
import type {
  ApprovedAuthorization,
  AuthorizationRequest,
  AuthorizationServer,
  Decide,
  Decision,
} from '../types/authorization-server'

/** Options of `authorizeRouter`. */
export interface AuthorizeRouterOptions {
  /** Decides about each request: `consentPage()`, `approve()`, or a function of the host. */
  decide: Decide
  /** How the response reaches the client: `'redirect'`, `'location'` or `'json'`. @default 'redirect' */
  response?: AuthorizationResponseStyle
}

/** The authorization endpoint (RFC 6749 §3.1), for GET and POST. Mount it behind the host's session, or a guard. */
export function authorizeRouter(server: AuthorizationServer, options: AuthorizeRouterOptions): Router {
  requireNoMore('authorizeRouter', arguments, 2)
  requireServer(server)
  requireKnown('authorizeRouter option', options, ['decide', 'response'], ['decide'])
  const { decide, response: style = 'redirect' } = options ?? {}
  requireCalled("authorizeRouter's decide", decide, { consentPage, approve })
  if (typeof decide !== 'function') {
    throw new TypeError('authorizeRouter needs decide: consentPage(), approve(), or a function')
  }
  if (!['redirect', 'location', 'json'].includes(style)) {
    throw new TypeError("authorizeRouter's response must be 'redirect', 'location' or 'json'")
  }
  const isSignedIn = signInCheck(server, decide)
  const onError = style === 'redirect' ? errorPage(server) : sendError
  const handler: Handler = async (req, res) => {
    const startedAt = server.now()
    const { 'sec-fetch-site': site, 'sec-fetch-mode': mode } = req.headers
    const isFromHost = mode === 'navigate' && (site === 'same-origin' || site === 'same-site')
    const isForeignForm = isFromHost && style === 'redirect' && !(decide.ownForm && req.method === 'POST')
    const how = isForeignForm ? 'page' : style
    const target = await requireTarget(server, await authorizationParameters(server, req), req)
    try {
      if (style !== 'redirect' && target.responseMode === 'form_post') {
        throw new OAuthError('invalid_request', 'response_mode form_post needs a browser.')
      }
      // frozen: what is in it becomes what was authorized, and a decider's own would be kept with every token
      const request = Object.freeze(limitToToken(req, parseAuthorizationRequest(server, target, startedAt)))
      const decision = await decide(request, req, res)
      if (decision === undefined) {
        if (!res.headersSent)
          expectAnswer(res, "decide, or consentPage's render,", (error) => failLate(server, onError, error, req, res))
        return
      }
      if (decision?.allow !== true && decision?.allow !== false) throw notADecision(decision)
      const parameters = await carryOut(server, request, decision, req)
      sendAuthorizationResponse(server, how, target, parameters, req, res)
    } catch (thrown) {
      await refuse(server, isSignedIn, { style: how, target, error: toOAuthError(thrown) }, req, res)
    }
  }
  const check = requestChecks(server, 'authorize')
  return endpointRouter(server, { methods: { GET: handler, POST: handler }, check, onError })
}

/** What a token in front may not do itself, it may not obtain a code for. */
function limitToToken(req: Request, request: AuthorizationRequest): AuthorizationRequest {
  const token = admissionOf(req)?.accessToken
  if (!token) return request
  const scope = intersectScope(request.scope, token.scope)
  if (scope.length === 0 && request.scope.length > 0) {
    throw new OAuthError('invalid_scope', 'The scope exceeds that of the access token.')
  }
  const { audience } = token
  if (audience && !request.audience.every((resource) => audience.includes(resource))) {
    throw new OAuthError('invalid_target', 'The access token is for another resource.')
  }
  const { client, dpopJkt } = request
  // RFC 9449 §5: as the refresh tokens of a public client, its next session stays with the key
  const isOwn = token.clientId === client.clientId && mayOmitAuthentication(client)
  const jkt = isOwn ? keyOfSession(token, dpopJkt) : dpopJkt
  return { ...request, scope, ...(jkt !== undefined && { dpopJkt: jkt }) }
}

/** The parameters of the answer to a decision. */
async function carryOut(
  server: AuthorizationServer,
  request: AuthorizationRequest,
  decision: Decision,
  req: Request,
): Promise<Record<string, unknown>> {
  const { uses } = request
  if (!decision.allow) {
    if (uses) await useRequest(server, uses)
    server.emit({ type: 'authorization.denied', clientId: request.client.clientId })
    throw new OAuthError('access_denied', 'The authorization was denied.')
  }
  const grant = server.responseTypes.get(request.responseType)
  const approved = approvedBy(request, decision, req)
  if (approved.source && !grant?.fromAccessTokens) {
    throw new TypeError(
      `The grant of response_type ${request.responseType} does not accept a request with an access token: observe approved.source, and set fromAccessTokens`,
    )
  }
  // a code of the request's own grant uses it up in the step that stores the code; for all else it is used up before
  const isOneStep = grant?.codes !== undefined && !approved.source
  if (uses && !isOneStep) await useRequest(server, uses)
  const parameters = await grant?.authorize?.(server, uses && isOneStep ? { ...approved, uses } : approved)
  if (parameters) return parameters
  throw new TypeError(`authorize of response_type ${request.responseType} must return the response parameters`)
}

function approvedBy(
  request: AuthorizationRequest,
  decision: Extract<Decision, { allow: true }>,
  req: Request,
): ApprovedAuthorization {
  const userId = subjectId(decision.userId)
  if (userId === undefined)
    throw new TypeError(`decide must return { allow: true, userId } with ${userIdWords(decision)}`)
  const session = sessionInFront(request, decision, req, userId)
  const scope = decision.scope === undefined ? request.scope : grantedScope(request, decision.scope)
  // RFC 6749 §5.1: a token response could not say so, and without `scope` it means all that was asked
  if (scope.length === 0 && request.scope.length > 0) {
    throw new OAuthError('access_denied', 'None of the requested scope was granted.')
  }
  // a session that begins with a token is no younger than that of the token: it has the same end, and the same revocations
  const since = session?.startedAt ?? request.startedAt
  const startedAt = Math.min(secondOf(decision.startedAt ?? request.startedAt), request.startedAt, since)
  const {
    server: _,
    responseType: _type,
    redirectUri: _uri,
    state: _state,
    sent: _sent,
    uses: _uses,
    ...approved
  } = request
  const { client, parameters, sentRedirectUri, codeChallenge, dpopJkt, audience, ...asked } = approved
  return {
    client,
    parameters,
    authorization: {
      ...asked,
      clientId: client.clientId,
      userId,
      ...(session && { grantId: session.source.grantId }),
      scope,
      startedAt,
      ...audienceMember(audience),
    },
    ...(sentRedirectUri !== undefined && { sentRedirectUri }),
    ...(codeChallenge !== undefined && { codeChallenge }),
    ...(dpopJkt !== undefined && { dpopJkt }),
    ...(session && { source: session.source }),
  }
}

/** The session of the access token in front, which what is approved will be of; undefined where there is none. */
function sessionInFront(
  { server, client }: AuthorizationRequest,
  { fromTokensOf = [] }: Extract<Decision, { allow: true }>,
  req: Request,
  userId: string,
): { startedAt: number; source: SourceToken } | undefined {
  const admission = admissionOf(req)
  if (!admission) return undefined
  const { accessToken, session } = admission
  if (accessToken.userId !== userId) {
    throw new OAuthError('access_denied', 'The access token belongs to another user.')
  }
  // in a string every part of it would be named
  if (!Array.isArray(fromTokensOf)) throw new TypeError('decide must return fromTokensOf as a list of client ids')
  // or every app that a user has let in for an hour could begin a session of any other one
  if (accessToken.clientId !== client.clientId && !fromTokensOf.includes(accessToken.clientId)) {
    throw new OAuthError('access_denied', 'The access token belongs to another client.')
  }
  if (admission.startedAt === undefined || session === undefined) {
    throw new TypeError('authorizeRouter is behind a guard of a remoteServer: put bearerGuard(server) before it')
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
