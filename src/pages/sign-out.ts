/** The pages for signing out (RP-Initiated Logout 1.0): the question, and the result. */
import { hiddenField } from './consent'
import { escapeHtml, fillHtml, fillText } from './html'
import { type PageContext, renderPage } from './page'

export interface SignOutView {
  userName: string
  /** The target of the form: a query that keeps the language of the page. */
  action: string
  /** The hidden field that the form must send. */
  field: { name: string; value: string }
  /** The name of the two buttons. Their values are `yes` and `no`. */
  answer: string
  notice?: string
}

export function renderSignOut({ userName, action, field, answer, notice }: SignOutView, context: PageContext): string {
  const { texts } = context
  const button = (value: string, look: string, words: string) =>
    `<button${look} type="submit" name="${escapeHtml(answer)}" value="${value}">${escapeHtml(words)}</button>`
  const parts = [
    `<h1>${escapeHtml(texts.signOutTitle)}</h1>`,
    notice !== undefined && `<p class="notice" role="alert">${escapeHtml(notice)}</p>`,
    `<p>${escapeHtml(texts.signOutText)}</p>`,
    `<p class="soft">${fillHtml(texts.signedInAs, { user: userName })}</p>`,
    `<form method="post" action="${escapeHtml(action)}">`,
    hiddenField(field),
    '<div class="actions wide">',
    button('no', '', texts.staySignedIn),
    button('yes', ' class="primary"', texts.signOut),
    '</div>',
    '</form>',
  ]
  return renderPage(context, texts.signOutTitle, parts.filter(Boolean).join('\n'))
}

/** The page after the answer. `onward` is the app's page, which the user may open by a click. */
export function renderSignedOut(
  { isSignedOut, onward }: { isSignedOut: boolean; onward?: { url: string; host: string } | undefined },
  context: PageContext,
): string {
  const { texts } = context
  const title = isSignedOut ? texts.signedOutTitle : texts.stillSignedInTitle
  const parts = [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p>${escapeHtml(isSignedOut ? texts.signedOutText : texts.stillSignedInText)}</p>`,
    onward &&
      `<p><a class="button" href="${escapeHtml(onward.url)}" rel="noreferrer">${escapeHtml(fillText(texts.continueTitle, { host: onward.host }))}</a></p>`,
  ]
  return renderPage(context, title, parts.filter(Boolean).join('\n'))
}
