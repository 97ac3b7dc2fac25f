/** HTML out of plain text: nothing that a client, a user or a host is called becomes markup. */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** `text` for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] as string)
}

const placeholder = /\{([a-z]+)\}/g

/** The names in braces that a text has, each once, in the order of the alphabet. */
export function placeholdersOf(text: string): string[] {
  return [...new Set([...text.matchAll(placeholder)].map(([, name]) => name as string))].sort()
}

/** A text with its placeholders filled in, as plain text. */
export function fillText(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(
    placeholder,
    (braces, name: string) => (Object.hasOwn(values, name) ? values[name] : braces) ?? '',
  )
}

/** A text as HTML, with what fills its placeholders set off from it, in writing of either direction. */
export function fillHtml(text: string, values: Readonly<Record<string, string>>): string {
  const marked = Object.entries(values).map(([name, value]) => [name, `<strong>${escapeHtml(value)}</strong>`])
  return fillText(escapeHtml(text), Object.fromEntries(marked))
}
