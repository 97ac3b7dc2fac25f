/**
 * Foreign text on a terminal, such as client names and server responses. Escape sequences could move the cursor, set
 * the window title or type commands, and direction marks could reverse a line.
 */

// control characters, invisible characters, and unpaired surrogates
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu
const MOST = 300

/** One line, with invisible characters as `\u{1b}`. Cut if long. */
export function shown(text: unknown, most = MOST): string {
  const whole = String(text)
  const cut = whole.length > most ? `${whole.slice(0, most)}…` : whole
  return cut.replace(unsafe, (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`)
}

/** JSON in one line that is safe to print and has the same meaning. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(unsafe, (found) =>
    [...Array(found.length).keys()].map((at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  )
}
