/** What all administrator pages share: the frame with the account, days in words, and what of a URL can be an id. */
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
  /** The parameters of the URL. They decide about what is shown alone. */
  readonly query: ReadonlyMap<string, string>
}

export const ITEMS_ON_A_PAGE = 20

interface Page {
  readonly title: string
  /** HTML with the heading of the page. @default the title alone */
  readonly heading?: string
  /** HTML. */
  readonly body: readonly (string | undefined)[]
  readonly status?: number
  /** Where the link below leads. @default the list of clients; none on that list */
  readonly back?: string | false
}

/** Sends a page with the way back and the account below it. */
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

/** What a client is called. */
export const nameOf = ({ name, clientId }: Client) => name ?? clientId

export function clientQuery(clientId: string, more: Readonly<Record<string, string>> = {}): string {
  return queryOf({ client: clientId, ...more })
}

/** A day in the words of the page. Seconds. */
export function dayOf({ visit }: Call, seconds: number): string {
  const format = new Intl.DateTimeFormat(visit.context.language, { dateStyle: 'long', timeZone: 'UTC' })
  return format.format(new Date(seconds * 1000))
}

/** The longest text that every adapter can look for. Bytes. */
const LONGEST = 765

/** A parameter of the URL that can be an id or a name; undefined for one that no store has. */
export function textOf({ query }: Call, name: string, longest = LONGEST): string | undefined {
  const text = query.get(name) ?? ''
  return text !== '' && isKeepable(text) && Buffer.byteLength(text) <= longest ? text : undefined
}

export function notThere(): OAuthError {
  return new OAuthError('invalid_request', 'There is nothing of this id.', { status: 404 })
}
