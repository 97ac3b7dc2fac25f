/**
 * The administrator pages: all clients of a server, their authorizations, and how to end these. They need no script.
 */
import type { Request, RequestHandler, Router } from 'express'
import type { OwnFields } from '../authorization/own-page'
import type { Awaitable } from '../awaitable'
import type { Logo } from '../forms/logo'
import { takeForm, userPages } from '../forms/visit'
import { wordsOf } from '../forms/words'
import { bearerGuard, requireScope } from '../guard/guard'
import { requireServer } from '../http/endpoint'
import { errorPage } from '../http/page'
import { queryParameters, requestParameters } from '../http/request'
import { endpointRouter } from '../http/router'
import { requireCalled, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import type { AuthorizationServer } from '../types/authorization-server'
import type { HostPage } from '../types/users'
import { showClient, showClients } from './clients'
import { english } from './english'
import { german } from './german'
import { endAll, endOne, showEnd, showEndAll, showGrants } from './grants'
import type { Call } from './pages'
import { deleteClient, makeSecret, showQuestion, switchClient } from './questions'
import { spanish } from './spanish'
import type { AdminTexts } from './texts'

/** Options of `adminRouter`. */
export interface AdminRouterOptions {
  /**
   * The middleware that admits administrators and refuses everyone else: `(req, res, next) => …`. It runs before each
   * page and each change. It must identify the user of the browser, so a guard for access tokens does not suffice.
   */
  protect: RequestHandler
  /**
   * Returns the signed-in administrator: an id, or an object with an `id` and a display name. A form counts only for
   * this account.
   * @default `users.current` of the server
   */
  user?: (req: Request) => Awaitable<unknown>
  /**
   * The sign-in page, as in `consentPage`: a path, or a function that returns the URL. A path receives `?return_to=`.
   * @default `users.signIn` of the server, or a page that says so, with status 401
   */
  signIn?: HostPage
  /**
   * Returns the path of a client's logo, which your app serves: `/logos/1.png`. Browsers fetch no image from another
   * host.
   * @default the initial of the name is drawn
   */
  logo?: Logo
  /**
   * Returns hidden fields for each form, for a CSRF middleware in front: `(req) => ({ _csrf: req.csrfToken() })`.
   * @default none
   */
  fields?: OwnFields
  /** Your own texts by language: some texts for `en`, `de` and `es`, all texts for another language. @default none */
  texts?: Readonly<Record<string, Partial<AdminTexts>>>
}

const OWNER = 'adminRouter'

const optionNames: readonly string[] = [
  'protect',
  'user',
  'signIn',
  'logo',
  'fields',
  'texts',
] satisfies (keyof AdminRouterOptions)[]

/**
 * The administrator pages. Mount them behind your session middleware: `app.use('/admin/oauth', …)`. Users whom
 * `protect` admits see all clients and authorizations. They may disable and delete clients, give them new secrets, and
 * end access.
 *
 * @throws TypeError at start-up without `protect`, and for a wrong option.
 */
export function adminRouter(server: AuthorizationServer, options: AdminRouterOptions): Router {
  requireNoMore(OWNER, arguments, 2)
  requireServer(server)
  requireKnown(`${OWNER} option`, options ?? null, optionNames, ['protect'])
  const { protect, user, signIn, fields, texts, logo } = options
  requireCalled(`${OWNER}'s protect`, protect, { bearerGuard, requireScope })
  if (typeof protect !== 'function') {
    throw misuse(
      'missing_option',
      `${OWNER} needs protect: a middleware that admits administrators and answers everybody else`,
    )
  }
  if (logo !== undefined && typeof logo !== 'function') {
    throw misuse('not_a_function', `${OWNER}'s logo must be a function: (client, req) => '/logos/1.png', or undefined`)
  }
  const words = wordsOf<AdminTexts>(OWNER, server.pages, { en: english, de: german, es: spanish }, texts)
  const pages = { ...(user && { user }), ...(signIn !== undefined && { signIn }), ...(fields && { fields }) }
  const forUser = userPages<AdminTexts>(OWNER, server, words, pages)
  const by = (handle: (call: Call) => Promise<void>) =>
    forUser((visit) => handle({ visit, logo, query: queryParameters(visit.req).parameters }))
  return endpointRouter(server, { methods: { GET: by(show), POST: by(act) }, onError: errorPage(server) }, protect)
}

/** Shows a page, selected by `?client=`, `?user=` and `?page=`. */
async function show(call: Call): Promise<void> {
  const { query } = call
  const page = query.get('page') ?? ''
  if (query.has('client') || query.has('user')) {
    if (page === 'end') return showEnd(call)
    if (page === 'end-all') return showEndAll(call)
    if (page === 'grants' || !query.has('client')) return showGrants(call)
    return (await showQuestion(call, page)) ?? showClient(call)
  }
  return query.get('by') === 'user' && query.get('find') ? showGrants(call) : showClients(call)
}

/** Handles a form. Its stored subject decides, not the URL. */
async function act(call: Call): Promise<void> {
  const sent = await requestParameters(call.visit.req)
  const form = await takeForm(call.visit, sent)
  if (!form) return showClients(call, true)
  const actions: Readonly<Record<string, typeof makeSecret>> = {
    disable: switchClient,
    enable: switchClient,
    secret: makeSecret,
    delete: deleteClient,
    end: endOne,
    'end-all': endAll,
  }
  const action = actions[form.about[0]]
  return action ? action(call, form, sent) : showClients(call, true)
}
