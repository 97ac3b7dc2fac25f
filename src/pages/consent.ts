/** The content of the consent page, and the built-in page. */
import { escapeHtml, fillHtml, fillText } from './html'
import { clientBlock, type PageContext, renderPage, scopeList } from './page'

/** The content of a consent page. All of it is plain text: escape it. */
export interface ConsentView {
  client: {
    id: string
    name: string
    description?: string
    /** The privacy policy and the terms of service: https URLs, or loopback in development. */
    policyUri?: string
    tosUri?: string
    /**
     * Set if the name is unverified: the client registered itself, or a document at `host` describes it. The page must
     * say so and show where the response goes: for these clients `redirectHost` is more reliable than the name.
     */
    unchecked?: { host?: string }
  }
  /** Where the browser goes next: the host of the redirect URI, or the scheme of an app. Empty for a device. */
  redirectHost: string
  /**
   * Set for a device (RFC 8628): the code that it shows, its network, and when it asked. The page must show all of
   * them, and say that only the user who started this on the device should continue.
   */
  device?: { userCode: string; network: string; startedAt: number }
  /** Whether the response goes to an app on the user's device: a loopback or private-use redirect URI (RFC 8252 §7). */
  onDevice: boolean
  /** The private-use scheme of that app. Undefined for a web or loopback redirect URI. */
  scheme?: string
  /** The signed-in account. */
  user: { id: string; name: string }
  /** The page where another user can sign in, with the way back. */
  switchUser?: string
  scopes: { scope: string; description: string }[]
  /**
   * The authorization details that the client requests (RFC 9396), such as a payment, each as a sentence. The page must
   * show all of them.
   */
  details: { detail: { readonly type: string; readonly [member: string]: unknown }; description: string }[]
  /** The claims about the user that the client requests by name, in addition to the scopes' claims (OpenID Connect). */
  claims: { claim: string; description: string }[]
  /** The APIs that the client named (RFC 8707), as URIs. Its tokens are only for these. Empty if it named none. */
  resources: string[]
  /** Why the page is shown again. Undefined the first time. */
  notice?: string
  /** Hidden fields that the form must send, by POST to the URL of the page (omit `action`). */
  fields: { name: string; value: string }[]
  /** The names and values of the two submit buttons. */
  allow: { name: string; value: string }
  deny: { name: string; value: string }
  /** The language of the page, one of the `languages` in the option `pages`. */
  language: string
}

export function renderConsent(view: ConsentView, context: PageContext): string {
  const { client, redirectHost, fields } = view
  const { texts } = context
  const resources = new Intl.ListFormat(context.language).format(view.resources)
  const code = view.device?.userCode ?? ''
  const names = { client: client.name, user: view.user.name, host: redirectHost, resources, code }
  const claims = new Intl.ListFormat(context.language).format(view.claims.map(({ description }) => description))
  // one-time requests come before permanent ones
  const descriptions = [...view.details, ...view.scopes].map(({ description }) => description)
  if (view.claims.length > 0) descriptions.push(fillText(texts.seeClaims, { claims }))
  const may = descriptions.length > 0
  const parts = [
    clientBlock(client.name, `<h1>${fillHtml(texts.consentTitle, names)}</h1>`),
    client.description !== undefined && `<p class="soft"><bdi>${escapeHtml(client.description)}</bdi></p>`,
    client.unchecked && uncheckedNotice(view, context),
    view.device && deviceNotice(view.device, context),
    linksOf(view, context),
    view.notice !== undefined && `<p class="notice" role="alert">${escapeHtml(view.notice)}</p>`,
    `<p>${fillHtml(may ? texts.clientMay : texts.clientKnowsYou, names)}</p>`,
    may && scopeList(descriptions),
    view.resources.length > 0 && `<p>${fillHtml(texts.onlyAt, names)}</p>`,
    `<div class="account"><span>${fillHtml(texts.signedInAs, names)}</span>${switchLink(view, context)}</div>`,
    '<form method="post">',
    ...fields.map(hiddenField),
    '<div class="actions">',
    button(view.deny, texts.deny),
    button(view.allow, texts.allow, 'primary'),
    '</div>',
    '</form>',
    `<p class="soft">${fillHtml(whereTo(view, context), names)}</p>`,
  ]
  return renderPage(context, fillText(texts.consentTitle, names), parts.filter(Boolean).join('\n'))
}

/** Links to the client's own pages. In a new window, so that the question is not lost. */
function linksOf({ client: { policyUri, tosUri } }: ConsentView, { texts }: PageContext): string | undefined {
  const link = (url: string | undefined, words: string) =>
    url === undefined
      ? []
      : [`<a href="${escapeHtml(url)}" target="_blank" rel="noopener noreferrer">${escapeHtml(words)}</a>`]
  const links = [...link(policyUri, texts.privacyPolicy), ...link(tosUri, texts.termsOfService)]
  return links.length === 0 ? undefined : `<p class="soft">${links.join(' · ')}</p>`
}

/** RFC 8628 §5.4: warns of a stranger who sent the link. */
function deviceNotice(
  { userCode, network, startedAt }: NonNullable<ConsentView['device']>,
  { texts, language }: PageContext,
): string {
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'long', timeZone: 'UTC' })
  const date = format.format(new Date(startedAt * 1000))
  const asked = fillHtml(texts.deviceAsked, { date, network: network === '' ? '?' : network })
  return `<p class="notice">${asked} ${fillHtml(texts.deviceOnlyIf, { code: userCode })}</p>`
}

function whereTo({ onDevice, scheme, device }: ConsentView, { texts }: PageContext): string {
  if (device) return texts.deviceLearns
  if (scheme !== undefined) return texts.goesOnToScheme
  return onDevice ? texts.goesOnToDevice : texts.goesOnTo
}

/**
 * An app can choose any name and any place for its document: only the destination of the response counts. On the user's
 * own device not even that is reliable: any program there can pose as the app (RFC 8252 §8.6).
 */
function uncheckedNotice(
  { client, redirectHost, onDevice, scheme, device }: ConsentView,
  { texts }: PageContext,
): string {
  const app = scheme === undefined ? texts.appOnDevice : texts.appByScheme
  const place = onDevice ? fillText(app, { host: redirectHost }) : redirectHost
  const target = device ? fillText(texts.deviceShowing, { code: device.userCode }) : place
  const host = client.unchecked?.host
  const claim =
    host === undefined
      ? fillHtml(texts.uncheckedName, { host: target })
      : fillHtml(texts.uncheckedHost, { host, target })
  // the rest about a device follows below
  if (device) return `<p class="notice">${claim}</p>`
  const advice = escapeHtml(onDevice ? texts.allowIfStarted : texts.allowIfKnown)
  return `<p class="notice">${claim} ${advice}</p>`
}

function switchLink({ switchUser }: ConsentView, { texts }: PageContext): string {
  return switchUser === undefined ? '' : ` <a href="${escapeHtml(switchUser)}">${escapeHtml(texts.notYou)}</a>`
}

export function hiddenField({ name, value }: { name: string; value: string }): string {
  return `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`
}

function button({ name, value }: { name: string; value: string }, label: string, look?: string): string {
  const attributes = `${look ? ` class="${look}"` : ''} type="submit" name="${escapeHtml(name)}" value="${escapeHtml(value)}"`
  return `<button${attributes}>${escapeHtml(label)}</button>`
}
