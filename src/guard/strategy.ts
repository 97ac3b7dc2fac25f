/** Access tokens through Passport's bearer strategy, for our guard and for hosts that use Passport. */
import type { Request, Response } from 'express'
import { Strategy } from 'passport-http-bearer'
import { type Awaitable, orElse, whenReady } from '../awaitable'
import { asFailure, OAuthError, toOAuthError } from '../errors'
import { reportError } from '../http/endpoint'
import { queryParameters } from '../http/request'
import { requireNoMore } from '../options/known'
import { formatScope, includesScope, type Scope } from '../rules/scope'
import { type Call, schemeOf } from '../sender-constraints/confirmation'
import { type AuthenticatedToken, authenticateToken } from '../tokens/access-token'
import { missingSignIn, type StepUp } from '../tokens/step-up'
import { clientsOwnToken, withChallenge } from './challenge'
import { type BearerGuardOptions, type TokenSource, verifiedEntrance } from './options'
import { type Challenge, offerAdmission, presentedToken } from './presented-token'

function authenticateAt(
  source: TokenSource,
  token: string,
  resource: string | undefined,
  call: Call | undefined,
): Awaitable<AuthenticatedToken> {
  return 'authenticate' in source
    ? source.authenticate(token, resource, call)
    : authenticateToken(source, token, resource, call)
}

/** The type of strategy that `passport.use` accepts. */
export interface BearerStrategy {
  /** Its name for `passport.authenticate`: `bearer`. */
  name: string
  /** Called by Passport. */
  // biome-ignore lint/suspicious/noExplicitAny: the type of Passport's strategies, which is not ours to import
  authenticate(req: any, options?: any): any
}

/**
 * Creates a strategy for hosts that call `passport.authenticate('bearer', { session: false })` themselves, with the
 * options of `bearerGuard`. It sets `req.user` and `req.authInfo` as the guard does, and `requireScope` works behind
 * it. A callback of your own, `(error, user, info)`, admits a token by setting `req.user = user`, `req.authInfo =
 * info`, or both.
 *
 * @throws TypeError at start-up for a wrong option, as `bearerGuard` does.
 */
export function bearerStrategy(source: TokenSource, options: BearerGuardOptions = {}): BearerStrategy {
  requireNoMore('bearerStrategy', arguments, 2)
  const { scope, resource, tokenFrom, challenge, proofs, stepUp, needsUser, withoutToken } = verifiedEntrance(
    'bearerStrategy',
    source,
    options,
  )
  const find = tokenAuthenticator(source, resource)
  const inQuery = tokenFrom.includes('query')
  return {
    name: 'bearer',
    authenticate(this: PassportRun, req: Request, { assignProperty }: { assignProperty?: string } = {}): void {
      const run = runFor(this, req, challenge, assignProperty)
      const settled = orElse<AuthenticatedToken | OAuthError>(() => {
        const token = presentedToken(req, tokenFrom, proofs && proofs.schemes.length > 0)
        return token === undefined ? withoutToken(req) : find(token, proofs && { ...proofs, req })
      }, toOAuthError)
      void whenReady(settled, (found) => {
        const failure = found instanceof OAuthError ? found : missingPart(found, scope, needsUser, stepUp)
        if (!failure) {
          if (inQuery) keepPrivate(req, req.res)
          const { used } = found as AuthenticatedToken
          if (used) req.res?.once('close', used)
          return run.success(found as AuthenticatedToken)
        }
        reportError(source, failure)
        if (failure.status > 403) return run.error(failure)
        const { 'WWW-Authenticate': said, ...others } = withChallenge(failure, challenge, scope, schemeOf(req)).headers
        // such as `DPoP-Nonce`: Passport sends only the challenge
        for (const [name, value] of Object.entries(others)) req.res?.setHeader(name, value)
        run.fail(said, failure.status)
      })
    },
  }
}

/** RFC 6750 §2.3: otherwise a cache could serve this URL after the token is revoked. */
export function keepPrivate(req: Request, res: Response | undefined): void {
  if (!queryParameters(req).parameters.has('access_token') || res?.getHeader('Cache-Control') === 'no-store') return
  res?.setHeader('Cache-Control', 'private')
}

/** Returns the error for what a valid token lacks: the scope, a user, or the required sign-in. */
export function missingPart(
  { accessToken, user }: AuthenticatedToken,
  scope: Scope,
  needsUser: boolean,
  stepUp?: StepUp,
): OAuthError | undefined {
  if (needsUser && user === undefined) return clientsOwnToken()
  if (includesScope(accessToken.scope, scope)) return stepUp && missingSignIn(stepUp, accessToken)
  return new OAuthError('insufficient_scope', `The request needs the scope ${formatScope(scope)}.`)
}

/**
 * Passport's callbacks for one request. If the host passes the strategy itself, Passport sets them on it for each
 * request.
 */
function runFor(
  strategy: PassportRun,
  req: Request,
  challenge: Challenge,
  assignProperty: string | undefined,
): Omit<PassportRun, 'success'> & { success(found: AuthenticatedToken): void } {
  const { success, fail, error } = strategy
  // a callback of the host may throw: after a promise nothing would catch the error, and the process would end
  const caught = (tell: () => unknown) =>
    void orElse<unknown>(tell, (thrown) => {
      if (!req.next) throw thrown
      req.next(asFailure(thrown))
    })
  return Object.assign(Object.create(strategy) as PassportRun, {
    success: (found: AuthenticatedToken) => {
      // a copy, because the host may change it; the original is what the library trusts
      const handed = { ...found.accessToken }
      const { _userProperty = 'user' } = req as { _userProperty?: string }
      const place = assignProperty ?? _userProperty
      offerAdmission(req, { admission: { ...found, challenge }, handed, place })
      caught(() => success.call(strategy, found.user, handed))
    },
    fail: (challenge?: unknown, status?: number) => caught(() => fail.call(strategy, challenge, status)),
    error: (failure: unknown) => caught(() => error.call(strategy, failure)),
  })
}

/** The object that Passport creates for one request. */
interface PassportRun {
  success(user: unknown, info?: unknown): void
  fail(challenge?: unknown, status?: number): void
  error(error: unknown): void
}

type Outcome = { found: AuthenticatedToken } | { failed: unknown }

/** The strategy as the guard runs it. The guard itself makes the refusals, exactly as RFC 6750 §3 requires. */
export function tokenAuthenticator(
  source: TokenSource,
  resource: string | undefined,
): (token: string, call?: Call) => Awaitable<AuthenticatedToken> {
  const strategy = new Strategy({ passReqToCallback: true }, ({ call }, token, done) => {
    const settled = orElse<AuthenticatedToken | { failed: unknown }>(
      () => authenticateAt(source, token, resource, call),
      (failed) => ({ failed }),
    )
    void whenReady(settled, (found) => ('failed' in found ? done(found.failed) : done(null, found)))
  })
  const Run = runsOf(strategy)
  return (token, call) => {
    const run = new Run()
    // in a body, because the strategy takes a header apart
    run.authenticate({ body: { access_token: token }, call })
    return whenReady(run.outcome ?? run.later(), foundIn)
  }
}

function foundIn(outcome: Outcome): AuthenticatedToken {
  if ('failed' in outcome) throw outcome.failed
  return outcome.found
}

interface Run extends Strategy {
  outcome?: Outcome
  later(): Promise<Outcome>
}

/**
 * One object per request over the shared strategy. `passport.authenticate` writes its callbacks onto the strategy:
 * without a copy, two requests at once would get each other's result.
 */
function runsOf(strategy: Strategy): new () => Run {
  class OneRequest {
    outcome?: Outcome
    settle?: (outcome: Outcome) => void
    end(outcome: Outcome): void {
      this.outcome = outcome
      this.settle?.(outcome)
    }
    success(found: AuthenticatedToken): void {
      this.end({ found })
    }
    fail(): void {
      this.end({ failed: new OAuthError('invalid_token', 'The access token is malformed.') })
    }
    error(failed: unknown): void {
      this.end({ failed })
    }
    later(): Promise<Outcome> {
      return new Promise((resolve) => {
        this.settle = resolve
      })
    }
  }
  Object.setPrototypeOf(OneRequest.prototype, strategy)
  return OneRequest as unknown as new () => Run
}
