/** The host's users and sign-in page, as the built-in pages use them. */
import type { Request, Response } from 'express'
import { orElse } from '../awaitable'
import { messageOf } from '../errors'
import { checkFailedSignIn, checkSession } from '../host/session'
import { withoutOrigin } from '../http/request-target'
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import { userIdFrom } from '../rules/subject'
import type { AuthorizationServer, Decide } from '../types/authorization-server'
import type { HostPage, PageUsers, SignedIn, Users } from '../types/users'

/** The user options of a page. Each overrides the same member of `users`. */
interface OwnUsers {
  user?: Users['current']
  signIn?: HostPage | undefined
  switchUser?: HostPage | undefined
}

/** The users of a page: its own options first, then `users` of the server. */
export function pageUsers(owner: string, own: OwnUsers, { users, inTime }: AuthorizationServer): PageUsers {
  const { user, signIn = users?.signIn, switchUser = users?.switchUser } = own
  if (user !== undefined && typeof user !== 'function') {
    throw misuse('not_a_function', `${owner}'s user must be a function: (req) => user or undefined`)
  }
  const option = user ? `${owner}'s user` : `users.current${users?.current ? '' : ' (by default req.user)'}`
  const signedIn = async (req: Request) => {
    const current = () => (user ? user(req) : users?.current?.(req))
    const account = await (user || users?.current ? inTime(option, current()) : req.user)
    const id = userIdFrom(option, account)
    return id === undefined ? undefined : { id, account }
  }
  return { signedIn, signIn, switchUser }
}

/**
 * Returns a function that tells whether a user is signed in, for an error before the decider runs. Without
 * `users.current` only the host's own decider would know, so that every error is sent to the client.
 */
export function signInCheck(server: AuthorizationServer, decide: Decide): (req: Request) => Promise<boolean> {
  const { usersAt = server.users?.current && ((at) => pageUsers('', {}, at)) } = decide
  if (!usersAt) return async () => true
  const { signedIn } = usersAt(server)
  return async (req) => (await signedIn(req)) !== undefined
}

/** Returns the URL of a page of the host, from which the browser comes back to `returnTo`. */
export async function hostPageUrl(
  server: AuthorizationServer,
  page: HostPage,
  returnTo: string,
  req: Request,
): Promise<string> {
  const path = pathOnThisHost(returnTo)
  if (typeof page === 'function') return urlFrom(server, page, path, req)
  return `${page}${page.includes('?') ? '&' : '?'}return_to=${encodeURIComponent(path)}`
}

/** Calls a function of the host that returns a URL. A function written as a handler, `(req, res)`, fails. */
async function urlFrom(
  { inTime }: AuthorizationServer,
  page: Extract<HostPage, (...args: never[]) => unknown>,
  path: string,
  req: Request,
) {
  const fix = 'signIn and switchUser are called with (returnTo, req) and must return a URL'
  const answer = orElse<unknown>(
    () => page(path, req),
    (cause) => {
      throw misuse('wrong_answer', `${fix}: the function threw an error (${messageOf(cause)})`, { cause })
    },
  )
  const url = await inTime('signIn or switchUser', answer)
  if (typeof url === 'string' && url !== '') return url
  throw misuse('wrong_answer', `${fix}, not ${url === '' ? 'an empty string' : kindOf(url)}`)
}

/** A request target may be a whole URL, `//evil.example` or `/\evil.example`: a browser would go to another host. */
function pathOnThisHost(target: string): string {
  return withoutOrigin(target).replace(/^[/\\]*/, '/')
}

/** Redirects a browser to the sign-in page. It comes back by GET. */
export async function sendToSignIn(
  server: AuthorizationServer,
  signIn: HostPage,
  returnTo: string,
  req: Request,
  res: Response,
): Promise<void> {
  let location: string
  try {
    location = await hostPageUrl(server, signIn, returnTo, req)
  } catch (error) {
    checkFailedSignIn(server, req)
    throw error
  }
  checkSession(server, req, returnTo, location)
  res.writeHead(303, { Location: location, 'Cache-Control': 'no-store', 'Content-Length': 0 })
  res.end()
}

/** The name of an account on a page: the first usual name member of hosts and Passport profiles, or the id. */
export function accountName({ id, account }: SignedIn): string {
  if (typeof account !== 'object' || account === null) return id
  const { displayName, name, username, email } = account as Record<string, unknown>
  const names = [displayName, name, username, email]
  return names.find((text): text is string => typeof text === 'string' && text !== '') ?? id
}
