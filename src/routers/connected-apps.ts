/** The page where users see which apps have access to their account, and remove them. */
import type { Request, Response, Router } from 'express'
import { type OwnFields, ownFields, verifyOwnPage } from '../authorization/own-page'
import { accountName, pageUsers, sendToSignIn } from '../authorization/sign-in'
import { refuseToken } from '../authorization/token-in-front'
import { findAnswered, openTransaction, takeTransaction } from '../authorization/transaction'
import type { Awaitable } from '../awaitable'
import { findClient } from '../clients/client'
import { OAuthError } from '../errors'
import { type Handler, requireServer } from '../http/endpoint'
import { errorPage, pageContext, setPageHeaders } from '../http/page'
import { queryParameters, requestParameters } from '../http/request'
import { publicTarget } from '../http/request-target'
import { endpointRouter } from '../http/router'
import { listGrants, revokeGrants } from '../operations/grants'
import { requireKnown, requireNoMore } from '../options/known'
import { type ConnectedApp, type ConnectedAppsView, renderConnectedApps, renderRemoval } from '../pages/connected-apps'
import { type PageContext, scopeInWords } from '../pages/page'
import type { AuthorizationDetail, AuthorizationDetails } from '../rules/authorization-details'
import { redirectHost } from '../rules/redirect-uri'
import type { Client, Grant } from '../storage'
import { oneByOne } from '../storage/paging'
import { detailInWords } from '../tokens/authorization-details'
import type { AuthorizationServer } from '../types/authorization-server'
import type { HostPage } from '../types/users'
import { verifyHostPage } from '../users'

/** Options of `connectedAppsRouter`. */
export interface ConnectedAppsRouterOptions {
  /**
   * Returns the signed-in account: an id, or an object with an `id` and a display name.
   * @default `users.current` of the server
   */
  user?: (req: Request) => Awaitable<unknown>
  /**
   * The sign-in page, as in `consentPage`: a path, or a function that returns the URL. A path receives `?return_to=`.
   * @default `users.signIn` of the server, or a page that says so, with status 401
   */
  signIn?: HostPage
  /**
   * Returns hidden fields for the form that removes an app, for a CSRF middleware: `(req) => ({ _csrf: req.csrfToken()
   * })`.
   * @default none
   */
  fields?: OwnFields
}

const TRANSACTION = 'removal_transaction'
const APPS_ON_A_PAGE = 20

/**
 * The connected apps of the signed-in user. Mount it behind your session middleware: `app.use('/account/apps', …)`. One
 * entry stands for all authorizations of one client, which are removed together. Removal needs a confirmation: a POST
 * that counts once and only for the same user. An authorization code that is not exchanged yet is not removed.
 */
export function connectedAppsRouter(server: AuthorizationServer, options: ConnectedAppsRouterOptions = {}): Router {
  requireNoMore('connectedAppsRouter', arguments, 2)
  requireServer(server)
  requireKnown('connectedAppsRouter option', options, ['user', 'signIn', 'fields'])
  if (options.signIn !== undefined) verifyHostPage("connectedAppsRouter's signIn", options.signIn, '/login')
  const { fields, ...own } = options
  verifyOwnPage('connectedAppsRouter', { fields })
  const { signedIn, signIn } = pageUsers('connectedAppsRouter', own, server)
  const forUser = (handle: (visit: Visit) => Promise<void>): Handler => {
    return async (req, res) => {
      // a window that opened this one, or that this one opened, must not control it. The authorization endpoint does not
      // set this: a client that opened a sign-in window would lose it before the response
      res.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
      refuseToken(req)
      const found = await signedIn(req)
      if (found) return handle({ server, req, res, userId: found.id, userName: accountName(found), fields })
      if (signIn === undefined) throw new OAuthError('access_denied', 'No user is signed in.', { status: 401 })
      await sendToSignIn(server, signIn, publicTarget(server, req), req, res)
    }
  }
  const methods = { GET: forUser(show), POST: forUser(remove) }
  return endpointRouter(server, { methods, onError: errorPage(server) })
}

interface Visit {
  server: AuthorizationServer
  req: Request
  res: Response
  userId: string
  userName: string
  fields: OwnFields | undefined
}

/** Shows the list; with `?app=`, the question whether to remove that app. */
async function show(visit: Visit): Promise<void> {
  const { server, req, res, userId, fields } = visit
  const { parameters } = queryParameters(req)
  const clientId = parameters.get('app')
  const grants = clientId === undefined ? [] : await listGrants(server, { userId, clientId })
  if (clientId === undefined || grants.length === 0) return showList(visit, parameters)
  const added = fields ? await ownFields(server, 'connectedAppsRouter', fields, req) : []
  const startedAt = server.now()
  const value = await openTransaction(server, 'removal', { clientId, userId, scope: [], startedAt })
  const question = { clientName: await clientName(visit, clientId), fields: [{ name: TRANSACTION, value }, ...added] }
  sendPage(server, res, 200, renderRemoval(question, pageContext(server, req)))
}

/** Removes the app of the question, with access that it got since. The URL does not matter. */
async function remove(visit: Visit): Promise<void> {
  const { server, req, res, userId } = visit
  const token = (await requestParameters(req)).get(TRANSACTION)
  const question = await takeTransaction(server, 'removal', { token, userId })
  if (!question) return showList(visit, new Map(), true)
  const { id, clientId } = question
  await oneByOne(await listGrants(server, { userId, clientId }), ({ id: grantId }) => revokeGrants(server, { grantId }))
  // relative, because a proxy may show another path
  res.writeHead(303, {
    Location: `?removed=${encodeURIComponent(id)}`,
    'Cache-Control': 'no-store',
    'Content-Length': 0,
  })
  res.end()
}

async function showList(visit: Visit, parameters: ReadonlyMap<string, string>, unused = false): Promise<void> {
  const { server, req, res, userId, userName } = visit
  const context = pageContext(server, req)
  const clients = byClient(await listGrants(server, { userId }))
  const pages = Math.max(1, Math.ceil(clients.length / APPS_ON_A_PAGE))
  const page = Math.min(Math.max(1, Number.parseInt(parameters.get('page') ?? '1', 10) || 1), pages)
  const shown = clients.slice((page - 1) * APPS_ON_A_PAGE, page * APPS_ON_A_PAGE)
  const removed = await findAnswered(server, 'removal', parameters.get('removed') ?? '', userId)
  const view: ConnectedAppsView = {
    userName,
    apps: await Promise.all(shown.map((authorized) => connectedApp(visit, context, authorized))),
    ...(removed && { removed: await clientName(visit, removed.clientId) }),
    ...(unused && { notice: context.texts.answerUnused }),
    ...(page > 1 && { previous: page - 1 }),
    ...(page < pages && { next: page + 1 }),
  }
  sendPage(server, res, unused ? 400 : 200, renderConnectedApps(view, context))
}

interface AuthorizedClient {
  clientId: string
  since: number
  scope: string[]
  details: AuthorizationDetail[]
}

/** One entry for each client with any number of installations, latest first. */
function byClient(grants: readonly Grant[]): AuthorizedClient[] {
  const clients = new Map<string, AuthorizedClient>()
  for (const { clientId, startedAt, scope, data } of grants) {
    const known = clients.get(clientId) ?? { clientId, since: startedAt, scope: [], details: [] }
    const since = Math.min(known.since, startedAt)
    known.details.push(...((data.authorizationDetails ?? []) as AuthorizationDetails))
    clients.set(clientId, { ...known, since, scope: [...new Set([...known.scope, ...scope])] })
  }
  return [...clients.values()].sort((a, b) => b.since - a.since || (a.clientId < b.clientId ? -1 : 1))
}

async function connectedApp(
  visit: Visit,
  context: PageContext,
  { clientId, since, scope, details }: AuthorizedClient,
): Promise<ConnectedApp> {
  const { server } = visit
  const scopes = scope.map((token) => scopeInWords(context, server.scopes, token))
  scopes.push(...new Set(details.map((detail) => detailInWords(server, detail, context.language))))
  return { clientId, name: await clientName(visit, clientId), since, scopes }
}

/** The name of the client, or its id if its record or document is gone: its access must stay visible. */
async function clientName(visit: Visit, clientId: string): Promise<string> {
  const { server } = visit
  const isDocument = server.clientDocuments?.isDocumentUrl(clientId)
  const client = await (isDocument ? described(visit, clientId) : findClient(server, clientId))
  if (client?.name === undefined) return clientId
  // an unverified name is shown with the host, which the client cannot choose
  return isDocument && client.name !== redirectHost(clientId)
    ? `${client.name} (${redirectHost(clientId)})`
    : client.name
}

async function described({ server, req }: Visit, clientId: string): Promise<Client | undefined> {
  try {
    return await findClient(server, clientId, req)
  } catch (error) {
    if (error instanceof OAuthError) return undefined
    throw error
  }
}

function sendPage(server: AuthorizationServer, res: Response, status: number, html: string): void {
  setPageHeaders(server, res)
  res.writeHead(status)
  res.end(html)
}
