// What only the digests and keys themselves can show.
import { createPublicKey } from 'node:crypto'
import { derivedSecret, equalDigests, newPrivateKey, sha256, toPrivateKey, toPublicKey } from '../src/crypto'

describe('equalDigests', () => {
  const digest = sha256('secret')

  it('is true of the same digest alone', () => {
    expect(equalDigests(digest, sha256('secret'))).toBe(true)
    expect(equalDigests(digest, sha256('other'))).toBe(false)
  })

  it.each([digest.slice(0, 10), '', `${digest}=`])('takes %j for no digest, whatever was compared before', (other) => {
    for (const [left, right] of [
      [digest, other],
      [other, digest],
      [other, other],
    ] as const) {
      expect(equalDigests(digest, digest)).toBe(true)
      expect(equalDigests(left, right)).toBe(false)
    }
  })
})

it('derivedSecret is the same in each version of this package: some processes are newer while an update is rolled out', () => {
  expect(derivedSecret('secret', 'purpose', 'context')).toBe('BswVogdJIHm1Z28OP4S2hu4dvG7PsqByFsb2oV1Fl9I')
})

it('a public KeyObject has no private key, and a private one has both', () => {
  const key = newPrivateKey('ec')
  expect(toPrivateKey(createPublicKey(key))).toBeUndefined()
  expect(toPrivateKey(key)).toBe(key)
  expect(toPublicKey(key).type).toBe('public')
})
