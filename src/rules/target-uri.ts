/** The target URL of a request, without query and fragment: RFC 9110 §7.1, and `htu` of RFC 9449 §4.2. */

/**
 * The URL in comparable form (RFC 9449 §4.3, check 9): without query and fragment, normalised by syntax and scheme (RFC
 * 3986 §6.2.2, §6.2.3). Undefined if it is not an http URL.
 */
export function comparableUri(uri: unknown): string | undefined {
  if (typeof uri !== 'string' || !/^https?:\/\//i.test(uri) || !URL.canParse(uri)) return undefined
  const { origin, pathname, username, password } = new URL(uri)
  if (username !== '' || password !== '') return undefined
  return origin + pathname.replace(/%[\da-f]{2}/gi, normalEscape)
}

/**
 * Segments that a normalised URL does not have (RFC 3986 §5.2.4), and characters that WHATWG parsers treat as a slash.
 */
const notNormal = /\\|\/(?:\.|%2e){1,2}(?=\/|$)/i

/**
 * The same for the URL of a request. Undefined if it has dot segments or a backslash: clients remove these before they
 * sign, but routers do not, so that a proof for one route would be valid for another.
 */
export function comparableTarget(url: string): string | undefined {
  return notNormal.test(url.split(/[?#]/, 1)[0] as string) ? undefined : comparableUri(url)
}

/** RFC 3986 §6.2.2.1, §6.2.2.2: upper case, or decoded if the character needs no encoding. */
function normalEscape(escaped: string): string {
  const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
  return /[\w.~-]/.test(character) ? character : escaped.toUpperCase()
}
