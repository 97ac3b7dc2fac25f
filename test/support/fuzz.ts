/** Property tests with fast-check: the same cases in every run, and no more of them than the time allows. */
import fc from 'fast-check'

/** Settings for `fc.assert`. The seed is fixed: a test that fails once in a while is a test that nobody believes. */
export const runs = (numRuns: number) => ({ seed: 6749, numRuns })

/** Any text, control characters, NUL and characters beyond the BMP included. */
export const anyText = fc.string({ unit: 'binary' })

/** Text that somebody who attacks a parser would send. */
export const nastyText = fc.oneof(
  anyText,
  fc.constantFrom(
    ...['', ' ', '\0', '\r\nX-Evil: 1', '"', "'", '\\', '<script>alert(1)</script>', '%', '%zz', '%00', '%0d%0a', '+'],
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '../../etc/passwd', '\ud800', '\ufeff', '\u202e'],
    ...['null', 'undefined', '[object Object]', '{}', '[]', '0', '-1', 'NaN', "' OR 1=1 --", '𝒜'.repeat(300)],
  ),
)
