/**
 * Detects a missing session: mounted behind the router, absent, only for https, or for another path. Warns once for
 * each.
 */
import type { Request } from 'express'
import { createLRU } from 'lru.min'
import { sha256 } from '../crypto'
import type { AuthorizationServer } from '../types/authorization-server'

/** The members that session middleware and Passport set on a request. */
interface Session {
  cookie?: { secure?: unknown }
  passport?: { user?: unknown }
}

const sessionOf = (req: Request) => (req as { session?: Session | null }).session

/** A browser that returns from the sign-in page without a user would loop. */
export function checkSession(server: AuthorizationServer, req: Request, returnTo: string, signInUrl?: string): void {
  const session = sessionOf(req)
  if (session?.passport?.user !== undefined && req.user === undefined) {
    warn(server, 'a session with a user of Passport, but no req.user', 'mount passport.session() before the router')
  } else if (session?.cookie?.secure === true && !req.secure) {
    const fix = "set cookie.secure to false, or app.set('trust proxy', 1) behind a proxy with https"
    warn(server, 'a session for https on a request by http', fix)
  } else if ((!session && signInUrl !== undefined && cameFrom(signInUrl, req)) || isBackAgain(server, req, returnTo)) {
    if (session) warn(server, 'a session without a user', 'check the path, domain and sameSite of its cookie')
    else warnOfNone(server)
  }
}

/** A function of the host that fails without a session most likely needs it. */
export function checkFailedSignIn(server: AuthorizationServer, req: Request): void {
  if (!sessionOf(req)) warnOfNone(server)
}

/**
 * Without a session and before any user was seen: only a second request distinguishes this from a signed-out visitor.
 */
export function sessionWatch() {
  let requests = 0
  return (server: AuthorizationServer, req: Request): void => {
    if (!sessionOf(req) && ++requests === 2) warnOfNone(server)
  }
}

function warnOfNone(server: AuthorizationServer): void {
  const fix = 'mount the session middleware before the router, with a cookie for the path /'
  warn(server, 'neither req.session nor a user', fix)
}

function warn(server: AuthorizationServer, found: string, fix: string): void {
  server.warn('session_missing', `a browser returned from the sign-in page with ${found}: ${fix}`)
}

const MOST_SENT = 500
const SECONDS_TO_RETURN = 900

const counters = new WeakMap<AuthorizationServer['warn'], ReturnType<typeof returnCounter>>()

/** Whether this browser has returned a second time with the same authorization request. */
function isBackAgain({ warn, now }: AuthorizationServer, req: Request, returnTo: string): boolean {
  // other pages have one URL for all users
  if (!returnTo.includes('client_id=')) return false
  const count = counters.get(warn) ?? returnCounter()
  counters.set(warn, count)
  return count(req, returnTo, now()) >= 2
}

/** Counts how often a request returned, by a digest of the request and its browser. */
export function returnCounter() {
  const sent = createLRU<string, { returns: number; at: number }>({ max: MOST_SENT })
  return ({ headers, ip }: Request, returnTo: string, at: number): number => {
    // a client that starts again comes from another site
    const { 'sec-fetch-site': site = 'same-origin', 'user-agent': agent } = headers
    const key = sha256(JSON.stringify([returnTo, ip, agent]))
    const before = sent.get(key)
    const isReturn = before !== undefined && site === 'same-origin' && at - before.at <= SECONDS_TO_RETURN
    const returns = isReturn ? before.returns + 1 : 0
    sent.set(key, { returns, at })
    return returns
  }
}

function cameFrom(url: string, { headers }: Request): boolean {
  const { referer, host } = headers
  if (referer === undefined || !URL.canParse(referer) || !URL.canParse(url, `http://${host}`)) return false
  const page = new URL(url, `http://${host}`)
  const from = new URL(referer)
  return from.host === page.host && from.pathname === page.pathname
}
