/** Forms and lists as HTML: each field has a label, with its error beside it, and no script is needed. */
import { hiddenField } from '../pages/consent'
import { escapeHtml } from '../pages/html'

/** An error of a field: a text of the page, and the rule's own message in English. */
export interface FieldError {
  readonly text: string
  readonly details?: string
}

interface Labelled {
  readonly name: string
  readonly label: string
  readonly hint?: string | undefined
  readonly error?: FieldError | undefined
}

/** A text field with one or more lines. */
export interface TextField extends Labelled {
  readonly value?: string | undefined
  /** The number of lines of a larger field. @default one line */
  readonly rows?: number
  readonly required?: boolean
  readonly maxLength?: number
}

/** One choice of a list. */
export interface Choice {
  readonly value: string
  readonly label: string
}

const idOf = (name: string) => `field-${name.replace(/[^\w-]/g, (character) => `_${character.codePointAt(0)}`)}`

/** The hint and error of a field, for screen readers. */
function notes({ name, hint, error }: Labelled): { attributes: string; before: string; after: string } {
  const id = escapeHtml(idOf(name))
  const ids = [...(error ? [`${id}-error`] : []), ...(hint === undefined ? [] : [`${id}-hint`])]
  const described = ids.length === 0 ? '' : ` aria-describedby="${ids.join(' ')}"`
  const details = error?.details === undefined ? '' : ` <code lang="en" dir="ltr">${escapeHtml(error.details)}</code>`
  return {
    attributes: `${described}${error ? ' aria-invalid="true" autofocus' : ''}`,
    before: error ? `<p class="error" id="${id}-error">${escapeHtml(error.text)}${details}</p>` : '',
    after: hint === undefined ? '' : `<p class="soft" id="${id}-hint">${escapeHtml(hint)}</p>`,
  }
}

/** For URLs, keys and code: browsers must neither suggest nor correct the text. Not for passwords. */
const RAW = ' autocomplete="off" autocapitalize="none" spellcheck="false"'

export function textField(field: TextField): string {
  const { name, label, value = '', rows, required, maxLength } = field
  const { attributes, before, after } = notes(field)
  const id = escapeHtml(idOf(name))
  const most = maxLength === undefined ? '' : ` maxlength="${maxLength}"`
  const shared = `id="${id}" name="${escapeHtml(name)}"${RAW}${most}${required ? ' required' : ''}${attributes}`
  const control =
    rows === undefined
      ? `<input ${shared} value="${escapeHtml(value)}">`
      : // the parser removes one line break after the tag
        `<textarea ${shared} rows="${rows}">\n${escapeHtml(value)}</textarea>`
  return `<div class="field"><label for="${id}">${escapeHtml(label)}</label>\n${control}\n${before}${after}</div>`
}

/** A list with one selected choice. */
export function selectField(field: Labelled & { choices: readonly Choice[]; value?: string | undefined }): string {
  const { name, label, choices, value } = field
  const { attributes, before, after } = notes(field)
  const id = escapeHtml(idOf(name))
  const options = choices.map(
    (choice) =>
      `<option value="${escapeHtml(choice.value)}"${choice.value === value ? ' selected' : ''}>${escapeHtml(choice.label)}</option>`,
  )
  return `<div class="field"><label for="${id}">${escapeHtml(label)}</label>
<select id="${id}" name="${escapeHtml(name)}"${attributes}>${options.join('')}</select>\n${before}${after}</div>`
}

/** Checkboxes, each a parameter of its own, because endpoints refuse repeated parameters. `checked` are values. */
export function checkboxes(field: Labelled & { choices: readonly Choice[]; checked: readonly string[] }): string {
  const { name, label, choices, checked } = field
  const { before, after } = notes(field)
  const boxes = choices.map((choice, index) => {
    const mark = `${checked.includes(choice.value) ? ' checked' : ''}${index === 0 ? notes(field).attributes : ''}`
    const input = `<input type="checkbox" name="${escapeHtml(`${name}:${choice.value}`)}" value="on"${mark}>`
    return `<label class="choice">${input}<bdi>${escapeHtml(choice.label)}</bdi></label>`
  })
  return `<fieldset><legend>${escapeHtml(label)}</legend>\n${before}${after}${boxes.join('\n')}</fieldset>`
}

/** The values of the ticked checkboxes with this name, among the given ones. */
export function tickedIn(parameters: ReadonlyMap<string, string>, name: string, values: readonly string[]): string[] {
  return values.filter((value) => parameters.get(`${name}:${value}`) === 'on')
}

interface FormView {
  readonly hidden: readonly { name: string; value: string }[]
  /** HTML. */
  readonly body?: string
  readonly submit: string
  /** Whether the form removes something. */
  readonly danger?: boolean
  /** The link to cancel: a query such as `?app=x`. */
  readonly cancel?: { readonly href: string; readonly label: string }
}

/** A form that is posted to the URL of its page. */
export function formHtml({ hidden, body = '', submit, danger, cancel }: FormView): string {
  const away = cancel && `<a class="button" href="${escapeHtml(cancel.href)}">${escapeHtml(cancel.label)}</a>`
  return `<form method="post">
${hidden.map(hiddenField).join('\n')}
${body}
<div class="actions wide">
${away ?? ''}
<button class="${danger ? 'danger' : 'primary'}" type="submit">${escapeHtml(submit)}</button>
</div>
</form>`
}

/** A message about what was done, or why it was not. */
export function notice(text: string | undefined, role: 'status' | 'alert' = 'status'): string {
  return text === undefined ? '' : `<p class="notice" role="${role}">${escapeHtml(text)}</p>`
}

/** A query that selects another page; all pages have one path. */
export function queryOf(parameters: Readonly<Record<string, string>>): string {
  return `?${new URLSearchParams(parameters)}`
}

export function linkTo(href: string, label: string, more = ''): string {
  return `<a href="${escapeHtml(href)}"${more}>${escapeHtml(label)}</a>`
}

/** The links of a long list: to the first page and the next one. */
export function pager(
  { first, next }: { first?: string | undefined; next?: string | undefined },
  words: { readonly firstPage: string; readonly nextPage: string },
): string {
  if (first === undefined && next === undefined) return ''
  const link = (href: string | undefined, label: string, relation: string) =>
    href === undefined ? '<span></span>' : linkTo(href, label, ` rel="${relation}"`)
  return `<p class="pages">${link(first, words.firstPage, 'first')}${link(next, words.nextPage, 'next')}</p>`
}

/** A list of names and values. Values are HTML; undefined ones are omitted. */
export function facts(rows: readonly (readonly [name: string, html: string | undefined])[]): string {
  const shown = rows.flatMap(([name, html]) =>
    html === undefined ? [] : [`<dt>${escapeHtml(name)}</dt><dd>${html}</dd>`],
  )
  return `<dl>\n${shown.join('\n')}\n</dl>`
}

/** Foreign text for machines: never a link, and always left to right. */
export function codeHtml(text: string): string {
  return `<bdi dir="ltr"><code>${escapeHtml(text)}</code></bdi>`
}
