/** What a host's own function says of a claim, as JSON has it. */
import { misuse } from '../options/misuse'

/**
 * The JSON of a claim; undefined where JSON leaves it out. Throws where it cannot carry it, as a BigInt or a cycle, naming
 * the function, or else the response would fail with words of nobody's.
 */
export function jsonOfClaim(source: string, claim: string, value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    const fix = `${source} must return values that JSON can carry: make text or a number of the claim ${claim}`
    throw misuse('wrong_answer', fix, { cause })
  }
}
