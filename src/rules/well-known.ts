/** Well-known places: RFC 8615, as RFC 8414 §3.1 and RFC 9728 §3.1 use them. */

/** The path of the document `name` about `url`: the well-known part goes before the path that the URL has. */
export function wellKnownPath(name: string, url: string): string {
  return `/.well-known/${name}${new URL(url).pathname}`.replace(/\/$/, '')
}

/** The same as a URL. */
export function wellKnownUrl(name: string, url: string): string {
  return `${new URL(url).origin}${wellKnownPath(name, url)}`
}
