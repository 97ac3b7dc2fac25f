/**
 * Text of strangers on a terminal: names of clients, what a server sends. Escape sequences would move the cursor, retitle the
 * window or type for the user, and marks of direction would turn a line around.
 */

// what a terminal acts on, what is not seen, and halves of a character
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu
const MOST = 300

/** One line, in which what is no visible character stands as `\u{1b}`. Cut where it is long. */
export function shown(text: unknown, most = MOST): string {
  const whole = String(text)
  const cut = whole.length > most ? `${whole.slice(0, most)}…` : whole
  return cut.replace(unsafe, (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`)
}

/** JSON in one line that is as safe to print, and means the same. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(unsafe, (found) =>
    [...Array(found.length).keys()].map((at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  )
}
