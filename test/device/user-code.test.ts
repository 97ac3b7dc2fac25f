// The code that people copy by hand (RFC 8628 §6.1): any case, any dash, any space, and nothing else.
import fc from 'fast-check'
import { newUserCode, parseUserCode } from '../../src/device/user-code'
import { nastyText, runs } from '../support/fuzz'

const letters = 'BCDFGHJKLMNPQRSTVWXZ'
const code = fc
  .array(fc.constantFrom(...letters), { minLength: 8, maxLength: 8 })
  .map((drawn) => `${drawn.slice(0, 4).join('')}-${drawn.slice(4).join('')}`)

it('has eight letters without vowels and look-alikes, each as likely as the others', () => {
  const counts = new Map<string, number>()
  for (let n = 0; n < 5000; n++) {
    const made = newUserCode()
    expect(made).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    for (const letter of made.replace('-', '')) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  }
  expect([...counts.keys()].sort().join('')).toBe(letters)
  // 2,000 of each are expected: eight standard deviations
  for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(350)
})

it.each([
  ['WDJB-MJHT', 'WDJB-MJHT'],
  ['wdjbmjht', 'WDJB-MJHT'],
  [' wdjb  mjht\t', 'WDJB-MJHT'],
  ['W D J B M J H T', 'WDJB-MJHT'],
  ['wdjb\u2013mjht', 'WDJB-MJHT'],
  ['wdjb\u2212mjht', undefined],
  ['\uff37\uff24\uff2a\uff22\uff0d\uff2d\uff2a\uff28\uff34', 'WDJB-MJHT'],
  ['wdjb\u200b-mjht', 'WDJB-MJHT'],
  ['WDJB-MJH', undefined],
  ['WDJB-MJHTT', undefined],
  ['WDJB-MJHA', undefined],
  ['WDJB-MJH1', undefined],
  ['\u0412DJB-MJHT', undefined],
  ['\u017fDJB-MJHT', 'SDJB-MJHT'],
  ['', undefined],
  ['-', undefined],
  [' '.repeat(60), undefined],
  [`WDJB-MJHT${' '.repeat(56)}`, undefined],
])('%j is read as %j', (text, read) => {
  expect(parseUserCode(text)).toBe(read)
})

it('is read in each spelling that a hand makes of it', () => {
  const space = fc.constantFrom('', ' ', '-', '\u2013', ' - ', '\u00a0', '.')
  fc.assert(
    fc.property(code, fc.array(space, { minLength: 9, maxLength: 9 }), fc.boolean(), (made, spaces, small) => {
      const spelt = [...made.replace('-', '')].map((letter, at) => spaces[at] + letter).join('') + spaces[8]
      expect(parseUserCode(small ? spelt.toLowerCase() : spelt)).toBe(made)
    }),
    runs(1000),
  )
})

it('is never read out of text that is none, however long or odd, and what is read is read again alike', () => {
  fc.assert(
    fc.property(fc.oneof(nastyText, fc.string({ unit: 'binary', maxLength: 70 })), (text) => {
      const read = parseUserCode(text)
      if (read !== undefined) expect(parseUserCode(read)).toBe(read)
    }),
    runs(1000),
  )
})

it('takes no time for text without end', () => {
  const before = performance.now()
  for (let n = 0; n < 100; n++) parseUserCode('\u0958'.repeat(60_000))
  expect(performance.now() - before).toBeLessThan(1000)
})
