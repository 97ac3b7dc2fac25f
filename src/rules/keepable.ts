/** Text that every store keeps unchanged and distinct. */

/**
 * Whether a text is well-formed Unicode without NUL. Stores differ for other text: some refuse it, and some treat two
 * texts with different surrogates as equal.
 */
export function isKeepable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** Characters that change the text around them on a page. Tabs and line breaks become spaces there. */
// U+202A to U+202E and U+2066 to U+2069 set the text direction: a name with them would rewrite the sentence around it
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that no page may have
export const unshowable = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]/

/** The words for this in errors. */
export const KEEPABLE = 'well-formed Unicode without NUL characters, because stores keep other text differently'
