/** Access tokens through Passport's bearer strategy: for our own guard, and for hosts that use Passport themselves. */
import type { Request } from 'express'
import { Strategy } from 'passport-http-bearer'
import { type Awaitable, orElse, whenReady } from '../awaitable'
import { asFailure, OAuthError, toOAuthError } from '../errors'
import { reportError, requireSource } from '../http/endpoint'
import { requireKnown, requireNoMore } from '../options/known'
import type { RemoteServer } from '../remote/remote-server'
import { knownResource } from '../rules/resource'
import { type AuthenticatedToken, authenticateToken } from '../tokens/find'
import type { AuthorizationServer } from '../types/authorization-server'
import { escapeQuoted, withChallenge } from './challenge'
import { offerAdmission, presentedToken } from './presented-token'

/** The issuer of the tokens: the server of this process, or one in another. */
export type TokenSource = AuthorizationServer | RemoteServer

function authenticateAt(source: TokenSource, token: string, resource?: string): Awaitable<AuthenticatedToken> {
  return 'authenticate' in source ? source.authenticate(token, resource) : authenticateToken(source, token, resource)
}

/** Passport's own strategy, as `passport.use` accepts it. */
export interface BearerStrategy {
  /** Its name for `passport.authenticate`: `bearer`. */
  name: string
  /** Called by Passport. */
  // biome-ignore lint/suspicious/noExplicitAny: the type of Passport's strategies, which is not ours to import
  authenticate(req: any, options?: any): any
}

/**
 * A strategy for hosts that call `passport.authenticate('bearer', { session: false })` themselves. Its "user" is the
 * access token (`{ clientId, userId, scope, … }`), not the resource owner: a client's own token has no user. `realm`
 * and `resource` are those of `bearerGuard`. A callback of your own admits a token by setting its argument on the
 * request: `req.user = user`, or `req.authInfo = info` where you have users of your own.
 */
export function bearerStrategy(
  source: TokenSource,
  options: { realm?: string; resource?: string } = {},
): BearerStrategy {
  requireNoMore('bearerStrategy', arguments, 2)
  requireSource(source)
  requireKnown('bearerStrategy option', options, ['realm', 'resource'])
  const { realm = 'api', resource } = options
  if (typeof realm !== 'string') throw new TypeError("bearerStrategy's realm must be a string")
  const known = knownResource(source, resource)
  const strategy = new Strategy({ realm: escapeQuoted(realm) }, (token, done) => {
    const settled = orElse<AuthenticatedToken | OAuthError>(() => authenticateAt(source, token, known), toOAuthError)
    void whenReady(settled, (found) => {
      if (!(found instanceof OAuthError)) return done(null, found)
      if (found.code === 'invalid_token') return done(null, false, found.description)
      reportError(source, found)
      done(found)
    })
  })
  const { authenticate } = strategy
  // the header alone: Passport's own strategy takes a token from the query and the body as well, where it may be no string
  return Object.assign(strategy, {
    authenticate(this: PassportRun, req: Request, { assignProperty }: { assignProperty?: string } = {}): void {
      const run = runFor(this, req, assignProperty)
      const token = tokenOrFailure(req)
      if (token instanceof OAuthError) {
        const { status, headers } = withChallenge(token, realm, [])
        return run.fail(headers['WWW-Authenticate'], status)
      }
      authenticate.call(run, { headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }) } })
    },
  })
}

/** Passport's answers to one request. Where a host passes the strategy itself, Passport writes those of each onto it. */
function runFor(strategy: PassportRun, req: Request, assignProperty: string | undefined): PassportRun {
  const { success, fail, error } = strategy
  // a callback of the host may throw: after a promise nobody would catch it, and the process would end
  const caught = (tell: () => unknown) =>
    void orElse<unknown>(tell, (thrown) => {
      if (!req.next) throw thrown
      req.next(asFailure(thrown))
    })
  return Object.assign(Object.create(strategy) as PassportRun, {
    success: (found: AuthenticatedToken) => {
      // a copy, which a host may add to: what is trusted is the other one
      const handed = { ...found.accessToken }
      const { _userProperty = 'user' } = req as { _userProperty?: string }
      offerAdmission(req, { admission: found, handed, place: assignProperty ?? _userProperty })
      caught(() => success.call(strategy, handed, handed))
    },
    fail: (challenge?: unknown, status?: number) => caught(() => fail.call(strategy, challenge, status)),
    error: (failure: unknown) => caught(() => error.call(strategy, failure)),
  })
}

function tokenOrFailure(req: Request): string | OAuthError | undefined {
  try {
    return presentedToken(req, ['header'])
  } catch (thrown) {
    return toOAuthError(thrown)
  }
}

/** The object that Passport makes for one request. */
interface PassportRun extends Strategy {
  success(user: unknown, info?: unknown): void
  fail(challenge?: unknown, status?: number): void
  error(error: unknown): void
}

type Outcome = { found: AuthenticatedToken } | { failed: unknown }

/** The strategy as the guard drives it: refusals are decided there, where RFC 6750 §3 is followed to the letter. */
export function tokenAuthenticator(
  source: TokenSource,
  resource: string | undefined,
): (token: string) => Awaitable<AuthenticatedToken> {
  const strategy = new Strategy({}, (token, done) => {
    const settled = orElse<AuthenticatedToken | { failed: unknown }>(
      () => authenticateAt(source, token, resource),
      (failed) => ({ failed }),
    )
    void whenReady(settled, (found) => ('failed' in found ? done(found.failed) : done(null, found)))
  })
  return (token) =>
    whenReady(runStrategy(strategy, token), (outcome) => {
      if ('failed' in outcome) throw outcome.failed
      return outcome.found
    })
}

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
