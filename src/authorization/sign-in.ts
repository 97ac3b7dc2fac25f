/** The host's users and its sign-in page, seen from ours: who is signed in, and where to send a browser to be. */
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

/** The options of a page about users. Each comes before the member of `users` that it is about. */
interface OwnUsers {
  user?: Users['current']
  signIn?: HostPage | undefined
  switchUser?: HostPage | undefined
}

/** The users of a page: as its own options say, else as the server's `users` do. */
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
 * Tells whether somebody is signed in, for an error that a decider had no part in. A decider of the host's own is the only
 * one who knows where `users.current` is left out: to its users every error goes.
 */
export function signInCheck(server: AuthorizationServer, decide: Decide): (req: Request) => Promise<boolean> {
  const { usersAt = server.users?.current && ((at) => pageUsers('', {}, at)) } = decide
  if (!usersAt) return async () => true
  const { signedIn } = usersAt(server)
  return async (req) => (await signedIn(req)) !== undefined
}

/** The URL of that page, from which the browser comes back to `returnTo`. */
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

/** What a page of the host that is a function returns. One written as a handler, `(req, res)`, fails when it is called. */
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

/** The request target of a request can be a whole URL, `//evil.example` or `/\evil.example`: to a browser, other hosts. */
function pathOnThisHost(target: string): string {
  return withoutOrigin(target).replace(/^[/\\]*/, '/')
}

/** Sends a browser to the sign-in page, to come back by GET. */
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

/** What the account is called on a page: the first of the members that hosts and Passport's profiles use, else its id. */
export function accountName({ id, account }: SignedIn): string {
  if (typeof account !== 'object' || account === null) return id
  const { displayName, name, username, email } = account as Record<string, unknown>
  const names = [displayName, name, username, email]
  return names.find((text): text is string => typeof text === 'string' && text !== '') ?? id
}
