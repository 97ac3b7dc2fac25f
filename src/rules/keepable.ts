/** Text that every store keeps, and keeps apart from any other. */

/**
 * Whether a text is well-formed Unicode without NUL. Stores differ in the rest: some refuse it, and in some two texts with
 * different halves of a character are the same.
 */
export function isKeepable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** What changes the text around it on a page. Tabs and line breaks are spaces there. */
// U+202A to U+202E and U+2066 to U+2069 turn the text around them: on the consent page a name would rewrite its sentence
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that no page may have
export const unshowable = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]/

/** What an error says of other text. */
export const KEEPABLE = 'well-formed Unicode without NUL characters, because stores keep other text differently'
