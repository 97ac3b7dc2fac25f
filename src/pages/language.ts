/** Selects the language of a page: the lookup of RFC 4647 §3.4. */

/** The first of `languages` that matches `wanted`, preferred first. Undefined if none matches. */
export function chooseLanguage(languages: readonly string[], wanted: readonly string[]): string | undefined {
  for (const range of wanted) {
    // de-CH-1996, then de-CH, then de
    for (let tag = range.toLowerCase(); tag !== ''; tag = tag.slice(0, Math.max(tag.lastIndexOf('-'), 0))) {
      const found = languages.find((language) => language.toLowerCase() === tag)
      if (found !== undefined) return found
    }
  }
  return undefined
}
