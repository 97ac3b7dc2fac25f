/** How clients are found by the beginning of their names. */

/**
 * At most `limit` clients whose `name` begins with `prefix`, ordered by name and then by the bytes of their ids, and after
 * the client `after`, which may be gone. The letters A to Z count as a to z, and of names and `prefix` no more than the first
 * 200 characters count, by code points: names that go on differently are ordered by id. Fewer than `limit` means that no more
 * follow.
 */
export interface NameQuery {
  readonly prefix: string
  /** The last client of the page before. Its name may be given whole, or as much of it as counts. */
  readonly after?: { readonly name: string; readonly clientId: string }
  readonly limit: number
}

/** More of a name is not compared: an index has no room for every name. Code points, as databases count characters. */
export const COMPARED = 200

/** A name as it is compared: the letters A to Z count as a to z, and every other character as it is. */
export function comparedName(name: string): string {
  const cut = name.length > COMPARED ? Array.from(name).slice(0, COMPARED).join('') : name
  return cut.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** Above every name that begins with `prefix`. */
export function endOfPrefix(prefix: string): string {
  return `${prefix}\u{10ffff}`
}

/** Whether a name begins so. */
export function beginsWith(name: string | undefined, prefix: string): boolean {
  return name !== undefined && comparedName(name).startsWith(comparedName(prefix))
}
