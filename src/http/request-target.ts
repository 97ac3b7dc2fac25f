/** The request target (RFC 9112 §3.2), of which Express takes off only what it has routed by. */

/** The target as a path with its query: a request may name the whole URL (§3.2.2), and its host is none to believe. */
export function withoutOrigin(target: string): string {
  return target.startsWith('/') ? target : target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#\\]*/i, '')
}

/** The path alone, without the slash that Express takes for none. */
export function pathOf(target: string): string {
  return (withoutOrigin(target).split('?', 1)[0] as string).replace(/\/$/, '')
}
