/** Text that every store keeps, and keeps apart from any other. */

/**
 * Whether a text is well-formed Unicode without NUL. Stores differ in the rest: some refuse it, and in some two texts with
 * different halves of a character are the same.
 */
export function isKeepable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** What an error says of other text. */
export const KEEPABLE = 'well-formed Unicode without NUL characters, because stores keep other text differently'
