/** Finds clients by the beginning of their names. */

/**
 * Selects at most `limit` clients whose `name` begins with `prefix`. They are ordered by name and then by the bytes of
 * their ids, and come after the client `after`, which may be deleted. A to Z equal a to z. Only the first 200 code points
 * are compared: longer names that agree in these are ordered by id. Fewer than `limit` means that no more follow.
 */
export interface NameQuery {
  readonly prefix: string
  /** The last client of the previous page. Its name may be complete, or only the compared part. */
  readonly after?: { readonly name: string; readonly clientId: string }
  readonly limit: number
}

/** The compared length of names in code points, as databases count characters: an index has no room for longer ones. */
export const COMPARED = 200

/** A name in its compared form: A to Z become a to z. */
export function comparedName(name: string): string {
  const cut = name.length > COMPARED ? Array.from(name).slice(0, COMPARED).join('') : name
  return cut.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** A text after every name that begins with `prefix`, also after names that continue with the last Unicode character. */
export function endOfPrefix(prefix: string): string {
  return prefix + '\u{10ffff}'.repeat(COMPARED + 1)
}

/** Whether a name begins with the prefix. */
export function beginsWith(name: string | undefined, prefix: string): boolean {
  return name !== undefined && comparedName(name).startsWith(comparedName(prefix))
}
