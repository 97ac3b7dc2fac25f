import { requireSeconds } from '../../src/options/seconds'

describe('seconds in an option', () => {
  it.each<[unknown, number | undefined, number | undefined]>([
    [1, undefined, undefined],
    [3600, 3600, undefined],
    [0, 10, 0],
    [Number.MAX_SAFE_INTEGER, undefined, undefined],
  ])('%p is right (at most %p, at least %p)', (value, most, least) => {
    expect(() => requireSeconds('ttl', value, most, least)).not.toThrow()
  })

  it.each<[unknown, number | undefined, number | undefined]>([
    [0, undefined, undefined],
    [-1, undefined, 0],
    [1.5, undefined, undefined],
    [601, 600, undefined],
    [2 ** 53, undefined, undefined],
    [Number.NaN, undefined, undefined],
    [Number.POSITIVE_INFINITY, undefined, undefined],
    ['60', undefined, undefined],
    [null, undefined, undefined],
    [undefined, undefined, undefined],
    [60n, undefined, undefined],
    [{}, undefined, undefined],
  ])('%p is a TypeError (at most %p, at least %p)', (value, most, least) => {
    expect(() => requireSeconds('ttl', value, most, least)).toThrow(TypeError)
  })

  it('names the option, the range and the value', () => {
    const message = (...[value, most]: [unknown, number?]) => {
      try {
        requireSeconds('authorizationCode({ ttl })', value, most)
      } catch (error) {
        return (error as Error).message
      }
      return undefined
    }
    expect(message(700, 600)).toBe(
      'authorizationCode({ ttl }) must be a whole number of seconds from 1 to 600, not 700',
    )
    expect(message('1h')).toBe('authorizationCode({ ttl }) must be a whole number of seconds of at least 1, not 1h')
  })
})
