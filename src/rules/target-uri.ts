/** The URL that a request is for, without query and fragment: RFC 9110 §7.1, and `htu` of RFC 9449 §4.2. */

/**
 * The URL in the form in which two are compared (RFC 9449 §4.3, check 9): without query and fragment, normalised by syntax
 * and by scheme (RFC 3986 §6.2.2, §6.2.3). Undefined for what is no http URL.
 */
export function comparableUri(uri: unknown): string | undefined {
  if (typeof uri !== 'string' || !/^https?:\/\//i.test(uri) || !URL.canParse(uri)) return undefined
  const { origin, pathname, username, password } = new URL(uri)
  if (username !== '' || password !== '') return undefined
  return origin + pathname.replace(/%[\da-f]{2}/gi, normalEscape)
}

/** Segments that a normalised URL does not have (RFC 3986 §5.2.4), and what WHATWG parsers take for a slash. */
const notNormal = /\\|\/(?:\.|%2e){1,2}(?=\/|$)/i

/**
 * The same of the URL that a request came to. Undefined where it has dot segments or a backslash: clients take these out
 * before they sign, while routers take them as they are, and what was signed for one route would be good for another.
 */
export function comparableTarget(url: string): string | undefined {
  return notNormal.test(url.split(/[?#]/, 1)[0] as string) ? undefined : comparableUri(url)
}

/** RFC 3986 §6.2.2.1, §6.2.2.2: upper case, and none where the character needs none. */
function normalEscape(escaped: string): string {
  const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
  return /[\w.~-]/.test(character) ? character : escaped.toUpperCase()
}
