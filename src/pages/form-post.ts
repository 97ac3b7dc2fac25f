/**
 * The page that posts an authorization response to the client (OAuth 2.0 Form Post Response Mode §2), by a script or a
 * button.
 */
import { sha256Base64 } from '../crypto'
import { hiddenField } from './consent'
import { escapeHtml, fillHtml, fillText } from './html'
import { type PageContext, type Pages, renderPage } from './page'

/** The form: its target and its fields. */
export interface FormPostView {
  /** The redirect URI. */
  action: string
  /** The target for the user. */
  host: string
  fields: readonly { name: string; value: string }[]
}

// from the prototype, because a field may be named `submit`
const SCRIPT = 'HTMLFormElement.prototype.submit.call(document.forms[0])'
const hash = sha256Base64(SCRIPT)

/**
 * The policy of all pages, with this script. Without `form-action`: browsers apply it to the client's next redirect.
 */
export function formPostPolicy({ contentSecurityPolicy }: Pages): string {
  return `${contentSecurityPolicy}; script-src 'sha256-${hash}'`
}

export function renderFormPost({ action, host, fields }: FormPostView, context: PageContext): string {
  const { continueTitle, continueText, continue: label } = context.texts
  const parts = [
    `<h1>${fillHtml(continueTitle, { host })}</h1>`,
    `<p>${escapeHtml(continueText)}</p>`,
    `<form method="post" action="${escapeHtml(action)}">`,
    ...fields.map(hiddenField),
    `<div class="actions"><button>${escapeHtml(label)}</button></div>`,
    '</form>',
    `<script>${SCRIPT}</script>`,
  ]
  return renderPage(context, fillText(continueTitle, { host }), parts.join('\n'))
}
