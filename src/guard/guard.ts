/** The guard of protected resources: RFC 6750, on Passport's bearer strategy. */
import type { Request, RequestHandler, Response } from 'express'
import { orElse, whenReady } from '../awaitable'
import { OAuthError, toOAuthError } from '../errors'
import { checkGuards, checkRefused, rememberGuard } from '../host/guards'
import { answerFailure, reportError, sendError } from '../http/endpoint'
import { settle } from '../http/request'
import { requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { neededScope, type Scope } from '../rules/scope'
import { schemeOf } from '../sender-constraints/confirmation'
import type { AuthenticatedToken } from '../tokens/access-token'
import type { AccessToken } from '../types/access-token'
import { withChallenge } from './challenge'
import { type BearerGuardOptions, type TokenSource, verifiedEntrance } from './options'
import {
  type Admission,
  admissionOf,
  type Challenge,
  notAdmitted,
  presentedToken,
  setAdmission,
} from './presented-token'
import { keepPrivate, missingPart, tokenAuthenticator } from './strategy'

/**
 * Admits a request with a valid access token of `server`, which may run in another process: `remoteServer`. Sets
 * `req.authInfo`, and `req.user` to the resource owner as `users.find` returned it. With `user: false`, `req.user` is
 * undefined for a client's own token. Failures follow RFC 6750 §3; a storage failure is a 503.
 *
 * @throws TypeError at start-up for a scope or a resource that the server does not have, and for an unknown option.
 */
export function bearerGuard(server: TokenSource, options: BearerGuardOptions = {}): RequestHandler {
  requireNoMore('bearerGuard', arguments, 2)
  const entrance = verifiedEntrance('bearerGuard', server, options)
  const { scope, resource, tokenFrom, challenge, proofs, stepUp, needsUser, withoutToken } = entrance
  const authenticate = tokenAuthenticator(server, resource)
  const inQuery = tokenFrom.includes('query')
  let placed = false
  const guard: RequestHandler = (req, res, next) => {
    settle(req, res)
    if (!placed) {
      placed = true
      checkGuards(req)
    }
    const settled = orElse<AuthenticatedToken | OAuthError>(() => {
      const token = presentedToken(req, tokenFrom, proofs && proofs.schemes.length > 0)
      return token === undefined ? withoutToken(req) : authenticate(token, proofs && { ...proofs, req })
    }, toOAuthError)
    void whenReady(settled, (found) => {
      // a timeout of the host may have responded while storage was slow: then do nothing more
      if (res.headersSent) return
      const failure = found instanceof OAuthError ? found : missingPart(found, scope, needsUser, stepUp)
      if (failure) return refuse(server, failure, challenge, scope, req, res)
      try {
        const { accessToken, user, startedAt, session, used } = found as AuthenticatedToken
        // written out: Node 20 spreads an object of this size as slowly as it hashes the token
        admit(req, { accessToken, user, startedAt, session, challenge })
        if (inQuery) keepPrivate(req, res)
        if (used) res.once('close', used)
      } catch (error) {
        // for example, a `req.user` with a setter that throws: after a promise this error would be lost
        return next(error)
      }
      next()
    })
  }
  rememberGuard(guard, server.warn)
  return guard
}

/** Admits a request that the guard admitted with this scope. For routes behind `router.use(bearerGuard(server))`. */
export function requireScope(scope: string | Scope): RequestHandler {
  requireNoMore('requireScope', arguments, 1)
  const required = neededScope('requireScope', { scope })
  if (required.length === 0) throw misuse('missing_option', "requireScope needs a scope, such as 'read'")
  return (req, res, next) => {
    const found = admissionOf(req)
    if (!found?.challenge) {
      return next(notAdmitted(req, 'requireScope needs bearerGuard or bearerStrategy in front of it'))
    }
    const failure = missingPart(found, required, false)
    if (!failure) return next()
    sendError(withChallenge(failure, found.challenge, required, schemeOf(req)), req, res)
  }
}

/**
 * Returns the access token with which `bearerGuard` or `bearerStrategy` admitted the request. Throws if neither
 * admitted it.
 */
export function accessToken(req: Request): AccessToken {
  const found = guardedToken(req)
  if (found) return found
  throw notAdmitted(req, 'accessToken(req) needs bearerGuard or bearerStrategy in front of it')
}

/**
 * Returns the user of the access token, as `users.find` returned it. Throws if the token has no user;
 * `bearerGuard(server, { user: true })` refuses such tokens.
 */
export function resourceOwner(req: Request): Express.User {
  const user = admissionOf(req)?.user
  if (user) return user
  const needed = 'resourceOwner(req) needs bearerGuard(server, { user: true }) or bearerStrategy in front of it'
  throw notAdmitted(req, needed)
}

/** Like `accessToken`, but returns undefined if neither the guard nor the strategy admitted the request. */
export function guardedToken(req: Request): AccessToken | undefined {
  return admissionOf(req)?.accessToken
}

function admit(req: Request, found: Admission): void {
  setAdmission(req, found)
  // a copy, because the host may change it; the original is what the library trusts
  req.authInfo = { ...found.accessToken }
  // also if undefined: the user of a session must not stand in for a client's own token
  req.user = found.user
}

function refuse(
  server: TokenSource,
  failure: OAuthError,
  challenge: Challenge,
  scope: Scope,
  req: Request,
  res: Response,
): void {
  reportError(server, failure)
  checkRefused(server, req)
  const answer = (error: OAuthError) => {
    sendError(error.status >= 500 ? error : withChallenge(error, challenge, scope, schemeOf(req)), req, res)
  }
  answerFailure(answer, failure, req, res)
}
