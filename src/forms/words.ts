/** The texts of pages with their own entry point, by language: built-in ones and the host's. */
import { kindOf } from '../options/known'
import { misuse } from '../options/misuse'
import { placeholdersOf } from '../pages/html'
import type { Pages } from '../pages/page'

/** All texts of some pages in one language. */
export type Words<Name extends string = string> = Readonly<Record<Name, string>>

/**
 * The texts by language, for the languages of the server's pages that have all of them. `shipped` has English.
 *
 * @throws TypeError for a text that is unknown, empty or without its placeholders, and if no language has all texts.
 */
export function wordsOf<W extends Words<never>>(
  owner: string,
  { texts }: Pages,
  shipped: Readonly<{ en: W } & Record<string, W>>,
  own: Readonly<Record<string, Partial<W>>> = {},
): ReadonlyMap<string, W> {
  if (typeof own !== 'object' || own === null || Array.isArray(own)) {
    throw misuse(
      'not_an_object',
      `${owner}'s texts must be texts by language, such as { fr: { … } }, not ${kindOf(own)}`,
    )
  }
  const surplus = Object.keys(own).find((language) => !texts.has(language))
  if (surplus !== undefined) {
    throw misuse(
      'unknown_to_server',
      `${owner}'s texts.${surplus}: the server's pages have no such language. Add it to pages.languages`,
    )
  }
  const words = new Map<string, W>()
  for (const language of texts.keys()) {
    const given = own[language]
    if (!given && !Object.hasOwn(shipped, language)) continue
    const all = { ...shipped[language], ...given } as W
    verifyWords(`${owner}'s texts.${language}`, shipped.en, all)
    words.set(language, Object.freeze(all))
  }
  if (words.size > 0) return words
  const [first] = texts.keys()
  throw misuse('missing_option', `${owner} has no words in a language of the server's pages. Set its texts.${first}`)
}

function verifyWords<W extends Words<never>>(place: string, english: W, all: W): void {
  const unknown = Object.keys(all).find((name) => !Object.hasOwn(english, name))
  if (unknown !== undefined)
    throw misuse('unknown_option', `Unknown text ${place}.${unknown}: the type of this option has the names`)
  for (const [name, example] of Object.entries<string>(english)) {
    const text: unknown = (all as Readonly<Record<string, unknown>>)[name]
    const names = placeholdersOf(example)
    if (typeof text === 'string' && text !== '' && placeholdersOf(text).join() === names.join()) continue
    const needed = names.map((placeholder) => ` with {${placeholder}}`).join('')
    throw misuse('wrong_text', `${place}.${name} must be a text${needed}, such as '${example}'`)
  }
}
