/** The page that says what happened and what to do, to a person who can do nothing with an error code. */
import { escapeHtml } from './html'
import { type PageContext, renderPage } from './page'

/** What is said to everybody; the code and its description are for whoever made the app. */
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
  // too many requests: nothing is wrong with this one
  if (status >= 500 || status === 429) return [texts.failureTitle, texts.failureText]
  return status === 401 ? [texts.signInTitle, texts.signInText] : [texts.errorTitle, texts.errorText]
}
