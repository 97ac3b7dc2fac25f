/** Property tests with fast-check: the same cases in every run, and no more of them than the time allows. */
import fc from 'fast-check'

/** Settings for `fc.assert`. The seed is fixed: a test that fails once in a while is a test that nobody believes. */
export const runs = (numRuns: number) => ({ seed: 6749, numRuns })

/** Any character. The unit 'binary' of fast-check is the same and builds a table of all of them, half a second for a file. */
const anyCharacter = fc.nat(0x10ffff - 0x800).map(
  (n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800),
  (character) => {
    const point = typeof character === 'string' && [...character].length === 1 ? character.codePointAt(0) : undefined
    if (point === undefined || (point >= 0xd800 && point < 0xe000)) throw new TypeError('no character')
    return point < 0xd800 ? point : point - 0x800
  },
)

/** Any text, control characters, NUL and characters beyond the BMP included. */
export const anyText = fc.string({ unit: anyCharacter })

/** Text that somebody who attacks a parser would send. */
export const nastyText = fc.oneof(
  anyText,
  fc.constantFrom(
    ...['', ' ', '\0', '\r\nX-Evil: 1', '"', "'", '\\', '<script>alert(1)</script>', '%', '%zz', '%00', '%0d%0a', '+'],
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '../../etc/passwd', '\ud800', '\ufeff', '\u202e'],
    ...['null', 'undefined', '[object Object]', '{}', '[]', '0', '-1', 'NaN', "' OR 1=1 --", '𝒜'.repeat(300)],
  ),
)
