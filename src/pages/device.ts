/** The pages where a user enters the code of a device, and sees the result. */
import { hiddenField } from './consent'
import { escapeHtml } from './html'
import { type PageContext, renderPage } from './page'

interface EntryView {
  /** The name of the field for the code. */
  field: string
  /** The code from the link, or the one entered before. */
  code?: string
  fields: readonly { name: string; value: string }[]
  problem?: string
}

export function renderEntry({ field, code, fields, problem }: EntryView, context: PageContext): string {
  const { texts } = context
  const described = problem === undefined ? 'about' : 'problem about'
  const parts = [
    `<h1>${escapeHtml(texts.deviceTitle)}</h1>`,
    problem !== undefined && `<p class="notice" id="problem" role="alert">${escapeHtml(problem)}</p>`,
    `<p id="about">${escapeHtml(texts.deviceIntro)}</p>`,
    '<form method="post">',
    ...fields.map(hiddenField),
    `<label for="code">${escapeHtml(texts.deviceCode)}</label>`,
    `<input id="code" name="${escapeHtml(field)}" value="${escapeHtml(code ?? '')}" aria-describedby="${described}"${problem === undefined ? '' : ' aria-invalid="true"'} autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck="false" maxlength="64" required autofocus>`,
    `<div class="actions"><button class="primary" type="submit">${escapeHtml(texts.continue)}</button></div>`,
    '</form>',
  ]
  return renderPage(context, texts.deviceTitle, parts.filter(Boolean).join('\n'))
}

export function renderAnswered(allowed: boolean, context: PageContext): string {
  const { texts } = context
  const [title, text] = allowed
    ? [texts.deviceAllowedTitle, texts.deviceAllowedText]
    : [texts.deviceDeniedTitle, texts.deviceDeniedText]
  return renderPage(context, title, `<h1>${escapeHtml(title)}</h1>\n<p role="status">${escapeHtml(text)}</p>`)
}
