/** The guard of protected resources: RFC 6750, on Passport's bearer strategy. */
import type { Request, RequestHandler, Response } from 'express'
import { Strategy } from 'passport-http-bearer'
import type { AccessToken } from './access-token'
import { type Awaitable, orElse, whenReady } from './awaitable'
import { type AuthenticatedToken, authenticateToken } from './credentials'
import { OAuthError, toOAuthError } from './errors'
import { escapeQuoted, missingToken, withChallenge } from './http/bearer-challenge'
import { presentedToken, type TokenPlace, tokenPlaces } from './http/bearer-token'
import { queryParameters } from './http/body'
import { answerFailure, reportError, requireServer, sendError } from './http/endpoint'
import { formatScope, includesScope, type Scope, toScope } from './rules/scope'
import type { AuthorizationServer } from './types'

export interface BearerGuardOptions {
  /** What the token must have: `'read'`, `'read write'` or a list. @default nothing in particular */
  scope?: string | Scope
  /** The `realm` of challenges (RFC 6750 §3). @default 'api' */
  realm?: string
  /**
   * Where a token may stand. `'query'` puts tokens into logs and histories (RFC 6750 §2.3 advises against it), `'body'`
   * needs a body parser in front. @default ['header']
   */
  tokenFrom?: readonly TokenPlace[]
  /**
   * Admit calls without a token that carry `?client_id=` of a registered client, as "app authorization": with no user
   * and the empty scope. A client id is no secret, so this tells apps apart and keeps nobody out. @default false
   */
  clientIdQuery?: boolean
}

interface Guarded extends AuthenticatedToken {
  realm: string
}

/** What a guard found, by request. `req.authInfo` can be written by anybody; this only by a guard. */
const guarded = new WeakMap<Request, Guarded>()

/**
 * Lets a request pass with a valid access token. Sets `req.user`, the resource owner as `users.find` returned it
 * (undefined for client credentials), and `req.authInfo`. Failures follow RFC 6750 §3; failing storage is a 503.
 *
 * @throws TypeError at start-up for a scope that the server does not have.
 */
export function bearerGuard(server: AuthorizationServer, options: BearerGuardOptions = {}): RequestHandler {
  requireServer(server)
  const { realm = 'api', tokenFrom = ['header'], clientIdQuery = false } = options
  const scope = knownScope(server, options.scope)
  for (const place of tokenFrom) {
    if (!tokenPlaces.includes(place)) {
      throw new TypeError(`bearerGuard's tokenFrom may hold 'header', 'body' and 'query', not ${place}`)
    }
  }
  const strategy = makeStrategy(server, realm)
  return (req, res, next) => {
    const settled = orElse<Guarded | OAuthError>(
      () => whenReady(authenticate(server, strategy, req, tokenFrom, clientIdQuery), (found) => ({ ...found, realm })),
      toOAuthError,
    )
    void whenReady(settled, (found) => {
      // a timeout of the host may have answered while storage was slow: there is nothing left to admit or to refuse
      if (res.headersSent) return
      const failure = found instanceof OAuthError ? found : missingScope(found.accessToken.scope, scope)
      if (failure) return refuse(server, failure, realm, scope, req, res)
      admit(req, found as Guarded)
      next()
    })
  }
}

/** Lets a request pass that a guard in front admitted with this scope, for routes behind `router.use(bearerGuard(server))`. */
export function requireScope(scope: string | Scope): RequestHandler {
  const required = toScope(scope)
  return (req, res, next) => {
    const found = guarded.get(req)
    if (!found) return next(new Error('requireScope needs bearerGuard in front of it'))
    const failure = missingScope(found.accessToken.scope, required)
    if (!failure) return next()
    sendError(withChallenge(failure, found.realm, required), req, res)
  }
}

/** What the guard found out about the token of a request. Throws where no guard has admitted it. */
export function accessToken(req: Request): AccessToken {
  const found = guardedToken(req)
  if (!found) throw new Error('accessToken(req) needs bearerGuard in front of it')
  return found
}

/** As `accessToken`, or undefined where no guard has admitted the request. */
export function guardedToken(req: Request): AccessToken | undefined {
  return guarded.get(req)?.accessToken
}

/** Passport's own strategy, as `passport.use` takes it. */
export interface BearerStrategy {
  name: string
  // biome-ignore lint/suspicious/noExplicitAny: the type of Passport's strategies, which is not ours to import
  authenticate(req: any, options?: any): any
}

/**
 * A strategy for hosts that call `passport.authenticate('bearer', { session: false })` themselves. Its "user" is the
 * access token (`{ clientId, userId, scope, … }`), not the resource owner: a client's own token has none.
 */
export function bearerStrategy(
  server: AuthorizationServer,
  { realm = 'api' }: { realm?: string } = {},
): BearerStrategy {
  return new Strategy({ realm: escapeQuoted(realm) }, (token, done) => {
    const settled = orElse<AuthenticatedToken | OAuthError>(() => authenticateToken(server, token), toOAuthError)
    void whenReady(settled, (found) => {
      if (!(found instanceof OAuthError)) return done(null, found.accessToken, found.accessToken)
      if (found.code === 'invalid_token') return done(null, false, found.description)
      reportError(server, found)
      done(found)
    })
  })
}

function knownScope(server: AuthorizationServer, scope: string | Scope = []): Scope {
  const required = toScope(scope)
  for (const token of required) {
    if (!server.scopes.has(token)) {
      throw new TypeError(
        `bearerGuard's scope ${token} is not one of the server's: ${[...server.scopes.keys()].join(', ')}`,
      )
    }
  }
  return required
}

/** Answers with what it found; refusals are decided here, where RFC 6750 §3 is followed to the letter. */
function makeStrategy(server: AuthorizationServer, realm: string): Strategy {
  return new Strategy({ realm }, (token, done) => {
    const settled = orElse<AuthenticatedToken | { failed: unknown }>(
      () => authenticateToken(server, token),
      (failed) => ({ failed }),
    )
    void whenReady(settled, (found) => ('failed' in found ? done(found.failed) : done(null, found)))
  })
}

function authenticate(
  server: AuthorizationServer,
  strategy: Strategy,
  req: Request,
  places: readonly TokenPlace[],
  clientIdQuery: boolean,
): Awaitable<AuthenticatedToken> {
  const token = presentedToken(req, places)
  if (token === undefined) return clientIdQuery ? appAuthorization(server, req) : missingToken()
  return whenReady(runStrategy(strategy, token), (outcome) => {
    if ('failed' in outcome) throw outcome.failed
    return outcome.found
  })
}

type Outcome = { found: AuthenticatedToken } | { failed: unknown }

/**
 * One object per request over the shared strategy: `passport.authenticate` writes onto the strategy itself, and two
 * requests in flight would get each other's answer.
 */
function runStrategy(strategy: Strategy, token: string): Awaitable<Outcome> {
  const settled: { outcome?: Outcome } = {}
  let settle = (outcome: Outcome): void => {
    settled.outcome = outcome
  }
  const run = Object.assign(Object.create(strategy) as Strategy, {
    success: (found: AuthenticatedToken) => settle({ found }),
    fail: () => settle({ failed: new OAuthError('invalid_token', 'The access token is malformed.') }),
    error: (failed: unknown) => settle({ failed }),
  })
  run.authenticate({ headers: { authorization: `Bearer ${token}` } })
  if (settled.outcome) return settled.outcome
  return new Promise((resolve) => {
    settle = resolve
  })
}

function appAuthorization(server: AuthorizationServer, req: Request): Awaitable<AuthenticatedToken> {
  const { parameters, repeated } = queryParameters(req)
  const clientId = parameters.get('client_id')
  if (clientId === undefined || repeated.has('client_id')) return missingToken()
  return whenReady(server.storage.clients.find(clientId), (client) => {
    if (!client) return missingToken()
    return { accessToken: { clientId, scope: [] }, user: undefined }
  })
}

function admit(req: Request, found: Guarded): void {
  guarded.set(req, found)
  req.authInfo = found.accessToken
  // also when there is none: a session's user in front must not stand in for a client's own token
  req.user = found.user
}

function missingScope(held: Scope, required: Scope): OAuthError | undefined {
  if (includesScope(held, required)) return undefined
  return new OAuthError('insufficient_scope', `The request needs the scope ${formatScope(required)}.`)
}

function refuse(
  server: AuthorizationServer,
  failure: OAuthError,
  realm: string,
  scope: Scope,
  req: Request,
  res: Response,
): void {
  reportError(server, failure)
  answerFailure(sendError, failure.status >= 500 ? failure : withChallenge(failure, realm, scope), req, res)
}
