/** Who may register a client: RFC 7591 §3. */
import type { Request, RequestHandler, Response } from 'express'
import type { Awaitable } from '../awaitable'
import { equalDigests, sha256 } from '../crypto'
import { invalidToken } from '../errors'
import { missingToken } from '../guard/challenge'
import { bearerGuard, requireScope } from '../guard/guard'
import { presentedToken } from '../guard/presented-token'
import { requireCalled } from '../options/known'
import { misuse } from '../options/misuse'
import type { AuthorizationServer } from '../types/authorization-server'

/**
 * Who may register: a guard or another middleware, the holder of an initial access token, or any client (`'open'`). An
 * initial access token has at least 32 characters; a function verifies one and returns `true`. The server's `throttle`
 * limits open registration.
 */
export type RegistrationProtection = RequestHandler | { initialAccessToken: InitialAccessToken } | 'open'

/** The initial access token (RFC 7591 §3), or a function that verifies one. */
type InitialAccessToken = string | ((token: string, req: Request) => Awaitable<boolean>)

/** Resolves if the request is admitted. A middleware that refuses sends its own response, and nothing follows. */
export type Admit = (req: Request, res: Response) => Promise<void>

const MIN_TOKEN_LENGTH = 32

/** Throws at start-up for a value that admits nobody, or everybody without saying so. */
export function admission({ inTime }: AuthorizationServer, protect: RegistrationProtection): Admit {
  requireCalled("registerRouter's protect", protect, { bearerGuard, requireScope })
  if (protect === 'open') return async () => {}
  if (typeof protect === 'function') return (req, res) => passThrough(protect, req, res)
  const isRight = tokenVerifier(protect?.initialAccessToken)
  return async (req) => {
    const token = presentedToken(req, ['header']) ?? missingToken()
    if ((await inTime("registerRouter's initialAccessToken", isRight(token, req))) !== true) throw invalidToken()
  }
}

function tokenVerifier(expected: unknown): (token: string, req: Request) => Awaitable<boolean> {
  if (typeof expected === 'function') return expected as (token: string, req: Request) => Awaitable<boolean>
  if (expected === undefined) {
    throw misuse(
      'missing_option',
      "registerRouter needs protect: a guard such as bearerGuard(server, { scope }), { initialAccessToken }, or 'open'",
    )
  }
  // guesses are not counted, so the token must be unguessable
  if (typeof expected !== 'string' || expected.length < MIN_TOKEN_LENGTH) {
    throw misuse(
      'weak_secret',
      `registerRouter's initialAccessToken must be a function, or a random string of at least ${MIN_TOKEN_LENGTH} characters`,
    )
  }
  const digest = sha256(expected)
  return (token) => equalDigests(sha256(token), digest)
}

function passThrough(protect: RequestHandler, req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (error?: unknown) => (error ? reject(error) : resolve())
    // a middleware written for Express 5 may reject instead of calling `next`
    Promise.resolve(protect(req, res, next) as unknown).catch(reject)
  })
}
