/** The error page: says what happened and what to do, without relying on the error code. */
import { escapeHtml } from './html'
import { type PageContext, renderPage } from './page'

/** The error. The code and its description are for the app's developer. */
export interface ErrorView {
  status: number
  code: string
  description: string
}

export function renderError({ status, code, description }: ErrorView, context: PageContext): string {
  const [title, text] = wordsFor(status, context)
  const details = `<p class="soft" lang="en" dir="ltr"><code>${escapeHtml(code)}</code>: ${escapeHtml(description)}</p>`
  const parts = [`<h1>${escapeHtml(title)}</h1>`, `<p>${escapeHtml(text)}</p>`, status !== 401 && details]
  return renderPage(context, title, parts.filter(Boolean).join('\n'))
}

function wordsFor(status: number, { texts }: PageContext): [title: string, text: string] {
  // too many requests: this one is not wrong
  if (status >= 500 || status === 429) return [texts.failureTitle, texts.failureText]
  return status === 401 ? [texts.signInTitle, texts.signInText] : [texts.errorTitle, texts.errorText]
}
