/** The authorization endpoint: RFC 6749 §3.1. */
import type { Request, Response, Router } from 'express'
import { approve } from '../authorization/approve'
import { consentPage } from '../authorization/consent-page'
import { expectAnswer, grantedScope, notADecision, timely } from '../authorization/decision'
import {
  authorizationParameters,
  parseAuthorizationRequest,
  requireTarget,
  secondOf,
  withDetails,
} from '../authorization/request'
import { type AuthorizationResponseStyle, refuse, sendAuthorizationResponse } from '../authorization/response'
import { signInCheck } from '../authorization/sign-in'
import { limitToToken, sessionInFront } from '../authorization/token-in-front'
import { OAuthError, toOAuthError } from '../errors'
import { admissionOf } from '../guard/presented-token'
import { requestChecks } from '../host/requests'
import { failLate, type Handler, requireServer, sendError } from '../http/endpoint'
import { errorPage } from '../http/page'
import { endpointRouter } from '../http/router'
import { requireCalled, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { audienceMember } from '../rules/resource'
import { subjectId, userIdWords } from '../rules/subject'
import { useRequest } from '../tokens/code'
import type {
  ApprovedAuthorization,
  AuthorizationRequest,
  AuthorizationServer,
  Decide,
  Decision,
} from '../types/authorization-server'

/** Options of `authorizeRouter`. */
export interface AuthorizeRouterOptions {
  /** Decides about each request: `consentPage()`, `approve()`, or your own function. */
  decide: Decide
  /** How the response reaches the client: `'redirect'`, `'location'` or `'json'`. @default 'redirect' */
  response?: AuthorizationResponseStyle
}

/** The authorization endpoint (RFC 6749 §3.1), for GET and POST. Mount it behind your session middleware or a guard. */
export function authorizeRouter(server: AuthorizationServer, options: AuthorizeRouterOptions): Router {
  requireNoMore('authorizeRouter', arguments, 2)
  requireServer(server)
  requireKnown('authorizeRouter option', options, ['decide', 'response'], ['decide'])
  const { decide, response: style = 'redirect' } = options ?? {}
  requireCalled("authorizeRouter's decide", decide, { consentPage, approve })
  if (typeof decide !== 'function') {
    throw misuse('missing_option', 'authorizeRouter needs decide: consentPage(), approve(), or a function')
  }
  if (!['redirect', 'location', 'json'].includes(style)) {
    throw misuse('wrong_choice', "authorizeRouter's response must be 'redirect', 'location' or 'json'")
  }
  const isSignedIn = signInCheck(server, decide)
  const ask = timely(decide)
  const onError = style === 'redirect' ? errorPage(server) : sendError
  const handler: Handler = async (req, res) => {
    const startedAt = server.now()
    const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': place } = req.headers
    // no built-in page may appear in a frame, where a client of the same site renews silently
    const isFromHost = place !== 'iframe' && mode === 'navigate' && (site === 'same-origin' || site === 'same-site')
    const isForeignForm = isFromHost && style === 'redirect' && !(decide.ownForm && req.method === 'POST')
    const how = isForeignForm ? 'page' : style
    const target = await requireTarget(server, await authorizationParameters(server, req), req)
    try {
      if (style !== 'redirect' && target.responseMode === 'form_post') {
        throw new OAuthError('invalid_request', 'response_mode form_post needs a browser.')
      }
      // frozen, because its values become the authorization, and a change by a decider would be stored with every token
      const parsed = parseAuthorizationRequest(server, target, startedAt)
      const asked = server.authorizationDetails ? await withDetails(parsed) : parsed
      const admission = admissionOf(req)
      const limited = Object.freeze(admission ? limitToToken(asked, admission) : asked)
      const request = limited.openid ? await admitted(limited, decide, style, req, res) : limited
      if (!request) return
      const decision = await ask(request, req, res)
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

/** OpenID Connect Core §3.1.2.3: redirects to sign-in if needed. Then no decider runs yet. */
function admitted(
  request: AuthorizationRequest,
  decide: Decide,
  style: AuthorizationResponseStyle,
  req: Request,
  res: Response,
): Promise<AuthorizationRequest | undefined> | undefined {
  return request.server.openid?.admit(request, { decide, isRedirect: style === 'redirect' }, req, res)
}

/** Returns the response parameters for a decision. */
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
  const said = approvedBy(request, decision, req)
  const approved = (request.openid && (await server.openid?.authorize(said, request, req))) ?? said
  if (approved.source && !grant?.fromAccessTokens) {
    throw misuse(
      'wrong_capability',
      `The grant of response_type ${request.responseType} does not accept a request with an access token: observe approved.source, and set fromAccessTokens`,
    )
  }
  // a code uses up the request in the step that stores it; any other response uses it up before
  const isOneStep = grant?.codes !== undefined && !approved.source
  if (uses && !isOneStep) await useRequest(server, uses)
  const parameters = await grant?.authorize?.(server, uses && isOneStep ? { ...approved, uses } : approved)
  if (parameters) return parameters
  throw misuse('wrong_answer', `authorize of response_type ${request.responseType} must return the response parameters`)
}

function approvedBy(
  request: AuthorizationRequest,
  decision: Extract<Decision, { allow: true }>,
  req: Request,
): ApprovedAuthorization {
  const userId = subjectId(decision.userId)
  if (userId === undefined)
    throw misuse('wrong_decision', `decide must return { allow: true, userId } with ${userIdWords(decision)}`)
  const admission = admissionOf(req)
  const session = admission && sessionInFront(request, decision, admission, userId)
  const scope = decision.scope === undefined ? request.scope : grantedScope(request, decision.scope)
  // RFC 6749 §5.1: a token response without `scope` would mean the whole requested scope
  if (scope.length === 0 && request.scope.length > 0) {
    throw new OAuthError('access_denied', 'None of the requested scope was granted.')
  }
  // a session that begins with a token has the start of the token's session, so the same revocations cover it
  const since = session?.startedAt ?? request.startedAt
  const startedAt = Math.min(secondOf(decision.startedAt ?? request.startedAt), request.startedAt, since)
  const {
    server: _,
    responseType: _type,
    redirectUri: _uri,
    state: _state,
    sent: _sent,
    uses: _uses,
    openid,
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
    ...(openid?.nonce !== undefined && { nonce: openid.nonce }),
    ...(session && { source: session.source }),
  }
}
