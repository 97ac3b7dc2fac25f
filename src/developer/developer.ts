/** The developer pages: users create, change and delete their apps and personal access tokens. They need no script. */
import type { Request, Router } from 'express'
import type { OwnFields } from '../authorization/own-page'
import type { Awaitable } from '../awaitable'
import type { Logo } from '../forms/logo'
import { takeForm, userPages, type Visit } from '../forms/visit'
import { wordsOf } from '../forms/words'
import { requireServer } from '../http/endpoint'
import { errorPage } from '../http/page'
import { queryParameters, requestParameters } from '../http/request'
import { endpointRouter } from '../http/router'
import { kindOf, requireKnown, requireNoMore } from '../options/known'
import { misuse } from '../options/misuse'
import { listPersonalTokens } from '../personal-tokens/operations'
import { clientQuota, ownGrantTypes, requireCaller, userQuota } from '../routers/clients-access'
import type { Scope } from '../rules/scope'
import type { AuthorizationServer } from '../types/authorization-server'
import type { HostPage } from '../types/users'
import { createApp, saveApp, showAppForm, showKinds } from './app-form'
import { deleteApp, makeSecret, showDeletion, showSecretForm } from './app-questions'
import { showApp, showApps } from './apps'
import { english } from './english'
import { german } from './german'
import { kindsFor } from './kinds'
import { type Call, isTexts, type Settings, verifyResources, verifyScopes } from './pages'
import { spanish } from './spanish'
import type { DeveloperTexts } from './texts'
import { makeToken, revokeToken, showRevocation, showTokenForm, showTokens } from './tokens'

/** Options for the pages of personal access tokens. */
export interface DeveloperPersonalTokensOptions {
  /** The client for personal access tokens, as in `issuePersonalToken`. */
  clientId: string
  /** The lifetimes in days that a user can choose from. @default [7, 30, 90] */
  days?: readonly number[]
  /** The maximum number of live tokens of a user. @default 100 */
  tokensPerUser?: number
}

/** Options of `developerRouter`. */
export interface DeveloperRouterOptions {
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
   * The scopes that a user may give to an app: a list, or a function of the request that returns the list of its user.
   * Personal access tokens have the same limit.
   */
  scopes: Scope | ((req: Request) => Awaitable<Scope>)
  /** The resources that a user may give to an app (RFC 8707). @default all resources of the server */
  resources?: readonly string[]
  /**
   * The grants that users' apps may have. With `client_credentials` users can create services.
   * @default authorization_code and refresh_token, where the server has them
   */
  grantTypes?: readonly string[]
  /** The maximum number of apps that a user may own. @default 100 */
  clientsPerUser?: number
  /** Adds the pages for personal access tokens. @default no such pages */
  personalTokens?: DeveloperPersonalTokensOptions
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
  texts?: Readonly<Record<string, Partial<DeveloperTexts>>>
}

const OWNER = 'developerRouter'

const optionNames: readonly string[] = [
  'user',
  'signIn',
  'scopes',
  'resources',
  'grantTypes',
  'clientsPerUser',
  'personalTokens',
  'logo',
  'fields',
  'texts',
] satisfies (keyof DeveloperRouterOptions)[]

/**
 * The developer pages. Mount them behind your session middleware: `app.use('/developer', …)`. A user has the apps whose
 * `username` is the user's id, with the same limits as in the clients API.
 *
 * @throws TypeError at start-up for a wrong option. The message names the option and the fix.
 */
export function developerRouter(server: AuthorizationServer, options: DeveloperRouterOptions): Router {
  requireNoMore(OWNER, arguments, 2)
  requireServer(server)
  requireKnown(`${OWNER} option`, options ?? null, optionNames, ['scopes'])
  const { user, signIn, fields, texts } = options
  const settings = settingsOf(server, options)
  const words = wordsOf<DeveloperTexts>(OWNER, server.pages, { en: english, de: german, es: spanish }, texts)
  const pages = { ...(user && { user }), ...(signIn !== undefined && { signIn }), ...(fields && { fields }) }
  const forUser = userPages<DeveloperTexts>(OWNER, server, words, pages)
  const by = (handle: (call: Call) => Promise<void>) => forUser(async (visit) => handle(await callOf(visit, settings)))
  return endpointRouter(server, { methods: { GET: by(show), POST: by(act) }, onError: errorPage(server) })
}

function settingsOf(server: AuthorizationServer, options: DeveloperRouterOptions): Settings {
  const { scopes, resources, clientsPerUser = 100, logo, personalTokens } = options
  if (typeof scopes !== 'function') verifyScopes(server, scopes)
  if (resources !== undefined) verifyResources(server, resources)
  if (logo !== undefined && typeof logo !== 'function') {
    throw misuse('not_a_function', `${OWNER}'s logo must be a function: (client, req) => '/logos/1.png', or undefined`)
  }
  const grantTypes = ownGrantTypes(server, options.grantTypes, undefined, OWNER)
  const kinds = kindsFor(server, grantTypes)
  if (kinds.length === 0) {
    throw misuse(
      'wrong_list',
      `${OWNER} needs authorization_code or client_credentials among its grantTypes, or no app can exist`,
    )
  }
  const quota = clientQuota(server, clientsPerUser, OWNER)
  const tokens = personalTokens && tokenSettings(server, personalTokens)
  return { server, defaults: {}, grantTypes, quota, scopes, resources, logo, kinds, tokens }
}

function tokenSettings(server: AuthorizationServer, options: DeveloperPersonalTokensOptions): Settings['tokens'] {
  const place = `${OWNER}'s personalTokens`
  requireKnown(`${place} member`, options, ['clientId', 'days', 'tokensPerUser'], ['clientId'])
  const { clientId, days = [7, 30, 90], tokensPerUser: most = 100 } = options
  if (server.accessTokens.personalTokenPrefix === undefined) {
    throw misuse(
      'missing_capability',
      `${place} needs accessTokens: personalTokens({ prefix }) in the options of the server`,
    )
  }
  if (typeof clientId !== 'string' || clientId === '') {
    throw misuse('missing_option', `${place} needs clientId: the id of the client that stands for personal tokens`)
  }
  const isDays = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= 36_500
  if (!Array.isArray(days) || days.length === 0 || !days.every(isDays)) {
    throw misuse('wrong_list', `${place}.days must be a list of whole numbers of days, such as [7, 30, 90]`)
  }
  if (!Number.isSafeInteger(most) || most < 1) {
    throw misuse('wrong_number', `${place}.tokensPerUser must be a whole number such as 100`)
  }
  const live = {
    list: ({ username: userId }: { username: string }) => listPersonalTokens(server, { userId, clientId }),
  }
  const quota = userQuota(most, live, `A user may have at most ${most} personal tokens: revoke one first.`)
  return { clientId, days, quota }
}

/** The caller, as in the clients API. */
async function callOf(visit: Visit<DeveloperTexts>, settings: Settings): Promise<Call> {
  const { server, req, userId } = visit
  const { scopes, resources } = settings
  const given: unknown = typeof scopes === 'function' ? await server.inTime(`${OWNER}'s scopes`, scopes(req)) : scopes
  if (!isTexts(given))
    throw misuse('wrong_answer', `${OWNER}'s scopes must return a list of scopes, not ${kindOf(given)}`)
  const who = requireCaller(server, { userId, scopes: given, ...(resources && { audience: resources }) })
  return { visit, settings, who, query: queryParameters(req).parameters }
}

/** Shows a page, selected by `?page=` and `?app=`. */
async function show(call: Call): Promise<void> {
  const { query, settings } = call
  const page = query.get('page')
  if (query.has('app')) {
    if (page === 'edit') return showAppForm(call)
    if (page === 'secret') return showSecretForm(call)
    if (page === 'delete') return showDeletion(call)
    return showApp(call)
  }
  if (page === 'new') return query.has('kind') ? showAppForm(call) : showKinds(call)
  if (settings.tokens === undefined) return showApps(call)
  if (page === 'tokens') return showTokens(call)
  if (page === 'new-token') return showTokenForm(call)
  return page === 'revoke' ? showRevocation(call) : showApps(call)
}

/** Handles a form. Its stored subject decides, not the URL. */
async function act(call: Call): Promise<void> {
  const { visit, query, settings } = call
  const sent = await requestParameters(visit.req)
  const form = await takeForm(visit, sent)
  const page = query.get('page') ?? ''
  if (!form) {
    const isOfTokens = settings.tokens !== undefined && ['tokens', 'new-token', 'revoke'].includes(page)
    return isOfTokens ? showTokens(call, true) : showApps(call, true)
  }
  const actions: Readonly<Record<string, typeof createApp>> = {
    create: createApp,
    save: saveApp,
    secret: makeSecret,
    delete: deleteApp,
    ...(settings.tokens && { token: makeToken, revoke: revokeToken }),
  }
  const action = actions[form.about[0]]
  return action ? action(call, form, sent) : showApps(call, true)
}
