/** HTML from plain text: names of clients, users and hosts never become markup. */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Escapes text for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] as string)
}

const placeholder = /\{([a-z]+)\}/g

/** The placeholders of a text, each once, in alphabetical order. */
export function placeholdersOf(text: string): string[] {
  return [...new Set([...text.matchAll(placeholder)].map(([, name]) => name as string))].sort()
}

/** Fills the placeholders of a text. Returns plain text. */
export function fillText(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(
    placeholder,
    (braces, name: string) => (Object.hasOwn(values, name) ? values[name] : braces) ?? '',
  )
}

/** Fills the placeholders of a text. Returns HTML that isolates each value, for scripts of both directions. */
export function fillHtml(text: string, values: Readonly<Record<string, string>>): string {
  const marked = Object.entries(values).map(([name, value]) => [name, `<strong>${escapeHtml(value)}</strong>`])
  return fillText(escapeHtml(text), Object.fromEntries(marked))
}
