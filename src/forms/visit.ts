/**
 * Pages with forms for a signed-in user. They have one path and differ in the query, so that their links work at any
 * mount point. The subject of a form is in storage, not in the form: a POST counts once, and only for the user who saw
 * that form.
 */
import type { Request, Response } from 'express'
import { type OwnFields, ownFields, verifyOwnPage } from '../authorization/own-page'
import { accountName, pageUsers, sendToSignIn } from '../authorization/sign-in'
import { refuseToken } from '../authorization/token-in-front'
import { cameTooSoon, findAnswered, openTransaction, takeTransaction } from '../authorization/transaction'
import type { Awaitable } from '../awaitable'
import { boundOf } from '../credentials/bound'
import { OAuthError } from '../errors'
import type { Handler } from '../http/endpoint'
import { pageContext, setPageHeaders } from '../http/page'
import { publicTarget } from '../http/request-target'
import { type PageContext, type Pages, renderPage } from '../pages/page'
import type { AuthorizationServer } from '../types/authorization-server'
import type { HostPage } from '../types/users'
import { verifyHostPage } from '../users'
import { formPages } from './style'

/** The host's options for pages with forms. */
export interface UserPagesOptions {
  user?: (req: Request) => Awaitable<unknown>
  signIn?: HostPage
  fields?: OwnFields
}

/** One request for a page by a signed-in user. */
export interface Visit<Words = unknown> {
  readonly server: AuthorizationServer
  /** The function that created the router: forms count only at the same router. */
  readonly owner: string
  readonly fields: OwnFields | undefined
  readonly req: Request
  readonly res: Response
  readonly userId: string
  readonly userName: string
  readonly startedAt: number
  readonly context: PageContext
  readonly words: Words
}

/**
 * Handlers for signed-in users. Other visitors are redirected to sign in. Throws a TypeError at start-up for wrong
 * options.
 */
export function userPages<Words>(
  owner: string,
  server: AuthorizationServer,
  words: ReadonlyMap<string, Words>,
  options: UserPagesOptions,
): (handle: (visit: Visit<Words>) => Promise<void>) => Handler {
  const { fields, signIn: ownSignIn, user } = options
  if (ownSignIn !== undefined) verifyHostPage(`${owner}'s signIn`, ownSignIn, '/login')
  verifyOwnPage(owner, { fields })
  const { signedIn, signIn } = pageUsers(owner, { ...(user !== undefined && { user }), signIn: ownSignIn }, server)
  const pages = pagesWith(server.pages, words)
  return (handle) => async (req, res) => {
    const startedAt = server.now()
    // a window that opened this one, or that this one opened, must not control it
    res.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    refuseToken(req)
    const found = await signedIn(req)
    if (found) {
      const context = pageContext({ pages }, req)
      const said = words.get(context.language) as Words
      const userName = accountName(found)
      return handle({ server, owner, fields, req, res, userId: found.id, userName, startedAt, context, words: said })
    }
    if (signIn === undefined) throw new OAuthError('access_denied', 'No user is signed in.', { status: 401 })
    await sendToSignIn(server, signIn, publicTarget(server, req), req, res)
  }
}

/** The pages in the languages that have all texts. */
function pagesWith(pages: Pages, words: ReadonlyMap<string, unknown>): Pages {
  const texts = new Map([...pages.texts].filter(([language]) => words.has(language)))
  return formPages({ ...pages, texts })
}

const TRANSACTION = 'form_transaction'

/** The action of a form and its subject: `['delete', clientId]`. */
export type About = readonly [action: string, ...target: string[]]

/** Rows of forms belong to no client (RFC 6749 Appendix A.1): the client may be gone when the answer comes. */
const NO_CLIENT = '\n'

/** The hidden fields of a new form. `again`: the last answer came too soon. */
export async function openForm(visit: Visit, about: About, again = false): Promise<{ name: string; value: string }[]> {
  const { server, owner, fields, req, userId, startedAt } = visit
  const added = fields ? await ownFields(server, owner, fields, req) : []
  const question = { clientId: NO_CLIENT, userId, scope: [], startedAt }
  const request = JSON.stringify([owner, ...about])
  return [{ name: TRANSACTION, value: await openTransaction(server, 'form', question, { request }, again) }, ...added]
}

/** A submitted form: the id for the next page, its subject, and whether it came too soon. */
export interface SentForm {
  readonly id: string
  readonly about: About
  readonly tooSoon: boolean
}

/** Uses a form up. Undefined if it was used before, is too old, or was shown to another user or by another page. */
export async function takeForm(visit: Visit, sent: ReadonlyMap<string, string>): Promise<SentForm | undefined> {
  const { server, owner, userId } = visit
  const answer = { token: sent.get(TRANSACTION), userId }
  const found = await takeTransaction(server, 'form', answer, (row) => aboutOf(row)[0] === owner)
  if (!found) return undefined
  const [, ...about] = aboutOf(found)
  return { id: found.id, about: about as unknown as About, tooSoon: cameTooSoon(server, found) }
}

/** The subject of this user's used form with this id, for the page that follows. */
export async function doneForm(visit: Visit, id: string | undefined): Promise<About | undefined> {
  const { server, owner, userId } = visit
  const found = id === undefined ? undefined : await findAnswered(server, 'form', id, userId)
  if (!found || aboutOf(found)[0] !== owner) return undefined
  const [, ...about] = aboutOf(found)
  return about as unknown as About
}

function aboutOf(row: Parameters<typeof boundOf>[0]): string[] {
  return JSON.parse(boundOf(row).request as string)
}

/** Redirects to a page that a browser may reload. Relative, because a proxy may show another path. */
export function sendOnward({ res }: Visit, { id }: SentForm, query: Readonly<Record<string, string>>): void {
  const Location = `?${new URLSearchParams({ ...query, done: id })}`
  res.writeHead(303, { Location, 'Cache-Control': 'no-store', 'Content-Length': 0 })
  res.end()
}

/** Sends a page. `body` is HTML. */
export function sendFormPage({ context, res }: Visit, status: number, title: string, body: string): void {
  // a timeout of the host may have responded while storage was slow
  if (res.headersSent) return
  setPageHeaders(context, res)
  res.writeHead(status)
  res.end(renderPage(context, title, body))
}
