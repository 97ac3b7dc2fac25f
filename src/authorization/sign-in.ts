/** The host's sign-in page, seen from ours: who is signed in, and where to send a browser to be. */
import type { Request, Response } from 'express'
import type { Awaitable } from '../awaitable'
import { checkSession } from '../host/requests'
import { withoutOrigin } from '../http/request-target'
import { subjectId } from '../rules/subject'
import type { AuthorizationServer } from '../types/authorization-server'

/** A page of the host: a path, which gets `?return_to=` with the path to come back to, or a function that makes the URL. */
export type HostPage = string | ((returnTo: string, req: Request) => Awaitable<string>)

/** Throws at start-up for what is neither. */
export function verifyHostPage(name: string, page: unknown, example: string): void {
  if (typeof page === 'function' || (typeof page === 'string' && page !== '')) return
  throw new TypeError(`${name}: the path of a page of the host, such as '${example}', or a function that makes its URL`)
}

/** The URL of that page, from which the browser comes back to `returnTo`. */
export async function hostPageUrl(page: HostPage, returnTo: string, req: Request): Promise<string> {
  const path = pathOnThisHost(returnTo)
  if (typeof page === 'function') return await page(path, req)
  return `${page}${page.includes('?') ? '&' : '?'}return_to=${encodeURIComponent(path)}`
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
  const location = await hostPageUrl(signIn, returnTo, req)
  checkSession(server, req, location)
  res.writeHead(303, { Location: location, 'Cache-Control': 'no-store', 'Content-Length': 0 })
  res.end()
}

/** The id of who is signed in, or undefined for nobody. Whose id is an object of a database would sign in for ever. */
export function signedInId(account: unknown): string | undefined {
  const { id } = (account ?? {}) as { id?: unknown }
  if (typeof id !== 'object' || id === null) return subjectId(account)
  throw new TypeError(
    'The id of the signed-in user must be a text or a number: the option user can answer { id: String(…) }',
  )
}

/** What the account is called on a page: the first of the members that hosts and Passport's profiles use, else its id. */
export function accountName(account: unknown, userId: string): string {
  if (typeof account !== 'object' || account === null) return userId
  const { displayName, name, username, email } = account as Record<string, unknown>
  const names = [displayName, name, username, email]
  return names.find((text): text is string => typeof text === 'string' && text !== '') ?? userId
}
