/** Shared by all developer pages: the checked options, the layout with navigation, and errors in forms. */
import type { Request } from 'express'
import type { Awaitable } from '../awaitable'
import { OAuthError } from '../errors'
import { type FieldError, linkTo, queryOf } from '../forms/html'
import type { Logo } from '../forms/logo'
import { sendFormPage, type Visit } from '../forms/visit'
import { misuse } from '../options/misuse'
import { escapeHtml, fillHtml } from '../pages/html'
import type { ClientsCaller } from '../routers/clients-access'
import type { ClientsPolicy } from '../routers/clients-writes'
import { findResource } from '../rules/resource'
import type { Scope } from '../rules/scope'
import type { AuthorizationServer } from '../types/authorization-server'
import type { AppKind } from './kinds'
import type { DeveloperTexts } from './texts'

/** The checked options. */
export interface Settings extends ClientsPolicy {
  readonly scopes: Scope | ((req: Request) => Awaitable<Scope>)
  readonly resources: readonly string[] | undefined
  readonly logo: Logo | undefined
  readonly kinds: readonly AppKind[]
  readonly tokens: TokenSettings | undefined
}

interface TokenSettings {
  readonly clientId: string
  readonly days: readonly number[]
  readonly quota: ClientsPolicy['quota']
}

export const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')

export function verifyScopes({ scopes: all }: AuthorizationServer, scopes: unknown): void {
  if (!isTexts(scopes)) {
    throw misuse(
      'missing_option',
      "developerRouter needs scopes: the list that a user may give to an app, such as ['read']",
    )
  }
  const unknown = scopes.find((scope) => !all.has(scope))
  if (unknown !== undefined)
    throw misuse('unknown_to_server', `developerRouter's scopes must be scopes of the server; ${unknown} is not`)
}

/**
 * Checks resources in any spelling of the server's. An unknown one would make each new app fail, and users would see
 * the error.
 */
export function verifyResources({ resources: all }: AuthorizationServer, resources: unknown): void {
  if (!isTexts(resources)) throw misuse('wrong_list', "developerRouter's resources must be a list of URIs")
  const unknown = resources.find((uri) => findResource(all, uri) === undefined)
  if (unknown === undefined) return
  throw misuse('unknown_to_server', `developerRouter's resources must be resources of the server; ${unknown} is not`)
}

/** One request for a developer page. `who` has the rights of the same caller in the clients API. */
export interface Call {
  readonly visit: Visit<DeveloperTexts>
  readonly settings: Settings
  readonly who: ClientsCaller
  /** The parameters of the URL. They only select what is shown. */
  readonly query: ReadonlyMap<string, string>
}

export const ITEMS_ON_A_PAGE = 20

type Section = 'apps' | 'tokens'

interface Page {
  readonly title: string
  /** HTML with the heading of the page. @default only the title */
  readonly heading?: string
  /** HTML. */
  readonly body: readonly (string | undefined)[]
  readonly section?: Section
  readonly status?: number
}

/** Sends a page with the navigation and the account. */
export function send({ visit, settings }: Call, { title, heading, body, section = 'apps', status = 200 }: Page): void {
  const { words, context, userName } = visit
  const parts = [
    settings.tokens && navigation(words, section),
    heading ?? `<h1>${escapeHtml(title)}</h1>`,
    ...body,
    `<p class="soft">${fillHtml(context.texts.signedInAs, { user: userName })}</p>`,
  ]
  sendFormPage(visit, status, title, parts.filter(Boolean).join('\n'))
}

function navigation({ appsTitle, tokensTitle }: DeveloperTexts, section: Section): string {
  const current = (one: Section) => (one === section ? ' aria-current="page"' : '')
  const links = [linkTo('?', appsTitle, current('apps')), linkTo(TOKENS, tokensTitle, current('tokens'))]
  return `<nav>${links.join('\n')}</nav>`
}

export const TOKENS = queryOf({ page: 'tokens' })

export function appQuery(clientId: string, page?: string): string {
  return queryOf({ app: clientId, ...(page !== undefined && { page }) })
}

/** Formats a date in the language of the page. `seconds` since the epoch. */
export function dayOf({ visit }: Call, seconds: number): string {
  const format = new Intl.DateTimeFormat(visit.context.language, { dateStyle: 'long', timeZone: 'UTC' })
  return format.format(new Date(seconds * 1000))
}

/** The same with the time of day, for an end that is near. */
export function timeOf({ visit }: Call, seconds: number): string {
  const format = new Intl.DateTimeFormat(visit.context.language, {
    dateStyle: 'long',
    timeStyle: 'long',
    timeZone: 'UTC',
  })
  return format.format(new Date(seconds * 1000))
}

/** Errors by field; `''` is for the whole form. */
export type Errors = Readonly<Record<string, FieldError>>

/**
 * The error of a rule by its field: the message begins with a member, and `fields` has the field. Rethrows an error
 * that is not the user's fault, or that names no member.
 */
export function refusal(
  error: unknown,
  words: DeveloperTexts,
  fields: Readonly<Record<string, readonly [name: string, text: string]>>,
): Errors {
  if (!(error instanceof OAuthError) || error.status >= 500 || error.status === 404) throw error
  const details = error.message
  const member = /^[a-z_]+/.exec(details)?.[0] ?? ''
  const [name, text] = (Object.hasOwn(fields, member) ? fields[member] : fields[error.code]) ?? ['', words.refused]
  return { [name]: { text, details } }
}

/** The notice above a form with errors. */
export function errorNotice({ visit: { words } }: Call, errors: Errors): string {
  const whole = errors['']
  if (Object.keys(errors).length === 0) return ''
  const { text, details } = whole ?? { text: words.formErrors, details: undefined }
  const said = details === undefined ? '' : ` <code lang="en" dir="ltr">${escapeHtml(details)}</code>`
  return `<p class="notice" role="alert">${escapeHtml(text)}${said}</p>`
}
