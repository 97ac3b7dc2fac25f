/** Shared by all administrator pages: the layout with the account, dates, and the parsing of ids in URLs. */
import { OAuthError } from '../errors'
import { linkTo, queryOf } from '../forms/html'
import type { Logo } from '../forms/logo'
import { sendFormPage, type Visit } from '../forms/visit'
import { escapeHtml, fillHtml } from '../pages/html'
import { isKeepable } from '../rules/keepable'
import type { Client } from '../storage'
import type { AdminTexts } from './texts'

/** One request for an administrator page. */
export interface Call {
  readonly visit: Visit<AdminTexts>
  readonly logo: Logo | undefined
  /** The parameters of the URL. They only select what is shown. */
  readonly query: ReadonlyMap<string, string>
}

export const ITEMS_ON_A_PAGE = 20

interface Page {
  readonly title: string
  /** HTML with the heading of the page. @default only the title */
  readonly heading?: string
  /** HTML. */
  readonly body: readonly (string | undefined)[]
  readonly status?: number
  /** The target of the link below. @default the list of clients; none on that list */
  readonly back?: string | false
}

/** Sends a page with the link back and the account. */
export function send({ visit }: Call, { title, heading, body, status = 200, back = '?' }: Page): void {
  const { words, context, userName } = visit
  const parts = [
    heading ?? `<h1>${escapeHtml(title)}</h1>`,
    ...body,
    back !== false && `<p>${linkTo(back, back === '?' ? words.clientsTitle : words.back)}</p>`,
    `<p class="soft">${fillHtml(context.texts.signedInAs, { user: userName })}</p>`,
  ]
  sendFormPage(visit, status, title, parts.filter(Boolean).join('\n'))
}

/** The display name of a client. */
export const nameOf = ({ name, clientId }: Client) => name ?? clientId

export function clientQuery(clientId: string, more: Readonly<Record<string, string>> = {}): string {
  return queryOf({ client: clientId, ...more })
}

/** Formats a date in the language of the page. `seconds` since the epoch. */
export function dayOf({ visit }: Call, seconds: number): string {
  const format = new Intl.DateTimeFormat(visit.context.language, { dateStyle: 'long', timeZone: 'UTC' })
  return format.format(new Date(seconds * 1000))
}

/** The longest text that every adapter can search for. Bytes. */
const LONGEST = 765

/** A parameter of the URL that can be an id or a name. Undefined for a text that no store can contain. */
export function textOf({ query }: Call, name: string, longest = LONGEST): string | undefined {
  const text = query.get(name) ?? ''
  return text !== '' && isKeepable(text) && Buffer.byteLength(text) <= longest ? text : undefined
}

export function notThere(): OAuthError {
  return new OAuthError('invalid_request', 'There is nothing of this id.', { status: 404 })
}
